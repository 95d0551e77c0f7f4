//! Whom a step would send to as soon as it may: said, and asked about.

use color_eyre::Result;

use crate::app::{SendsAtOnce, StepKey, StepRow, StepShown, StepStanding, StepView};
use crate::cli::confirm::{confirm, confirm_number};
use crate::cli::context::Context;
use crate::cli::output::talk;
use crate::domain::text::{number, people_are};

/// Whether it asks before it sends.
pub(super) fn how(view: &StepView) -> String {
    let first = view.step.first_people;
    let waits =
        first.map_or_else(String::new, |people| format!(", then waits after the first {}", number(people.into())));
    match view.step.at_most.map(|people| (people, number(people.into()))) {
        None => format!("waits for your yes{waits}"),
        // What goes by itself is done before it would wait.
        Some((most, people)) if first.is_some_and(|first| first >= most) => {
            format!("by itself to at most {people}; to more it waits for your yes{waits}")
        }
        Some((_, people)) => format!("by itself to at most {people}{waits}"),
    }
}

/// Asks about a step that is to send by itself, and lost a number: nobody saw it as it is now.
pub(super) fn confirm_lost(lost: Option<&str>, is_sure: bool) -> Result<()> {
    lost.map_or(Ok(()), |lost| confirm(&format!("{lost}. Let it send by itself as it is?"), is_sure))
}

/// Asks for the number of people whom a step would send to as soon as it may, as it was shown.
pub(super) fn confirm_shown(context: &Context, shown: StepShown) -> Result<()> {
    let StepShown { key, at_once, .. } = shown;
    if at_once.people() == 0 {
        return Ok(());
    }
    let question = match at_once.from {
        None => question(key, at_once),
        Some(from) => later_question(key, at_once, &context.on_the_clock(from)),
    };
    confirm_number(&question, at_once.people(), false)
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

/// The same of a step whose last draft was made less than a day ago. `at`: when it makes the next one.
fn later_question(key: StepKey, at_once: SendsAtOnce, at: &str) -> String {
    let unless = match at_once {
        SendsAtOnce { unasked: 0, .. } => String::new(),
        SendsAtOnce { due: 0, .. } => ", unless the provider says that they are further".to_owned(),
        SendsAtOnce { unasked, .. } => {
            format!(", {} of them unless the provider says that they are further", number(unasked))
        }
    };
    let (people, step) = (people_are(at_once.people()), format!("step {} of blast {}", key.number, key.blast));
    format!(
        "{people} due now{unless}: {step} makes one draft a day, and sends to them {at}, with whoever else is due by then."
    )
}

/// Says how many people are due: an old blast may have hundreds of them.
pub(super) async fn talk_of_due(context: &Context, view: &StepView) -> Result<()> {
    let at = match view.standing() {
        StepStanding::AsDue => None,
        StepStanding::ComesAt(at) if view.step.last_made_at.is_some() => Some(context.on_the_clock(at)),
        _ => return Ok(()),
    };
    let due = i64::try_from(context.app.people_due(view.step.key()).await?).unwrap_or(i64::MAX);
    if due > 0 {
        talk(&at.map_or_else(|| due_words(&view.step, due), |at| due_later_words(&view.step, due, &at)));
    }
    Ok(())
}

/// Says of a step that its text reaches nearly nobody, where that is so.
pub(super) fn talk_of_text(view: &StepView) {
    if let Some(words) = view.refused_text_words() {
        talk(&words);
    }
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

/// The same of a step whose last draft was made less than a day ago.
fn due_later_words(step: &StepRow, due: i64, at: &str) -> String {
    let (key, who) = (step.key(), people_are(due));
    let holds = format!("`blastdeck blast step pause {} {}` holds it", key.blast, key.number);
    match step.at_most.map(i64::from) {
        None => format!("{who} due already: a step makes one draft a day, the next one {at}"),
        Some(most) if due > most => {
            format!("{who} due already, more than {}: the next draft, {at}, waits for your yes", number(most))
        }
        Some(_) => {
            format!("{who} due already: a step makes one draft a day, and sends to them by itself {at}; {holds}")
        }
    }
}

/// `; 9 are due already`, of a step that makes at most one draft a day, or that no engine looks at.
pub(super) async fn due_already(context: &Context, view: &StepView) -> Result<String> {
    let comes = matches!(view.standing(), StepStanding::AsDue | StepStanding::ComesAt(_) | StepStanding::BlastPaused);
    let may_come = comes && view.waits.is_none();
    // Of a template the provider is asked: a list does not wait for that.
    let due = if may_come && view.step.template.is_none() { context.app.people_due(view.step.key()).await? } else { 0 };
    let are = if due == 1 { "is" } else { "are" };
    // Also where that draft was deleted.
    let daily = if view.step.last_made_at.is_none() { "" } else { " (it makes one draft a day)" };
    Ok(if due > 0 { format!("; {due} {are} due already{daily}") } else { String::new() })
}
