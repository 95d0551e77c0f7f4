//! `T`: tries those who failed again, after the number of them was typed.

use super::{prompts, written};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::format::{brief, counted, number};
use crate::tui::model::{ConfirmBy, Model, Notice};
use crate::tui::widget::TextField;

pub fn count(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (id, failed) = (blast.id, number(blast.counts.failed));
    model.say(Notice::done(format!("counting who of the {failed} that failed may be tried again")));
    vec![Effect::Read(ReadRequest::Retryable(id))]
}

/// How many there are is known: asks, unless the operator went on to something else.
pub fn counted_now(model: &mut Model, blast: BlastId, people: EffectResult<i64>) {
    if model.prompt.is_some() || !model.overlays.is_empty() || model.blast().map(|blast| blast.id) != Some(blast) {
        return;
    }
    match people {
        Err(failure) => model.refuse(failure.sentence()),
        Ok(0) => model
            .refuse("nobody to try again: no failed person is known not to have the message, or may have another yet"),
        Ok(people) => {
            let tag = model.blast().map(|blast| brief(&blast.tag)).unwrap_or_default();
            let question =
                format!("{tag}: send again to those who failed and do not have it? Type {}:", number(people));
            let by = ConfirmBy::Number { people, field: TextField::default(), refused: None };
            model.held.clear();
            prompts::ask(model, question, by, vec![WriteRequest::Retry { blast, people }]);
        }
    }
}

pub fn retried(model: &mut Model, row: BlastView, people: i64) -> Vec<Effect> {
    let text = format!("{}: {} queued again", row.tag, counted(people));
    written::log(model, &text, &format!("blastdeck blast retry {}", row.id));
    let notice = Notice::done(text);
    model.say(match row.state {
        BlastState::Paused => notice.hint("S resumes it"),
        _ => notice.hint("p pauses it"),
    });
    model.blasts.update(row);
    vec![Effect::Read(ReadRequest::Blasts)]
}
