//! The message of a blast or a step, as it is typed or in a file.

use std::io::Read;
use std::path::{Path, PathBuf};

use color_eyre::Result;

use super::new::open;
use crate::cli::exit::UsageError;
use crate::domain::message::Message;

/// The largest message file, in bytes: longer than any text that WhatsApp accepts.
pub(super) const MESSAGE_FILE_MAX: u64 = 64 * 1024;

#[derive(Debug, Default, clap::Args)]
pub(in crate::cli) struct MessageArgs {
    /// The message. {name}, or any other column of the list, is replaced by the value in the person's row; {name|there}
    /// gives a default.
    #[arg(long, group = "text", allow_hyphen_values = true)]
    pub message: Option<String>,
    /// The message, from a file, or - for standard input.
    #[arg(long, group = "text", value_name = "FILE")]
    pub message_file: Option<PathBuf>,
}

impl MessageArgs {
    /// What was given; `None`: neither. Parsed here and not by clap, which would print a rejected message in full.
    pub(super) fn read(&self) -> Result<Option<Message>> {
        match (&self.message, &self.message_file) {
            (Some(text), _) => {
                Ok(Some(Message::parse(text).map_err(|error| UsageError(format!("--message: {error}")))?))
            }
            (None, Some(path)) => read_file(path).map(Some),
            (None, None) => Ok(None),
        }
    }
}

fn read_file(path: &Path) -> Result<Message> {
    let mut text = String::new();
    open(path)?
        .take(MESSAGE_FILE_MAX + 1)
        .read_to_string(&mut text)
        .map_err(|error| UsageError(format!("{}: {error}; the message must be UTF-8 text", path.display())))?;
    Ok(Message::parse(&text).map_err(|error| UsageError(format!("{}: {error}", path.display())))?)
}
