//! Webhooks: kept as they came, applied whatever their order, and never twice.

mod applying;
mod held;
mod keeping;
mod replying;
pub mod scene;
mod stopping;
mod truth;
