//! Links to one blast's page, for somebody who has no token: read-only, for a while, and revocable.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::App;
use super::AppError;
use super::caller::hash;
use crate::domain::act::Act;
use crate::domain::api_token::SecretKind;
use crate::domain::ids::{BlastId, ShareId};
use crate::store::DbTransaction;
use crate::store::action::{self, NewAction};
use crate::store::share::{self, NewShare, ShareIdentity, ShareRow};
use crate::store::view;

/// A link that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewShareLink {
    pub id: ShareId,
    /// Stored nowhere.
    pub secret: String,
    /// Where the page is, without the server's address.
    pub path: String,
    pub expires_at: DateTime<Utc>,
    /// It ends sooner than was asked, with the token that made it.
    pub is_cut: bool,
}

impl App {
    /// The longest that a link can last.
    pub const SHARE_MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

    /// Makes a link to a blast's page that ends after `span`, a second to [`Self::SHARE_MAX`]; one that a token makes ends with it
    /// at the latest.
    pub async fn create_share(&self, blast: BlastId, span: Duration) -> Result<NewShareLink, AppError> {
        let expires_at = TimeDelta::from_std(span).ok().filter(|_| span <= Self::SHARE_MAX && !span.is_zero());
        let expires_at = expires_at.map(|span| Utc::now() + span);
        let wrong = || AppError::invalid("expires_in", "a link lasts a second to 366 days: write a time such as 7d");
        let wanted = expires_at.ok_or_else(wrong)?;
        let (within, is_cut) = self.within_own_time(Some(wanted));
        let expires_at = within.unwrap_or(wanted);
        self.blast_row(blast).await?;
        if view::blasts::is_answer(self.pool(), blast).await? {
            let why = format!("blast {blast} is an answer to one person, and a page shows nobody");
            return Err(AppError::Refused(why));
        }
        let secret = SecretKind::Share.spell(rand::random());
        let mut tx = self.begin().await?;
        let new = NewShare { hash: hash(&secret), blast, by: self.operator(), expires_at };
        let id = share::insert(&mut tx, new).await?;
        self.log_share(&mut tx, blast, json!({ "share": id, "expires_at": expires_at })).await?;
        tx.commit().await?;
        Ok(NewShareLink { id, path: format!("/share/{secret}"), secret, expires_at, is_cut })
    }

    /// Ends a link: within a second it shows nothing any more.
    pub async fn revoke_share(&self, id: ShareId) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        let revoked = share::revoke(&mut tx, id, self.operator(), self.only_sender()).await?;
        let missing = || AppError::NotFound(format!("there is no valid link {id}: see `blastdeck share list`"));
        let blast = revoked.ok_or_else(missing)?;
        self.log_share(&mut tx, blast, json!({ "share": id, "revoked": true })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Links to a blast or to all, the newest first; those that are over too.
    pub async fn shares(&self, blast: Option<BlastId>) -> Result<Vec<ShareRow>, AppError> {
        if let Some(blast) = blast {
            self.blast_row(blast).await?;
        }
        Ok(share::list(self.pool(), blast, self.only_sender()).await?)
    }

    /// The valid link with this secret.
    pub async fn open_share(&self, secret: &str) -> Result<Option<ShareIdentity>, AppError> {
        if !SecretKind::Share.is_spelling(secret) {
            return Ok(None);
        }
        Ok(share::identify(self.pool(), &hash(secret)).await?)
    }

    async fn log_share(&self, tx: &mut DbTransaction, blast: BlastId, detail: Value) -> Result<(), AppError> {
        let operator = self.acting_operator();
        let act = NewAction { operator, action: Act::Token, blast: Some(blast), recipient: None, phone: None, detail };
        action::log(tx, act).await?;
        Ok(())
    }
}
