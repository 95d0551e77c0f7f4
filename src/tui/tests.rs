//! Tests of the dashboard as a whole: updates, screens, bytes, storms of keys, the loop.

mod activity;
mod amounts;
mod answers;
mod armed;
mod bytes;
mod cancels;
mod confirms;
mod copying;
mod event_loop;
mod finding;
mod follow_ups;
mod form;
mod lines;
mod marks;
mod needs;
mod paging;
mod plans;
mod reasons;
mod screens;
mod setup;
mod storm;
pub mod support;
mod updates;
mod welcome;
