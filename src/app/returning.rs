//! An opt-out takes its person out of every blast of the business. Once nothing suppresses them any more, they are back wherever the
//! blast is not over, unless its number was confirmed without them.

use std::collections::{BTreeSet, HashSet};

use sqlx::PgConnection;

use super::segment::{AgainIn, draft_to_them};
use super::{App, AppError, EVERY_BUSINESS};
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::recipient::{Evidence, Undone};
use crate::domain::status::Status;
use crate::store::blast;
use crate::store::evidence::EntryOutcome;
use crate::store::person::{self, PersonRow};
use crate::store::suppression::{self, StandingSuppression, TakenOut};

/// Why somebody stays left out of a blast whose message lost a number for them.
pub(super) const MESSAGE_WITHOUT_NUMBER: &str =
    "whose message they would get without the number of somebody who was forgotten since";

/// What it came to in their blasts that somebody is not suppressed any more: what is done concerns all of the business, what is said is of
/// those that whoever acts may see.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct PutBack {
    /// Somebody was put back there, or is not recorded as opted out any more.
    pub(super) changed: BTreeSet<BlastId>,
    /// Somebody is to be sent to again.
    queued: BTreeSet<BlastId>,
    /// What people call those, where they are few.
    names: Vec<String>,
    /// Drafts, and what repeats, whose filter finds somebody again once it is read: whoever read their plan meanwhile has taken them out.
    found: BTreeSet<BlastId>,
    found_names: Vec<String>,
    /// Somebody is left out still, though the blast is not over.
    left_out: BTreeSet<BlastId>,
    /// Of those, whose number somebody confirmed without them.
    confirmed: BTreeSet<BlastId>,
    /// Of those, whose message lost a number for them.
    lost: BTreeSet<BlastId>,
    /// They were left out of so many blasts that are over.
    over: BTreeSet<BlastId>,
    /// How to write to whoever the newest of the last three is without; nothing also where several people are out.
    mend: String,
}

impl PutBack {
    /// Where somebody is to be sent to again, by id.
    pub fn queued(&self) -> impl Iterator<Item = BlastId> {
        self.queued.union(&self.found).copied()
    }

    /// They stand as queued in these, and were left out: a draft was made after the opt-out, or that was at another number. Or a filter finds
    /// them again.
    pub(super) async fn goes_on_in(
        &mut self,
        app: &App,
        tx: &mut PgConnection,
        held: impl IntoIterator<Item = BlastId>,
        again: AgainIn,
    ) -> Result<(), AppError> {
        let before = self.queued.len();
        let queued = held.into_iter().chain(again.queued).collect();
        self.queued.extend(app.visible_blasts(tx, queued).await?);
        if self.queued.len() > before {
            self.names = names(tx, &self.queued).await?;
        }
        let found = app.visible_blasts(tx, again.found).await?;
        self.found = found.difference(&self.queued).copied().collect();
        self.found_names = names(tx, &self.found).await?;
        Ok(())
    }

    /// Where somebody is left out still though the blast is not over: its number was confirmed without them, its message lost a number for
    /// them, or something else suppresses them.
    pub fn left_out(&self) -> impl Iterator<Item = BlastId> {
        self.left_out.iter().copied()
    }

    /// The blasts that are over without somebody.
    pub fn over(&self) -> impl Iterator<Item = BlastId> {
        self.over.iter().copied()
    }

    /// `; queued again in blast 13; still left out of blast 15`, behind what was done.
    pub fn in_words(&self) -> String {
        let back = named(&self.queued).map_or_else(String::new, |blasts| format!("; queued again in {blasts}"));
        let found = named(&self.found).map_or_else(String::new, |blasts| self.found_in_words(&blasts));
        format!("{back}{found}{}", self.without_in_words())
    }

    /// The same behind what was done to the person in a blast of their own: `; queued again in Deepavali (draft 13) too`.
    pub(super) fn in_words_beside(&self) -> String {
        let back = match (self.queued.len(), self.names.as_slice()) {
            (0, _) => String::new(),
            (several, []) => format!("; queued again in {several} other blasts and drafts"),
            (_, names) => format!("; queued again in {} too", listed(names)),
        };
        let found = match (self.found.len(), self.found_names.as_slice()) {
            (0, _) => String::new(),
            (several, []) => self.found_in_words(&format!("{several} other blasts and drafts")),
            (_, names) => self.found_in_words(&listed(names)),
        };
        format!("{back}{found}{}", self.without_in_words())
    }

