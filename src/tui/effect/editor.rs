//! Programs that have the terminal until they end: the operator's own editor, and the demo.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::process::Command;

use crate::tui::Charset;

/// A text longer than this is not taken back from an editor, in bytes.
const TEXT_MAX: u64 = 256 * 1024;

/// Has a text edited. Nothing that goes wrong loses the text: the one there was stays.
pub(super) async fn edit(text: &str) -> Result<String, String> {
    let mut file = TextFile::new(text).map_err(|error| format!("no file for the editor: {error}"))?;
    let editor =
        ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let editor = editor.unwrap_or_else(|| "vi".to_owned());
    // As git does it: the variable may hold arguments. Ctrl-c is the editor's own affair, and ends no shell around it.
    let run = Command::new("sh")
        .arg("-c")
        .arg(format!("trap : INT; {editor} \"$1\""))
        .arg("sh")
        .arg(&file.path)
        .kill_on_drop(true)
        .status()
        .await;
    let kept = "the message stays as it was";
    match run {
        Err(error) => Err(format!("{editor} cannot be started ({error}): {kept}; EDITOR says which editor to use")),
        Ok(status) if !status.success() => {
            // Who leaves an editor by a signal, or with its terminal gone, has not thrown away what they saved.
            let is_saved = read(&file.path).is_ok_and(|saved| saved != text);
            if !is_saved && status.signal().is_none() {
                return Err(format!("{editor} ended with {status}: {kept}"));
            }
            file.is_kept = true;
            tracing::warn!(file = %file.path.display(), %status, "an editor did not end as it should: its file is kept");
            Err(format!("{editor} ended with {status}: {kept}; its file is kept: {}", file.path.display()))
        }
        Ok(_) => read(&file.path).map_err(|error| format!("what {editor} wrote cannot be read ({error}): {kept}")),
    }
}

/// Runs the demo, as it is run from a shell: a database, a phone and people of its own.
pub(super) async fn practise(charset: Charset) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("the demo cannot be started: {error}"))?;
    let flag = (charset == Charset::Ascii).then_some("--ascii");
    let ended = Command::new(program).args(["demo", "--practice"]).args(flag).kill_on_drop(true).status().await;
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("the demo ended with {status}: `blastdeck demo` says why")),
        Err(error) => Err(format!("the demo cannot be started: {error}")),
    }
}

fn read(path: &Path) -> io::Result<String> {
    if fs::metadata(path)?.len() > TEXT_MAX {
        return Err(io::Error::other("it is much longer than a message"));
    }
    let text = fs::read_to_string(path)?;
    Ok(text.strip_suffix('\n').map(str::to_owned).unwrap_or(text))
}

/// A file that only this user may read, removed when dropped unless it is to be kept.
struct TextFile {
    path: PathBuf,
    is_kept: bool,
}

impl TextFile {
    fn new(text: &str) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        loop {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let path = std::env::temp_dir().join(format!("blastdeck-{}-{number}.txt", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                opened => {
                    let file = Self { path, is_kept: false };
                    writeln!(opened?, "{text}")?;
                    return Ok(file);
                }
            }
        }
    }
}

impl Drop for TextFile {
    fn drop(&mut self) {
        if !self.is_kept {
            // Nothing more can be done about a file that cannot be removed.
            let _ = fs::remove_file(&self.path);
        }
    }
}
