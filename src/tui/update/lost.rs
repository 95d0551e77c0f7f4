//! Acts that the database did not take, or not for certain: each names whom it was about, and stays in sight until it has been seen.

use crate::app::view::BlastView;
use crate::domain::ids::{BlastId, RecipientId};
use crate::domain::recipient::Mark;
use crate::tui::effect::{EffectError, ShopAct, WriteRequest};
use crate::tui::format::{brief, counted};
use crate::tui::model::{LostActs, Model, Notice, Prompt};
use crate::tui::msg::Msg;

/// What an act would have done: `reply`, `written`.
type ActWords = (&'static str, &'static str);

/// The sentence about an act that the database did not take: which, and whom it was about.
pub fn sentence(request: &WriteRequest, of: &str, failure: &EffectError) -> String {
    let (what, done) = words(request);
    let what = if what.is_empty() { String::new() } else { format!("{what} ") };
    match failure {
        EffectError::Unavailable => format!("{of}{what}not {done}, the database did not answer"),
        EffectError::Unconfirmed => {
            format!("{of}{what}may have been {done}: the database did not confirm it, so check before you repeat it")
        }
        EffectError::Unread => {
            format!("{of}{what}{done}; how it stands now could not be read, so look before you repeat it")
        }
        EffectError::Overtaken(overtaken) => overtaken.to_string(),
        EffectError::List(why) | EffectError::Other(why) | EffectError::AsItStands { why, .. } => why.clone(),
    }
}

/// Whether an act failed since the database did not answer, or what came of it cannot be shown for that.
pub const fn is_lost(failure: &EffectError) -> bool {
    matches!(failure, EffectError::Unavailable) || may_be_done(failure)
}

/// Whether an act is done, or may be: what is shown is what was read after it.
pub const fn may_be_done(failure: &EffectError) -> bool {
    matches!(failure, EffectError::Unconfirmed | EffectError::Unread)
}

/// Says that an act was lost.
pub fn say(model: &mut Model, words: &str) {
    let words = model.with_keys(words);
    let lost = Some(LostActs { words: words.clone(), is_seen: false });
    model.say(Notice { lost, ..Notice::refusal(words) });
}

/// What is said while an act is under way that may take minutes.
pub fn under_way(model: &Model, request: &WriteRequest) -> Option<String> {
    let name = |id: &BlastId| model.blasts.get(*id).map(|blast| model.distinct_name(blast)).unwrap_or_default();
    Some(match request {
        WriteRequest::Cancel { blast, .. } => format!("cancelling {}", name(blast)),
        WriteRequest::Delete { blast, .. } => format!("deleting {}", name(blast)),
        WriteRequest::Retry { blast, people } => format!("{}: queueing {} again", name(blast), counted(*people)),
        WriteRequest::AddStep(from) => format!("adding the step to {}", name(&from.blast)),
        _ => return None,
    })
}

/// Whom an act is about, before its words: by name where it is one person or blast.
pub fn about(model: &Model, request: &WriteRequest) -> String {
    let person = |id: &RecipientId| model.name_of(*id).map(|who| brief(&who));
    let blast = |id: &BlastId| model.blasts.get(*id).map(BlastView::name);
    let of = match request {
        WriteRequest::Mark { person: of, .. }
        | WriteRequest::Resolve { person: of, .. }
        | WriteRequest::Amend { person: of, .. }
        | WriteRequest::UndoPerson(of)
        | WriteRequest::UndoAnyMark(of, _) => person(of),
        WriteRequest::MarkSeveral { people, .. }
        | WriteRequest::ResolveSeveral { people, .. }
        | WriteRequest::UndoPeople(people)
        | WriteRequest::UndoAnyMarks(people, _) => Some(counted(people.len())),
        WriteRequest::Launch(launch) | WriteRequest::Resume(launch) => blast(&launch.blast),
        WriteRequest::UndoLaunch(of)
        | WriteRequest::UndoAnyLaunch(of, _)
        | WriteRequest::Pause(of)
        | WriteRequest::Report(of)
        | WriteRequest::Export { blast: of, .. }
        | WriteRequest::Cancel { blast: of, .. }
        | WriteRequest::Delete { blast: of, .. }
        | WriteRequest::Skip { blast: of, .. }
        | WriteRequest::EditPace { blast: of, .. }
        | WriteRequest::Retry { blast: of, .. } => blast(of),
        WriteRequest::ConfirmSender { name, .. } => Some(name.clone()),
        WriteRequest::Shop(write) => Some(brief(&write.who)),
        WriteRequest::Answer(answer) => person(&answer.person).or_else(|| Some(answer.phone.clone())),
        _ => None,
    };
    of.map(|of| format!("{of}: ")).unwrap_or_default()
}

const RESOLVED: ActWords = ("what became of the message", "written");
const RESOLVED_SEVERAL: ActWords = ("what became of the messages", "written");

