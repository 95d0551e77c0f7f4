//! Postgres: one file a table family, functions over a connection or pool, one statement each where it can be.
//! Knows the domain's types, and nothing of providers, engines or screens.

pub mod action;
pub mod alias;
pub mod answered;
pub mod api_request;
pub mod api_token;
pub mod blast;
pub mod business;
pub mod cart;
pub mod catalogue;
pub mod claim;
pub mod clearing;
mod connect;
pub mod count;
pub mod customer;
mod deleted_messages;
pub mod draft;
mod endpoint;
mod error;
pub mod evidence;
pub mod fence;
pub mod forget;
mod history;
pub mod hook;
pub mod import;
mod in_flight;
pub mod inbox;
pub mod job;
pub mod lease;
pub mod local_time;
pub mod media;
pub mod months;
pub mod nameless_wish;
pub mod notify;
pub mod order;
pub mod page_session;
pub mod pause;
pub mod person;
pub mod plan;
pub mod poll;
pub mod presence;
pub mod recurring;
pub mod rejected_file;
pub mod reply;
pub mod report;
pub mod saved_list;
pub mod sender;
pub mod session;
mod settings;
pub mod share;
pub mod step;
pub mod suppression;
mod transaction;
pub mod view;

pub use connect::{
    BESIDE_CONNECTIONS, COMMAND_CONNECTIONS, EmptyDatabase, IDLE_CONNECTIONS, Reached, SENDING_CONNECTIONS,
    SERVER_CONNECTIONS, SchemaState, check, migrate, open, open_with, schema, trim,
};
pub use endpoint::{Endpoint, connection};
pub use error::StoreError;
pub use settings::{MissingRights, connection_limit, missing_rights, moment, now, takes_changes};
pub use transaction::{DbTransaction, begin, savepoint};

/// The most rows that a query reads at once: those of the longest page, and one that says that there are more.
const ROWS_MAX: u32 = 1_001;
