//! Forgetting a person on their request: their number, name and texts leave the database and this machine's files, what is counted stays
//! true, and a keyed hash among the opt-outs keeps the next list from bringing them back.

mod beginning;
mod counted;
mod receivers;
mod rejected_files;
mod words;

use std::path::PathBuf;

use chrono::Utc;
use serde_json::json;
use sqlx::PgConnection;
use tokio::task::spawn_blocking;

use super::customers::key_of;
use super::suppressions::EVERY_BUSINESS;
use super::{App, AppError};
use crate::domain::act::Act;
use crate::domain::forgotten::{ForgetKey, ForgottenPeople, NumberPatterns, stand_in};
use crate::domain::phone::{PersonKey, Phone, region_of};
use crate::domain::status::Status;
use crate::domain::text::count_of;
use crate::engine::{MemoryError, RememberedOptOut};
use crate::store::action::{self, NewAction};
use crate::store::forget::{self, ElsewhereOutcome, KeptOfPerson, NamingWords, NumberValue, OpenRow, PersonTraces};
use crate::store::media;
use crate::store::{DbTransaction, StoreError, fence};

pub(super) use beginning::{FORGOTTEN_MEANWHILE, ForgettingWait, keep_from_forgetting};
pub use counted::ForgottenCustomers;
pub use receivers::hooks_in_words;

/// What no program can take back.
pub const NOT_FORGOTTEN: &str = "backups and copies of the database, lists and exports that you have, logs and memories of other machines, and \
                                 what the provider keeps are not touched: delete them there as well. Nor is what others typed about them without \
                                 their number, in the text of a blast, say, or in a note on somebody else: look for their name yourself";
/// What forgetting a person leaves.
pub const FORGOTTEN_STAYS_COUNTED: &str = "what was sent, read, replied and sold is counted as before, about nobody; it \
                                           holds for every business here: no later list of any brings them back";

/// What is there to be forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetPreview {
    /// Every number of the customer, as E.164.
    pub numbers: Vec<String>,
    pub kept: KeptOfPerson,
    /// Whether they were forgotten before: there is nothing more to take out of their own rows.
    pub was_forgotten: bool,
    /// Hooks whose receivers got events about them.
    pub hooks: Vec<String>,
    /// Drafts and steps whose words name them and will be rewritten, in words.
    pub rewritten: Option<String>,
    /// Why it cannot be done now, in words.
    pub refusal: Option<String>,
}

impl ForgetPreview {
    /// `+60… will be forgotten, for good: 3 rows in blasts, 1 reply`.
    pub fn in_words(&self) -> String {
        let rewritten = self.rewritten.as_ref().map(|rewritten| format!("; {rewritten}")).unwrap_or_default();
        self.person_in_words() + &rewritten
    }

    fn person_in_words(&self) -> String {
        if self.was_forgotten {
            let since = match kept_in_words(&self.kept) {
                _ if self.kept == KeptOfPerson::default() => "nothing is known of them since".to_owned(),
                kept => format!("{kept} since"),
            };
            return format!(
                "{} was forgotten before: {since}; texts of others are searched again",
                self.numbers.join(", ")
            );
        }
        format!("{} will be forgotten, for good: {}", self.numbers.join(", "), kept_in_words(&self.kept))
    }
}

fn kept_in_words(kept: &KeptOfPerson) -> String {
    let parts = [
        (kept.blasts, "row in a blast", "rows in blasts"),
        (kept.replies, "reply", "replies"),
        (kept.orders, "order", "orders"),
        (kept.carts, "cart", "carts"),
        (kept.acts, "act of an operator", "acts of operators"),
        (kept.webhooks, "raw webhook", "raw webhooks"),
        (kept.opt_outs, "opt-out", "opt-outs"),
        (kept.tags_and_notes, "tag or note", "tags and notes"),
        (kept.consents, "consent", "consents"),
        (kept.lists, "kept list", "kept lists"),
    ];
    let parts = parts.into_iter().filter(|(many, ..)| *many > 0).map(|(n, one, many)| count_of(n, one, many));
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() { "nothing is known of them yet".to_owned() } else { parts.join(", ") }
}

/// Somebody who was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forgotten {
    pub numbers: usize,
    pub kept: KeptOfPerson,
    /// Other machines whose disks have files that the person sent.
    pub files_elsewhere: Vec<String>,
    /// Files of rejected rows that may name the person and are out of reach: on other machines, or changed since they were written.
    pub rejected_files: Vec<String>,
    /// Hooks whose receivers got events about them.
    pub hooks: Vec<String>,
    /// What could not be cleared on this machine, in words: forgetting them again tries it again.
    pub left_here: Option<String>,
}

