//! What was started, and could not be read afterwards: it is taken back, or goes on, once the database answers.

use std::time::Duration;

use color_eyre::Result;
use tokio::signal::unix::Signal;
use tokio::time::sleep;

use super::super::taking_back::Launched;
use crate::app::view::BlastView;
use crate::app::{AppError, unread_after};
use crate::cli::context::Context;
use crate::cli::output::talk;
use crate::domain::blast::BlastState;
use crate::domain::text::clean;

/// How often it is read again.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A blast that a person started, once it can be read; what was launched is as it was before that, and `done` says what was done. Until then
/// ctrl-c takes the start back. Fails where somebody did so meanwhile.
pub(super) async fn read_at_last(
    context: &Context,
    (launched, done): (&Launched<'_>, &str),
    interrupt: &mut Signal,
) -> Result<BlastView> {
    talk(&format!(
        "{}, and the database does not answer since: this goes on once it does, and ctrl-c takes it back",
        clean(done)
    ));
    let read = tokio::select! {
        read = until_read(context, launched.blast) => read.map_err(unread_after(done))?,
        _ = interrupt.recv() => return Err(launched.interrupted(context, interrupt).await),
    };
    if matches!(read.state, BlastState::Draft | BlastState::Paused | BlastState::Cancelled) {
        let since = AppError::Refused(format!("{} is {} now", launched.name, read.state.with_article()));
        return Err(launched.unless_taken_back(context, since.into()).await);
    }
    Ok(read)
}

async fn until_read(context: &Context, blast: &BlastView) -> Result<BlastView, AppError> {
    loop {
        match context.app.blast(blast.id).await {
            Err(AppError::Store(error)) if error.is_transient() => sleep(LOOK_EVERY).await,
            read => return read,
        }
    }
}

/// That it is started, whatever cannot be read since.
pub(super) fn started_words(launched: &Launched<'_>) -> String {
    let Launched { blast, name, is_stop_lifted, .. } = launched;
    match blast.state {
        _ if *is_stop_lifted => format!("sender {} may go on", clean(&blast.sender)),
        BlastState::Scheduled => format!("{name} is scheduled"),
        _ => format!("{name} is started"),
    }
}
