//! The refusal to undo an operator's last act where it has no undo: which act it was, and what reverses it.

use serde_json::Value;
use sqlx::PgConnection;

use super::{App, AppError, SeenState};
use crate::domain;
use crate::domain::act::Act;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::domain::pace::dropped_hours;
use crate::domain::phone::Phone;
use crate::domain::text::{clean, people};
use crate::store;
use crate::store::action::{self, LoggedAction};
use crate::store::blast::{self, BlastHead};
use crate::store::draft;
use crate::store::person;
use crate::store::plan;

impl App {
    /// What this operator's newest act was about, for calls that reverse it: its blast, and the number of the step.
    pub async fn newest_act_of(&self) -> Result<Option<(BlastId, Option<i64>)>, AppError> {
        let mut tx = store::begin(self.pool()).await?;
        let act = action::newest_of(&mut tx, self.acting_operator()).await?;
        Ok(act.and_then(|act| Some((act.blast_id?, act.detail.get("step").and_then(Value::as_i64)))))
    }
}

/// What was done before it, `u` does not reach: the way to a mark.
pub(super) const EARLIER_MARKS: &str = "⟨U⟩ on a person takes back their last mark";
const FOR_GOOD: &str = "that cannot be taken back; ⟨U⟩ on a person takes back their last mark";

/// The refusal for an act that has no undo. Names the act, and the key or verb that reverses it.
pub(super) async fn refusal(tx: &mut PgConnection, act: &LoggedAction) -> Result<AppError, AppError> {
    let head = match act.blast_id {
        Some(id) => blast::head(tx, id).await?,
        None => None,
    };
    let person = match act.recipient_id {
        Some(id) => person::get(tx, id).await?,
        None => None,
    };
    let whom = whom(act, person.and_then(|person| person.name));
    let is_sent_out = match &head {
        Some(head) if head.state == BlastState::Sending => !plan::has_people_left(tx, head.id).await?,
        _ => false,
    };
    let has_left_out = match &head {
        Some(head) if act.action == Act::Cancel => draft::has_left_out(tx, head.id).await?,
        _ => false,
    };
    let current = CurrentBlast { head: head.as_ref(), is_sent_out, has_left_out };
    let name = match &head {
        Some(head) => Some(blast::distinct_name(tx, head).await?),
        None => None,
    };
    let said = format!("{}: {}", what(act, (current.head, name), &whom), reversal(act, current));
    if let Some(by) = action::taken_back_by_others(tx, act).await? {
        return Ok(AppError::Refused(format!("{by} took back what you did last. Your act before that was to {said}")));
    }
    let why = match taken_back_since(tx, act).await? {
        Some((marks, who)) => {
            format!("⟨u⟩ does not restore {marks} taken back: mark {who} again. Your act before that was to {said}")
        }
        None => format!("your last act was to {said}"),
    };
    let seen = head.map(|head| SeenState { blast: head.id, version: head.version, state: head.state });
    Ok(match seen {
        Some(seen) => AppError::RefusedAsItStands { why, seen },
        None => AppError::Refused(why),
    })
}

/// A launch that is refused ends the way of `u`: what was done before it, it does not reach.
pub(super) fn with_way_to_marks(error: AppError) -> AppError {
    error.reworded(|why| if why.contains(EARLIER_MARKS) { why } else { format!("{why}; {EARLIER_MARKS}") })
}

/// The blast that an act was about, as it is now.
#[derive(Clone, Copy)]
struct CurrentBlast<'a> {
    head: Option<&'a BlastHead>,
    /// It is being sent, and nobody is left to send to.
    is_sent_out: bool,
    /// Its cancelling left out somebody.
    has_left_out: bool,
}

/// What the operator took back after it, if anything, and whose: `a mark that was`, `Aina`.
async fn taken_back_since(
    tx: &mut PgConnection,
    act: &LoggedAction,
) -> Result<Option<(&'static str, String)>, AppError> {
    let Some(taken_back) = action::taken_back_after(tx, act).await? else { return Ok(None) };
    let together = action::taken_back_together(tx, &taken_back).await?;
    if together > 1 {
        return Ok(Some(("marks that were", format!("these {}", people(together)))));
    }
    let person = match taken_back.recipient_id {
        Some(id) => person::get(tx, id).await?,
        None => None,
    };
    Ok(Some(("a mark that was", whom(&taken_back, person.and_then(|person| person.name)))))
}

