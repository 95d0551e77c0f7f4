//! People who look at the pages in a browser: they sign in with a token once, and their browser keeps a secret of its own.

use chrono::{TimeDelta, Utc};

use super::App;
use super::AppError;
use super::caller::hash;
use crate::domain::api_token::SecretKind;
use crate::store::api_token::TokenIdentity;
use crate::store::page_session;

impl App {
    /// How long a session lasts, if its token does.
    pub const SESSION_LENGTH: TimeDelta = TimeDelta::days(30);

    /// Begins a session with a token; its secret, for the browser. `None`: there is no such token that is valid.
    pub async fn sign_in(&self, token: &str) -> Result<Option<String>, AppError> {
        let Some(token) = self.authenticate(token.trim()).await? else { return Ok(None) };
        let secret = SecretKind::Session.spell(rand::random());
        let expires_at = Utc::now() + Self::SESSION_LENGTH;
        page_session::insert(self.pool(), &hash(&secret), token.id, expires_at).await?;
        Ok(Some(secret))
    }

    /// Ends a session, if there is one.
    pub async fn sign_out(&self, session: &str) -> Result<(), AppError> {
        if SecretKind::Session.is_spelling(session) {
            page_session::delete(self.pool(), &hash(session)).await?;
        }
        Ok(())
    }

    /// The valid token behind a valid session.
    pub async fn session_token(&self, session: &str) -> Result<Option<TokenIdentity>, AppError> {
        if !SecretKind::Session.is_spelling(session) {
            return Ok(None);
        }
        Ok(page_session::identify(self.pool(), &hash(session)).await?)
    }

    /// Forgets sessions that have expired.
    pub async fn prune_sessions(&self) -> Result<u64, AppError> {
        Ok(page_session::prune(self.pool()).await?)
    }
}
