//! Webhooks: kept as they came, applied whatever their order, and never twice.

mod aliases;
mod amounts;
mod applying;
mod businesses;
mod consequences;
mod crowding;
mod elsewhere;
mod held;
mod in_flight;
mod keeping;
mod listing;
mod meanwhile;
mod once;
mod opt_outs_alone;
pub mod ordering;
mod other_numbers;
mod outsmarting;
mod proof;
mod replying;
pub mod scene;
mod sharing;
mod stopping;
mod truth;
mod unapplied;
mod undecided;

pub use scene::blast_of;
