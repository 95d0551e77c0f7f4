//! The location of a secret, without the secret: it is read when a sender starts, and never stored here.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};

use secrecy::SecretString;

use super::error::{ConfigError, ProblemLocation};
use super::not_a_file;

/// The longest token, in bytes; bounds the read of a file such as `/dev/zero`.
const TOKEN_MAX: u64 = 16 * 1024;

/// An environment variable or a file that holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    Variable(String),
    File(PathBuf),
}

impl TokenSource {
    /// Parses `{ env = "…" }` or `{ file = "…" }`, without other entries.
    pub(super) fn from_entries(entries: &BTreeMap<String, String>) -> Option<Self> {
        let mut entries = entries.iter();
        let (Some((kind, location)), None) = (entries.next(), entries.next()) else { return None };
        if location.is_empty() || location.contains('\0') {
            return None;
        }
        match kind.as_str() {
            "env" if !location.contains('=') => Some(Self::Variable(location.clone())),
            "file" => Some(Self::File(at_home(Path::new(location)))),
            _ => None,
        }
    }

    /// Reads the secret and trims whitespace around it. `owner` is the sender's name, for the error message.
    pub fn read(&self, owner: &str) -> Result<SecretString, ConfigError> {
        self.read_with(owner, |name| std::env::var(name).ok())
    }

    /// The same for a secret of something else; `what` is as in "no secret for hook crm".
    pub fn read_as(&self, what: &str) -> Result<SecretString, ConfigError> {
        self.text(|name| std::env::var(name).ok()).map_err(|why| nowhere(format!("no {what}: {self}: {why}")))
    }

    /// The file that holds the secret, if it is in a file.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Variable(_) => None,
            Self::File(path) => Some(path),
        }
    }

    pub(super) fn read_with(
        &self,
        owner: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<SecretString, ConfigError> {
        self.text(variable).map_err(|why| nowhere(format!("no token for sender {owner}: {self}: {why}")))
    }

    fn text(&self, variable: impl Fn(&str) -> Option<String>) -> Result<SecretString, String> {
        let found = match self {
            Self::Variable(name) => variable(name)
                .ok_or_else(|| format!("not set: `export {name}=...` first, or name a file, {{ file = \"/path\" }}")),
            Self::File(path) => read_capped(path),
        };
        found.and_then(|text| usable(&text).map(SecretString::from))
    }
}

/// Expands `~` to the home directory, as directories in the configuration have it.
fn at_home(path: &Path) -> PathBuf {
    let expanded = path.strip_prefix("~").ok().and_then(|rest| Some(etcetera::home_dir().ok()?.join(rest)));
    expanded.unwrap_or_else(|| path.to_owned())
}

fn nowhere(text: String) -> ConfigError {
    ConfigError::of(ProblemLocation::Nowhere, "", text)
}

impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
        }
    }
}

fn read_capped(path: &Path) -> Result<String, String> {
    // Before it is opened: that alone waits for whoever writes into a pipe.
    let kind = std::fs::metadata(path).map_err(|error| error.to_string())?.file_type();
    if let Some(what) = not_a_file(path, kind, "token") {
        return Err(format!("it is {what}"));
    }
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.take(TOKEN_MAX + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > TOKEN_MAX {
        return Err(format!("it is longer than {TOKEN_MAX} bytes: not a token"));
    }
    Ok(text)
}

/// Checks that a token can be sent in an HTTP header.
pub(super) fn usable(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("it contains spaces or characters that are not valid in a token".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_token_is_read_and_trimmed_and_never_shown() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b" s3cret\r\n").unwrap();
        let from_file = TokenSource::File(file.path().to_owned());
        let from_variable = TokenSource::Variable("T".to_owned());

        assert_eq!(from_file.read("sales").unwrap().expose_secret(), "s3cret");
        let token = from_variable.read_with("sales", |name| (name == "T").then(|| "s3cret\n".to_owned())).unwrap();
        assert_eq!(token.expose_secret(), "s3cret");
        assert!(!format!("{token:?} {from_variable:?}").contains("s3cret"));
    }

    #[test]
    fn a_file_is_taken_by_any_path_and_the_tilde_is_the_home_directory() {
        let of = |kind: &str, place: &str| TokenSource::from_entries(&[(kind.to_owned(), place.to_owned())].into());
        let home = etcetera::home_dir().unwrap();

        assert_eq!(of("file", "~/a.token"), Some(TokenSource::File(home.join("a.token"))));
        assert_eq!(of("file", "/run/a=b/~"), Some(TokenSource::File("/run/a=b/~".into())));
        assert_eq!((of("env", "A=B"), of("file", "")), (None, None));
    }

    #[test]
    fn a_missing_token_names_its_variable_and_the_sender() {
        let absent = TokenSource::Variable("BLASTDECK_TEST_NO_SUCH".to_owned()).read("sales").unwrap_err();

        assert_eq!(
            absent.to_string(),
            "no token for sender sales: environment variable BLASTDECK_TEST_NO_SUCH: not set: `export BLASTDECK_TEST_NO_SUCH=...` \
             first, or name a file, { file = \"/path\" }"
        );
    }

    #[test]
    fn what_cannot_be_a_token_is_refused_without_showing_it() {
        let read = |text: &str| TokenSource::Variable("T".to_owned()).read_with("sales", |_| Some(text.to_owned()));
        for text in ["", "  \n", "s3 cret", "s3cret\nX-Evil: 1", "s3crét"] {
            let error = read(text).unwrap_err().to_string();
            assert!(!error.contains("s3"), "{error}");
        }
    }

    #[test]
    fn what_is_no_file_of_a_token_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let (pipe, long) = (dir.path().join("pipe"), dir.path().join("long"));
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::fs::write(&long, "t".repeat(16 * 1024 + 1)).unwrap();

        for (path, why) in [
            (pipe.as_path(), "it is a pipe, which can be read only once"),
            (dir.path(), "it is a directory: name the file in it"),
            (Path::new("/dev/zero"), "it is a device or a socket"),
            (&long, "longer than 16384 bytes"),
        ] {
            let refused = TokenSource::File(path.to_owned()).read("sales").unwrap_err().to_string();
            assert!(refused.contains(why) && refused.contains("no token for sender sales"), "{refused}");
        }
    }

    #[test]
    fn a_pipe_that_a_shell_opened_for_this_process_is_read_as_a_token() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        writer.write_all(b"s3cret\n").unwrap();
        drop(writer);
        let pipe = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&reader));

        assert_eq!(TokenSource::File(pipe.into()).read("sales").unwrap().expose_secret(), "s3cret");
    }
}
