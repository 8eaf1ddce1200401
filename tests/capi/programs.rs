//! The programs of this folder, in every way of building and watching them.

use super::cc::{C11, C99, CPP, GNU11, Language, STRICT, compile, prefix, run, source, succeeds, work};
use super::root;
use std::fs;
use std::process::Command;

/// A host of the tests that can do nothing.
fn host() -> String {
    root().join("tests/roots/intel").display().to_string()
}

pub(crate) fn is_ok(command: &mut Command) {
    let output = succeeds(command);
    assert!(output.stdout.ends_with(b"ok\n"), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
    // The library prints nothing, and neither does the program where all is well.
    assert!(output.stderr.is_empty(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_function_used_right_and_wrong_from_c_and_cpp() {
    for (language, name) in [(C99, "use-c99"), (C11, "use-c11"), (CPP, "use-cpp")] {
        is_ok(run(&compile(language, &source("use.c"), name, &[])).arg(host()));
    }
}

#[test]
fn the_same_with_address_and_undefined_behaviour_sanitizers() {
    let more = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-O1"];
    is_ok(run(&compile(C11, &source("use.c"), "use-asan", &more)).arg(host()));
    is_ok(&mut run(&compile(GNU11, &source("older.c"), "older-asan", &more)));
}

#[test]
fn the_same_under_valgrind_without_a_finding() {
    let program = compile(C11, &source("use.c"), "use-valgrind", &[]);
    let mut command = run(std::path::Path::new("valgrind"));
    command.args([
        "--quiet",
        "--error-exitcode=9",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,possible",
    ]);
    is_ok(command.arg(program).arg(host()));
}

#[test]
fn eight_threads_and_a_hundred_thousand_calls_leave_memory_flat() {
    for (language, name) in [(GNU11, "threads"), (CPP, "threads-cpp")] {
        is_ok(&mut run(&compile(language, &source("threads.c"), name, &[])));
    }
}

#[test]
fn an_older_caller_with_a_shorter_table() {
    for (language, name) in [(GNU11, "older"), (CPP, "older-cpp")] {
        is_ok(&mut run(&compile(language, &source("older.c"), name, &["-ldl"])));
    }
}

#[test]
fn a_fault_inside_is_an_error_and_the_process_lives() {
    for (language, name) in [(C11, "panic"), (CPP, "panic-cpp")] {
        let output = succeeds(&mut run(&compile(language, &source("panic.c"), name, &[])));
        assert!(output.stdout.ends_with(b"ok\n"));
    }
}

/// With libvirt's header before, after, and not at all; twice; and a pointer of libvirt's is one of ours.
#[test]
fn the_header_compiles_everywhere() {
    let (virtsev, libvirt) = ("#include <virtsev.h>\n", "#include <libvirt/libvirt.h>\n");
    let call = "int f(void);\nint f(void) { return virtsev_host((virConnectPtr)0, (char **)0, (virtsev_error **)0); }\n";
    let texts = [
        format!("{virtsev}{virtsev}int unused;\n"),
        format!("{virtsev}{libvirt}{call}"),
        format!("{libvirt}{virtsev}{call}"),
    ];
    let cpp11 = Language { compiler: "g++", arguments: &["-xc++", "-std=c++11"] };
    prefix();
    for (n, text) in texts.iter().enumerate() {
        let file = work().join(format!("includes-{n}.c"));
        fs::write(&file, text).unwrap();
        for language in [C99, C11, cpp11, CPP] {
            let mut command = Command::new(language.compiler);
            command.args(language.arguments).args(STRICT).arg("-fsyntax-only");
            succeeds(command.arg("-I").arg(prefix().join("include")).arg(&file));
        }
    }
}
