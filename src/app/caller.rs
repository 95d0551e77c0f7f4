//! Programs that call over HTTP: who they are, and their requests that may come twice.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::api_token::{SecretKind, TokenName, TokenScope};
use crate::domain::ids::{BlastId, SenderId};
use crate::domain::request_fingerprint::RequestFingerprint;
use crate::store::DbTransaction;
use crate::store::action::{self, NewAction};
use crate::store::api_request::{self, AnswerToKeep, RequestKey, StoredRequest};
use crate::store::api_token::{self, NewToken, TokenIdentity, TokenRow};

/// In place of a token, the command line: its keys are not those of programs, nor of our own jobs, which have a negative one. No token
/// has this id.
const COMMAND_LINE: i64 = i64::MAX;

/// For whom an app acts, other than its operator.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The token's name, as logged with every act.
    pub name: String,
    /// The token; none where no program calls.
    pub token: Option<i64>,
    /// The only sender that it acts for.
    pub sender: Option<SenderId>,
    /// What its token may do.
    pub scope: TokenScope,
    /// When its token ends.
    pub expires_at: Option<DateTime<Utc>>,
    /// What makes its request one that has one effect however often it comes.
    pub request: Option<RequestKey>,
}

/// A token to make.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    pub name: TokenName,
    pub scope: TokenScope,
    /// The name of the only sender that it acts for.
    pub sender: Option<String>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// A token that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// Stored nowhere.
    pub secret: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// It ends sooner than was asked, with the token that made it.
    pub is_cut: bool,
}

impl App {
    /// The same app for this caller: its acts are logged under its name.
    #[must_use]
    pub fn acting_for(&self, caller: Caller) -> Self {
        Self { caller: Some(Arc::new(caller)), ..self.clone() }
    }

    /// The only sender that this app acts for; `None`: any.
    pub fn only_sender(&self) -> Option<SenderId> {
        self.caller.as_ref()?.sender
    }

    /// Whether whoever it acts for may change anything.
    pub(super) fn may_write(&self) -> bool {
        let scope = self.caller.as_ref().map(|caller| caller.scope);
        !self.is_read_only() && scope.is_none_or(|scope| scope >= TokenScope::Write)
    }

    /// Until when something lasts that is to last until `wanted` (`None`: for ever), and whether that is sooner: nothing outlives the
    /// token that made it.
    pub(super) fn within_own_time(&self, wanted: Option<DateTime<Utc>>) -> (Option<DateTime<Utc>>, bool) {
        let own = self.caller.as_ref().and_then(|caller| caller.expires_at);
        match own {
            Some(own) if wanted.is_none_or(|wanted| wanted > own) => (Some(own), true),
            _ => (wanted, false),
        }
    }

    /// The same app for what a request writes before its last transaction, which alone takes the request's key.
    pub(super) fn before_its_last(&self) -> Self {
        match self.caller.as_deref() {
            Some(caller) => self.acting_for(Caller { request: None, ..caller.clone() }),
            None => self.clone(),
        }
    }

    pub(super) fn request(&self) -> Option<&RequestKey> {
        self.caller.as_ref()?.request.as_ref()
    }

    /// The same app for a command that has one effect however often it is run with this key, as long as that is kept.
    pub async fn once(&self, key: &str, hash: [u8; 32]) -> Result<Self, AppError> {
        let request = RequestKey {
            token: COMMAND_LINE,
            key: self.request_key(COMMAND_LINE, key.to_owned()).await?,
            fingerprint: self.request_fingerprint(hash),
            request_id: format!("{:032x}", rand::random::<u128>()),
            blast: None,
        };
        let (name, scope) = (self.operator().to_owned(), TokenScope::Admin);
        Ok(self.acting_for(Caller { name, token: None, sender: None, scope, expires_at: None, request: Some(request) }))
    }

    /// The blast that a command with this key made before.
    ///
    /// # Errors
    /// [`AppError::Refused`] where it was another command, or the blast is deleted.
    pub async fn made_before(&self, key: &str, hash: [u8; 32]) -> Result<Option<BlastId>, AppError> {
        let Some(blast) = self.earlier_command(key, hash).await?.and_then(|earlier| earlier.blast) else {
            return Ok(None);
        };
        match self.state(blast).await {
            Ok(_) => Ok(Some(blast)),
            Err(AppError::NotFound(_)) => Err(AppError::Refused(format!(
                "blast {blast}, which was made with this idempotency key, is deleted: choose another key"
            ))),
            Err(error) => Err(error),
        }
    }

