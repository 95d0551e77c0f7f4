//! Fetches the files that people sent, such as payment slips, and keeps them on this machine's disk for as long as webhooks are
//! kept. A file's name is the digest of its bytes: nothing of it comes from outside.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use sha2::{Digest, Sha256};
use tokio::task::spawn_blocking;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::clock;
use super::context::EngineContext;
use crate::domain::ids::SenderId;
use crate::domain::text::hex;
use crate::provider::meta::{FetchedMedia, GraphError, Meta};
use crate::store::StoreError;
use crate::store::media::{self, StoredFile, WantedFile};

/// The largest file that is fetched: more than any picture, and most documents.
pub const FILE_MAX: usize = 16 * 1024 * 1024;
/// How long Meta has a file that somebody sent.
pub(super) const KEPT_BY_META: TimeDelta = TimeDelta::days(7);
/// How often due files are looked for.
const READ_EVERY: Duration = Duration::from_secs(5);
/// Whoever takes a file has this long before somebody else does.
const HELD_FOR: TimeDelta = TimeDelta::minutes(5);
/// The first pause after a failure; it doubles with each.
const PAUSE: TimeDelta = TimeDelta::seconds(30);
const PAUSE_MAX: TimeDelta = TimeDelta::hours(2);
/// What Meta says of the file itself, such as that it has none by this id, counts after so many times: a quarter of an hour.
const REFUSED_TRIES: i32 = 6;
/// Files in one turn.
const AT_ONCE: i64 = 8;
const DROP_EVERY: Duration = Duration::from_secs(60 * 60);

/// Where files are kept.
#[derive(Debug, Clone)]
pub struct MediaDir(PathBuf);

impl MediaDir {
    /// Within a data directory. Made when the first file is stored.
    pub fn within(data_dir: &Path) -> Self {
        Self(data_dir.join("media"))
    }

    /// Stores bytes under their digest, once, readable by their owner alone. Returns the digest.
    pub fn store(&self, bytes: &[u8]) -> io::Result<String> {
        let digest = hex(&Sha256::digest(bytes));
        let path = self.path(&digest)?;
        if path.exists() {
            return Ok(digest);
        }
        let parent = path.parent().unwrap_or(&self.0);
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
        let draft = parent.join(format!("{digest}.{}", std::process::id()));
        let written = write(&draft, bytes).and_then(|()| fs::rename(&draft, &path));
        if written.is_err() {
            let _ = fs::remove_file(&draft);
        }
        written.map(|()| digest)
    }

    /// The file with a digest, if its bytes are still those.
    pub fn read(&self, digest: &str) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        File::open(self.path(digest)?)?.read_to_end(&mut bytes)?;
        if hex(&Sha256::digest(&bytes)) == digest {
            return Ok(bytes);
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, "its bytes were changed since it was stored"))
    }

    pub fn remove(&self, digest: &str) -> io::Result<()> {
        match fs::remove_file(self.path(digest)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            done => done,
        }
    }

    /// Refuses whatever is no digest, whoever wrote it into the database.
    fn path(&self, digest: &str) -> io::Result<PathBuf> {
        let is_digest = digest.len() == 64 && digest.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !is_digest {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "that is not the name of a stored file"));
        }
        Ok(self.0.join(&digest[..2]).join(digest))
    }
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_data()
}

/// Fetches what is wanted until stopped. Does nothing where no sender is one of Meta's.
pub(super) async fn run(engine: EngineContext, stop: CancellationToken) {
    let fetcher = MediaFetcher {
        senders: engine.senders.iter().filter(|sender| sender.meta.is_some()).map(|sender| sender.id).collect(),
        engine,
    };
    if fetcher.senders.is_empty() {
        return;
    }
    let mut dropped: Option<Instant> = None;
    while !stop.is_cancelled() {
        let turn = async {
            if let Err(error) = fetcher.turn().await {
                tracing::debug!(%error, "files are fetched later");
            }
            if dropped.is_none_or(|at| at.elapsed() >= DROP_EVERY) {
                dropped = Some(Instant::now());
                if let Err(error) = fetcher.drop_old().await {
                    tracing::warn!(%error, "old files are dropped later");
                }
            }
            sleep(READ_EVERY).await;
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = turn => {}
        }
    }
}

struct MediaFetcher {
    engine: EngineContext,
    senders: Vec<SenderId>,
}

impl MediaFetcher {
    /// Fetches what is due, one after the other.
    async fn turn(&self) -> Result<(), StoreError> {
        loop {
            let wanted = media::take(&self.engine.pool, &self.senders, HELD_FOR, AT_ONCE).await?;
            if wanted.is_empty() {
                return Ok(());
            }
            for file in &wanted {
                self.fetch(file).await?;
            }
        }
    }

