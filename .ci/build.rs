//! How the program is linked on Linux.
//!
//! A debug build is linked at a fixed address: a program of a hundred megabytes that may be loaded anywhere spends half of its start on
//! moving itself there, and the tests start it thousands of times. A release may be loaded anywhere, with a packed list of what has to be
//! moved, which stays in memory once it was read: 20 KB or so in place of 1.8 MB.

use std::env;
use std::process::Command;

/// The first glibc that reads packed relocations; an older one refuses to start a program that has them.
const READS_PACKED: (u32, u32) = (2, 36);

fn main() {
    println!("cargo:rerun-if-changed=.ci/build.rs");
    if !is("CARGO_CFG_TARGET_OS", "linux") || !is("CARGO_CFG_TARGET_ENV", "gnu") {
        return;
    }
    if is("PROFILE", "debug") {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    } else if env::var("HOST") == env::var("TARGET") && glibc().is_some_and(|version| version >= READS_PACKED) {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

fn is(name: &str, value: &str) -> bool {
    env::var(name).is_ok_and(|found| found == value)
}

/// This machine's, as in "glibc 2.36"; `None` where it does not say.
fn glibc() -> Option<(u32, u32)> {
    let answer = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let answer = String::from_utf8(answer.stdout).ok()?;
    let (major, minor) = answer.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.split('.').next()?.parse().ok()?))
}
