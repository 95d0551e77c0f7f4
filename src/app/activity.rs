//! What happened, for people who watch: a page of it, what is new to an operator, who else is here, and files that people sent.

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use chrono::Utc;
use tokio::task::spawn_blocking;

use super::view::{ActivityHead, ActivityPage, ActivityPosition, ActivityRow, ReplyRow};
use super::{App, AppError};
use crate::domain::ids::{RecipientId, ReplyId};
use crate::domain::unseen::{SeenSpan, Unseen};
use crate::store::StoreError;
use crate::store::notify;
use crate::store::presence::{self, Arrival};
use crate::store::view::{activity, recipients};

/// A reply's file, written where the operator wanted it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedFile {
    pub path: PathBuf,
    pub bytes: usize,
}

impl App {
    /// What happened before a place, newest first, with the present rows of the people that it is about.
    pub async fn activity(&self, before: Option<ActivityPosition>, limit: u32) -> Result<ActivityPage, AppError> {
        let rows = activity::page(self.pool(), before, limit).await?;
        let mut ids: Vec<RecipientId> = rows.iter().flat_map(ActivityRow::people).collect();
        ids.sort_unstable();
        ids.dedup();
        let people = if ids.is_empty() { Vec::new() } else { recipients::by_id(self.pool(), &ids).await? };
        Ok(ActivityPage { rows, people })
    }

    /// What this operator has not seen of it.
    pub async fn activity_head(&self) -> Result<ActivityHead, AppError> {
        let unseen = if self.is_read_only() {
            self.unseen_without_trace(&[]).await?
        } else {
            match presence::activity_unseen(self.pool(), self.operator()).await {
                // It takes no changes: what is read is read all the same.
                Err(StoreError::Refusing(_)) => self.unseen_without_trace(&[]).await?,
                unseen => unseen?,
            }
        };
        Ok(activity::head(self.pool(), self.operator(), unseen).await?)
    }

    /// This operator was shown what happened at these times; what they have not seen then.
    pub async fn see_activity(&self, shown: &[SeenSpan]) -> Result<ActivityHead, AppError> {
        let unseen = if self.is_read_only() {
            self.unseen_without_trace(shown).await?
        } else {
            match presence::see_activity(self.pool(), self.operator(), shown).await {
                Err(StoreError::Refusing(_)) => self.unseen_without_trace(shown).await?,
                unseen => unseen?,
            }
        };
        Ok(activity::head(self.pool(), self.operator(), unseen).await?)
    }

    /// The same for who only reads: what they were shown is remembered as long as the window is open. Where no trace is left from
    /// before, what comes from the first look on is new.
    async fn unseen_without_trace(&self, shown: &[SeenSpan]) -> Result<Unseen, AppError> {
        let stored = presence::activity_unseen_before(self.pool(), self.operator()).await?;
        let mut here = self.inner.unseen_here.lock().unwrap_or_else(PoisonError::into_inner);
        let unseen = here.get_or_insert_with(|| stored.unwrap_or_else(|| Unseen::since(Utc::now())));
        for span in shown {
            unseen.show(*span);
        }
        Ok(unseen.clone())
    }

    /// Says that this operator has a dashboard open, and to the others when it was opened. One that only reads leaves no trace.
    pub async fn renew_presence(&self) -> Result<(), AppError> {
        if self.is_read_only() {
            return Ok(());
        }
        if presence::renew(self.pool(), self.holder(), self.operator()).await? == Arrival::New {
            notify::hint(self.pool(), None).await?;
        }
        Ok(())
    }

    /// The other operators who have a dashboard open, by name.
    pub async fn others_here(&self) -> Result<Vec<String>, AppError> {
        Ok(presence::others(self.pool(), self.operator()).await?)
    }

    /// This operator's dashboard is closed.
    pub async fn end_presence(&self) -> Result<(), AppError> {
        if self.is_read_only() {
            return Ok(());
        }
        presence::leave(self.pool(), self.holder()).await?;
        Ok(notify::hint(self.pool(), None).await?)
    }

    /// Writes the file of a reply into a directory, readable by its owner alone, and never over another.
    pub async fn save_reply_file(&self, id: ReplyId, dir: &Path) -> Result<SavedFile, AppError> {
        let reply = self.reply(id).await?;
        let contents = self.reply_file(&reply).await?;
        let (path, bytes) = (dir.join(reply_file_name(&reply)), contents.len());
        let target = path.clone();
        let written = spawn_blocking(move || write_new(&target, &contents)).await.map_err(io::Error::other).flatten();
        match written {
            Ok(true) => Ok(SavedFile { path, bytes }),
            Ok(false) => Err(AppError::Refused(format!("{} is there already: it stays as it is", path.display()))),
            Err(error) => Err(AppError::Refused(format!("{} cannot be written: {error}", path.display()))),
        }
    }
}

/// Made of our own id and a type that we know: nothing of it comes from outside.
pub fn reply_file_name(reply: &ReplyRow) -> PathBuf {
    let extension =
        match reply.file.file_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim() {
            "image/jpeg" => "jpg",
            "image/png" => "png",
            "image/webp" => "webp",
            "application/pdf" => "pdf",
            _ => "bin",
        };
    PathBuf::from(format!("reply-{}.{extension}", reply.id))
}

/// `false`: there is a file of that name, which stays as it is.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(mut file) => file.write_all(bytes).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}
