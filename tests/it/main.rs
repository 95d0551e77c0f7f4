//! One integration binary: one throwaway Postgres for all of it, one link.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "all of it is test code, its helpers too: a failure is to be loud"
)]

mod activity;
mod answering;
mod api;
mod asking;
mod asks;
mod bad_days;
mod bench;
mod carts;
mod catalogs;
mod chaos;
mod charges;
mod compat;
mod connections;
mod consequences;
mod copies;
mod crash;
mod customers;
mod dashboard;
mod demo;
mod export;
mod far_away;
mod fence;
mod first_people;
mod follow_ups;
mod frames;
mod handover;
mod hooks;
mod import;
mod inbox;
mod layers;
mod lists;
mod literal;
mod local_time;
mod meta_codes;
mod metrics;
mod migrate;
mod open_pages;
mod outage;
mod outcomes;
mod over_tls;
mod pace;
mod pages;
mod people_limit;
mod pictures;
mod plain;
mod plan;
mod planted;
mod pooler;
mod private_postgres;
mod readme;
mod reasons;
mod recurring;
mod refused_tokens;
mod replies;
mod restore;
mod retry;
mod rude;
mod saved_reports;
mod schedule;
mod segments;
mod senders;
mod sending;
mod serve;
mod spellings;
mod standby;
mod statuses;
mod steps;
mod stops;
mod store;
mod strangers;
mod support;
mod suppressions;
mod templates;
mod terminal;
mod times;
mod trials;
mod unreachable;
mod unreadable;
mod upkeep;
mod verbs;
mod view;
mod workbooks;
mod writing;
mod writing_together;
