//! C and C++ against the library as `make install` leaves it. In: sources. Out: programs, their ends.

use super::root;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

/// Warnings are errors, in every language.
pub(crate) const STRICT: &[&str] = &["-Wall", "-Wextra", "-Werror", "-pedantic"];

/// How a source is read: the compiler and its language.
#[derive(Clone, Copy)]
pub(crate) struct Language {
    pub(crate) compiler: &'static str,
    pub(crate) arguments: &'static [&'static str],
}

pub(crate) const C99: Language = Language { compiler: "gcc", arguments: &["-xc", "-std=c99"] };
pub(crate) const C11: Language = Language { compiler: "gcc", arguments: &["-xc", "-std=c11"] };
/// With what POSIX adds to C.
pub(crate) const GNU11: Language = Language { compiler: "gcc", arguments: &["-xc", "-std=gnu11"] };
pub(crate) const CPP: Language = Language { compiler: "g++", arguments: &["-xc++", "-std=c++17"] };

/// The debug build's folder. Nobody links a C library into a test, so cargo does not build it for one.
fn built() -> PathBuf {
    let folder = std::env::current_exe().unwrap().parent().and_then(Path::parent).unwrap().to_owned();
    let library = folder.join("libvirtsev.so");
    let made = fs::metadata(&library).and_then(|m| m.modified()).ok();
    let sources = fs::read_to_string(folder.join("libvirtsev.d")).unwrap_or_default();
    let sources = sources.lines().next().and_then(|l| l.split_once(": ")).map_or("", |(_, all)| all);
    let newer = |source: &str| fs::metadata(source).and_then(|m| m.modified()).ok() > made;
    let stale = sources.split(' ').find(|s| !s.is_empty() && newer(s));
    assert!(
        made.is_some() && !sources.is_empty() && stale.is_none(),
        "{} is not built, or older than {stale:?}: run `cargo build -p virt-sev-capi`",
        library.display()
    );
    folder
}

/// The folder in which this test works.
pub(crate) fn work() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("capi")
}

/// `make install-lib` below a prefix, once.
pub(crate) fn prefix() -> &'static Path {
    static PREFIX: OnceLock<PathBuf> = OnceLock::new();
    PREFIX.get_or_init(|| {
        let prefix = work().join("prefix");
        let _ = fs::remove_dir_all(work());
        fs::create_dir_all(work()).unwrap();
        make(&["install-lib"], &prefix, None);
        prefix
    })
}

/// `make` with the debug build below this prefix.
pub(crate) fn make(goals: &[&str], prefix: &Path, destdir: Option<&Path>) {
    let mut command = Command::new("make");
    command.arg("-C").arg(root()).arg("--no-print-directory").args(goals);
    command.arg(format!("OUT={}", built().display())).arg(format!("PREFIX={}", prefix.display()));
    command.arg(format!("LIBDIR={}/lib", prefix.display()));
    command.arg(format!("DESTDIR={}", destdir.unwrap_or(Path::new("")).display()));
    // What make itself was told is not for this one.
    for variable in ["MAKEFLAGS", "MAKELEVEL", "MFLAGS"] {
        command.env_remove(variable);
    }
    succeeds(&mut command);
}

/// `pkg-config` for the installed library.
pub(crate) fn pkg_config(arguments: &[&str]) -> Vec<String> {
    let mut command = Command::new("pkg-config");
    command.args(arguments).arg("virtsev").env("PKG_CONFIG_PATH", prefix().join("lib/pkgconfig"));
    let output = succeeds(&mut command);
    String::from_utf8(output.stdout).unwrap().split_whitespace().map(str::to_owned).collect()
}

/// Compiles a source and links it with the installed library.
pub(crate) fn compile(language: Language, source: &Path, name: &str, more: &[&str]) -> PathBuf {
    let program = work().join(name);
    let flags = pkg_config(&["--cflags", "--libs"]);
    let mut command = Command::new(language.compiler);
    command.args(language.arguments).args(STRICT).args(["-g", "-pthread"]).args(more);
    // What comes after the source is no source.
    command.arg(source).args(["-xnone"]).args(flags).arg("-o").arg(&program);
    succeeds(&mut command);
    program
}

/// A program with the installed library.
pub(crate) fn run(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", prefix().join("lib"));
    command
}

/// Runs to a good end.
pub(crate) fn succeeds(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A source of this folder.
pub(crate) fn source(name: &str) -> PathBuf {
    root().join("tests/capi").join(name)
}
