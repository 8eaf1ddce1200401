//! Sources of several programs beside each other, and the way there and back.

use std::fs;
use std::path::PathBuf;
use virt_sev::Kind;
use virt_sev::config::{Format, Sources, from_text, keys_of, load, load_with_notes, resolve};

/// What each program says for one guest with SEV-ES, and the policy that it means by that.
const SEV_ES: &[(Format, &str, u32)] = &[
    (Format::Lxd, "config: {security.sev: 'true', security.sev.policy.es: 'true'}\nprofiles: []\n", 0x5),
    (
        Format::KubeVirt,
        "kind: VirtualMachineInstance\nspec: {domain: {launchSecurity: {sev: {policy: {encryptedState: true}}}}}\n",
        0x5,
    ),
    (Format::Nova, "properties: {hw:mem_encryption: true, hw:mem_encryption_model: amd-sev-es}\n", 0x37),
    (Format::Proxmox, "amd-sev: type=es,no-debug=1\n", 0xd),
    (
        Format::Metadata,
        "<c:config xmlns:c='urn:virt-sev:config:1'><c:key name='security.sev'>1</c:key>\
         <c:key name='security.sev.policy'>0x5</c:key></c:config>",
        0x5,
    ),
];

struct Files {
    dir: tempfile::TempDir,
    files: Vec<PathBuf>,
}

impl Files {
    fn new(texts: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = texts.iter().enumerate().map(|(n, text)| {
            let path = dir.path().join(format!("f{n}"));
            fs::write(&path, text).unwrap();
            path
        });
        Self { files: files.collect(), dir }
    }

    fn sources(&self, format: Format) -> Sources<'_> {
        Sources { files: &self.files, format, ..Sources::default() }
    }
}

#[test]
fn every_format_by_its_name_and_by_itself() {
    for (format, text, wanted) in SEV_ES {
        let files = Files::new(&[text]);
        let by_name = load_with_notes(files.sources(*format)).unwrap();
        let config = by_name.config.clone().unwrap();
        assert_eq!(super::policy(&config), u64::from(*wanted), "{format:?}");
        assert_eq!(load_with_notes(files.sources(Format::Auto)).unwrap(), by_name, "{format:?}");
    }
}

#[test]
fn the_wrong_format_is_an_error_or_nothing_but_never_another_meaning() {
    for (said, text, wanted) in SEV_ES {
        for (format, ..) in SEV_ES.iter().filter(|(f, ..)| f != said) {
            let files = Files::new(&[text]);
            match load_with_notes(files.sources(*format)) {
                Err(e) => assert_eq!(e.kind(), Kind::Config, "{said:?} as {format:?}: {e}"),
                Ok(loaded) => {
                    let policy = loaded.config.as_ref().map(super::policy);
                    assert!(
                        policy.is_none_or(|p| p == u64::from(*wanted)),
                        "{said:?} as {format:?}: {policy:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_converted_reads_back_as_the_same() {
    for (_, text, _) in SEV_ES {
        let config = resolve(&from_text(text, "f").unwrap()).unwrap().unwrap();
        let yaml: String =
            keys_of(&config).entries().map(|e| format!("{}: {:?}\n", e.key, e.value)).collect();
        assert_eq!(resolve(&from_text(&yaml, "f").unwrap()).unwrap().unwrap(), config, "{yaml}");
    }
}

#[test]
fn an_instance_and_its_profiles_come_in_files_of_their_own() {
    let profile = "name: sev\nconfig: {security.sev: 'true'}\nused_by: []\n";
    let instance = "config: {security.sev.policy.es: 'true'}\nprofiles: [sev]\n";
    let above = "security.sev.policy.noks: true\n";
    let files = Files::new(&[instance, profile, above]);
    let config = load_with_notes(files.sources(Format::Auto)).unwrap().config.unwrap();
    assert_eq!(super::policy(&config), 7);
    // Without the profile the instance's own key hangs in the air, and the note says why.
    let files = Files::new(&[instance]);
    let e = load_with_notes(files.sources(Format::Auto)).unwrap_err().to_string();
    assert!(
        e.contains("needs security.sev=true") && e.contains("profiles that are not given ('sev')"),
        "{e}"
    );
    let raw = load(files.sources(Format::Auto)).unwrap();
    assert!(raw.notes()[0].title.contains("'sev'"), "{:?}", raw.notes());
    assert!(raw.notes()[0].path.starts_with(&files.dir.path().display().to_string()));
}
