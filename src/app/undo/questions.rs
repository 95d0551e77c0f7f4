//! What is asked before an act is undone that the operator may not mean.

use serde_json::Value;
use sqlx::PgConnection;

use super::launches::start_behind_stop;
use super::sends::NamedSends;
use super::sentences::mark_words;
use super::undone;
use crate::app::marks::person_of;
use crate::app::opened_hours::OpenedHours;
use crate::app::resumed_sender::LiftedStop;
use crate::app::{App, AppError};
use crate::domain::act::Act;
use crate::domain::amount::in_currency;
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::Undone;
use crate::domain::text::people;
use crate::store::action::LoggedAction;
use crate::store::blast::{self, BlastHead};
use crate::store::{self, action, person, plan};

/// Whether a blast counts down its start, or waits for a set time.
pub(super) async fn is_armed(tx: &mut PgConnection, head: &BlastHead) -> Result<bool, AppError> {
    let now = store::moment(&mut *tx).await?;
    Ok(head.state.is_under_way() && head.send_after.is_some_and(|after| after > now))
}

/// Of a change of pace while its blast counts down the start, which every screen says can be taken back. Before a start at a set time
/// there is no haste: there the change is the last act.
pub(super) async fn start_before(tx: &mut PgConnection, edit: &LoggedAction) -> Result<Option<LoggedAction>, AppError> {
    // What was changed about one person, as their cart, is none of the blast.
    let is_of_blast = edit.action == Act::Edit && edit.recipient_id.is_none();
    let Some(id) = edit.blast_id.filter(|_| is_of_blast) else { return Ok(None) };
    let Some(head) = blast::head(&mut *tx, id).await? else { return Ok(None) };
    if head.state == BlastState::Scheduled || !is_armed(tx, &head).await? {
        return Ok(None);
    }
    Ok(action::newest_start(tx, id).await?.filter(|start| start.operator == edit.operator))
}

/// Whether an act started a blast, or changed its hours: it is asked about only where that is another blast than the one shown.
fn is_of_blast(act: &LoggedAction) -> bool {
    matches!(act.action, Act::Launch | Act::Resume) || OpenedHours::of(act).is_some()
}

