//! Postgres: one file a table family, functions over a pool, one statement each.

pub mod local;
