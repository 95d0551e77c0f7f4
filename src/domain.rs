//! Types and pure rules: no I/O, no async, no clock.

pub mod act;
pub mod amount;
pub mod api_token;
pub mod blast;
pub mod content;
pub mod database_url;
pub mod engine_role;
pub mod field_change;
pub mod filter;
pub mod funnel;
pub mod ids;
pub mod message;
pub mod opt_out;
pub mod pace;
pub mod phone;
pub mod polling;
pub mod pricing;
pub mod recipient;
pub mod retry;
pub mod sender;
pub mod session;
pub mod status;
pub mod template;
pub mod text;
pub mod waiting;
pub mod zone;