/// This machine's key of people who were forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgetKeyState {
    pub path: PathBuf,
    /// Identifies it among other keys; `None`: there is none yet.
    pub id: Option<String>,
    /// Why lists are refused here, in words.
    pub missing: Option<String>,
}

/// A person with all that finds them, in the transaction that forgets them.
struct PersonToForget {
    people: Vec<PersonKey>,
    rows: Vec<OpenRow>,
    traces: PersonTraces,
    kept: KeptOfPerson,
    words: Vec<NamingWords>,
    /// Values of others in which the number stands.
    values: Vec<NumberValue>,
}

const QUEUED_MEANWHILE: &str = "somebody whose message has their number in it was allowed again meanwhile, and is queued: try again once it is sent, or they are taken out of its blast";

/// What is locked of a person: the mere question holds up nobody, as it takes its time in a large database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PersonLocks {
    None,
    /// Their rows, and the words that name them, stay as they are found.
    UntilForgotten,
}

impl App {
    /// What forgetting somebody would come to. Changes nothing.
    pub async fn forget_preview(&self, phone: &Phone) -> Result<ForgetPreview, AppError> {
        let mut tx = self.begin().await?;
        forget::take_time(&mut tx).await?;
        let found = self.find_person(&mut tx, phone, PersonLocks::None).await?;
        let hooks = self.hooks_that_called(&mut tx, &found.traces).await?;
        let key = self.engine().fence.forget_key().ok().flatten();
        let was_forgotten = match &key {
            Some(key) => found.was_forgotten(&mut tx, key).await?,
            None => false,
        };
        tx.rollback().await?;
        let (refusal, rewritten) = (found.refusal(), words::rewritten_words(&found.words));
        let (numbers, kept) = (found.traces.people, found.kept);
        Ok(ForgetPreview { numbers, kept, was_forgotten, hooks, rewritten, refusal })
    }

    /// The same where something is known of them.
    pub async fn forget_preview_of_known(&self, phone: &Phone) -> Result<ForgetPreview, AppError> {
        self.sees_customers()?;
        let preview = self.forget_preview(phone).await?;
        if preview.kept == KeptOfPerson::default() {
            return Err(AppError::NotFound(format!("nothing is known of {phone}")));
        }
        Ok(preview)
    }

    /// Forgets the customer who has this number. Refused while a message to them may be under way, a webhook about them waits, or what goes
    /// out to others names them.
    pub async fn forget(&self, phone: &Phone) -> Result<Forgotten, AppError> {
        self.sees_customers()?;
        let key = self.own_forget_key().await?;
        let mut tx = self.begin().await?;
        forget::hold_lists(&mut tx).await.map_err(list_under_way)?;
        forget::hold_numbers(&mut tx, &key_of(phone)?).await.map_err(numbers_under_way)?;
        fence::require_whole(&mut tx).await?;
        let found = self.find_person(&mut tx, phone, PersonLocks::UntilForgotten).await?;
        if let Some(why) = found.refusal() {
            return Err(AppError::Refused(why));
        }
        let hooks = self.hooks_that_called(&mut tx, &found.traces).await?;
        let files = media::of_person(&mut tx, &found.traces).await?;
        // One stand-in is enough.
        if !found.was_forgotten(&mut tx, &key).await? {
            for person in &found.people {
                self.forget_number(&mut tx, *person, (&key, &found.traces)).await?;
            }
        }
        forget::forget_requests(&mut tx, &found.traces, &key).await?;
        let lost = forget::losing_words(&mut tx, &found.traces, &found.values).await?;
        forget::forget_words(&mut tx, &found.traces, &found.words).await?;
        let elsewhere = forget::forget_elsewhere(&mut tx, &found.traces, &found.values).await?;
        if elsewhere == ElsewhereOutcome::QueuedMeanwhile {
            return Err(AppError::Refused(QUEUED_MEANWHILE.to_owned()));
        }
        let detail = json!({ "rows": found.rows.len(), "lost": lost });
        let operator = self.acting_operator();
        let act = NewAction { operator, action: Act::Forget, blast: None, recipient: None, phone: None, detail };
        action::log(&mut tx, act).await?;
        // Before the commit, so that a database that is restored knows whom it must not restore.
        let hashes = found.people.iter().map(|person| forgotten_opt_out(key.opt_out(*person)));
        self.remember(&mut tx, hashes.collect()).await?;
        tx.commit().await?;
        let _ = self.engine().notifier.order(self.pool(), None).await;
        let host = self.engine().host.to_string();
        let (here, elsewhere): (Vec<_>, Vec<_>) = files.into_iter().partition(|(_, on)| *on == host);
        let left_here = self.forget_here(found.people.clone(), here).await;
        let mut files_elsewhere: Vec<String> = elsewhere.into_iter().map(|(_, on)| on).collect();
        files_elsewhere.sort_unstable();
        files_elsewhere.dedup();
        let rejected = self.forget_in_rejected_files(&found.traces).await;
        Ok(Forgotten {
            numbers: found.people.len(),
            kept: found.kept,
            files_elsewhere,
            rejected_files: rejected.unreached,
            hooks,
            left_here: left_here.or(rejected.failed),
        })
    }

