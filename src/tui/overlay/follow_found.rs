//! Whom a follow-up to people who were found would reach, and who is left out and why.

use super::{OverlayContent, follow_up};
use crate::app::FoundPreview;
use crate::tui::format::number;
use crate::tui::model::{FollowFoundOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

pub fn content(model: &Model, page: &FollowFoundOverlay, width: u16) -> OverlayContent {
    let blast = model.blasts.get(page.from.blast);
    let name = blast.map(|blast| format!("{}, {}", blast.tag, blast.follow_up_stage)).unwrap_or_default();
    let left = vec!["Follow up".to_owned(), name, "found".to_owned()];
    let title = super::title(left, Some("nothing is sent from here".to_owned()));
    let mut lines = follow_up::sentences("Those whom this finds", &page.from.from, TextRole::Plain, width);
    let Some(loaded) = &page.loaded else {
        lines.push(TextLine::dim("  counting them ..."));
        return OverlayContent { title, lines, focus: None };
    };
    lines.push(counts(loaded));
    let reasons = loaded.count.left_out.iter().filter(|(_, people)| *people > 0);
    let reasons = reasons.map(|(reason, people)| (*people, reason.words().to_owned()));
    lines.extend(follow_up::left_out_lines(reasons));
    let they_have = "some of them have read these words already";
    lines.extend(follow_up::draft_words((&loaded.stage_name, loaded.count.gets()), they_have, blast, width));
    lines.extend(follow_up::unknown(model, page.from.blast, loaded.last_mark.as_ref(), width));
    OverlayContent { title, lines, focus: None }
}

/// `41 found         35 get it`.
fn counts(loaded: &FoundPreview) -> TextLine {
    TextLine::of(format!("  {:>9} found", number(loaded.count.finds)), TextRole::Strong)
        .and(format!("{:>11} get it", number(loaded.count.gets())), TextRole::Accent)
}