    async fn fetch(&self, wanted: &WantedFile) -> Result<(), StoreError> {
        let sender = self.engine.senders.iter().find(|sender| sender.id == wanted.sender_id);
        let Some(meta) = sender.and_then(|sender| sender.meta.clone()) else { return Ok(()) };
        match fetched(&meta, &wanted.media_id).await {
            Ok(file) => self.store(wanted, file).await,
            Err(error @ (GraphError::TooLarge { .. } | GraphError::Elsewhere(_) | GraphError::NotAMediaId(_))) => {
                media::lose(&self.engine.pool, wanted.reply_id, &error.to_string()).await
            }
            Err(error) if error.is_about_the_object() && wanted.tries >= REFUSED_TRIES => {
                tracing::warn!(%error, media = wanted.media_id, "a file that somebody sent cannot be fetched");
                media::lose(&self.engine.pool, wanted.reply_id, &error.to_string()).await
            }
            Err(error) => self.retry(wanted, &error.to_string()).await,
        }
    }

    async fn store(&self, wanted: &WantedFile, file: FetchedMedia) -> Result<(), StoreError> {
        let digest = match self.written(&file).await {
            Ok(digest) => digest,
            Err(error) => {
                tracing::warn!(%error, "a file that somebody sent cannot be stored");
                return self.retry(wanted, &format!("it cannot be stored: {error}")).await;
            }
        };
        let stored = StoredFile {
            digest: &digest,
            mime_type: file.mime_type.as_deref(),
            bytes: i64::try_from(file.bytes.len()).unwrap_or(i64::MAX),
            host: &self.engine.host,
        };
        if media::stored(&self.engine.pool, wanted.reply_id, stored).await?
            && let Err(error) = self.written(&file).await
        {
            tracing::warn!(%error, "a file that somebody sent was removed with an older one, and cannot be stored again");
        }
        Ok(())
    }

    /// On the disk, unless it is there. Asked for once more when its reply names it: another engine of this machine may have let go of an
    /// older reply's file with the same bytes meanwhile.
    async fn written(&self, file: &FetchedMedia) -> io::Result<String> {
        let (dir, bytes) = (self.engine.media.clone(), file.bytes.clone());
        let stored = spawn_blocking(move || dir.store(&bytes)).await;
        stored.unwrap_or_else(|error| Err(io::Error::other(error)))
    }

    async fn retry(&self, wanted: &WantedFile, why: &str) -> Result<(), StoreError> {
        let doublings = u32::try_from(wanted.tries.saturating_sub(1)).unwrap_or_default().min(8);
        let pause = (PAUSE * (1 << doublings)).min(PAUSE_MAX);
        if media::retry(&self.engine.pool, wanted.reply_id, pause, why).await? {
            tracing::warn!(why, media = wanted.media_id, "a file that somebody sent was not fetched while Meta had it");
        }
        Ok(())
    }

    async fn drop_old(&self) -> Result<(), StoreError> {
        if clock::agreed_time(&self.engine.pool).await?.is_none() {
            return Ok(());
        }
        let lost = media::expire(&self.engine.pool).await?;
        if lost > 0 {
            tracing::warn!(files = lost, "nobody fetched these files while Meta had them");
        }
        let days = self.engine.settings.keep_inbox_days;
        let digests = media::drop_old(&self.engine.pool, &self.engine.host, days).await?;
        for digest in &digests {
            if let Err(error) = self.engine.media.remove(digest) {
                tracing::warn!(%error, digest, "an old file cannot be removed");
            }
            // Whoever stored it for another reply since was too early to see that it is gone.
            media::want_again(&self.engine.pool, &self.engine.host, digest).await?;
        }
        Ok(())
    }
}

async fn fetched(meta: &Arc<Meta>, id: &str) -> Result<FetchedMedia, GraphError> {
    meta.media(id, FILE_MAX).await
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn dir() -> (tempfile::TempDir, MediaDir) {
        let temporary = tempfile::tempdir().unwrap();
        let media = MediaDir::within(temporary.path());
        (temporary, media)
    }

    #[test]
    fn a_file_is_stored_once_under_its_digest_for_its_owner_alone() {
        let (_temporary, media) = dir();

        let digest = media.store(b"slip").unwrap();
        let again = media.store(b"slip").unwrap();

        assert_eq!(digest, again);
        assert_eq!(media.read(&digest).unwrap(), b"slip");
        let path = media.path(&digest).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().permissions().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        media.remove(&digest).unwrap();
        media.remove(&digest).unwrap();
        assert!(media.read(&digest).is_err());
    }

    #[test]
    fn a_file_that_was_changed_and_a_name_from_outside_are_refused() {
        let (temporary, media) = dir();
        let digest = media.store(b"slip").unwrap();
        fs::write(media.path(&digest).unwrap(), b"another").unwrap();
        fs::write(temporary.path().join("secret"), b"secret").unwrap();

        assert_eq!(media.read(&digest).unwrap_err().kind(), io::ErrorKind::InvalidData);
        for name in ["../secret", "", "/etc/passwd", &"../".repeat(22), &"A".repeat(64)] {
            assert_eq!(media.read(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        }
    }
}
