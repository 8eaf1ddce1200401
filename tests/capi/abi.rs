//! The promise of ABI 1: what `tests/capi/abi-1.xml` says stays, and what comes is added.
//!
//! libabigail compares two libraries by their debug information, and does not read Rust's. So the header, which is made
//! from the sources and exports what the library does, is compiled with functions that do nothing.

use super::cc::{prefix, source, succeeds, work};
use super::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A library of this header, with types and without code.
fn library(header: &str, name: &str) -> PathBuf {
    prefix();
    let folder = work().join(name);
    fs::create_dir_all(&folder).unwrap();
    let (head, functions) = header.split_once("extern \"C\" {\n#endif").unwrap();
    let bodies = functions.replace(");\n", ") { __builtin_trap(); }\n");
    fs::write(folder.join("abi.c"), format!("{head}extern \"C\" {{\n#endif{bodies}")).unwrap();
    let library = folder.join("libvirtsev.so.0");
    let mut command = Command::new("gcc");
    // No path of this machine stands in the dump.
    command.arg(format!("-ffile-prefix-map={}=.", folder.display()));
    command.args(["-g", "-shared", "-fPIC", "-Wl,-soname,libvirtsev.so.0", "-o"]).arg(&library);
    succeeds(command.arg(folder.join("abi.c")));
    library
}

fn header() -> String {
    fs::read_to_string(root().join("include/virtsev.h")).unwrap()
}

/// Additions are none of its business: functions, and members at the end of the driver's table.
fn differences(old: &Path, new: &Path) -> Output {
    let mut command = Command::new("abidiff");
    command.arg("--no-added-syms").arg("--suppressions").arg(source("abi.suppress")).arg(old).arg(new);
    command.output().unwrap()
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn what_abi_1_had_is_still_there() {
    let dump = source("abi-1.xml");
    let library = library(&header(), "abi");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let mut command = Command::new("abidw");
        command.args(["--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--out-file"]).arg(&dump);
        succeeds(command.arg(&library));
    }
    let output = differences(&dump, &library);
    assert!(output.status.success(), "callers of ABI 1 would break:\n{}", told(&output));
}

/// The comparison itself: a change fails it, an addition does not.
#[test]
fn a_changed_function_is_seen_and_an_added_one_is_not_in_the_way() {
    let dump = source("abi-1.xml");
    let change = |from: &str, to: &str| {
        assert!(header().contains(from), "{from}");
        header().replacen(from, to, 1)
    };
    let last = "const struct virtsev_driver *virtsev_driver_get(uint32_t abi);\n";
    let member = "} virtsev_driver;";
    for (n, (text, same)) in [
        (change(last, &format!("{last}int virtsev_more(void);\n")), true),
        (change(member, &format!("  int (*more)(void);\n{member}")), true),
        (change("void virtsev_string_free(char *string);\n", ""), false),
        (change("size_t virtsev_handle_count(void);", "uint32_t virtsev_handle_count(void);"), false),
        (change("uint32_t (*abi_version)(void);\n", ""), false),
        (
            change(
                "  uint32_t (*abi_version)(void);\n",
                "  void (*more)(void);\n  uint32_t (*abi_version)(void);\n",
            ),
            false,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let output = differences(&dump, &library(&text, &format!("abi-{n}")));
        assert_eq!(output.status.success(), same, "change {n}:\n{}", told(&output));
    }
}