/// The act, as after "your last act was to".
fn what(act: &LoggedAction, (head, name): (Option<&BlastHead>, Option<String>), whom: &str) -> String {
    let blast = || blast_name(act, name.clone());
    match &act.action {
        Act::Launch if is_test(head) => "send one message to yourself".to_owned(),
        Act::Launch => format!("start {}", blast()),
        Act::Resume => format!("resume {}", blast()),
        Act::Pause => format!("pause {}", blast()),
        Act::Cancel => format!("cancel {}", blast()),
        Act::Delete => format!("delete {}", deleted(act, &blast())),
        Act::Retry => format!("try those who failed in {} again", blast()),
        Act::Suppress => format!("suppress {whom}"),
        Act::Unsuppress => format!("let {whom} be messaged again"),
        Act::MoveSender => format!("move sender {} to another phone", text(act, "sender")),
        Act::Repair => "repair counters".to_owned(),
        Act::Answer => format!("answer {whom}"),
        Act::Create => format!("create {}", blast()),
        Act::Undo => format!("cancel order {}", text_of_order(act)),
        Act::Edit => edited(act, &blast()),
        Act::Add => format!("add people to {}", blast()),
        Act::Remove => format!("take people out of {}", blast()),
        Act::Token if act.detail.get("share").is_some() => format!("{} a link to the page of {}", made(act), blast()),
        Act::Token => format!("make or revoke the token {}", text(act, "name")),
        Act::Customer => "change a customer's tags, notes or numbers".to_owned(),
        Act::Forget => "forget somebody".to_owned(),
        other => format!("`{other}`"),
    }
}

/// The same of an edit, which has many meanings.
fn edited(act: &LoggedAction, blast: &str) -> String {
    let has = |key: &str| act.detail.get(key).is_some();
    if has("skipped") {
        format!("leave out a time of {blast}")
    } else if has("step") {
        let (verb, joined) = match text(act, "step_was") {
            "added" => ("add", "to"),
            "removed" => ("remove", "from"),
            "paused" => ("pause", "of"),
            "resumed" => ("resume", "of"),
            _ => ("change", "of"),
        };
        format!("{verb} step {} {joined} {blast}", act.detail["step"])
    } else if has("order") {
        match act.detail.get("state").and_then(Value::as_str) {
            Some(state) => format!("take order {} to {state}", text_of_order(act)),
            None => format!("edit order {}", text_of_order(act)),
        }
    } else if has("cart") {
        let verb = match text(act, "cart_was") {
            "written" => "write",
            "abandoned" => "end",
            _ => "change",
        };
        format!("{verb} cart {}", act.detail["cart"])
    } else if has("catalogue") {
        let verb = match text(act, "catalogue_was") {
            "removed" => "remove",
            "read" => "read",
            _ => "write",
        };
        format!("{verb} the catalogue {}", clean(text(act, "catalogue")))
    } else if dropped_hours(text(act, "pace")).is_some() {
        format!("have {blast} send at any hour")
    } else if has("pace") {
        format!("change the hours or the pace of {blast}")
    } else if has("list") {
        format!("read the list of {blast}")
    } else {
        format!("edit {blast}")
    }
}

