//! Who else has a dashboard open, and when this window last said so and asked.

use chrono::{DateTime, Utc};

/// Who else is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// The other operators, by name.
    pub others: Vec<String>,
    /// When this window last said that it is open.
    pub renewed_at: DateTime<Utc>,
    /// When the others were last asked for.
    pub asked_at: DateTime<Utc>,
}

impl Presence {
    /// Nobody is known in a window that was opened now.
    pub const fn opened(now: DateTime<Utc>) -> Self {
        Self { others: Vec::new(), renewed_at: now, asked_at: now }
    }
}
