//! How libvirtsev is linked. In: the version of the package. Out: arguments for the linker. Never: reads a file.

/// Changes only with an ABI that breaks callers.
const SONAME: &str = "libvirtsev.so.0";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in [
        &*format!("-soname,{SONAME}"),
        // Threads and thread-locals outlive a dlclose, and so must their code.
        "-z,nodelete",
        "-z,defs",
    ] {
        println!("cargo:rustc-cdylib-link-arg=-Wl,{argument}");
    }
}