/// What reverses it, if anything does.
fn reversal(act: &LoggedAction, current: CurrentBlast<'_>) -> String {
    let head = current.head;
    match &act.action {
        Act::Launch if is_test(head) => "what went out cannot be called back; nobody else got it".to_owned(),
        Act::Launch | Act::Resume | Act::Pause | Act::Retry => {
            format!("{}; {EARLIER_MARKS}", now(act, current))
        }
        Act::Suppress => format!("`blastdeck suppress remove {}` lets it be messaged again", scope(act)),
        Act::Unsuppress => format!("`blastdeck suppress add {}` suppresses it again", scope(act)),
        Act::MoveSender => {
            format!("`blastdeck sender move {}` with the former configuration reverses it", text(act, "sender"))
        }
        Act::Token if act.detail.get("share").is_some() && made(act) == "make" => {
            let link = act.detail["share"].to_string();
            format!("`blastdeck share revoke {link}` ends it")
        }
        Act::Create => deletion(head.map(|head| (head.state, head.state_in_words()))),
        Act::Edit if act.detail.get("order").is_some() && act.detail.get("state").is_none() => {
            format!("`blastdeck order edit {}` changes it again", text_of_order(act))
        }
        Act::Edit if act.detail.get("cart").is_some() => match text(act, "cart_was") {
            "written" => format!("`blastdeck cart abandon {}` ends it", act.detail["cart"]),
            "changed" => format!("`blastdeck cart set {}` changes it again", act.detail["cart"]),
            _ => FOR_GOOD.to_owned(),
        },
        Act::Edit if text(act, "catalogue_was") == "read" => "`blastdeck catalog sync` reads it again".to_owned(),
        Act::Edit if act.detail.get("catalogue").is_some() => "`blastdeck catalog import` writes it again".to_owned(),
        Act::Edit if act.detail.get("step").is_some() => reversal_of_step(act, head),
        Act::Edit if dropped_hours(text(act, "pace")).is_some() => hours_again(act, current),
        Act::Cancel if current.has_left_out => {
            "that cannot be taken back; ⟨d⟩ on it makes a draft to those it left out".to_owned()
        }
        Act::Edit if head.is_none() && act.detail.get("order").is_none() => "it was deleted since".to_owned(),
        Act::Edit if ["skipped", "step", "order"].iter().all(|of| act.detail.get(of).is_none()) => {
            match head.map(|head| head.state) {
                Some(BlastState::Completed | BlastState::Cancelled | BlastState::Failed) => now(act, current),
                _ => "⟨e⟩ on it changes it again".to_owned(),
            }
        }
        Act::Customer if is_filled(act, "tags") || is_filled(act, "without") => {
            "⟨#⟩ on their page changes it again: vip adds a tag, -vip takes it away".to_owned()
        }
        Act::Customer if is_filled(act, "note") => {
            let phone = act.phone_number.as_deref().unwrap_or_default();
            format!(
                "`blastdeck customer show {phone}` has its number, `blastdeck customer note {phone} --remove NUMBER` removes it"
            )
        }
        _ => FOR_GOOD.to_owned(),
    }
}

fn reversal_of_step(act: &LoggedAction, head: Option<&BlastHead>) -> String {
    let Some(head) = head else { return "it was deleted since".to_owned() };
    match text(act, "step_was") {
        "added" => "⟨!⟩ lists it, and there ⟨X⟩ removes it".to_owned(),
        "removed" => "⟨f⟩ on its people, then ⟨a⟩, adds it again".to_owned(),
        "paused" => "⟨!⟩ lists it, and there ⟨S⟩ resumes it".to_owned(),
        "resumed" => "⟨!⟩ lists it, and there ⟨p⟩ pauses it".to_owned(),
        _ => format!("`blastdeck blast step set {} {}` changes it again", head.id, act.detail["step"]),
    }
}

/// Whether an act says something of this: neither nothing nor an empty list.
fn is_filled(act: &LoggedAction, key: &str) -> bool {
    match act.detail.get(key) {
        None | Some(Value::Null) => false,
        Some(Value::Array(values)) => !values.is_empty(),
        Some(_) => true,
    }
}

/// How a blast that was let send at any hour gets its hours back, while that makes a difference.
fn hours_again(act: &LoggedAction, current: CurrentBlast<'_>) -> String {
    let again = format!("⟨e⟩ gives it its hours again ({})", dropped_hours(text(act, "pace")).unwrap_or_default());
    match current.head.map(|head| head.state) {
        Some(BlastState::Sending) if !current.is_sent_out => format!("⟨p⟩ pauses it; {again}"),
        Some(BlastState::Draft | BlastState::Scheduled | BlastState::Paused) => again,
        _ => format!("{}; {EARLIER_MARKS}", now(act, current)),
    }
}

