//! What became of the messages of several people: one answer for all who are marked.

use super::{overlays, prompts};
use crate::app::view::BeforeResend;
use crate::domain::ids::RecipientId;
use crate::domain::recipient::Resolution;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::{counted, number};
use crate::tui::model::{ConfirmBy, Model, Notice, Overlay, ResolutionChoice, UncertainOverlay};

pub(super) fn open(model: &mut Model, people: Vec<RecipientId>) -> Vec<Effect> {
    let listed = |id: &RecipientId| Some((*id, model.recipients.get(*id)?.row.attempt));
    let shown = people.iter().filter_map(listed).collect();
    let page = UncertainOverlay { people, shown, choice: ResolutionChoice::LeaveOpen, known: None };
    let read = read(&page);
    let mut effects = overlays::open(model, Overlay::Uncertain(page));
    effects.push(read);
    effects
}

/// What is known of them by now, also after a read that failed.
pub(super) fn read(page: &UncertainOverlay) -> Effect {
    Effect::Read(ReadRequest::BeforeResend(page.people.clone()))
}

/// What is known of them before the message goes once more was read.
pub(super) fn known_before_resend(model: &mut Model, of: &[RecipientId], known: BeforeResend) {
    if let Some(Overlay::Uncertain(page)) = model.overlays.last_mut()
        && page.people == of
    {
        page.shown.add_missing(&known.attempts);
        page.known = Some(known);
    }
}

/// Why the answer that is chosen cannot be asked about yet.
fn unread(page: &UncertainOverlay, is_cancelled: bool) -> Option<&'static str> {
    let ResolutionChoice::Say(resolution) = page.choice else { return None };
    if page.known.is_some() {
        return None;
    }
    // Whoever opted out is not to be counted.
    if resolution == Resolution::Resend && !is_cancelled {
        return Some("it is not read yet who of them opted out: enter asks once it is");
    }
    // Of whoever is not listed it is not known which message the answer is about.
    let is_unlisted = page.people.iter().any(|person| page.shown.of(*person).is_none());
    is_unlisted.then_some("not all of them are read yet: enter asks once they are")
}

/// `enter` on an answer: it is asked for once more, in the list. Sending again may reach people twice, and takes their number, typed.
pub(super) fn resolve(model: &mut Model) -> Vec<Effect> {
    let is_cancelled = model.people_of().is_some_and(|blast| model.is_cancelled(blast));
    if let Some(Overlay::Uncertain(page)) = model.overlays.last()
        && let Some(why) = unread(page, is_cancelled)
    {
        let read = read(page);
        model.refuse(why);
        return vec![read];
    }
    let Some(Overlay::Uncertain(mut page)) = model.overlays.pop() else { return Vec::new() };
    let who = counted(page.people.len());
    let ResolutionChoice::Say(resolution) = page.choice else {
        model.say(Notice::done(format!("{who}: left open; answers that still come settle them")));
        return Vec::new();
    };
    if is_cancelled && resolution == Resolution::Resend {
        model.refuse("the blast was cancelled: nothing more is sent");
        return Vec::new();
    }
    let (question, by) = match resolution {
        Resolution::Sent => (format!("count {who} as sent? Nothing is sent to them again."), ConfirmBy::Yes),
        Resolution::Drop => (format!("leave {who} out? They count as skipped."), ConfirmBy::Yes),
        Resolution::Resend => {
            let had = page.known_in_words().map(|had| format!(" {had}")).unwrap_or_default();
            let all = i64::try_from(page.people.len()).unwrap_or(i64::MAX);
            let known = page.known.take().unwrap_or_default();
            let people = all - known.get_nothing();
            if people <= 0 {
                let why = if known.opted_out == all {
                    "opted out, nothing goes to them; leave them out instead".to_owned()
                } else {
                    format!("none of them may be sent to again now.{had}")
                };
                model.refuse(format!("{who}: {why}"));
                return Vec::new();
            }
            // Who may not be sent to yet is not counted, and not sent to once they may be.
            page.people.retain(|person| !known.not_now.contains(person));
            let typed = number(people);
            let to = if people == all { who } else { format!("{typed} of these {who}") };
            let question = format!("send to {to} once more?{had} Anyone who has it gets it twice. Type {typed}:");
            (question, ConfirmBy::number(people))
        }
    };
    let UncertainOverlay { people, shown, .. } = page;
    prompts::ask(model, question, by, vec![WriteRequest::ResolveSeveral { people, shown, resolution }])
}
