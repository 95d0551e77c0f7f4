//! Types and pure rules: no I/O, no async, no clock.

pub mod ids;
pub mod message;
pub mod pace;
pub mod phone;
pub mod retry;
pub mod sender;
pub mod text;