    /// They are in the lists of those once the filter is read again, as their plan does.
    fn found_in_words(&self, blasts: &str) -> String {
        if self.found.len() == 1 {
            format!("; the filter of {blasts} finds them again")
        } else {
            format!("; the filters of {blasts} find them again")
        }
    }

    fn without_in_words(&self) -> String {
        let is_suppressed = |blast: &&BlastId| !self.confirmed.contains(*blast) && !self.lost.contains(*blast);
        let suppressed: BTreeSet<_> = self.left_out.iter().filter(is_suppressed).copied().collect();
        let out = named(&suppressed).map_or_else(String::new, |blasts| format!("; still left out of {blasts}"));
        let confirmed = named(&self.confirmed).map_or_else(String::new, |blasts| {
            format!("; still left out of {blasts}, whose number was confirmed without them")
        });
        let lost = named(&self.lost)
            .map_or_else(String::new, |blasts| format!("; still left out of {blasts}, {MESSAGE_WITHOUT_NUMBER}"));
        [out, confirmed, lost, self.over_in_words(), self.mend.clone()].concat()
    }

    fn over_in_words(&self) -> String {
        let Some(last) = self.over.last() else { return String::new() };
        match self.over.len() {
            1 => format!("; left out of blast {last}, which is over"),
            several => format!("; left out of {several} blasts that are over, blast {last} the newest"),
        }
    }
}

fn named(blasts: &BTreeSet<BlastId>) -> Option<String> {
    let ids: Vec<_> = blasts.iter().map(BlastId::to_string).collect();
    match &ids[..] {
        [] => None,
        [one] => Some(format!("blast {one}")),
        several => Some(format!("blasts {}", several.join(", "))),
    }
}

/// The most blasts that are named.
const NAMED_MAX: usize = 3;

/// `draft 2 (Deepavali), draft 3 (people, FX) and blast 5 (Raya)`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `Deepavali (draft 2)`, and of several `draft 2 (Deepavali)` of each, as a name may have commas in it; of none where they are many.
async fn names(tx: &mut PgConnection, blasts: &BTreeSet<BlastId>) -> Result<Vec<String>, AppError> {
    let mut names = Vec::new();
    for id in blasts.iter().filter(|_| blasts.len() <= NAMED_MAX) {
        names.push(match blast::head(&mut *tx, *id).await? {
            Some(head) => {
                let kind = if head.state == BlastState::Draft { "draft" } else { "blast" };
                let name = blast_name(&head.blast_tag, &head.follow_up_stage);
                if blasts.len() == 1 { format!("{name} ({kind} {id})") } else { format!("{kind} {id} ({name})") }
            }
            None => format!("blast {id}"),
        });
    }
    Ok(names)
}

/// The businesses in which people may be back.
pub(super) struct LiftedIn(BTreeSet<String>);

impl LiftedIn {
    pub(super) fn new(businesses: impl IntoIterator<Item = String>) -> Self {
        Self(businesses.into_iter().collect())
    }

    fn concerns(&self, one: &TakenOut) -> bool {
        self.0.contains(EVERY_BUSINESS) || self.0.contains(&one.business)
    }
}

impl App {
    /// Where opt-outs keep these numbers out. They are locked together with the people whose acts are taken back, in the store's lock
    /// order.
    pub(super) async fn hold_taken_out(
        &self,
        tx: &mut PgConnection,
        phones: &[&str],
        (acts, own): (&[ActionId], &[RecipientId]),
    ) -> Result<Vec<TakenOut>, AppError> {
        let mut taken_out = suppression::taken_out(tx, phones, acts).await?;
        taken_out.retain(|one| !own.contains(&one.id));
        let all = own.iter().copied().chain(taken_out.iter().map(|one| one.id));
        let evidence: Vec<_> = all.map(|id| (id, Evidence::Undo(Undone::OptOut))).collect();
        self.hold_all(tx, &evidence).await?;
        Ok(taken_out)
    }

