//! Blastdeck: WhatsApp blasts from a terminal, followed from sent to closed.
//!
//! ```text
//!         cli   tui   http               faces: parse, show, answer. No SQL, no rules
//!           \    |    /
//!                app                     use cases: what a person or a program may ask for
//!              /   |   \
//!        import  engine                   lists of people; sending
//!            \  /      \
//!           store      provider          Postgres; WhatsApp, over HTTP
//!              \       /
//!               domain                   types and pure rules. No I/O, no async, no clock
//!   beside them: config, telemetry, shutdown;  private_postgres, a local server;  sim, a fake WhatsApp for demo, rehearsal and tests
//! ```
//!
//! Arrows point down only; `tests/it/layers.rs` reads the `use crate::` lines and fails on one that does not.
//! `docs/ARCHITECTURE.md` walks one send, one status and one keypress through these rooms, file by file.

pub mod app;
pub mod cli;
pub mod config;
pub mod domain;
pub mod engine;
pub mod http;
pub mod import;
pub mod private_postgres;
pub mod provider;
pub mod shutdown;
pub mod sim;
pub mod store;
pub mod telemetry;
pub mod tui;
