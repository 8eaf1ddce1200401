//! Keys and options. In: texts of a caller. Out: settings behind a handle.

use crate::boundary::{answer, done, optional_text, plain, text};
use crate::error::virtsev_error;
use crate::handles::{self, Changing, Handle, change};
use crate::settings::Settings;
use serde_json::{Map, Value, json};
use std::ffi::{c_char, c_int};
use std::ptr;
use std::sync::Arc;
use virt_sev::Result;
use virt_sev::answer::document;
use virt_sev::config::keys_without_blobs;

/// Keys and options of a guest. A function that takes one reads it as it is at that moment.
#[derive(Debug)]
pub struct virtsev_config {
    _opaque: [u8; 0],
}

impl Handle for virtsev_config {
    type Held = Changing<Settings>;
    const NAME: &'static str = "virtsev_config";
}

/// The settings as they are now.
pub(crate) fn settings(config: *const virtsev_config) -> Result<Arc<Settings>> {
    handles::now(config)
}

/// Makes a configuration without keys and options. The caller frees it with virtsev_config_free(). NULL only when virt-sev
/// fails inside. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_config_new() -> *mut virtsev_config {
    plain(ptr::null_mut(), || handles::give(Changing::default()))
}

/// Sets a key, above every document of virtsev_config_load() and what was set before.
///
/// key: such as "security.sev.policy.es". value: its text; "" unsets the key and hides what a document says of it; NULL
/// takes back what was set here, so that a document's value counts again.
///
/// VIRTSEV_ERR_CONFIG for a key that there is not, and for a value that the key cannot have; VIRTSEV_ERR_SESSION for a blob
/// of a launch session that is none; VIRTSEV_ERR_USAGE. Whether the keys fit together is judged when they are used. What
/// fails changes nothing. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_config_set(
    config: *mut virtsev_config,
    key: *const c_char,
    value: *const c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let key = unsafe { text(key, "key") };
    // SAFETY: the same.
    let value = unsafe { optional_text(value, "value") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (key, value) = (key?, value?);
            Ok(change(config, |settings| settings.set(key, value))?)
        })
    }
}

/// Adds a whole document of keys, above those that were loaded before: a flat map of keys, an instance or profile of LXD
/// or Incus, a machine of KubeVirt, a flavor or image of Nova, a guest of Proxmox, the metadata of a domain, a guest
/// owner's bundle. Of YAML, JSON or XML.
///
/// document: its text. format: "lxd", "kubevirt", "nova", "proxmox", "metadata"; "auto" or NULL where it is to be
/// recognised.
///
/// VIRTSEV_ERR_CONFIG for a document of a wrong form; VIRTSEV_ERR_USAGE. Whether the keys fit together is judged when they
/// are used, since documents can complete each other. What fails changes nothing. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_config_load(
    config: *mut virtsev_config,
    document: *const c_char,
    format: *const c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let document = unsafe { text(document, "document") };
    // SAFETY: the same.
    let format = unsafe { optional_text(format, "format") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (document, format) = (document?, format?);
            Ok(change(config, |settings| settings.load(document, format))?)
        })
    }
}

/// Sets an option. NULL for the value takes it back.
///
/// name and value: "skip", the id of a rule to leave out (adds to those there); "record", "true" to record the keys in
/// the domain's metadata; "no-metadata", "true" to ignore the keys there; "injects-secret", "true" where the owner will
/// inject one, so that the firmware must have a place for it; "timeout", the longest wait for one answer of the
/// hypervisor, in seconds (60); "host-root", a folder whose files stand for those of the host.
///
/// VIRTSEV_ERR_USAGE for an option, a rule or a value that there is not; VIRTSEV_ERR_FILE for a folder that is not there.
/// What fails changes nothing. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_config_option(
    config: *mut virtsev_config,
    name: *const c_char,
    value: *const c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    let name = unsafe { text(name, "name") };
    // SAFETY: the same.
    let value = unsafe { optional_text(value, "value") };
    // SAFETY: the same.
    unsafe {
        done(err, || {
            let (name, value) = (name?, value?);
            Ok(change(config, |settings| settings.option(name, value))?)
        })
    }
}

/// What the keys mean: JSON, virt-sev/config/1, with "mode" ("sev", "sev-es", "sev-snp"; null where nothing asks for SEV),
/// "keys" (the fewest that mean it), "blobs" (the names of keys whose values are left out for their size) and "notes"
/// (findings about the documents).
///
/// json: the answer, for virtsev_string_free().
///
/// VIRTSEV_ERR_CONFIG and VIRTSEV_ERR_SESSION where the keys do not fit together; VIRTSEV_ERR_USAGE. Since ABI 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn virtsev_config_json(
    config: *const virtsev_config,
    json: *mut *mut c_char,
    err: *mut *mut virtsev_error,
) -> c_int {
    // SAFETY: the contract at the head of the header.
    unsafe { answer(json, err, || Ok(meaning(&*settings(config)?)?.to_string())) }
}

fn meaning(settings: &Settings) -> Result<Value> {
    let loaded = settings.resolve(None)?;
    let (keys, blobs) = match &loaded.config {
        Some(config) => keys_without_blobs(config),
        None => Default::default(),
    };
    let mut keys: Map<String, Value> =
        keys.entries().map(|e| (e.key.clone(), Value::from(e.value.as_str()))).collect();
    if loaded.config.is_none() {
        keys.insert("security.sev".into(), "false".into());
    }
    let mode = loaded.config.as_ref().map(|c| c.mode().as_str());
    Ok(document("config", json!({ "mode": mode, "keys": keys, "blobs": blobs, "notes": loaded.notes })))
}

/// Frees a configuration. Plans made with it live on. NULL is allowed. Since ABI 1.
#[unsafe(no_mangle)]
pub extern "C" fn virtsev_config_free(config: *mut virtsev_config) {
    plain((), || handles::free(config));
}
