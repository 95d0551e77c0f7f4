//! `replies save` and `replies --save`: files that people sent, written where the operator wants them.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde_json::json;

use crate::app::view::ReplyRow;
use crate::app::{AppError, reply_file_name, write_new};
use crate::cli::context::Context;
use crate::cli::exit::RefusedError;
use crate::cli::output::{json, talk};
use crate::domain::ids::ReplyId;
use crate::domain::text::count_of;

/// Writes the file of one reply. Never over another.
pub(super) async fn one(context: &Context, id: ReplyId, file: &Path) -> Result<()> {
    let reply = context.app.reply(id).await?;
    let bytes = context.app.reply_file(&reply).await?;
    if !write_new(file, &bytes).wrap_err_with(|| shown(file))? {
        return Err(RefusedError(format!("{} exists already: choose another name", file.display())).into());
    }
    if context.is_json {
        return json(&json!({ "id": id, "file": file, "bytes": bytes.len(), "type": reply.file.file_type }));
    }
    talk(&format!(
        "{} written to {}",
        count_of(i64::try_from(bytes.len()).unwrap_or(i64::MAX), "byte", "bytes"),
        file.display()
    ));
    Ok(())
}

/// Files of many replies on their way into a directory.
pub(super) struct Saving<'a> {
    dir: &'a Path,
    written: i64,
    known: i64,
    refused: i64,
}

impl<'a> Saving<'a> {
    pub(super) const fn new(dir: &'a Path) -> Self {
        Self { dir, written: 0, known: 0, refused: 0 }
    }

    /// Writes those that are not there yet, each under its reply's id.
    pub(super) async fn all(&mut self, context: &Context, page: &[ReplyRow]) -> Result<()> {
        for reply in page.iter().filter(|reply| reply.file.file_state.is_some()) {
            let file = self.dir.join(reply_file_name(reply));
            if file.exists() {
                self.known += 1;
                continue;
            }
            match context.app.reply_file(reply).await {
                Ok(bytes) => {
                    DirBuilder::new().recursive(true).mode(0o700).create(self.dir).wrap_err_with(|| shown(self.dir))?;
                    write_new(&file, &bytes).wrap_err_with(|| shown(&file))?;
                    self.written += 1;
                }
                Err(AppError::Refused(why)) => {
                    talk(&why);
                    self.refused += 1;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    pub(super) fn in_words(&self) -> String {
        let also = [(self.known, "there already"), (self.refused, "not")];
        let also = also.into_iter().filter(|(files, _)| *files > 0).map(|(files, words)| format!(", {files} {words}"));
        format!(
            "{} written to {}{}",
            count_of(self.written, "file", "files"),
            self.dir.display(),
            also.collect::<String>()
        )
    }
}

fn shown(path: &Path) -> String {
    format!("{} cannot be written", path.display())
}
