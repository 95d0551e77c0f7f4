//! A time of day that jumps, for one process: as an operator, NTP or a hypervisor sets a machine's clock. Its other clocks go
//! on as they do then.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const SOURCE: &str = include_str!("jumping_clock.c");

pub struct Clock {
    ahead: PathBuf,
    library: PathBuf,
}

impl Clock {
    /// The machine's time, until it jumps. Made with the compiler driver that also links Rust programs.
    pub fn new(dir: &Path) -> Self {
        let clock = Self { ahead: dir.join("clock"), library: dir.join("libjumping_clock.so") };
        clock.jump(0);
        let mut compiler = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-x", "c", "-", "-o"])
            .arg(&clock.library)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        compiler.stdin.take().unwrap().write_all(SOURCE.as_bytes()).unwrap();
        assert!(compiler.wait().unwrap().success());
        clock
    }

    /// From now on ahead of the machine's time by so many seconds, or behind it.
    pub fn jump(&self, seconds: i64) {
        // In place: whoever has it mapped sees it.
        let mut file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(&self.ahead).unwrap();
        file.write_all(&seconds.to_ne_bytes()).unwrap();
    }

    /// What puts a process, and those that it starts, under this clock.
    pub fn environment(&self) -> [(&str, &str); 2] {
        [("LD_PRELOAD", self.library.to_str().unwrap()), ("JUMPING_CLOCK", self.ahead.to_str().unwrap())]
    }
}
