//! Where tests keep their files: in memory where there is room, since a server of a test's own, or a database, is hundreds of
//! small files; else in the temporary directory.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{StatVfsMountFlags, statvfs};

const MEMORY: &str = "/dev/shm";

/// Free in the file system and in the machine, in bytes: several times what a run was seen to use.
const ROOM: u64 = 6 << 30;

/// The directory for everything that a run makes. `TMPDIR` is obeyed where it is set.
pub fn scratch() -> &'static Path {
    static SCRATCH: OnceLock<PathBuf> = OnceLock::new();
    SCRATCH.get_or_init(|| {
        let is_chosen = std::env::var_os("TMPDIR").is_some();
        if !is_chosen && has_room(MEMORY) { MEMORY.into() } else { std::env::temp_dir() }
    })
}

/// Programs are run there as well.
fn has_room(directory: &str) -> bool {
    let Ok(system) = statvfs(directory) else { return false };
    let is_open = !system.f_flag.intersects(StatVfsMountFlags::NOEXEC | StatVfsMountFlags::RDONLY);
    is_open && system.f_bavail.saturating_mul(system.f_frsize) >= ROOM && free_memory() >= ROOM
}

fn free_memory() -> u64 {
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB"));
    available.and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok()).unwrap_or(0) << 10
}
