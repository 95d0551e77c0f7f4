//! What is here and not applied yet, of attempts whose outcome is not known.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use futures_util::TryStreamExt as _;
use sqlx::PgConnection;

use crate::domain::ids::RecipientId;
use crate::domain::phone::Phone;
use crate::store::StoreError;

/// An attempt by all that a webhook may name it by.
#[derive(Debug, Clone)]
pub struct NamedAttempt {
    pub recipient: RecipientId,
    /// What its callback data begins with.
    pub callback: String,
    /// What the callback data of all of its blast begins with.
    pub blast_callback: String,
    pub message_id: Option<String>,
    pub phone: Phone,
}

/// Who of these is named by a request that is not applied yet. A new one may name them in any way; one that waits, by their attempt: of a
/// message that nobody knows, or of a reply that waits for a decision about this very attempt, nothing more becomes known.
///
/// Reads the backlog once, however many are asked about: of what waits, which may be all that another program sends in a day, only what
/// names their blast leaves the database.
pub async fn unapplied(tx: &mut PgConnection, attempts: &[NamedAttempt]) -> Result<BTreeSet<RecipientId>, StoreError> {
    let names = AttemptNames::of(attempts)?;
    let blasts: BTreeSet<&str> = attempts.iter().map(|attempt| attempt.blast_callback.as_str()).collect();
    let requests = sqlx::query_as(
        "select body, state = 'new' as is_new from webhook_inbox w
          where state in ('new', 'parked')
            and (state = 'new'
                 or exists (select from unnest($1::bytea[]) as blast (callback) where position(blast.callback in w.body) > 0))",
    );
    let blasts: Vec<Vec<u8>> = blasts.into_iter().map(|callback| callback.as_bytes().to_vec()).collect();
    let mut requests = requests.bind(blasts).fetch(tx);
    let mut named = BTreeSet::new();
    while let Some(request) = requests.try_next().await? {
        let (body, is_new): (Vec<u8>, bool) = request;
        names.note_in(&body, is_new, &mut named);
    }
    Ok(named)
}

/// All that attempts are named by, found in one pass over a request.
struct AttemptNames {
    finder: AhoCorasick,
    /// Whom each pattern of the finder names.
    patterns: Vec<AttemptName>,
}

struct AttemptName {
    recipient: RecipientId,
    /// By the attempt itself, and not by a message id or a number alone.
    is_callback: bool,
}

impl AttemptNames {
    fn of(attempts: &[NamedAttempt]) -> Result<Self, StoreError> {
        let (mut texts, mut patterns) = (Vec::new(), Vec::new());
        for attempt in attempts {
            let message_id = attempt.message_id.as_deref().unwrap_or_default();
            let names = [(attempt.callback.as_str(), true), (message_id, false), (attempt.phone.digits(), false)];
            for (text, is_callback) in names.into_iter().filter(|(text, _)| !text.is_empty()) {
                texts.push(text);
                patterns.push(AttemptName { recipient: attempt.recipient, is_callback });
            }
        }
        let finder = AhoCorasick::new(texts).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
        Ok(Self { finder, patterns })
    }

    /// Adds whoever a request names. One name may stand within another, as a number within a message's id: each counts.
    fn note_in(&self, body: &[u8], is_new: bool, named: &mut BTreeSet<RecipientId>) {
        let found = self.finder.find_overlapping_iter(body).map(|found| &self.patterns[found.pattern().as_usize()]);
        named.extend(found.filter(|name| is_new || name.is_callback).map(|name| name.recipient));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(n: i64, message_id: Option<&str>, phone: &str) -> NamedAttempt {
        NamedAttempt {
            recipient: RecipientId(n),
            callback: format!("blastdeck:a1:7:{n}:1:"),
            blast_callback: "blastdeck:a1:7:".to_owned(),
            message_id: message_id.map(str::to_owned),
            phone: Phone::parse(phone, "MY".parse().unwrap()).unwrap(),
        }
    }

    #[test]
    fn a_new_request_names_people_in_any_way_and_one_that_waits_by_their_attempt() {
        let attempts = [
            attempt(1, None, "+60123456701"),
            attempt(2, Some("wamid.60123456701=="), "+60123456702"),
            attempt(12, Some(""), "+60123456703"),
        ];
        let names = AttemptNames::of(&attempts).unwrap();
        let named = |body: &str, is_new: bool| {
            let mut named = BTreeSet::new();
            names.note_in(body.as_bytes(), is_new, &mut named);
            named.into_iter().map(|recipient| recipient.0).collect::<Vec<_>>()
        };

        assert_eq!(named(r#"{"from":"60123456702"}"#, true), [2]);
        assert_eq!(named(r#"{"from":"60123456702"}"#, false), [0; 0]);
        // The number of the first stands in the id of the second.
        assert_eq!(named(r#"{"id":"wamid.60123456701=="}"#, true), [1, 2]);
        for is_new in [true, false] {
            assert_eq!(named("blastdeck:a1:7:12:1:1790000000123456", is_new), [12]);
            assert_eq!(named("blastdeck:a1:7:1:2:17 blastdeck:a1:8:1:1:17 {}", is_new), [0; 0]);
        }
    }
}