    /// Whether a number is of somebody who asked to be forgotten, as far as this machine can tell.
    pub async fn was_forgotten(&self, phone: &Phone) -> Result<bool, AppError> {
        Ok(self.known_forgotten().await?.has(phone))
    }

    /// Whoever was forgotten, as far as this machine can tell: nothing of theirs is kept of a list that is read.
    pub async fn known_forgotten(&self) -> Result<ForgottenPeople, AppError> {
        let mut tx = self.begin().await?;
        self.forgotten_people(&mut tx).await
    }

    /// This machine's key, and whether it recognizes everybody who was forgotten.
    pub async fn forget_key_state(&self) -> Result<ForgetKeyState, AppError> {
        let key = self.engine().fence.forget_key().map_err(|error| unusable(&error))?;
        let mut tx = self.begin().await?;
        let hashes = forget::hashes(&mut tx).await?;
        tx.rollback().await?;
        let missing = ForgottenPeople::new(key.clone(), hashes).err().map(|missing| missing.to_string());
        Ok(ForgetKeyState { path: self.engine().fence.forget_key_path(), id: key.map(|key| key.id()), missing })
    }

    /// Whoever was forgotten, as far as this machine's key recognizes them: their keyed hash opts them out of everything, and no opt-out
    /// brings their number back.
    pub(super) async fn forgotten_people(&self, tx: &mut PgConnection) -> Result<ForgottenPeople, AppError> {
        let key = self.engine().fence.forget_key().ok().flatten();
        // An opt-out is noted also where this machine cannot recognize them.
        Ok(ForgottenPeople::recognized(key, forget::hashes(tx).await?).0)
    }

    /// The key, made if there is none and nobody was forgotten with another one.
    async fn own_forget_key(&self) -> Result<ForgetKey, AppError> {
        let state = self.forget_key_state().await?;
        if let Some(missing) = state.missing {
            return Err(AppError::Refused(format!("{missing}: {}", self.bring_key())));
        }
        self.engine().fence.make_forget_key().map_err(|error| unusable(&error))
    }

    /// How a key that is missing comes here.
    pub fn bring_key(&self) -> String {
        let path = self.engine().fence.forget_key_path();
        format!("copy the file `{}` from the machine where they were forgotten", path.display())
    }

    async fn find_person(
        &self,
        tx: &mut DbTransaction,
        phone: &Phone,
        locks: PersonLocks,
    ) -> Result<PersonToForget, AppError> {
        let own = phone.key().ok_or_else(|| AppError::Invalid("this is not a phone number".to_owned()))?;
        let numbers = forget::numbers(tx, &own.to_string()).await?;
        let people: Vec<_> = numbers.iter().filter_map(|number| PersonKey::of_digits(&number[1..])).collect();
        let patterns = NumberPatterns::of(&people);
        let values = forget::number_values(tx, &numbers, &patterns).await?;
        let rows = match locks {
            PersonLocks::None => forget::unlocked_rows(tx, &numbers).await?,
            PersonLocks::UntilForgotten => {
                forget::lock_words(tx, &patterns, &values).await?;
                forget::lock_rows(tx, &numbers).await?
            }
        };
        let ids: Vec<_> = rows.iter().map(|row| row.id.0).collect();
        let words = forget::naming_words(tx, &patterns, &values).await?;
        let traces = forget::traces(tx, (numbers, patterns, ids)).await?;
        let kept = forget::kept(tx, &traces).await?;
        Ok(PersonToForget { people, rows, traces, kept, words, values })
    }