    /// Undoes the opt-out of whoever nothing suppresses by now in these businesses, but for those without whom somebody has confirmed a
    /// number since. What a report of a blast that is over says stays, unless a mistake is taken back.
    pub(super) async fn put_back(
        &self,
        tx: &mut PgConnection,
        taken_out: &[TakenOut],
        lifted: &LiftedIn,
    ) -> Result<PutBack, AppError> {
        let mut concerned: Vec<&TakenOut> = taken_out.iter().filter(|one| lifted.concerns(one)).collect();
        let ids: Vec<RecipientId> = concerned.iter().filter(|one| one.may_return()).map(|one| one.id).collect();
        let mut people = person::lock_all(tx, &ids).await?;
        people.retain(|person| !person.is_suppressed);
        let (queued, skipped) = self.undo_opt_outs(tx, &people).await?;
        let mut done = PutBack { queued, ..PutBack::default() };
        done.changed = people.iter().map(|person| person.blast_id).collect();
        let visible = self.visible_blasts(tx, concerned.iter().map(|one| one.blast).collect()).await?;
        concerned.retain(|one| visible.contains(&one.blast));
        done.queued.retain(|blast| visible.contains(blast));
        for one in concerned.iter().filter(|one| one.is_out) {
            let is_back = done.queued.contains(&one.blast);
            if !one.state.is_over() && !is_back {
                done.left_out.insert(one.blast);
            }
        }
        done.names = names(tx, &done.queued).await?;
        self.note_without(tx, (&concerned, &skipped), &mut done).await?;
        Ok(done)
    }

    /// Returns the blasts where somebody is queued again, and who is not, though nothing suppresses them.
    async fn undo_opt_outs(
        &self,
        tx: &mut PgConnection,
        people: &[PersonRow],
    ) -> Result<(BTreeSet<BlastId>, HashSet<RecipientId>), AppError> {
        let entries: Vec<_> = people.iter().map(|person| self.taken_back(person, &Undone::OptOut)).collect();
        let settled = self.record_all(tx, &entries, people).await?;
        if let Some((person, _)) = people.iter().zip(&settled).find(|(_, settled)| **settled == EntryOutcome::Locked) {
            return Err(AppError::Refused(format!("{} is being changed by somebody else: try again", person.who())));
        }
        let (mut queued, mut skipped) = (BTreeSet::new(), HashSet::new());
        for (person, settled) in people.iter().zip(settled) {
            match settled {
                EntryOutcome::Changed { after: Status::Queued, .. } => {
                    queued.insert(person.blast_id);
                }
                EntryOutcome::Changed { after: Status::Skipped, .. } => {
                    skipped.insert(person.id);
                }
                _ => {}
            }
        }
        Ok((queued, skipped))
    }

    /// The blasts that go on, or are over, without people who may be messaged again.
    async fn note_without(
        &self,
        tx: &mut PgConnection,
        (concerned, skipped): (&[&TakenOut], &HashSet<RecipientId>),
        done: &mut PutBack,
    ) -> Result<(), AppError> {
        // In a blast that is not over nothing else leaves them out once nothing suppresses them.
        let has_lost = |one: &TakenOut| !one.state.is_over() && skipped.contains(&one.id);
        let is_without =
            |one: &&TakenOut| one.is_out && (one.state.is_over() || one.is_confirmed_without || has_lost(one));
        let without: Vec<&TakenOut> = concerned.iter().copied().filter(is_without).collect();
        let standing = self.standing_of(tx, without.iter().map(|one| (&*one.phone_number, &*one.business))).await?;
        let holds = |of: &StandingSuppression, one: &TakenOut| {
            of.phone == one.phone_number && [&*one.business, EVERY_BUSINESS].contains(&&*of.business)
        };
        let free = without.into_iter().filter(|one| !standing.iter().any(|of| holds(of, one)));
        let (over, open): (Vec<&TakenOut>, Vec<&TakenOut>) = free.partition(|one| one.state.is_over());
        let (lost, confirmed): (Vec<&TakenOut>, Vec<&TakenOut>) = open.into_iter().partition(|one| has_lost(one));
        let ids = |those: &[&TakenOut]| those.iter().map(|one| one.blast).collect();
        (done.over, done.lost, done.confirmed) = (ids(&over), ids(&lost), ids(&confirmed));
        let free: Vec<&TakenOut> = over.into_iter().chain(lost).chain(confirmed).collect();
        let is_one = free.iter().all(|one| one.phone_number == free[0].phone_number);
        let newest = free.into_iter().filter(|_| is_one).max_by_key(|one| one.blast);
        if let Some(one) = newest {
            let filter = self.filter_of_person(tx, one.blast, &one.phone_number).await?;
            done.mend = format!(": {}", draft_to_them(tx, (&one.sender, one.blast), &filter).await?);
        }
        Ok(())
    }
}
