//! What a mark on several people made of them, in words.

use super::marks::opt_out_in;
use super::written::blast_of;
use crate::app::{Marked, MarkedSeveral};
use crate::domain::recipient::Mark;
use crate::domain::status::Status;
use crate::tui::effect::WriteRequest;
use crate::tui::format::counted;
use crate::tui::model::Model;

/// "40 people: replied, by you", and why others were not marked.
pub(super) fn sentence(
    model: &Model,
    request: &WriteRequest,
    MarkedSeveral { marked, unmarked }: &MarkedSeveral,
) -> String {
    let what = match request {
        WriteRequest::MarkSeveral { mark: Mark::OptOut, .. } => {
            let blast = marked.first().and_then(|marked| blast_of(model, marked));
            format!("never messaged again{}", opt_out_in(model, blast))
        }
        _ => became(marked),
    };
    let who = counted(marked.len());
    let others = match request {
        WriteRequest::MarkSeveral { mark, .. } => unmarked.in_words(mark),
        WriteRequest::ResolveSeveral { resolution, .. } => unmarked.in_words(&Mark::Resolve(*resolution)),
        _ => None,
    };
    format!("{who}: {what}, by you{}", others.map(|others| format!(". {others}")).unwrap_or_default())
}

/// What they are now: `replied`; of those whom one act left in several, `1 queued, 2 opted out`.
fn became(marked: &[Marked]) -> String {
    let mut counts: Vec<(Status, usize)> = Vec::new();
    for one in marked {
        match counts.iter_mut().find(|(after, _)| *after == one.after) {
            Some((_, people)) => *people += 1,
            None => counts.push((one.after, 1)),
        }
    }
    match counts.as_slice() {
        [(after, _)] => after.to_string(),
        several => several.iter().map(|(after, people)| format!("{people} {after}")).collect::<Vec<_>>().join(", "),
    }
}
