//! Postgres: one file a table family, functions over a connection or pool, one statement each where it can be.
//! Knows the domain's types, and nothing of providers, engines or screens.

mod error;
pub mod import;
pub mod local;
pub mod view;

pub use error::StoreError;
