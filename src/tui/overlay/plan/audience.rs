//! Whom the plan of a draft is to, and when.

use crate::app::{self, SegmentCount, ZoneShare};
use crate::domain::filter::segment::Exclusion;
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::zone::words::has_same_time;
use crate::tui::format::{TimeFormat, counted, filter_words, number, rule_times};
use crate::tui::model::Model;
use crate::tui::widget::TextLine;

/// `5 are stuck at received in Raya`; any other filter as it is written.
fn finds(model: &Model, segment: &SegmentCount, clock: TimeFormat) -> String {
    let found = number(segment.finds);
    let stuck = segment.from.split_once(' ').and_then(|(blast, stage)| {
        let blast = model.blasts.get(BlastId(blast.strip_prefix("blast:")?.parse().ok()?))?;
        let stage = stage.strip_prefix("stuck:")?;
        let stage = Status::from_word(if stage == "received" { "delivered" } else { stage })?;
        // Of those who went on since it is said why they are left out.
        let went_on = |why: Exclusion| matches!(why, Exclusion::Closed | Exclusion::Replied | Exclusion::Further);
        let is_so = !segment.left_out.iter().any(|(why, people)| went_on(*why) && *people > 0);
        let verb = match (is_so, segment.finds) {
            (true, 1) => "is",
            (true, _) => "are",
            (false, 1) => "was",
            (false, _) => "were",
        };
        Some(format!("{verb} stuck at {stage} in {}", model.distinct_name(blast)))
    });
    format!("{found} {}", stuck.unwrap_or_else(|| format!("found by {}", filter_words(&segment.from, clock))))
}

/// Whom its filter finds, its times where it repeats, and its day by zones.
pub(super) fn audience(model: &Model, loaded: &app::Plan, clock: TimeFormat) -> Vec<TextLine> {
    let mut lines = Vec::new();
    if let Some(segment) = &loaded.segment {
        lines.push(format!("  {}", finds(model, segment, clock)));
        let out =
            segment.left_out.iter().map(|(why, people)| format!("  left out: {} {}", number(*people), why.words()));
        lines.extend(out);
    }
    if let Some(also) = loaded.also_stuck {
        let name = model.blasts.get(also.blast).map(|blast| model.distinct_name(blast));
        lines.push(format!("  {}", also.in_words(&name.unwrap_or_else(|| format!("blast {}", also.blast)))));
    }
    if let Some(repeat) = &loaded.repeat {
        let next: Vec<_> = repeat.next.iter().copied().take(3).collect();
        lines.push(format!("  repeats {}: {}", repeat.rule, rule_times(&next, repeat.zone, clock)));
        lines.extend(
            repeat
                .at_most
                .map(|most| format!("  up to {} without asking; a time with more waits for you", counted(most))),
        );
        lines.extend(repeat.ends.iter().map(|ends| format!("  ends {ends}")));
        lines.extend(repeat.clock_notes.iter().map(|note| format!("  {note}")));
    }
    let zone = |share: &ZoneShare| {
        let own = share.from.with_timezone(&share.zone).format("%H:%M");
        let here = if has_same_time(share.zone, clock.zone, share.from) { "" } else { " here" };
        let until = share.until.map(|until| format!(", until about {}", clock.long(until))).unwrap_or_default();
        format!("  {:>6} at {own} in {}: {}{here}{until}", number(share.people), share.zone, clock.long(share.from))
    };
    lines.extend(loaded.zones.iter().map(zone));
    lines.into_iter().map(TextLine::dim).collect()
}
