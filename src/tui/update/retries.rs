//! `T`: tries those who failed again, after the number of them was typed.

use super::{armed, keys, prompts, written};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::availability::{self, NOBODY_TO_RETRY as NOBODY};
use crate::tui::effect::{Effect, EffectResult, ReadRequest, WriteRequest};
use crate::tui::format::{counted, number};
use crate::tui::model::{ConfirmBy, Model, Notice, Pane, RetryReading};

/// `T`: counts them, and asks once the number is here.
pub fn count(model: &mut Model) -> Vec<Effect> {
    let Some(blast) = model.blast() else { return Vec::new() };
    let (blast, failed) = (blast.id, blast.counts.failed);
    model.say(Notice::done(format!("counting who of the {} that failed may be tried again", number(failed))));
    let is_read = |known: &&mut RetryReading| known.is_pending(blast);
    if let Some(reading) = model.retryable.as_mut().filter(is_read) {
        reading.is_asked = true;
        return Vec::new();
    }
    model.retryable = Some(RetryReading::begun((blast, failed), model.now, true));
    vec![Effect::Read(ReadRequest::Retryable(blast))]
}

/// Where the focus offers `T` and nobody may be tried again, it is not offered: counted once for each number of failures.
pub fn read(model: &mut Model) -> Option<Effect> {
    if !matches!(model.focus, Pane::Blasts | Pane::Funnel) || availability::cannot_retry(model).is_some() {
        return None;
    }
    let (blast, failed) = model.blast().map(|blast| (blast.id, blast.counts.failed))?;
    let now = model.now;
    let is_read = |known: &RetryReading| known.is_of((blast, failed), now) || known.is_pending(blast);
    if model.retryable.as_ref().is_some_and(is_read) {
        return None;
    }
    model.retryable = Some(RetryReading::begun((blast, failed), model.now, false));
    Some(Effect::Read(ReadRequest::Retryable(blast)))
}

/// How many there are is known: asks, where a key asked for it and the operator did not go on to something else.
pub fn counted_now(model: &mut Model, blast: BlastId, (people, nobody): (EffectResult<i64>, Option<String>)) {
    let Some(reading) = model.retryable.as_mut().filter(|reading| reading.blast == blast) else { return };
    let is_asked = std::mem::take(&mut reading.is_asked);
    // Where it could not be counted, `T` counts again.
    reading.people = Some(people.as_ref().map_or(1, |people| *people));
    reading.nobody.clone_from(&nobody);
    if !is_asked || model.prompt.is_some() || !model.overlays.is_empty() {
        return;
    }
    if model.blast().map(|blast| blast.id) == Some(blast) {
        ask(model, blast, (people, nobody));
    }
}

fn ask(model: &mut Model, blast: BlastId, (people, nobody): (EffectResult<i64>, Option<String>)) {
    match people {
        Err(failure) => model.refuse_failed(&failure),
        Ok(0) => model.refuse(nobody.unwrap_or_else(|| NOBODY.to_owned())),
        Ok(people) => {
            let tag = model.blast().map(|blast| model.distinct_name(blast)).unwrap_or_default();
            let failed = model.blast().map_or(people, |blast| blast.counts.failed);
            let question = format!("{tag}: {} Type {}:", whom(people, failed), number(people));
            let by = ConfirmBy::number(people);
            prompts::ask(model, question, by, vec![WriteRequest::Retry { blast, people }]);
            keys::ask_alone(model);
        }
    }
}

/// Who is sent to again, and why the others who failed are not.
fn whom(people: i64, failed: i64) -> String {
    if people >= failed {
        return "send again to those who failed and do not have it?".to_owned();
    }
    format!(
        "send again to {} of the {} who failed? The others may have it, or may not be sent it again now.",
        number(people),
        number(failed)
    )
}

pub fn retried(model: &mut Model, row: BlastView, people: i64) -> Vec<Effect> {
    let text = format!("{}: {} queued again", model.distinct_name(&row), counted(people));
    written::log(model, &text, &format!("blastdeck blast retry {}", row.id));
    let notice = Notice::done(text);
    let notice = match row.state {
        BlastState::Paused => notice.hint("⟨S⟩ resumes it"),
        _ => notice.hint("⟨p⟩ pauses it"),
    };
    let stands = Some(armed::stands(model, &row));
    model.say(Notice { stands, ..notice });
    model.blasts.update(row);
    vec![Effect::Read(ReadRequest::Blasts)]
}
