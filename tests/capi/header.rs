//! `include/virtsev.h` is what the sources say. In: src/capi. Out: the header's text. `UPDATE_GOLDEN=1` writes it.

use super::root;
use cbindgen::{Builder, Config, DocumentationStyle, EnumConfig, ExportConfig, Language, Style};
use std::collections::HashMap;
use std::fs;
use virt_sev::codes::CODES;

/// In the order of the header.
const SOURCES: &[&str] = &[
    "version", "error", "config", "plan", "host", "cancel", "progress", "owner", "launch", "attest",
    "session", "driver",
];

const HEAD: &str = "\
/* virt-sev: AMD SEV, SEV-ES and SEV-SNP guests on libvirt. docs/abi.md has the whole story and an example.
 * Made from the comments of src/capi by `make generate`; not to be edited. License: LGPL-2.1-or-later.
 *
 * What holds for every function, where it does not say otherwise:
 *
 * Results    int is 0, or a negative number VIRTSEV_ERR_*. Outputs are written only on success.
 * Errors     err may be NULL. On failure *err gets a new error, which the caller frees with virtsev_error_free(); on
 *            success it is left as it is.
 * Strings    UTF-8 with a NUL at the end. What a function is given it copies. What it writes through a char ** the caller
 *            frees with virtsev_string_free(), and nothing else. NULL where it is not allowed, and what is not UTF-8, is
 *            VIRTSEV_ERR_USAGE.
 * Handles    Freed with the free function of their kind, which takes NULL. One that was freed, or is of another kind, is
 *            VIRTSEV_ERR_USAGE to use and ignored when freed, as long as its address was not given out again: it is a
 *            mistake all the same.
 * Threads    Every function may be called from any thread at any time, and one handle from several threads at once. A
 *            handle that is freed while a call uses it stays whole for that call; the strings of an error do not. None may
 *            be called from a signal handler.
 * JSON       One document, \"schema\" first: virt-sev/KIND/1. Members may be added; none changes its meaning.
 * Sizes      A string given may have any length; a domain above 16 MiB, a document of keys above 4 MiB, evidence and a packet
 *            above 1 MiB are refused. Sizes in answers are in bytes.
 * Process    Nothing is printed, no signal handler is set, libvirt's error handler is not touched. SIGPIPE is blocked on the
 *            thread of a call that asks libvirt, for as long as the call. A fault of virt-sev is VIRTSEV_ERR_BUG and a line
 *            on standard error, and the process lives.
 */
";

/// The header as the sources have it.
fn generated() -> String {
    let errors: String =
        CODES.iter().map(|c| format!("/* {} */\n#define {} ({})\n", c.text, c.c_name, c.number)).collect();
    let version = format!("/* The version of virt-sev. */\n#define VIRTSEV_VERSION \"{}\"\n", version());
    let config = Config {
        header: Some(HEAD.trim_end().to_owned()),
        include_guard: Some("VIRTSEV_H".into()),
        no_includes: true,
        sys_includes: vec!["stddef.h".into(), "stdint.h".into()],
        after_includes: Some(format!("\n{version}\n{errors}\nstruct _virConnect;\nstruct _virDomain;")),
        cpp_compat: true,
        language: Language::C,
        style: Style::Both,
        usize_is_size_t: true,
        line_length: 110,
        documentation_style: DocumentationStyle::Doxy,
        export: ExportConfig {
            exclude: vec!["_virConnect".into(), "_virDomain".into(), "virtsev_debug_panic".into()],
            rename: HashMap::from(
                ["_virConnect", "_virDomain"].map(|t| (t.to_owned(), format!("struct {t}"))),
            ),
            ..ExportConfig::default()
        },
        enumeration: EnumConfig::default(),
        ..Config::default()
    };
    let mut builder = Builder::new().with_config(config);
    for name in SOURCES {
        builder = builder.with_src(root().join(format!("src/capi/{name}.rs")));
    }
    let mut text = Vec::new();
    builder.generate().unwrap().write(&mut text);
    String::from_utf8(text).unwrap()
}

/// Of the package that this is a test of, and so of the library.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

#[test]
fn the_header_is_what_the_sources_say() {
    let path = root().join("include/virtsev.h");
    let wanted = generated();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == wanted, "{} is out of date: run 'make generate' and commit", path.display());
}