/// Whether it is too late for each of these decisions about uncertain people: their messages went on since.
async fn all_too_late(tx: &mut PgConnection, acts: &[LoggedAction]) -> Result<bool, AppError> {
    for act in acts {
        let Some(Undone::Resolve(resolution)) = undone(act, None) else { return Ok(false) };
        let person = match act.recipient_id {
            Some(id) => person::get(&mut *tx, id).await?,
            None => None,
        };
        if person.is_some_and(|person| resolution.is_undoable(&person.recipient)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What a yes does where `u` asks first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UndoOffer {
    /// Takes this act back.
    Undo(AskedAct),
    /// Pauses this blast: it has begun to send, which cannot be taken back.
    Pause(BlastId),
}

/// An act of one's own, as somebody is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedAct {
    pub id: ActionId,
    /// Who gets which message once it is taken back.
    pub sends: Option<Box<NamedSends>>,
}

impl AskedAct {
    /// One by which nobody gets a message.
    pub const fn sending_nothing(id: ActionId) -> Self {
        Self { id, sends: None }
    }
}

/// The last marks of some people, as somebody is asked about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AskedMarks {
    /// Of each person who has one, by person.
    pub acts: Vec<ActionId>,
    /// Who gets which message once they are taken back.
    pub sends: Option<Box<NamedSends>>,
}

/// Asks before what is scheduled again, since its early start was taken back, is a draft: whoever presses the key twice means it once.
async fn ask_about_schedule(
    tx: &mut PgConnection,
    act: &LoggedAction,
    head: &BlastHead,
) -> Result<Option<String>, AppError> {
    if act.action != Act::Launch || head.state != BlastState::Scheduled || !action::is_undone_since(tx, act).await? {
        return Ok(None);
    }
    let name = blast::distinct_name(tx, head).await?;
    Ok(Some(format!("{name} is scheduled again already. Make it a draft, which does not start by itself?")))
}

impl App {
    /// Asks before this operator's newest act is undone where it is not what they see, on one person: in another blast than the one
    /// shown, on somebody else than at the cursor, or on several; where another window of theirs did it; and where somebody gets a message
    /// by it. Of the launch of what has begun to send it asks whether that is to be paused. `None` where it is nothing of these, or where
    /// it cannot be undone anyway.
    pub async fn ask_about_mine(
        &self,
        shown: Option<BlastId>,
        person: Option<RecipientId>,
    ) -> Result<Option<(UndoOffer, String)>, AppError> {
        let is_another = |recipient| person.is_some_and(|person| person != recipient);
        self.ask_about_newest(shown, is_another).await
    }

    /// The same where a mark is asked about on whomever it is.
    pub async fn ask_about_mine_on_anybody(
        &self,
        shown: Option<BlastId>,
    ) -> Result<Option<(UndoOffer, String)>, AppError> {
        self.ask_about_newest(shown, |_| true).await
    }

    async fn ask_about_newest(
        &self,
        shown: Option<BlastId>,
        is_another: impl Fn(RecipientId) -> bool,
    ) -> Result<Option<(UndoOffer, String)>, AppError> {
        let mut tx = self.begin().await?;
        let Some(newest) = action::newest_of(&mut tx, self.acting_operator()).await? else { return Ok(None) };
        let behind = start_behind_stop(&mut tx, &newest).await?;
        let act = behind.as_ref().unwrap_or(&newest);
        let Some(id) = act.blast_id else { return Ok(None) };
        let in_another = shown.is_some_and(|shown| shown != id);
        let on_another = act.recipient_id.is_some_and(is_another);
        let Some(head) = blast::head(&mut tx, id).await? else { return Ok(None) };
        let is_own = action::is_of_this_process(&mut tx, newest.id).await?;
        let mut then = None;
        let what = match (&act.action, act.recipient_id) {
            (Act::Launch | Act::Resume | Act::Edit, _)
                if !in_another || !self.can_be_taken_back(&mut tx, act, &head).await? =>
            {
                let is_start =
                    act.action != Act::Edit && action::taken_back_by_others(&mut tx, &newest).await?.is_none();
                if let Some(question) = ask_about_schedule(&mut tx, act, &head).await? {
                    return Ok(Some((UndoOffer::Undo(AskedAct::sending_nothing(newest.id)), question)));
                }
                let question = if is_start { self.ask_to_pause_in(&mut tx, &head).await? } else { None };
                return Ok(question.map(|question| (UndoOffer::Pause(id), question)));
            }
            (Act::Launch, _) => "launch".to_owned(),
            (Act::Resume, _) => "resume".to_owned(),
            (Act::Edit, _) if OpenedHours::of(act).is_some() => "change the hours of".to_owned(),
            (_, None) => return Ok(None),
            (_, Some(_)) if undone(act, None).is_none() => return Ok(None),
            (mark, Some(recipient)) => {
                let acts = action::whole(&mut tx, act).await?;
                if all_too_late(&mut tx, &acts).await? {
                    return Ok(None);
                }
                then = self.sends_once_undone(&mut tx, &acts).await?;
                match &acts[..] {
                    [] | [_] if !in_another && !on_another && is_own && then.is_none() => return Ok(None),
                    [] | [_] => self.mark_in_words(&mut tx, act, recipient).await?,
                    several => format!("{}, {}", mark_words(mark), people(several.len())),
                }
            }
        };
        let of = if is_own { "" } else { ", by another window or command" };
        let blast = format!("{}, {} (blast {id})", head.blast_tag, head.follow_up_stage);
        let said = match (is_of_blast(act), in_another) {
            (true, _) => format!("{} was to {what} {blast}", if is_own { "" } else { "," }),
            (false, true) => format!("{} in {blast}: {what}", if is_own { "" } else { "," }),
            (false, false) => format!(": {what}"),
        };
        let sends = then.as_ref().map_or("", |then| &*then.words);
        let question = format!("your last act{of}{said}. Take it back?{sends}");
        Ok(Some((UndoOffer::Undo(AskedAct { id: newest.id, sends: then.map(Box::new) }), question)))
    }

    /// Asks whether a blast is to be paused whose launch cannot be taken back any more: it has begun to send. `None` where it has not, where
    /// nobody is left in it, and of one message to oneself.
    pub async fn ask_to_pause(&self, id: BlastId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        match blast::head(&mut tx, id).await? {
            Some(head) => self.ask_to_pause_in(&mut tx, &head).await,
            None => Ok(None),
        }
    }

    /// The same of the start that somebody was asked about ([`App::others_launch`]). `None` also where that was taken back, or the blast started
    /// anew, meanwhile: what it has sent by another start was not asked about.
    pub async fn ask_to_pause_asked(&self, id: BlastId, asked: ActionId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let newest = action::newest_start(&mut tx, id).await?.filter(|newest| newest.id == asked);
        match blast::head(&mut tx, id).await?.filter(|_| newest.is_some()) {
            Some(head) => self.ask_to_pause_in(&mut tx, &head).await,
            None => Ok(None),
        }
    }

    async fn ask_to_pause_in(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<Option<String>, AppError> {
        let is_sending = head.state == BlastState::Sending && !head.is_test();
        if !is_sending || !self.has_begun(tx, head).await? || !plan::has_people_left(tx, head.id).await? {
            return Ok(None);
        }
        let name = blast::distinct_name(tx, head).await?;
        let too_late = "and that cannot be taken back";
        Ok(Some(match &self.started_with(tx, head).await?[..] {
            [] => format!("{name} has started, {too_late}: pause it?"),
            [other] => {
                let other = blast::distinct_name(tx, other).await?;
                format!("{name} and {other} have started, {too_late}: pause {name}? {other} goes on.")
            }
            others => {
                format!("{name} and {} others have started, {too_late}: pause {name}? The others go on.", others.len())
            }
        }))
    }

    /// The other blasts that started by the same act, since it let their sender go on, as far as anybody is left in them.
    async fn started_with(&self, tx: &mut PgConnection, head: &BlastHead) -> Result<Vec<BlastHead>, AppError> {
        let start = action::newest_start(&mut *tx, head.id).await?.filter(|act| LiftedStop::of(act).is_some());
        let Some(start) = start else { return Ok(Vec::new()) };
        let mut others = Vec::new();
        for id in blast::armed_by(&mut *tx, head.id, start.at).await?.into_iter().filter(|id| *id != head.id) {
            if plan::has_people_left(&mut *tx, id).await? {
                others.extend(blast::head(&mut *tx, id).await?);
            }
        }
        Ok(others)
    }

    /// A mark on one person, as a question names it: of a sale what of it would go.
    async fn mark_in_words(
        &self,
        tx: &mut PgConnection,
        act: &LoggedAction,
        recipient: RecipientId,
    ) -> Result<String, AppError> {
        let person = person_of(tx, recipient).await?;
        // Two people may have one name, and the one who is meant need not be in sight.
        let who = match &person.name {
            Some(name) => format!("{name}, {}", person.phone_number.as_str()),
            None => person.who(),
        };
        if act.action != Act::Closed {
            return Ok(format!("{}, {who}", mark_words(&act.action)));
        }
        let amount = person.recipient.amount.map(|sum| format!(", {}", in_currency(sum, &self.config().ui.currency)));
        let stays_closed = !action::sales_without(tx, &[recipient], &[act.id]).await?.is_empty();
        let what = match act.detail.get("order").and_then(Value::as_i64) {
            Some(order) => format!("order {order} of {who}"),
            None if stays_closed => format!("the amount of {who}"),
            None => format!("closed, {who}"),
        };
        Ok(what + &amount.unwrap_or_default())
    }

    /// Asks before this operator's own act, which the screen names, is undone where somebody gets a message by it.
    pub async fn ask_about_named(&self, named: ActionId) -> Result<Option<(AskedAct, String)>, AppError> {
        let mut tx = self.begin().await?;
        let newest = action::newest_of(&mut tx, self.acting_operator()).await?;
        let Some(act) = newest.filter(|act| act.id == named) else { return Ok(None) };
        let acts = action::whole(&mut tx, &act).await?;
        let Some(then) = self.sends_once_undone(&mut tx, &acts).await? else { return Ok(None) };
        let question = format!("take back your {}?{}", mark_words(&act.action), then.words);
        Ok(Some((AskedAct { id: named, sends: Some(Box::new(then)) }, question)))
    }

    /// The last mark of each of these people who has one: what is asked about them is about these.
    pub async fn newest_marks(&self, recipients: &[RecipientId]) -> Result<AskedMarks, AppError> {
        let mut tx = self.begin().await?;
        let acts = action::newest_on_each(&mut tx, recipients).await?;
        let sends = self.sends_once_undone(&mut tx, &acts).await?.map(Box::new);
        Ok(AskedMarks { acts: acts.into_iter().map(|act| act.id).collect(), sends })
    }

    /// Refuses where these are not the marks that somebody said yes to, or send more than the question named.
    pub(super) async fn require_asked(
        &self,
        tx: &mut PgConnection,
        acts: &[LoggedAction],
        asked: &AskedMarks,
    ) -> Result<(), AppError> {
        if acts.iter().map(|act| &act.id).eq(&asked.acts) {
            return self.require_sends_asked(tx, acts, asked.sends.as_deref()).await;
        }
        let why =
            "somebody marked them, or took a mark back, meanwhile: nothing was taken back; repeat it to be asked anew";
        Err(AppError::Refused(why.to_owned()))
    }

    /// Refuses where somebody gets a message by these acts whom the question did not name: their blast may have been resumed while it stood.
    pub(super) async fn require_sends_asked(
        &self,
        tx: &mut PgConnection,
        acts: &[LoggedAction],
        asked: Option<&NamedSends>,
    ) -> Result<(), AppError> {
        let sends = self.sends_once_undone(tx, acts).await?;
        if sends.is_none_or(|sends| asked.is_some_and(|asked| asked.include(&sends))) {
            return Ok(());
        }
        let why = "a message goes out by that now: nothing was taken back; repeat it to be asked anew";
        Err(AppError::Refused(why.to_owned()))
    }

    /// Asks before the last mark of this person is undone, where it is somebody else's, or where somebody gets a message by it.
    pub async fn ask_about_mark(&self, recipient: RecipientId) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let Some(act) = action::newest_on_each(&mut tx, &[recipient]).await?.pop() else { return Ok(None) };
        let then = self.sends_in_words(&mut tx, std::slice::from_ref(&act)).await?;
        let is_others = act.operator != self.operator();
        if !is_others && then.is_none() {
            return Ok(None);
        }
        let person = person_of(&mut tx, recipient).await?;
        let who = person.who();
        if is_others {
            let (by, then) = (&act.operator, then.unwrap_or_default());
            let is_amount = act.action == Act::Closed && act.detail.get("order").is_none();
            if is_amount && !action::sales_without(&mut tx, &[recipient], &[act.id]).await?.is_empty() {
                // They were closed before, by somebody who may be asked.
                let currency = &self.config().ui.currency;
                let sum = person.recipient.amount.map(|sum| format!(", {}", in_currency(sum, currency)));
                return Ok(Some(format!(
                    "{by} wrote the amount of {who}{}: take that back?{then}",
                    sum.unwrap_or_default()
                )));
            }
            return Ok(Some(format!("{by} marked {who} {}: take that back?{then}", act.action.word())));
        }
        Ok(then.map(|then| format!("take back your {} of {who}?{then}", mark_words(&act.action))))
    }

    /// Asks before the last marks of these people are undone: how many have one, and how many of those are somebody else's. `None` where
    /// nobody has one.
    pub async fn ask_about_several(&self, recipients: &[RecipientId]) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let acts = action::newest_on_each(&mut tx, recipients).await?;
        if acts.is_empty() {
            return Ok(None);
        }
        let others = acts.iter().filter(|act| act.operator != self.operator()).count();
        let by_others = match (others, acts.len()) {
            (0, _) => String::new(),
            (1, 1) => ", by somebody else".to_owned(),
            (some, all) if some == all => ", all by others".to_owned(),
            (some, _) => format!(", {some} of them by others"),
        };
        let none = match recipients.len() - acts.len() {
            0 => String::new(),
            1 => " 1 has none.".to_owned(),
            several => format!(" {several} have none."),
        };
        let then = self.sends_in_words(&mut tx, &acts).await?.unwrap_or_default();
        Ok(Some(format!("take back the last mark of {}{by_others}?{none}{then}", people(acts.len()))))
    }

    /// Asks before the last marks of these people are undone where somebody gets a message by it.
    pub async fn ask_about_marks(&self, recipients: &[RecipientId]) -> Result<Option<String>, AppError> {
        let mut tx = self.begin().await?;
        let acts = action::newest_on_each(&mut tx, recipients).await?;
        let then = self.sends_in_words(&mut tx, &acts).await?;
        Ok(then.map(|then| format!("take back the last mark of {}?{then}", people(recipients.len()))))
    }

    /// Asks before somebody else's armed launch is undone, naming whose it is; `None` for one's own, and for none. With the act that is asked
    /// about, for [`App::undo_asked_start`].
    pub async fn others_launch(&self, blast: BlastId) -> Result<Option<(ActionId, String)>, AppError> {
        let mut tx = self.begin().await?;
        let launch = action::newest_start(&mut tx, blast).await?;
        let Some(act) = launch.filter(|act| act.operator != self.operator()) else { return Ok(None) };
        let name = match blast::head(&mut tx, blast).await? {
            Some(head) => blast::distinct_name(&mut tx, &head).await?,
            None => format!("blast {blast}"),
        };
        let question = match LiftedStop::of(&act) {
            Some(_) => format!("{} let the sender of {name} go on: stop it again?", act.operator),
            None => format!("{} started {name}: take that back?", act.operator),
        };
        Ok(Some((act.id, question)))
    }
}
