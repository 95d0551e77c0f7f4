//! Use cases, sending and timing. Knows no terminal.

mod app;
mod clock;
mod desk;
mod error;
mod filing;
mod lease;
mod news;
mod poller;
mod sender;

pub use app::{App, DatabaseState, Launch, Marked, Plan, Sample, TakenBack};
pub use error::EngineError;

/// What faces read, as the store tells it.
pub use crate::store::view;
