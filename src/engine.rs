//! Use cases, sending and timing. Knows no terminal.

mod app;
mod error;
pub mod import;
pub mod report;

pub use app::{App, DatabaseState, Launch, Marked, Plan, Sample, TakenBack};
pub use error::EngineError;

/// What faces read, as the store tells it.
pub use crate::store::view;
