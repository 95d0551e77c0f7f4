//! Links debug builds at a fixed address. A program of a hundred megabytes that may be loaded anywhere spends half of its start on moving
//! itself there, and the tests start it thousands of times. A release stays as it is.

use std::env;

fn main() {
    println!("cargo:rerun-if-changed=.ci/build.rs");
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    if is("PROFILE", "debug") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