    /// The opt-out comes first: whoever is queued is left out as by any opt-out.
    async fn forget_number(
        &self,
        tx: &mut DbTransaction,
        person: PersonKey,
        (key, traces): (&ForgetKey, &PersonTraces),
    ) -> Result<(), AppError> {
        let number = person.to_string();
        self.opt_out_of_all(tx, &number).await?;
        let stand_in = stand_in(forget::next_place(tx).await?);
        let country = region_of(&number).map(|region| region.to_string());
        forget::forget_rows(tx, &number, (&stand_in, country.as_deref())).await?;
        forget::forget_opt_outs(tx, (&number, &stand_in, &key.opt_out(person)), traces).await?;
        Ok(())
    }

    /// Clears this machine's files; what cannot be cleared, in words.
    async fn forget_here(&self, people: Vec<PersonKey>, files: Vec<(String, String)>) -> Option<String> {
        let (fence, media) = (self.engine().fence.clone(), self.engine().media.clone());
        let logs = self.config().database.data_dir.join("log");
        let digests: Vec<_> = files.iter().map(|(digest, _)| digest.clone()).collect();
        let done = spawn_blocking(move || {
            let gone = files.iter().map(|(digest, _)| media.remove(digest)).find_map(Result::err);
            let memories = fence.forget_people(&people, &logs);
            gone.map(|error| error.to_string()).or(memories.err().map(|error| error.to_string()))
        });
        let mut left = done.await.unwrap_or_else(|error| Some(error.to_string()));
        // Somebody else may have sent the same file in the moment in which it went.
        for digest in &digests {
            let wanted = media::want_again(self.pool(), &self.engine().host, digest).await;
            left = left.or(wanted.err().map(|error| error.to_string()));
        }
        left
    }
}

impl PersonToForget {
    /// Whether all their numbers were forgotten before, and nothing is known of them since.
    async fn was_forgotten(&self, tx: &mut DbTransaction, key: &ForgetKey) -> Result<bool, AppError> {
        // A late status brings their number once more, and no row of theirs.
        let own = KeptOfPerson { webhooks: 0, open_webhooks: 0, ..self.kept };
        if own != KeptOfPerson::default() || !self.rows.is_empty() {
            return Ok(false);
        }
        let hashes: Vec<_> = self.people.iter().map(|person| key.opt_out(*person)).collect();
        Ok(forget::are_forgotten(tx, &hashes).await?)
    }

    /// Why they cannot be forgotten now: the first of the reasons.
    fn refusal(&self) -> Option<String> {
        let at = |status| self.rows.iter().find(|row| row.status == status);
        if let Some(row) = at(Status::Sending) {
            let blast = row.blast_id;
            return Some(format!(
                "a message to them is in flight in blast {blast}: try again once its outcome is known"
            ));
        }
        if let Some(OpenRow { blast_id, phone_number, .. }) = at(Status::Uncertain) {
            return Some(format!(
                "whether a message of blast {blast_id} reached them is uncertain, and nobody could tell any more: say it first \
                 with `blastdeck uncertain resolve {blast_id} {phone_number} sent`, or `drop`"
            ));
        }
        let open = self.kept.open_webhooks;
        let waiting = (open > 0).then(|| {
            let webhooks = count_of(open, "webhook that names them waits", "webhooks that name them wait");
            format!("{webhooks} to be applied and may still say what became of their messages: try again once `blastdeck inbox list` has none")
        });
        waiting.or_else(|| words::sent_words(&self.words))
    }
}

fn forgotten_opt_out(hash: String) -> RememberedOptOut {
    RememberedOptOut {
        business: EVERY_BUSINESS.to_owned(),
        phone: hash,
        reason: Some("asked to be forgotten".to_owned()),
        source: "person".to_owned(),
        by: "the person".to_owned(),
        at: Utc::now(),
        is_lifted: false,
    }
}

fn list_under_way(error: StoreError) -> AppError {
    under_way(error, "a list is being imported, which may have them in it: try again once it is in")
}

fn numbers_under_way(error: StoreError) -> AppError {
    under_way(error, "opt-outs, tags or notes are being written, which may be about them: try again once they are in")
}

fn under_way(error: StoreError, why: &str) -> AppError {
    match error {
        StoreError::Busy(_) => AppError::Refused(why.to_owned()),
        other => other.into(),
    }
}

fn unusable(error: &MemoryError) -> AppError {
    AppError::Refused(format!("the key of people who were forgotten cannot be used: {error}"))
}
