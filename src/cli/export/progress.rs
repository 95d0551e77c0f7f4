//! How far an export is, on standard error where that is a terminal.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::domain::text::number;

/// Between two lines.
const EVERY: Duration = Duration::from_millis(200);

pub(super) struct Progress {
    /// What is exported, in a word.
    what: &'static str,
    /// How many are looked at in all, where that is known.
    whole: Option<i64>,
    looked_at: i64,
    /// When a line was written last; `None` where nobody would see it.
    shown: Option<Instant>,
    is_line_open: bool,
}

impl Progress {
    pub(super) fn new(what: &'static str, whole: Option<i64>) -> Self {
        let shown = io::stderr().is_terminal().then(Instant::now);
        Self { what, whole, looked_at: 0, shown, is_line_open: false }
    }

    pub(super) fn advance(&mut self, looked_at: usize) {
        self.looked_at = self.looked_at.saturating_add(i64::try_from(looked_at).unwrap_or(i64::MAX));
        if self.shown.is_some_and(|shown| shown.elapsed() >= EVERY) {
            self.shown = Some(Instant::now());
            self.is_line_open = true;
            let of = self.whole.map_or_else(String::new, |whole| format!(" of {}", number(whole)));
            // A terminal that is gone needs no progress.
            let _ = write!(io::stderr(), "\r{}: {}{of} looked at", self.what, number(self.looked_at));
        }
    }

    /// Clears the line.
    pub(super) fn finish(&mut self) {
        if std::mem::take(&mut self.is_line_open) {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