const fn words(request: &WriteRequest) -> ActWords {
    match request {
        WriteRequest::Mark { mark, .. } => mark_words(mark),
        WriteRequest::Resolve { .. } => RESOLVED,
        WriteRequest::MarkSeveral { mark, .. } => several_words(mark),
        WriteRequest::ResolveSeveral { .. } => RESOLVED_SEVERAL,
        WriteRequest::Amend { .. } => ("amount", "written"),
        WriteRequest::UndoPerson(_) | WriteRequest::UndoAnyMark(..) => ("mark", "taken back"),
        WriteRequest::UndoPeople(_) | WriteRequest::UndoAnyMarks(..) => ("marks", "taken back"),
        WriteRequest::UndoMine { .. } | WriteRequest::UndoNamed(_) | WriteRequest::UndoMyAct(_) => {
            ("your last act", "taken back")
        }
        WriteRequest::UndoLaunch(_) | WriteRequest::UndoAnyLaunch(..) => ("launch", "stopped"),
        WriteRequest::Launch(_) => ("", "launched"),
        WriteRequest::Resume(_) => ("", "resumed"),
        WriteRequest::Pause(_) => ("", "paused"),
        WriteRequest::Cancel { .. } => ("", "cancelled"),
        WriteRequest::Delete { .. } => ("", "deleted"),
        WriteRequest::Skip { .. } => ("next time", "skipped"),
        WriteRequest::EditPace { .. } => ("hours or pace", "changed"),
        WriteRequest::Retry { .. } => ("failed people", "queued again"),
        WriteRequest::Report(_) => ("report", "written"),
        WriteRequest::Export { .. } => ("people", "exported"),
        WriteRequest::FollowUp(_) | WriteRequest::FollowFound(_) => ("follow-up", "made"),
        WriteRequest::AddStep(_) => ("step", "added"),
        WriteRequest::ChangeStep { .. } => ("step", "changed"),
        WriteRequest::SetStepMessage(_) => ("the step's message", "changed"),
        WriteRequest::Answer(_) => ("answer", "sent"),
        WriteRequest::SaveFile(_) => ("file", "saved"),
        WriteRequest::ConfirmSender { .. } => ("sender", "confirmed"),
        WriteRequest::SendTest { .. } => ("message to yourself", "sent"),
        WriteRequest::SavePlan { .. } => ("plan", "saved"),
        WriteRequest::Shop(write) => shop_words(&write.act),
        WriteRequest::Draft(_) => ("draft", "saved"),
        WriteRequest::AddSender(_) => ("sender", "added"),
    }
}

const fn shop_words(act: &ShopAct) -> ActWords {
    match act {
        ShopAct::Order(_) | ShopAct::OrderOfClose(_) | ShopAct::OrderCart(_) => ("order", "written"),
        ShopAct::Cart(_) => ("cart", "written"),
        ShopAct::EditOrder(..) | ShopAct::MoveOrder(..) => ("order", "changed"),
        ShopAct::EditCart(..) | ShopAct::AbandonCart(_) => ("cart", "changed"),
        ShopAct::Tag { .. } => ("tags", "changed"),
        ShopAct::Note { .. } => ("note", "written"),
    }
}

const fn mark_words(mark: &Mark) -> ActWords {
    match mark {
        Mark::Replied => ("reply", "written"),
        Mark::Closed(_) | Mark::Ordered(_) => ("sale", "written"),
        Mark::OptOut => ("opt-out", "written"),
        Mark::Note(_) => ("note", "written"),
        Mark::Resolve(_) => RESOLVED,
        Mark::Retry => ("", "queued again"),
    }
}

const fn several_words(mark: &Mark) -> ActWords {
    match mark {
        Mark::Replied => ("replies", "written"),
        Mark::Closed(_) | Mark::Ordered(_) => ("sales", "written"),
        Mark::OptOut => ("opt-outs", "written"),
        _ => ("marks", "written"),
    }
}

/// The words of acts that were lost and that nobody has seen yet; a key that is pressed while they stand there has seen them.
pub fn unseen(model: &mut Model, msg: &Msg) -> Option<String> {
    let is_shown = model.prompt.is_none() && model.held.is_empty() && model.announced().is_none();
    let is_pressed = matches!(msg, Msg::Key(_) | Msg::Paste(_) | Msg::Mouse(_));
    let has_stood = model.now - model.said_at >= super::keys::ONE_GO;
    let lost = model.notice.as_mut()?.lost.as_mut()?;
    lost.is_seen |= is_shown && is_pressed && has_stood;
    (!lost.is_seen).then(|| lost.words.clone())
}

/// The same, but where somebody who could have read it went on to something that asks: the answer to that is not about it.
pub fn keep_unless_asked(model: &mut Model, words: String) {
    let has_stood = model.now - model.said_at >= super::keys::ONE_GO;
    if !(has_stood && matches!(model.prompt, Some(Prompt::Confirm(_)))) {
        keep_in_sight(model, words);
    }
}

/// Puts what was said meanwhile behind acts that were lost and not seen.
fn keep_in_sight(model: &mut Model, words: String) {
    match model.notice.take() {
        Some(notice) => model.notice = Some(notice.behind(words)),
        None => say(model, &words),
    }
}
