//! What is watched: one task a blast, or list of blasts, while somebody looks at it, however many look. It reads when something
//! changed, at most four times a second, and hands the same bytes to everybody.

mod frame;
mod stream;
mod watcher;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::problem::Problem;
use crate::app::{App, News};
use frame::BlastFrame;
pub(super) use frame::{Frame, Topic, event};
pub(super) use stream::{ViewerAccess, ViewerKind, Watch, stream};
use watcher::{Published, first_frame, watch_topic};

use axum::http::{HeaderValue, StatusCode, header};

/// Everything that is watched now.
pub(super) struct LiveHub {
    app: App,
    /// Ends every stream.
    stop: CancellationToken,
    watched: Mutex<HashMap<Topic, Weak<Watched>>>,
    news: Mutex<Weak<News>>,
    /// So many may watch at once: the other connections are left to those who ask once.
    viewers: Arc<Semaphore>,
}

/// A topic that somebody watches; the task that reads it ends when nobody does any more.
pub(super) struct Watched {
    frames: watch::Receiver<Option<Published>>,
    _reading: DropGuard,
}

impl LiveHub {
    pub(super) fn new(app: App, viewers: usize, stop: CancellationToken) -> Self {
        Self {
            app,
            stop,
            watched: Mutex::default(),
            news: Mutex::default(),
            viewers: Arc::new(Semaphore::new(viewers)),
        }
    }

    /// A place among those who watch.
    fn admit(&self) -> Result<OwnedSemaphorePermit, Problem> {
        let detail = "as many are watching as may: try again in a while";
        let busy = || Problem::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
        let permit = Arc::clone(&self.viewers).try_acquire_owned();
        permit.map_err(|_| busy().with_header(header::RETRY_AFTER, HeaderValue::from_static("5")))
    }

    /// The task that reads this topic, begun if nobody watches it yet.
    fn watch(&self, topic: Topic) -> Arc<Watched> {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        // One that found nothing there has ended: a blast may be there by now.
        let running =
            watched.get(&topic).and_then(Weak::upgrade).filter(|running| running.frames.has_changed().is_ok());
        if let Some(running) = running {
            return running;
        }
        watched.retain(|_, watched| watched.strong_count() > 0);
        let (publish, frames) = watch::channel(None);
        let stop = self.stop.child_token();
        let reading = watch_topic(self.app.beside(), topic, self.news(), publish);
        tokio::spawn(stop.clone().run_until_cancelled_owned(reading));
        let new = Arc::new(Watched { frames, _reading: stop.drop_guard() });
        watched.insert(topic, Arc::downgrade(&new));
        new
    }

    fn news(&self) -> Arc<News> {
        let mut news = self.news.lock().unwrap_or_else(PoisonError::into_inner);
        news.upgrade().unwrap_or_else(|| {
            let new = Arc::new(self.app.listen());
            *news = Arc::downgrade(&new);
            new
        })
    }

    /// The topic as it is now, without watching it: from whoever watches, or read for this once.
    pub(super) async fn look(&self, topic: Topic) -> Result<Arc<Frame>, Problem> {
        let running = {
            let watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
            watched.get(&topic).and_then(Weak::upgrade)
        };
        match running {
            Some(running) => first_frame(&mut running.frames.clone()).await,
            None => Ok(Arc::new(watcher::read_once(&self.app, topic).await?)),
        }
    }
}
