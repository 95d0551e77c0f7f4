//! A sender whose database was restored waits for somebody to confirm it: that is asked apart from sending.

use super::{prompts, written};
use crate::app::Confirmed;
use crate::domain::blast::BlastState;
use crate::domain::text::clean;
use crate::tui::effect::{Effect, ReadRequest, WriteRequest};
use crate::tui::format::number;
use crate::tui::model::{ConfirmBy, Model, Notice};

/// The question. How many become uncertain is known only afterwards.
pub fn confirm(model: &mut Model, name: String) -> Vec<Effect> {
    let question = format!("{}: the database was restored. May everybody queued get it?", clean(&name));
    prompts::ask(model, question, ConfirmBy::Yes, vec![WriteRequest::ConfirmSender(name)])
}

/// The confirmation is written, which starts no message of a blast that is paused or a draft.
pub fn confirmed(model: &mut Model, request: &WriteRequest, confirmed: Confirmed) -> Vec<Effect> {
    let WriteRequest::ConfirmSender(name) = request else { return Vec::new() };
    let Confirmed { uncertain, unknown } = confirmed;
    let uncertain = some(uncertain, "who were posted to before are uncertain now");
    let unknown = some(unknown, "more who were posted to are not in this database");
    let text = format!("{} is confirmed{uncertain}{unknown}", clean(name));
    written::log(model, &text, &format!("blastdeck sender confirm '{}'", name.replace('\'', "'\\''")));
    let is_held = model.blast().is_some_and(|blast| blast.sender == *name && blast.state != BlastState::Sending);
    let hint = is_held.then_some("S sends");
    model.say(Notice { hint, ..Notice::done(text) });
    vec![Effect::Read(ReadRequest::Blasts), Effect::Read(ReadRequest::Senders)]
}

fn some(people: i64, what: &str) -> String {
    if people == 0 { String::new() } else { format!("; {} {what}", number(people)) }
}
