//! Use cases, sending and timing. Knows no terminal.

mod app;
mod bench;
mod clock;
mod desk;
mod error;
mod fence;
mod filing;
mod fingerprint;
mod follow;
mod handover;
mod identity;
mod lease;
mod memory;
mod news;
mod poller;
mod post_room;
mod promise;
mod reason;
pub mod report;
mod revival;
mod run;
mod sender;
mod standby;
mod sync;
mod upkeep;
mod watch;

pub use app::{
    Access, App, Broken, Heard, Incoming, Launch, Listening, Marked, MarkedSeveral, NewDraft, Plan, Sample,
    SenderCheck, SenderMoved, Setup, TakenBack,
};
pub use error::EngineError;
pub use fingerprint::{Fingerprint, program};
pub use follow::{EngineChange, Follower, Following, what_ended};
pub use handover::Engines;
pub use news::DatabaseState;
pub use run::{RunOptions, Until, run};
pub use standby::{Standby, StandbyLock, lock_path};

/// What faces show of a status call about a sender.
pub use crate::provider::{Health, HealthVerdict};
pub use crate::store::bench::{drop_schema, make_schema};
pub use crate::store::count::CountDifference;
pub use crate::store::plan::ConcurrentBlast;
pub use crate::store::suppression::SuppressionRow;
/// What faces read, as the store tells it.
pub use crate::store::view;
pub use crate::store::{StoreError, migrate};
