//! Whom a step would send to at once: said, and asked about.

use color_eyre::Result;

use crate::app::{SendsAtOnce, StepKey, StepRow, StepShown, StepStanding, StepView};
use crate::cli::confirm::confirm_number;
use crate::cli::context::Context;
use crate::cli::output::talk;
use crate::domain::text::{number, people_are};

/// Asks for the number of people whom a step would send to at once.
pub(super) async fn confirm_due(context: &Context, key: StepKey, is_sure: bool) -> Result<()> {
    if is_sure {
        return Ok(());
    }
    confirm_at_once(key, context.app.sends_at_once(key).await?)
}

/// The same of a step that nobody has written yet.
pub(super) fn confirm_shown(shown: StepShown) -> Result<()> {
    confirm_at_once(shown.key, shown.at_once)
}

fn confirm_at_once(key: StepKey, at_once: SendsAtOnce) -> Result<()> {
    if at_once.people() == 0 {
        return Ok(());
    }
    confirm_number(&question(key, at_once), at_once.people(), false)
}

fn question(key: StepKey, at_once: SendsAtOnce) -> String {
    let step = format!("step {} of blast {}", key.number, key.blast);
    let people = people_are(at_once.people());
    match at_once {
        SendsAtOnce { unasked: 0, .. } => format!("{people} due now: {step} sends to them at once."),
        SendsAtOnce { due: 0, .. } => {
            format!(
                "{people} due as soon as the provider was asked how far they got, unless they are further: {step} then sends to them."
            )
        }
        SendsAtOnce { unasked, .. } => format!(
            "{people} due now, {} of them unless the provider says that they are further: {step} sends to them at once.",
            number(unasked)
        ),
    }
}

/// Says how many people are due at once: an old blast may have hundreds of them.
pub(super) async fn talk_of_due(context: &Context, view: &StepView) -> Result<()> {
    let may_come = view.standing() == StepStanding::AsDue;
    let due = if may_come { context.app.people_due(view.step.key()).await? } else { 0 };
    if due > 0 {
        talk(&due_words(&view.step, i64::try_from(due).unwrap_or(i64::MAX)));
    }
    Ok(())
}

fn due_words(step: &StepRow, due: i64) -> String {
    let (key, who) = (step.key(), people_are(due));
    let holds = format!("`blastdeck blast step pause {} {}` holds it", key.blast, key.number);
    match step.at_most.map(i64::from) {
        None => format!("{who} due now: the next look of an engine makes its draft"),
        Some(most) if due > most => {
            format!("{who} due now, more than {}: its draft waits for your yes", number(most))
        }
        Some(_) => format!("{who} due now: the next look of an engine sends to them by itself; {holds}"),
    }
}

/// `; 9 are due already`, of a step that makes at most one draft a day, or that no engine looks at.
pub(super) async fn due_already(context: &Context, view: &StepView) -> Result<String> {
    let comes = matches!(view.standing(), StepStanding::AsDue | StepStanding::ComesAt(_) | StepStanding::BlastPaused);
    let may_come = comes && view.waits.is_none();
    // Of a template the provider is asked: a list does not wait for that.
    let due = if may_come && view.step.template.is_none() { context.app.people_due(view.step.key()).await? } else { 0 };
    let are = if due == 1 { "is" } else { "are" };
    let daily = if view.blasts.is_empty() { "" } else { " (it makes one draft a day)" };
    Ok(if due > 0 { format!("; {due} {are} due already{daily}") } else { String::new() })
}
