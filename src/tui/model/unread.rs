//! Parts of the screen that could not be read.

use super::Model;

/// A part of the screen that could not be read when it was due: what it shows is older than it seems, or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum UnreadPart {
    /// The views of the funnel.
    Views,
    /// Who came back after the follow-ups.
    Chain,
    /// The person beside the table.
    Preview,
    /// The newest of the activity.
    Activity,
    /// What happened before that.
    ActivityPage,
}

impl Model {
    /// Whether nobody knows yet what happened.
    pub fn awaits_activity(&self) -> bool {
        let is_unread = self.unread.contains(&UnreadPart::Activity);
        self.activity.awaiting.is_some() || is_unread || self.away_since().is_some()
    }
}
