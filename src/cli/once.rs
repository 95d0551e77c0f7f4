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
    pub(super) fn new(key: String, typed: &str) -> Self {
        Self { key, hash: Sha256::digest(typed).into() }
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
    let Once { key, hash } = Once::new(key, &format!("{what} {typed:?}"));
    if let Some(earlier) = context.app.written_before(&key, hash, what).await? {
        return Ok(repeated(what, earlier));
    }
    let app = context.app.once(&key, hash).await?;
    match write(&app).await {
        Ok(written) => Ok(KeyedWrite::New(written)),
        // Another run with the same key was quicker.
        Err(AppError::Repeated) => match context.app.written_before(&key, hash, what).await? {
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
