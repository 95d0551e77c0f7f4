//! Types and pure rules: no I/O, no async, no clock.

pub mod act;
pub mod amount;
pub mod blast;
pub mod filter;
pub mod funnel;
pub mod ids;
pub mod message;
pub mod pace;
pub mod phone;
pub mod polling;
pub mod recipient;
pub mod retry;
pub mod sender;
pub mod status;
pub mod text;
pub mod waiting;
pub mod zone;
