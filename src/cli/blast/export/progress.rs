//! How far an export is, on standard error where that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::domain::text::number;

/// Between two lines.
const EVERY: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    people: i64,
    looked_at: i64,
    /// When a line was written last; `None` where nobody would see it.
    shown: Option<Instant>,
    is_line_open: bool,
}

impl Progress {
    pub(super) fn new(people: i64) -> Self {
        let shown = io::stderr().is_terminal().then(Instant::now);
        Self { people, looked_at: 0, shown, is_line_open: false }
    }

    pub(super) fn advance(&mut self, looked_at: usize) {
        self.looked_at = self.looked_at.saturating_add(i64::try_from(looked_at).unwrap_or(i64::MAX));
        if self.shown.is_some_and(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            self.is_line_open = true;
            // A terminal that is gone needs no progress.
            let _ = write!(io::stderr(), "\r{} of {} people", number(self.looked_at), number(self.people));
        }
    }

    /// Clears the line.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.is_line_open) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
