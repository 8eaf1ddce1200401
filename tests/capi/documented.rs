//! The example of `docs/abi.md` is a program that works.

use super::cc::{C99, CPP, compile, run, succeeds, work};
use super::root;
use std::fs;

#[test]
fn the_example_of_the_document_runs() {
    let document = fs::read_to_string(root().join("docs/abi.md")).unwrap();
    let (_, rest) = document.split_once("```c\n/* example.c").unwrap();
    let (program, _) = rest.split_once("```").unwrap();
    for (language, name) in [(C99, "example"), (CPP, "example-cpp")] {
        super::cc::prefix();
        let file = work().join(format!("{name}.c"));
        fs::write(&file, format!("/* example.c{program}")).unwrap();
        let program = compile(language, &file, name, &[]);
        let domain = root().join("tests/cases/001-virt-install-uefi/in.xml");
        let output = succeeds(run(&program).arg(&domain));
        assert!(String::from_utf8_lossy(&output.stdout).contains("<launchSecurity type="));
        // What is no domain is told, with the number of the table.
        let output = run(&program).arg(root().join("Cargo.toml")).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(1) && told.contains("VIRTSEV_ERR_DOMAIN"), "{told}");
    }
}
