//! Where a list is read: beside the program's tasks, which never wait for a file or a pipe.

use tokio::sync::oneshot;

use super::ImportError;

/// Runs on a detached thread: one that reads a silent pipe must not hold up the program's end.
pub(super) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImportError> + Send + 'static,
) -> Result<T, ImportError> {
    let (sender, answer) = oneshot::channel();
    let started = std::thread::Builder::new().name("import".to_owned()).spawn(move || sender.send(work()));
    started.map_err(ImportError::Read)?;
    answer.await.unwrap_or(Err(ImportError::Broken))
}
