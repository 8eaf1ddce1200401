//! `virt-sev snp id-block`. In: launch digest, policy, key files. Out: ID block and ID auth as keys, or as files.
//! Never: a private key in the answer or in a message.

use super::bytes;
use crate::args::SnpIdBlockArgs;
use crate::cmd::files;
use crate::output::{Answer, Output};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, json};
use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use virt_sev::snp::id_block::{IdBlock, SignedIdBlock};
use virt_sev::snp::key::PrivateKey;
use virt_sev::snp::policy::GuestPolicy;
use virt_sev::{Error, Kind, Result, hex};

pub(crate) fn run(args: &SnpIdBlockArgs, out: Output) -> Result<Answer> {
    let optional =
        |option, text: &Option<String>| text.as_deref().map(|t| bytes::<16>(option, t)).transpose();
    let host_data = args.host_data.as_deref().map(|t| bytes::<32>("--host-data", t)).transpose()?;
    let block = IdBlock {
        family_id: optional("--family-id", &args.family_id)?.unwrap_or_default(),
        image_id: optional("--image-id", &args.image_id)?.unwrap_or_default(),
        version: args.version,
        guest_svn: args.svn,
        ..IdBlock::new(bytes("--launch-digest", &args.launch_digest)?, GuestPolicy(args.policy))
            .map_err(|e| e.at("--policy"))?
    };
    let id_key = key("ID key", &args.id_key, out)?;
    let author_key = args.author_key.as_ref().map(|path| key("author key", path, out)).transpose()?;
    let signed = block.sign(&id_key, author_key.as_ref());
    let files = match &args.output {
        Some(folder) => write(folder, &signed, host_data.as_ref())?,
        None => Vec::new(),
    };
    answer(&signed, host_data.as_ref(), &files, out)?;
    Ok(Answer::Yes)
}

fn key(name: &str, path: &Path, out: Output) -> Result<PrivateKey> {
    let mut file = files::open(name, path)?;
    if file.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o077 != 0) {
        out.say(&format!(
            "virt-sev: warning: {}: others than you may read the {name}: chmod 600 mends it",
            files::shown(path)
        ));
    }
    PrivateKey::read(name, &mut file).map_err(|e| e.at(files::shown(path)))
}

fn write(folder: &Path, signed: &SignedIdBlock, host_data: Option<&[u8; 32]>) -> Result<Vec<PathBuf>> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(e) if e.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => {
            return Err(Error::new(Kind::File, "the folder cannot be made")
                .at(folder.display().to_string())
                .because(e));
        }
        Ok(()) | Err(_) => {}
    }
    let contents = [
        STANDARD.encode(signed.block.to_bytes()),
        STANDARD.encode(signed.auth()),
        signed.config_yaml(host_data),
    ];
    let paths = ["id-block.b64", "id-auth.b64", "keys.yaml"].map(|name| folder.join(name));
    let what = ["ID block", "ID auth", "keys"];
    let set: Vec<_> = (0..3).map(|n| (what[n], paths[n].as_path(), contents[n].as_bytes())).collect();
    files::write_private(&set)?;
    Ok(paths.into())
}

fn answer(
    signed: &SignedIdBlock,
    host_data: Option<&[u8; 32]>,
    files: &[PathBuf],
    out: Output,
) -> Result<()> {
    let id_key = hex::encode(&signed.id_key.digest());
    let author_key = signed.author_key.as_ref().map(|key| hex::encode(&key.digest()));
    if out.is_json() {
        let keys: Map<_, _> =
            signed.keys(host_data).into_iter().map(|(k, v)| (k.to_owned(), v.into())).collect();
        return out.answer_json(
            "snp-id-block",
            json!({
                "launch-digest": hex::encode(&signed.block.launch_digest),
                "policy": signed.block.policy.to_string(),
                "id-key-digest": id_key,
                "author-key-digest": author_key,
                "keys": keys,
                "files": files.iter().map(|p| p.display().to_string()).collect::<Vec<_>>(),
            }),
        );
    }
    if files.is_empty() {
        return out.answer(&signed.config_yaml(host_data));
    }
    // What the owner must keep for the guest's reports.
    let author = author_key.map(|digest| format!("author-key-digest {digest}\n")).unwrap_or_default();
    out.answer(&format!("id-key-digest {id_key}\n{author}"))?;
    if let Some(keys) = files.last() {
        out.say(&format!(
            "{} goes to the host: virt-sev apply --config {0} DOMAIN.xml. The private keys stay here.",
            keys.display()
        ));
    }
    Ok(())
}