    /// The id of what a command with this key wrote before.
    ///
    /// # Errors
    /// [`AppError::Refused`] where it was another command.
    pub async fn written_before(&self, key: &str, hash: [u8; 32]) -> Result<Option<i64>, AppError> {
        let Some(earlier) = self.earlier_command(key, hash).await? else { return Ok(None) };
        Ok(earlier.answer.and_then(|answer| answer["id"].as_i64()))
    }

    /// The command that had this key first.
    async fn earlier_command(&self, key: &str, hash: [u8; 32]) -> Result<Option<StoredRequest>, AppError> {
        // Where no server runs, nobody else does.
        self.prune_requests().await?;
        let key = self.request_key(COMMAND_LINE, key.to_owned()).await?;
        let Some(earlier) = self.stored_request(COMMAND_LINE, &key).await? else { return Ok(None) };
        if self.is_another_request(&earlier, hash) {
            // Of what was written the id alone is kept, which may be an order's or a cart's.
            let made = earlier.blast.map_or_else(String::new, |blast| format!(", which made blast {blast}"));
            return Err(AppError::Refused(format!(
                "this idempotency key was used for another command, or for this one spelt otherwise{made}: choose another key"
            )));
        }
        Ok(Some(earlier))
    }

    /// Takes the key of the caller's request within the transaction of its effect.
    pub(super) async fn claim_request(&self, tx: &mut DbTransaction) -> Result<(), AppError> {
        let Some(key) = self.request() else { return Ok(()) };
        if api_request::claim(tx, key, None).await? { Ok(()) } else { Err(AppError::Repeated) }
    }

    /// Keeps what a command wrote with it, so that it is known whatever becomes of the command. A program's answer is kept by whoever gives it.
    pub(super) async fn keep_written(&self, tx: &mut DbTransaction, id: i64) -> Result<(), AppError> {
        match self.request().filter(|key| key.token == COMMAND_LINE) {
            Some(key) => Ok(api_request::wrote(tx, key, &json!({ "id": id })).await?),
            None => Ok(()),
        }
    }

    /// What became of an earlier request with this key.
    pub async fn stored_request(&self, token: i64, key: &str) -> Result<Option<StoredRequest>, AppError> {
        Ok(api_request::get(self.pool(), token, key).await?)
    }

    /// The key that a request is known by: a hash of its own where that named somebody who was forgotten since.
    ///
    /// # Errors
    /// [`AppError::Refused`] where it may be one whose hash this machine cannot make: it would be done a second time.
    pub async fn request_key(&self, token: i64, key: String) -> Result<String, AppError> {
        let own = self.engine().fence.forget_key().ok().flatten();
        if let Some(own) = &own {
            let hash = own.request(&key);
            if api_request::is_known(self.pool(), token, &hash).await? {
                return Ok(hash);
            }
        }
        if api_request::is_known(self.pool(), token, &key).await? {
            return Ok(key);
        }
        let own = own.map(|own| own.id());
        if api_request::is_hidden_elsewhere(self.pool(), token, own.as_deref()).await? {
            return Err(AppError::Refused(format!(
                "what this idempotency key stands for may have been done already: somebody whom such a key named was forgotten in the last \
                 48 hours, and this machine cannot recognize theirs: {}, or try again after that time",
                self.bring_key()
            )));
        }
        Ok(key)
    }

    /// What a request was, as it is kept.
    pub fn request_fingerprint(&self, hash: [u8; 32]) -> RequestFingerprint {
        RequestFingerprint::new(hash, self.engine().fence.forget_key().ok().flatten().as_ref())
    }

    /// Whether a request with this hash is another one than the earlier request with its key.
    pub fn is_another_request(&self, earlier: &StoredRequest, hash: [u8; 32]) -> bool {
        let key = self.engine().fence.forget_key().ok().flatten();
        RequestFingerprint::differs(earlier.fingerprint.as_deref(), hash, key.as_ref())
    }

