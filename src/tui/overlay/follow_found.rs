//! Whom a follow-up to people who were found would reach, and who is left out and why.

use super::{OverlayContent, follow_up, wrapped};
use crate::app::FoundPreview;
use crate::app::view::Total;
use crate::domain::pace::show_span;
use crate::tui::format::{filter_words, number};
use crate::tui::model::{FollowFoundOverlay, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The segments of the title.
pub(super) fn segments(model: &Model, page: &FollowFoundOverlay) -> Vec<String> {
    vec!["Follow up".to_owned(), follow_up::blast_words(model, page.from.blast), "found".to_owned()]
}

pub fn content(model: &Model, page: &FollowFoundOverlay, width: u16) -> OverlayContent {
    let blast = model.blasts.get(page.from.blast);
    let (title, mut lines) = follow_up::title(segments(model, page), width);
    let found = filter_words(&page.from.from, super::clock(model));
    lines.extend(follow_up::sentences("The people it finds", &found, TextRole::Plain, width));
    let Some(loaded) = &page.loaded else {
        lines.push(TextLine::dim("  counting them ..."));
        return OverlayContent { title, lines, focus: None };
    };
    lines.push(counts(loaded));
    lines.extend(follow_up::marks_do_not_count(model));
    if let Some(words) = page.listed.and_then(|listed| differs(listed, loaded.count.finds)) {
        let words = wrapped(&words, width.saturating_sub(4)).into_iter();
        lines.extend(words.map(|line| TextLine::of(format!("  {line}"), TextRole::Need)));
    }
    let reasons = loaded.count.left_out.iter().filter(|(_, people)| *people > 0);
    let reasons = reasons.map(|(reason, people)| (*people, reason.words().to_owned()));
    lines.extend(follow_up::left_out_lines(reasons));
    let they_have = "some of them may have read these very words";
    lines.extend(follow_up::draft_words((&loaded.stage_name, loaded.count.gets()), they_have, blast, width));
    if let Some(age) = page.cart_age {
        let age = show_span(age.to_std().unwrap_or_default());
        lines.extend(follow_up::step_words(
            model,
            &format!("has had a cart for {age} and ordered nothing since"),
            width,
        ));
    }
    lines.extend(follow_up::unknown(model, (page.from.blast, None), loaded.last_mark.as_ref(), width));
    OverlayContent { title, lines, focus: None }
}

/// Where the list is older: that the draft goes to who is found now.
fn differs(listed: Total, finds: i64) -> Option<String> {
    let Total::Exactly(listed) = listed else { return None };
    let now = "the draft goes to those who are found now";
    (listed != finds).then(|| format!("the list has {}, as it was read: {now}", number(listed)))
}

/// `41 found         35 get it`.
fn counts(loaded: &FoundPreview) -> TextLine {
    TextLine::of(format!("  {:>9} found", number(loaded.count.finds)), TextRole::Strong)
        .and(format!("{:>11} get it", number(loaded.count.gets())), TextRole::Accent)
}
