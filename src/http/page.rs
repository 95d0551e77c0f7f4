//! The pages for whoever pays: the list of blasts, and one blast as it goes on. Read-only, in plain HTML that works without
//! scripts; a small script puts the newest numbers into it. No page ever shows a number, a name or a message of anybody.

mod assets;
mod blast;
mod html;
mod list;
mod mask;
mod routes;
mod session;
mod standing;

use super::HttpState;
use super::known::Known;
use crate::app::{AppError, ShareIdentity, TokenIdentity};
pub(super) use blast::{BlastPage, HOURS};
pub(super) use list::ListPage;
pub(super) use routes::routes;

/// What the pages keep between requests: caches, which may be lost.
#[derive(Default)]
pub(super) struct PageState {
    sessions: Known<TokenIdentity>,
    shares: Known<ShareIdentity>,
}

impl PageState {
    /// The valid token behind a browser's session.
    pub(super) async fn session(&self, state: &HttpState, secret: &str) -> Result<Option<TokenIdentity>, AppError> {
        self.sessions.identify(secret, async |secret| state.app.session_token(secret).await).await
    }

    /// The valid link with this secret.
    pub(super) async fn share(&self, state: &HttpState, secret: &str) -> Result<Option<ShareIdentity>, AppError> {
        self.shares.identify(secret, async |secret| state.app.open_share(secret).await).await
    }

    /// Looks a session up anew next time.
    fn forget_session(&self, secret: &str) {
        self.sessions.forget(secret);
    }
}
