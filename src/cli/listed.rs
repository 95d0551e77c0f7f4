//! Lists that end at `--limit`: that there is more is said on standard error, also of JSON.

use super::output::talk;

/// What a list reads at most: one more than it prints, which says that there is more.
pub(super) const fn one_more(limit: u32) -> u32 {
    limit.saturating_add(1)
}

/// Whether a list ended at its limit.
#[derive(Debug, Clone, Copy)]
#[must_use]
pub(super) struct ListEnd {
    limit: u32,
    is_cut: bool,
}

impl ListEnd {
    /// Takes away what was read behind the limit.
    pub(super) fn cut<T>(rows: &mut Vec<T>, limit: u32) -> Self {
        let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_cut = rows.len() > wanted;
        rows.truncate(wanted);
        Self { limit, is_cut }
    }

    /// Of a list that printed all of its limit, and found more, or did not.
    pub(super) const fn at(limit: u32, is_cut: bool) -> Self {
        Self { limit, is_cut }
    }

    /// Says that there is more, and how it is listed.
    pub(super) fn say(self) {
        self.say_that("there are more than these");
    }

    /// The same where a command prints several lists: of which one.
    pub(super) fn say_of(self, what: &str) {
        self.say_that(&format!("there are more {what} than these"));
    }

    fn say_that(self, there_are_more: &str) {
        let Self { limit, is_cut } = self;
        if is_cut {
            let more = limit.saturating_mul(10);
            let these = if limit == 1 {
                there_are_more.replace("these", "this one")
            } else {
                format!("{there_are_more} {limit}")
            };
            talk(&format!("{these}: `--limit {more}` lists more of them"));
        }
    }
}
