//! What `make install` leaves and `make uninstall` takes, and what the library is for a linker.

use super::cc::{C11, STRICT, make, pkg_config, prefix, run, source, succeeds, work};
use super::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn text(command: &mut Command) -> String {
    String::from_utf8(succeeds(command).stdout).unwrap()
}

pub(crate) fn header() -> String {
    fs::read_to_string(root().join("include/virtsev.h")).unwrap()
}

/// The functions that a header declares, in its order.
pub(crate) fn declared(header: &str) -> Vec<String> {
    let (_, functions) = header.split_once("extern \"C\"").unwrap();
    let line = |l: &str| {
        let (head, _) = l.split_once('(')?;
        let name = head.rsplit([' ', '*']).next()?;
        (!l.starts_with([' ', '#', '/']) && name.starts_with("virtsev_")).then(|| name.to_owned())
    };
    functions.lines().filter_map(line).collect()
}

#[test]
fn the_driver_has_every_function_in_the_order_of_the_header() {
    let header = header();
    let functions = declared(&header);
    let (_, table) = header.split_once("typedef struct virtsev_driver {").unwrap();
    let (table, _) = table.split_once('}').unwrap();
    let member = |part: &str| part.split_once(')').map(|(name, _)| format!("virtsev_{name}"));
    let members: Vec<String> = table.split("(*").skip(1).filter_map(member).collect();
    let (last, others) = functions.split_last().unwrap();
    assert_eq!((members.as_slice(), last.as_str()), (others, "virtsev_driver_get"));
    // Each says since when it is there.
    assert_eq!(header.matches("Since ABI ").count(), functions.len());
}

#[test]
fn the_library_exports_what_the_header_declares_and_nothing_else() {
    let library = prefix().join("lib/libvirtsev.so");
    let symbols =
        text(Command::new("nm").args(["-D", "--defined-only", "--format=just-symbols"]).arg(&library));
    let exported: BTreeSet<String> =
        symbols.lines().filter(|s| *s != "virtsev_debug_panic").map(str::to_owned).collect();
    assert_eq!(exported, declared(&header()).into_iter().collect());
    assert!(exported.contains("virtsev_driver_get"));

    let dynamic = text(Command::new("readelf").arg("-d").arg(&library));
    assert!(dynamic.contains("Library soname: [libvirtsev.so.0]"), "{dynamic}");
    assert!(dynamic.contains("NODELETE"), "{dynamic}");
    // `-z defs` already held when it was linked: every name comes from a library that it names.
    succeeds(Command::new("ldd").arg("-r").arg(&library));
}

/// With the shared library, and with the static one.
#[test]
fn a_program_is_built_with_what_pkg_config_says() {
    let build = |flags: &[String], name: &str| {
        let program = work().join(name);
        let mut command = Command::new(C11.compiler);
        command.args(C11.arguments).args(STRICT).arg(source("use.c")).arg("-xnone");
        succeeds(command.args(flags).arg("-o").arg(&program));
        let needed = text(Command::new("readelf").arg("-d").arg(&program));
        (program, needed.contains("[libvirtsev.so.0]"))
    };
    let host = root().join("tests/roots/intel");
    let (program, shared) = build(&pkg_config(&["--cflags", "--libs"]), "use-shared");
    assert!(shared);
    succeeds(run(&program).arg(&host));

    let flags: Vec<String> = pkg_config(&["--static", "--cflags", "--libs"])
        .into_iter()
        .map(|f| if f == "-lvirtsev" { "-l:libvirtsev.a".to_owned() } else { f })
        .collect();
    let (program, shared) = build(&flags, "use-static");
    assert!(!shared);
    succeeds(Command::new(program).arg(&host));
}

#[test]
fn every_file_comes_and_goes() {
    prefix();
    let (destdir, to) = (work().join("destdir"), Path::new("/opt/virt-sev"));
    make(&["install-lib"], to, Some(&destdir));
    let below = destdir.join("opt/virt-sev");
    let version = env!("CARGO_PKG_VERSION");
    let real = format!("libvirtsev.so.{version}");
    for (link, target) in [("libvirtsev.so", "libvirtsev.so.0"), ("libvirtsev.so.0", &*real)] {
        assert_eq!(fs::read_link(below.join("lib").join(link)).unwrap(), Path::new(target));
    }
    let pc = fs::read_to_string(below.join("lib/pkgconfig/virtsev.pc")).unwrap();
    assert!(
        pc.contains("\nlibdir=/opt/virt-sev/lib\n") && pc.contains(&format!("\nVersion: {version}\n")),
        "{pc}"
    );
    assert!(!pc.contains('@'), "{pc}");
    make(&["uninstall-lib"], to, Some(&destdir));
    let left = text(Command::new("find").arg(&destdir).args(["-not", "-type", "d"]));
    assert_eq!(left, "");
}