    /// Stores the answer of the caller's request, for when it comes again. `false`: another request had its key first.
    pub async fn store_answer(&self, status: u16, body: &Value, headers: Value) -> Result<bool, AppError> {
        let Some(key) = self.request() else { return Ok(true) };
        let status = i16::try_from(status).unwrap_or(i16::MAX);
        Ok(api_request::answer(self.pool(), key, AnswerToKeep { status, body, headers }).await?)
    }

    /// Stores the refusal of the caller's request where a part of it was done before: it comes again, and not that all was done. `false`: nothing
    /// of it was done.
    pub async fn store_refusal(&self, status: u16, body: &Value) -> Result<bool, AppError> {
        let Some(key) = self.request() else { return Ok(false) };
        Ok(api_request::refuse(self.pool(), key, (i16::try_from(status).unwrap_or(i16::MAX), body)).await?)
    }

    /// Forgets requests that are too old to come again.
    pub async fn prune_requests(&self) -> Result<u64, AppError> {
        Ok(api_request::prune(self.pool()).await?)
    }

    /// Makes a token. One that is made by another token ends with it at the latest.
    pub async fn create_token(&self, new: TokenRequest) -> Result<IssuedToken, AppError> {
        let sender = match &new.sender {
            None => None,
            Some(name) => Some(self.registered_id(name).ok_or_else(|| AppError::NotFound(self.no_sender(name)))?),
        };
        if self.only_sender().is_some_and(|own| sender != Some(own)) {
            let why = "a token of one sender makes only tokens of that sender: name it";
            return Err(AppError::Refused(why.to_owned()));
        }
        let (expires_at, is_cut) = self.within_own_time(new.expires_at);
        let secret = SecretKind::Token.spell(rand::random());
        let name = new.name.as_str();
        let mut tx = self.begin().await?;
        let token = NewToken { name, hash: hash(&secret), scope: new.scope, sender, by: self.operator(), expires_at };
        if !api_token::insert(&mut tx, token).await? {
            tx.rollback().await?;
            return Err(self.name_taken(name).await?);
        }
        self.log_token(&mut tx, json!({ "name": name, "made": new.scope, "sender": new.sender })).await?;
        tx.commit().await?;
        Ok(IssuedToken { secret, expires_at, is_cut })
    }

    async fn name_taken(&self, name: &str) -> Result<AppError, AppError> {
        let own = self.tokens().await?;
        let is_own = own.iter().any(|token| token.revoked_at.is_none() && token.name.eq_ignore_ascii_case(name));
        let why = if is_own {
            format!("there is a token {name} already: `blastdeck token revoke {name}` ends it, or choose another name")
        } else {
            format!("the name {name} is taken: choose another")
        };
        Ok(AppError::Refused(why))
    }

    /// Whether the token that this app acts with still opens anything.
    pub async fn token_holds(&self) -> Result<bool, AppError> {
        match self.acting_operator().token {
            Some(token) => Ok(api_token::holds(self.pool(), token).await?),
            None => Ok(true),
        }
    }

    /// Ends a token: within a second it opens nothing any more.
    pub async fn revoke_token(&self, name: &str) -> Result<(), AppError> {
        let mut tx = self.begin().await?;
        // No name has such a letter, and the database takes none.
        let may_be = !name.contains('\0');
        if !may_be || !api_token::revoke(&mut tx, name.trim(), self.operator(), self.only_sender()).await? {
            return Err(AppError::NotFound(format!(
                "there is no valid token named {name}: see `blastdeck token list`"
            )));
        }
        self.log_token(&mut tx, json!({ "name": name.trim(), "revoked": true })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Every token, or those of the only sender that this app acts for, the newest first.
    pub async fn tokens(&self) -> Result<Vec<TokenRow>, AppError> {
        Ok(api_token::list(self.pool(), self.only_sender()).await?)
    }

    /// The valid token with this secret.
    pub async fn authenticate(&self, secret: &str) -> Result<Option<TokenIdentity>, AppError> {
        if !SecretKind::Token.is_spelling(secret) {
            return Ok(None);
        }
        Ok(api_token::identify(self.pool(), &hash(secret)).await?)
    }

    async fn log_token(&self, tx: &mut DbTransaction, detail: Value) -> Result<(), AppError> {
        let operator = self.acting_operator();
        let act = NewAction { operator, action: Act::Token, blast: None, recipient: None, phone: None, detail };
        action::log(tx, act).await?;
        Ok(())
    }
}

/// What the database has of a secret.
pub(super) fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}
