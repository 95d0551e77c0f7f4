//! Which people the table shows, and how its title says so.

use crate::app::view::{RecipientRow, Total};
use crate::domain::filter::Filter;
use crate::domain::status::Status;
use crate::tui::model::{Model, stuck_at};

/// Which people are shown.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum ListScope {
    #[default]
    Everyone,
    /// Reached this stage and no further.
    Stuck(Status),
    /// In this status.
    Only(Status),
    /// Typed after `/`.
    Found { text: String, filter: Filter },
}

/// How the people of a find were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum FoundBy {
    /// By what was typed.
    #[default]
    Words,
    /// By these digits at the end of their number. Whoever has them elsewhere matches the wider filter alone.
    Ending { digits: String, wider: Filter },
    /// By these digits anywhere: nobody's number ends in them.
    Inside { digits: String },
}

impl ListScope {
    /// The lists that `[` and `]` go through.
    pub const CYCLE: [Self; 11] = [
        Self::Everyone,
        Self::Stuck(Status::Sent),
        Self::Stuck(Status::Delivered),
        Self::Stuck(Status::Read),
        Self::Stuck(Status::Replied),
        Self::Only(Status::Closed),
        Self::Only(Status::Queued),
        Self::Only(Status::Uncertain),
        Self::Only(Status::Failed),
        Self::Only(Status::OptedOut),
        Self::Only(Status::Skipped),
    ];

    /// The people of a funnel's row: nobody is stuck at closed, so there it is everybody who closed.
    pub const fn of_stage(stage: Status) -> Self {
        match stage {
            Status::Closed => Self::Only(stage),
            _ => Self::Stuck(stage),
        }
    }

    /// The next list of the cycle, or the one before.
    #[must_use]
    pub fn step(&self, by: isize) -> Self {
        let cycle = &Self::CYCLE;
        let at = cycle.iter().position(|scope| scope == self).unwrap_or_default();
        let to = at.cast_signed() + by;
        cycle[to.rem_euclid(cycle.len().cast_signed()).cast_unsigned()].clone()
    }

    pub fn filter(&self) -> Filter {
        match self {
            Self::Everyone => Filter::default(),
            Self::Stuck(stage) => Filter::stuck(*stage),
            Self::Only(status) => Filter::status(*status),
            Self::Found { filter, .. } => filter.clone(),
        }
    }

    /// The same in the words that are typed after `/`; nothing where everybody is listed.
    pub fn search(&self) -> Option<String> {
        match self {
            Self::Everyone => None,
            Self::Stuck(stage) => Some(format!("stuck:{stage}")),
            Self::Only(status) => Some(format!("status:{}", status.word())),
            Self::Found { text, .. } => Some(text.clone()),
        }
    }

    /// In the title, before the count.
    pub fn title(&self) -> String {
        match self {
            Self::Everyone => "everyone".to_owned(),
            Self::Stuck(stage) => format!("stuck at {stage}"),
            Self::Only(status) => status.to_string(),
            Self::Found { text, .. } => format!("find {text}:"),
        }
    }

    /// Whether somebody who was listed still matches, as far as the status decides it.
    pub fn still_holds(&self, row: &RecipientRow) -> bool {
        self.holds_at(row.status)
    }

    /// Whether somebody who was listed matches at a status.
    pub fn holds_at(&self, status: Status) -> bool {
        match self {
            Self::Everyone => true,
            Self::Stuck(own) | Self::Only(own) => status == *own,
            Self::Found { filter, .. } => filter.statuses().contains(&status),
        }
    }
}

impl Model {
    /// How many people the list has: by the blast's own counts, else as counted.
    pub fn listed(&self) -> Option<Total> {
        let blast = self.blast()?;
        match &self.recipients.scope {
            ListScope::Everyone => Some(Total::Exactly(blast.total_recipients)),
            ListScope::Stuck(stage) => stuck_at(blast, *stage).map(Total::Exactly),
            ListScope::Only(status) => Some(Total::Exactly(blast.counts.get(*status))),
            // Words about statuses alone are in the counts, which follow a blast that is being sent.
            ListScope::Found { filter, .. } if filter.beyond_status().next().is_none() => {
                let counts = filter.statuses().into_iter().map(|status| blast.counts.get(status));
                Some(Total::Exactly(counts.sum()))
            }
            ListScope::Found { .. } => self.recipients.total,
        }
    }
}
