//! `--idempotency-key`: a command that has its effect once, however often it is run.

use std::fmt::Debug;

use color_eyre::Result;
use sha2::{Digest, Sha256};

use super::context::Context;
use super::output::talk;
use crate::app::{App, AppError};

/// A command that has its effect once: its key, and a hash of what it was given.
pub(super) struct Once {
    pub key: String,
    pub hash: [u8; 32],
}

impl Once {
    /// `typed`: what was given, as `{:#?}` prints it. What was not given does not count, so that a command is the same one to a later
    /// version, which has more options.
    pub(super) fn new(key: String, typed: &str) -> Self {
        let is_nothing = |line: &str| [": None,", ": false,", ": [],"].iter().any(|nothing| line.ends_with(nothing));
        let mut given: Vec<&str> = Vec::new();
        for line in typed.lines().filter(|line| !is_nothing(line)) {
            // A group of options of which none was given.
            if line.trim_start() == "}," && given.last().is_some_and(|open| open.ends_with(" {")) {
                given.pop();
            } else {
                given.push(line);
            }
        }
        Self { key, hash: Sha256::digest(given.join("\n")).into() }
    }
}

/// What a command came to.
pub(super) enum KeyedWrite<T> {
    New(T),
    /// The id of what an earlier run with its key wrote.
    Earlier(i64),
}

/// Writes something (`what`: `order`), unless a command with the same key has written it.
pub(super) async fn once<T>(
    context: &Context,
    (key, typed): (Option<String>, &impl Debug),
    what: &str,
    write: impl AsyncFnOnce(&App) -> Result<T, AppError>,
) -> Result<KeyedWrite<T>> {
    let Some(key) = key else { return Ok(KeyedWrite::New(write(&context.app).await?)) };
    let Once { key, hash } = Once::new(key, &format!("{what} {typed:#?}"));
    if let Some(earlier) = context.app.written_before(&key, hash).await? {
        return Ok(repeated(what, earlier));
    }
    let app = context.app.once(&key, hash).await?;
    match write(&app).await {
        Ok(written) => Ok(KeyedWrite::New(written)),
        // Another run with the same key was quicker.
        Err(AppError::Repeated) => match context.app.written_before(&key, hash).await? {
            Some(earlier) => Ok(repeated(what, earlier)),
            None => Err(AppError::Repeated.into()),
        },
        Err(error) => Err(error.into()),
    }
}

fn repeated<T>(what: &str, earlier: i64) -> KeyedWrite<T> {
    talk(&format!("{what} {earlier} was written with this idempotency key before: nothing is written now"));
    KeyedWrite::Earlier(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::OrderDraft;
    use crate::domain::ids::BlastId;

    #[test]
    fn an_option_that_a_later_version_has_and_nobody_gave_makes_no_other_command() {
        let order = |note: Option<&str>| {
            let note = note.map(str::to_owned);
            let draft = OrderDraft { blast: BlastId(7), phone: "0100123456".to_owned(), items: Vec::new(), note };
            format!("{draft:#?}")
        };
        let hash = |typed: &str| Once::new("k".to_owned(), typed).hash;
        let later = |coupon: &str| {
            let more = format!(
                "    is_gift: false,\n    coupon: {coupon},\n    way: WayArgs {{\n        van: None,\n    }},\n}}"
            );
            order(Some("{: None,")).trim_end_matches('}').to_owned() + &more
        };

        assert_eq!(hash(&later("None")), hash(&order(Some("{: None,"))));
        assert_ne!(hash(&later("Some(\"RAYA\")")), hash(&order(Some("{: None,"))));
        assert_ne!(hash(&order(None)), hash(&order(Some("{: None,"))));
    }
}
