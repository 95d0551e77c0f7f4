//! Sending and everything that happens by itself: claims, POSTs, polling, evidence, leases, maintenance. It knows no face and
//! no use case.

mod acquisition;
mod caught;
mod clock;
mod configured_sender;
mod context;
mod fence;
mod file_lock;
mod fingerprint;
mod follow;
mod hooks;
mod identity;
mod inbox;
mod lease;
mod lease_watch;
mod maintenance;
mod media;
mod memory;
mod meter;
mod notifier;
mod polling;
mod postgres_revival;
mod recorder;
mod sender_task;
mod sender_token;
mod sending;
mod silent_end;
mod standby;
mod supervisor;
mod sync;

pub use caught::is_panic_caught;
pub use clock::{DatabaseClock, Moment};
pub use configured_sender::{ConfiguredSender, is_another_phone, per_hour, registration, whole};
pub use context::{EngineContext, EngineSettings, ReadPermits, Retirement, Suspension};
pub use fence::{Fence, FenceRefusal, ask_to_confirm_again};
pub use fingerprint::{Fingerprint, program};
pub use follow::{EngineChange, Follower, Following, what_ended};
pub use hooks::{HookCaller, test_body};
pub use identity::Identity;
pub use media::MediaDir;
pub use memory::{MemoryError, OptOutMemory, RememberedOptOut};
pub use meter::{ENGINE_METER, MeterReading, PoolReading};
pub use notifier::{DatabaseState, Notifier};
pub use sending::{post_runtime, variables};
pub use standby::{Standby, StandbyLock, Started, lock_path};
pub use supervisor::{EngineEnd, RunOptions, Until, run};
