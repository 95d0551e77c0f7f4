//! The line below the stages: who is in none of them.

use crate::app::view::{BlastView, Total};
use crate::domain::status::Status;
use crate::tui::format::{compact, number};
use crate::tui::widget::width;

/// How a count beside the stages is written.
#[derive(Clone, Copy)]
struct CountWords {
    write: fn(i64) -> String,
    label: fn(Status) -> &'static str,
    later: &'static str,
    /// Whether a status is written where nobody is in it.
    is_written_empty: fn(Status) -> bool,
}

impl CountWords {
    const FULL: Self = Self { write: number, label: Status::label, later: " later", is_written_empty: |_| true };
    /// Without those that say nothing while nobody is in them.
    const LEAN: Self = Self {
        is_written_empty: |status| matches!(status, Status::Uncertain | Status::Failed | Status::OptedOut),
        ..Self::FULL
    };
    /// Only with what is good to know.
    const LEANEST: Self =
        Self { is_written_empty: |status| matches!(status, Status::Uncertain | Status::Failed), ..Self::FULL };

    /// A status with its people. Those who opted out in a stage stay there, and are counted beside those who opted out before.
    fn part(self, blast: &BlastView, status: Status) -> Option<String> {
        let people = blast.counts.get(status);
        let label = (self.label)(status);
        match (status, blast.opted_out_later, people) {
            (Status::OptedOut, later @ 1.., 0) if !(self.is_written_empty)(status) => {
                Some(format!("{label}{} {}", self.later, (self.write)(later)))
            }
            (Status::OptedOut, later @ 1.., _) => {
                Some(format!("{label} {} (+{}{})", (self.write)(people), (self.write)(later), self.later))
            }
            (_, _, 0) if !(self.is_written_empty)(status) => None,
            _ => Some(format!("{label} {}", (self.write)(people))),
        }
    }

    fn line(self, blast: &BlastView, gap: &str) -> String {
        OUTSIDE.into_iter().filter_map(|status| self.part(blast, status)).collect::<Vec<_>>().join(gap)
    }
}

/// The statuses that are in no stage.
const OUTSIDE: [Status; 6] =
    [Status::Queued, Status::Sending, Status::Uncertain, Status::Failed, Status::OptedOut, Status::Skipped];

/// Who is in no stage; with the key that goes to those who are uncertain, where there is room for it.
pub fn line(blast: &BlastView, key: &str, (wanted, room): (u16, u16)) -> String {
    let line = counts(blast, (wanted, room));
    if blast.counts.uncertain == 0 {
        return line;
    }
    let count = format!("{} {}", Status::Uncertain, number(blast.counts.uncertain));
    let named = |line: &str| line.replacen(&count, &format!("{count}: {key}"), 1);
    // The columns between the counts give way to it.
    let full = ["   ", "  ", " "].map(|gap| named(&CountWords::FULL.line(blast, gap)));
    let lines = full.into_iter().chain([named(&line)]);
    lines.into_iter().find(|line| width(line) + 2 <= wanted).unwrap_or(line)
}

fn counts(blast: &BlastView, (wanted, room): (u16, u16)) -> String {
    // What says nothing is dropped before words are cut, and words before counts; what the count in brackets is, is said as long as there
    // is room.
    let (full, lean, leanest) = (CountWords::FULL, CountWords::LEAN, CountWords::LEANEST);
    let labelled = |label| CountWords { label, ..leanest };
    let unexplained = |write, label| CountWords { write, label, later: "", ..full };
    let lines = [
        (full, "   "),
        (full, "  "),
        (full, " "),
        (lean, "  "),
        (lean, " "),
        (leanest, "  "),
        (leanest, " "),
        (labelled(opt_out_briefly), " "),
        (labelled(briefly), " "),
        (labelled(shortly), " "),
        (unexplained(number, Status::label), "  "),
        (unexplained(compact, Status::label), "  "),
        (unexplained(compact, Status::label), " "),
        (unexplained(compact, briefly), " "),
        (unexplained(compact, most_briefly), " "),
    ];
    let mut lines = lines.into_iter().map(|(words, gap)| words.line(blast, gap));
    if let Some(fitting) = lines.find(|line| width(line) + 2 <= wanted) {
        return fitting;
    }
    // On the smallest screens only those who are anywhere.
    let there = OUTSIDE.into_iter().filter(|status| blast.counts.get(*status) > 0);
    let mut parts: Vec<_> =
        there.map(|status| format!("{} {}", briefly(status), compact(blast.counts.get(status)))).collect();
    if let Some(later) = Some(blast.opted_out_later).filter(|later| *later > 0) {
        parts.push(format!("out later {}", compact(later)));
    }
    if wanted < room {
        let more = if matches!(blast.unasked, Total::AtLeast(_)) { "+" } else { "" };
        parts.insert(0, format!("unasked {}{more}", compact(blast.unasked.number())));
    }
    parts.join(" ")
}

/// A status where there is no room for two words.
const fn opt_out_briefly(status: Status) -> &'static str {
    match status {
        Status::OptedOut => "opt-out",
        other => other.label(),
    }
}

/// The same where the count of those who opted out later has its word.
const fn shortly(status: Status) -> &'static str {
    match status {
        Status::Sending => "send",
        other => briefly(other),
    }
}

/// A status where there is no room for two words or a long one.
const fn briefly(status: Status) -> &'static str {
    match status {
        Status::Uncertain => "uncert.",
        Status::OptedOut => "opt-out",
        other => other.label(),
    }
}

/// The same where six of them stand on a narrow line.
const fn most_briefly(status: Status) -> &'static str {
    match status {
        Status::Sending => "send",
        Status::Failed => "fail",
        Status::OptedOut => "out",
        Status::Skipped => "skip",
        other => briefly(other),
    }
}
