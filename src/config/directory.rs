//! Directories as settings, and where they really are.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::str::FromStr;

use super::environment::Environment;

/// How many symbolic links a path may lead through, as Linux counts them.
const LINKS_MAX: u32 = 40;

/// A directory as written: `~` and relative paths are still to be expanded.
pub(super) struct DirectoryPath(pub PathBuf);

impl FromStr for DirectoryPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.contains('\0') { Err("write a directory") } else { Ok(Self(PathBuf::from(text))) }
    }
}

impl fmt::Display for DirectoryPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

/// Expands `~` to the home directory, and a relative path from the working directory. Follows no link.
pub(super) fn absolute(dir: PathBuf, environment: &Environment) -> PathBuf {
    let home = environment.home().and_then(|home| Some(home.join(dir.strip_prefix("~").ok()?)));
    let dir = home.unwrap_or(dir);
    std::path::absolute(&dir).unwrap_or(dir)
}

/// Where an absolute path really leads: every symbolic link followed, also where the rest of the path, or the link's
/// target, does not exist yet.
pub(super) fn resolved(path: &Path) -> PathBuf {
    follow(path, &mut LINKS_MAX.clone())
}

fn follow(path: &Path, links_left: &mut u32) -> PathBuf {
    let mut real = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                real.pop();
            }
            other => real.push(other),
        }
        if *links_left > 0
            && let Ok(target) = std::fs::read_link(&real)
        {
            *links_left -= 1;
            real.pop();
            real = follow(&real.join(target), links_left);
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::{Config, Environment, Flags};

    /// The problems of a configuration with these directories.
    fn problems(data_dir: &Path, state_dir: &Path) -> String {
        let variables =
            [("BLASTDECK_DATA_DIR", data_dir.to_str().unwrap()), ("BLASTDECK_STATE_DIR", state_dir.to_str().unwrap())];
        let loaded = Config::build("", None, &Environment::with(variables), &Flags::default());
        loaded.err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_memory_within_what_gets_restored_is_refused_also_through_links() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let data = root.join("data");
        let state = root.join("state");
        symlink(data.join("memory"), &state).unwrap();
        symlink("disk", &data).unwrap();

        let through_both = problems(&data, &state);
        let through_data = problems(&data, &root.join("disk/x/y"));

        assert_eq!(
            through_both,
            format!(
                "BLASTDECK_STATE_DIR: database.state_dir: `{0}/state` (which is `{0}/disk/memory`) must not lie within \
                 data_dir, `{0}/data` (which is `{0}/disk`), or restoring a copy of that restores it too: choose another \
                 directory",
                root.display()
            )
        );
        assert!(through_data.contains("/disk/x/y` must not lie within data_dir"), "{through_data}");
        assert!(problems(&data, &data).contains("must not lie within data_dir"));
    }

    #[test]
    fn a_memory_on_the_disk_that_the_private_database_is_linked_to_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("data")).unwrap();
        symlink(dir.path().join("disk"), dir.path().join("data/postgres")).unwrap();

        let said = problems(&dir.path().join("data"), &dir.path().join("disk/state"));

        assert!(said.contains("/data/postgres` (which is `"), "{said}");
    }

    #[test]
    fn a_memory_beside_what_gets_restored_is_accepted_however_it_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        fs::create_dir(&data).unwrap();
        symlink(dir.path().join("elsewhere"), data.join("state")).unwrap();

        for state in [dir.path().join("data-state"), data.join("../state"), data.join("state")] {
            assert_eq!(problems(&data, &state), "", "{state:?}");
        }
    }

    #[test]
    fn a_path_is_resolved_also_where_it_does_not_exist_yet() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("data/deep")).unwrap();
        symlink("data/deep", root.join("relative")).unwrap();
        symlink(root.join("relative"), root.join("twice")).unwrap();
        symlink(root.join("data/not/yet"), root.join("dangling")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let found = |path: &str| resolved(&root.join(path)).strip_prefix(&root).unwrap().display().to_string();

        assert_eq!(found("plain/not/yet"), "plain/not/yet");
        assert_eq!(found("relative/x"), "data/deep/x");
        assert_eq!(found("twice/../x/y"), "data/x/y");
        assert_eq!(found("dangling/x"), "data/not/yet/x");
        assert_eq!(found("data/../state"), "state");
        assert_eq!(found("loop/x"), "loop/x");
    }
}
