//! The dashboard.
use crate::engine::App;
#[derive(PartialEq, Eq)]
pub enum DeskKind {
    Real,
    Demo,
    ReadOnly,
}
pub enum Ascii {
    Off,
    On,
}
pub enum Hints {
    Off,
    On,
}
pub struct Options {
    pub kind: DeskKind,
    pub name: Option<String>,
    pub zone: chrono_tz::Tz,
    pub currency: String,
    pub ascii: Ascii,
    pub open: Option<crate::domain::ids::BlastId>,
    pub hints: Hints,
}
pub enum Ended {
    Quit,
    HungUp,
    Stopped,
}
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct TuiError;
pub async fn run(_: App, _: Options, _: tokio_util::sync::CancellationToken) -> Result<Ended, TuiError> {
    Err(TuiError)
}
