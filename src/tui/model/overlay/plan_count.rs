//! What the counts of a plan are of.

use crate::app::PlanGroup;

/// A count of the plan that one can look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanCount {
    Group(PlanGroup),
    /// Rows of the list that nobody was made of.
    LeftOut,
}

impl PlanCount {
    /// Who it is about: for the name of a file, and in words.
    pub const fn of_file(self) -> (&'static str, &'static str) {
        match self {
            Self::Group(PlanGroup::OptedOut) => ("opted-out", "who is left out because they opted out"),
            Self::Group(PlanGroup::Uncertain) => ("uncertain", "who may have had it already"),
            Self::Group(PlanGroup::SameMessage) => {
                ("same-message", "who had this very message from another blast, or may have had it")
            }
            Self::Group(PlanGroup::Recent) => ("recent", "who had a message in the last 7 days, or may have had one"),
            Self::Group(PlanGroup::Elsewhere) => ("elsewhere", "who is queued in another blast as well"),
            Self::Group(PlanGroup::Wrote) => ("wrote", "who wrote and is not marked as replied"),
            Self::Group(PlanGroup::TwoNumbers) => ("two-numbers", "whose other number is in it as well"),
            Self::Group(PlanGroup::NoSession) => ("no-session", "who wrote nothing within 24 hours"),
            Self::LeftOut => ("left-out", "what was left out of the list"),
        }
    }
}