/// Whether a blast is one message to whoever launched it.
fn is_test(head: Option<&BlastHead>) -> bool {
    head.is_some_and(BlastHead::is_test)
}

/// The key that deletes what was created, while it is a draft; and the one for an earlier mark, which `u` does not reach.
fn deletion(stands: Option<(BlastState, &str)>) -> String {
    match stands {
        Some((BlastState::Draft, _)) => "⟨X⟩ deletes the draft; ⟨U⟩ takes back a person's mark".to_owned(),
        Some((_, state)) => format!("it is {state} now"),
        None => "it was deleted since".to_owned(),
    }
}

/// What was done with a link.
fn made(act: &LoggedAction) -> &'static str {
    if act.detail.get("revoked").is_some() { "revoke" } else { "make" }
}

fn text_of_order(act: &LoggedAction) -> String {
    act.detail.get("order").map(ToString::to_string).unwrap_or_default()
}

/// The present state of its blast, and the key that reverses it.
fn now(act: &LoggedAction, current: CurrentBlast<'_>) -> String {
    let Some(head) = current.head else { return "it was deleted since".to_owned() };
    match head.state {
        BlastState::Paused if act.action == Act::Pause => "⟨S⟩ resumes it".to_owned(),
        BlastState::Sending if current.is_sent_out => "nobody in it is left to send to".to_owned(),
        BlastState::Sending if act.action == Act::Pause => {
            "it was resumed since and is sending, and ⟨p⟩ pauses it".to_owned()
        }
        BlastState::Sending => "it has started, and ⟨p⟩ pauses it".to_owned(),
        _ => format!("it is {} now", head.state_in_words()),
    }
}

fn blast_name(act: &LoggedAction, name: Option<String>) -> String {
    let text = |key| act.detail.get(key).and_then(Value::as_str);
    // Of a deleted one: another stage of that name may be there still.
    let logged = text("tag")
        .map(|tag| text("stage").map_or_else(|| tag.to_owned(), |stage| domain::blast::blast_name(tag, stage)));
    name.or(logged).or_else(|| Some(format!("blast {}", act.blast_id?))).unwrap_or_else(|| "a blast".to_owned())
}

/// A deleted blast: others may have its name, and are still there.
fn deleted(act: &LoggedAction, name: &str) -> String {
    let draft = if text(act, "state") == BlastState::Draft.word() { "the draft " } else { "" };
    act.blast_id.map_or_else(|| format!("{draft}{name}"), |id| format!("{draft}{name} (blast {id})"))
}

/// The number with its business, as arguments of `suppress`.
fn scope(act: &LoggedAction) -> String {
    match act.detail.get("business").and_then(Value::as_str).filter(|business| *business != "*") {
        Some(business) => format!("{} --business '{}'", phone(act), business.replace('\'', "'\\''")),
        None => phone(act).to_owned(),
    }
}

/// Whom it was about: the name, where there is one, and the number as people read it.
fn whom(act: &LoggedAction, name: Option<String>) -> String {
    let number = act.phone_number.clone().map(|phone| Phone::from_database(phone).to_string());
    let name = name.map(|name| clean(name.trim()).into_owned()).filter(|name| !name.is_empty());
    [name, number].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn phone(act: &LoggedAction) -> &str {
    act.phone_number.as_deref().unwrap_or_default()
}

fn text<'a>(act: &'a LoggedAction, key: &str) -> &'a str {
    act.detail.get(key).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::deletion;
    use crate::domain::blast::BlastState;

    #[test]
    fn a_draft_that_was_created_has_a_key_that_deletes_it_and_earlier_marks_have_another() {
        assert_eq!(
            deletion(Some((BlastState::Draft, "a draft"))),
            "⟨X⟩ deletes the draft; ⟨U⟩ takes back a person's mark"
        );
        assert_eq!(deletion(Some((BlastState::Sending, "sending"))), "it is sending now");
        assert_eq!(deletion(None), "it was deleted since");
    }
}
