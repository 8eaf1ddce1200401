//! `examples/go`: built with cgo against the installed library, as its head says, and run.

use super::cc::{prefix, run, succeeds, work};
use super::root;
use std::path::Path;
use std::process::Command;

/// `go` in the example's folder; it asks nobody for anything, and leaves nothing in the user's own folders.
fn go(arguments: &[&str]) -> Command {
    let mut command = Command::new("go");
    command.args(arguments).current_dir(root().join("examples/go"));
    command.env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig")).env("CGO_ENABLED", "1");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    for (name, folder) in [("GOCACHE", "cache"), ("GOPATH", "path")] {
        command.env(name, cache.join(folder));
    }
    command.env("GOPROXY", "off").env("GOTOOLCHAIN", "local").env("GOTELEMETRY", "off").env("GOFLAGS", "");
    command
}

#[test]
fn the_example_in_go_applies_describes_the_host_and_tells_errors() {
    let program = work().join("sevapply");
    succeeds(&mut go(&["vet", "."]));
    succeeds(&mut go(&["build", "-buildvcs=false", "-o", program.to_str().unwrap(), "."]));
    let unformatted = succeeds(Command::new("gofmt").arg("-l").arg(root().join("examples/go")));
    assert_eq!(String::from_utf8_lossy(&unformatted.stdout), "");

    let domain = root().join("tests/cases/001-virt-install-uefi/in.xml");
    let out = succeeds(run(&program).arg("apply").arg(&domain).arg("security.sev=true"));
    assert!(String::from_utf8_lossy(&out.stdout).contains("<launchSecurity type="));
    let out = succeeds(run(&program).arg("host"));
    assert!(out.stdout.starts_with(b"{\"schema\":\"virt-sev/host/1\""));
    let out = run(&program).arg("apply").arg(&domain).arg("security.sevv=true").output().unwrap();
    let told = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.code() == Some(1) && told.starts_with("VIRTSEV_ERR_CONFIG: "), "{told}");
    assert_eq!(told.lines().count(), 2, "a message and a hint: {told}");
}
