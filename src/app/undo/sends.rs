//! Who gets a message once opt-outs are taken back. It is asked about first: no key but those that say so sends anything.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::marks::person_of;
use crate::app::{App, AppError};
use crate::domain::act::Act;
use crate::domain::blast::blast_name;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::text::people;
use crate::store::action::LoggedAction;
use crate::store::alias;
use crate::store::blast;
use crate::store::forget;
use crate::store::suppression::{self, HeldPerson, TakenOut};

/// The messages that go out once opt-outs are taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSends {
    /// As the question says it: ` Then Nadia gets the message of Ragu, Initial.`
    pub words: String,
    /// Who waits in a blast for its message.
    people: BTreeSet<RecipientId>,
    /// The numbers at the next time of what repeats.
    next_times: BTreeSet<(BlastId, Phone)>,
}

impl NamedSends {
    /// Whether the question is about all of these as well. Its words may be of several blasts, and do not name them.
    pub(super) fn include(&self, sends: &Self) -> bool {
        self.people.is_superset(&sends.people) && self.next_times.is_superset(&sends.next_times)
    }
}

/// The numbers that these acts opted out: those of their people, and the others by which WhatsApp knows them.
pub(super) async fn opted_out_numbers(tx: &mut PgConnection, acts: &[LoggedAction]) -> Result<Vec<String>, AppError> {
    let opt_outs = acts.iter().filter(|act| act.action == Act::OptOut);
    let own: Vec<&str> = opt_outs.filter_map(|act| act.phone_number.as_deref()).collect();
    if own.is_empty() {
        return Ok(Vec::new());
    }
    let others = alias::of_all(tx, &own).await?;
    Ok(own.into_iter().map(str::to_owned).chain(others).collect())
}

/// Removes what these acts suppressed, once they are closed. Returns what was removed, and the blasts in which that had held back another
/// number of the same person.
pub(super) async fn lift(
    tx: &mut PgConnection,
    phones: &[&str],
    acts: &[ActionId],
) -> Result<(Vec<(String, Phone)>, Vec<BlastId>), AppError> {
    if phones.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let held = suppression::held_until_taken_back(&mut *tx, phones, acts).await?;
    let lifted = suppression::remove_taken_back(tx, phones).await?;
    Ok((lifted, held.into_iter().map(|person| person.blast).collect()))
}

impl App {
    /// What is said of them behind the question whether these acts are to be taken back; `None` where nobody gets a message.
    pub(super) async fn sends_in_words(
        &self,
        tx: &mut PgConnection,
        acts: &[LoggedAction],
    ) -> Result<Option<String>, AppError> {
        Ok(self.sends_once_undone(tx, acts).await?.map(|sends| sends.words))
    }

    /// Who gets which message once these acts are taken back; `None` where nobody gets one.
    pub(super) async fn sends_once_undone(
        &self,
        tx: &mut PgConnection,
        acts: &[LoggedAction],
    ) -> Result<Option<NamedSends>, AppError> {
        let opt_outs: Vec<&LoggedAction> = acts.iter().filter(|act| act.action == Act::OptOut).collect();
        let phones = opted_out_numbers(&mut *tx, acts).await?;
        let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
        if phones.is_empty() {
            return Ok(None);
        }
        let own: BTreeSet<RecipientId> = opt_outs.iter().filter_map(|act| act.recipient_id).collect();
        let sent_to = sent_to(&mut *tx, (&opt_outs, &own), &phones).await?;
        let again = self.next_times_once_reversed(&mut *tx, opt_outs.into_iter().cloned().collect()).await?;
        let is_own = |one: &&HeldPerson| own.contains(&one.id);
        let first = sent_to.iter().find(is_own).or_else(|| sent_to.first());
        let numbers = sent_to.iter().map(|one| &one.opted_out).chain(again.iter().flat_map(|one| &one.opted_out));
        let numbers: Vec<&str> = numbers.map(String::as_str).collect();
        let (who, gets) = match (alias::people_of(&mut *tx, &numbers).await?, first, again.first()) {
            (1, Some(first), _) => (person_of(&mut *tx, first.id).await?.who(), "gets"),
            (1, None, Some(first)) => (first.who.clone(), "gets"),
            (several, ..) => (people(several), "get"),
        };
        let blasts = sent_to.iter().map(|one| one.blast).chain(again.iter().map(|one| one.blast));
        let blasts: Vec<BlastId> = blasts.collect::<BTreeSet<_>>().into_iter().collect();
        let what = match blasts[..] {
            [] => return Ok(None),
            [one] => format!("the message of {}", name_of(tx, one).await?),
            _ => format!("the messages of {} blasts", blasts.len()),
        };
        let next_times =
            again.into_iter().flat_map(|one| one.numbers.into_iter().map(move |number| (one.blast, number)));
        Ok(Some(NamedSends {
            words: format!(" Then {who} {gets} {what}."),
            people: sent_to.iter().map(|one| one.id).collect(),
            next_times: next_times.collect(),
        }))
    }
}

/// Who of these numbers gets the message of what goes out without anybody's further yes, once these opt-outs are taken back, `own` the
/// people that they are on.
async fn sent_to(
    tx: &mut PgConnection,
    (opt_outs, own): (&[&LoggedAction], &BTreeSet<RecipientId>),
    phones: &[&str],
) -> Result<Vec<HeldPerson>, AppError> {
    let ids: Vec<ActionId> = opt_outs.iter().map(|act| act.id).collect();
    let out = suppression::taken_out(&mut *tx, phones, &ids).await?;
    let businesses: BTreeSet<&str> =
        out.iter().filter(|one| own.contains(&one.id)).map(|one| one.business.as_str()).collect();
    // Their own rows are back whoever confirmed a number since: it is their mark that is taken back.
    let is_back = |one: &&TakenOut| one.is_out && one.is_awaited && (own.contains(&one.id) || one.may_return());
    let mut back: Vec<&TakenOut> =
        out.iter().filter(is_back).filter(|one| businesses.contains(&*one.business)).collect();
    let rows: Vec<RecipientId> = back.iter().map(|one| one.id).collect();
    // Whom something else suppresses, as their own word, stays out.
    let stay = suppression::suppressed_without(&mut *tx, phones, &ids, &rows).await?;
    // So does whoever would get a message that lost the number of somebody who was forgotten.
    let lost = forget::lost_words(&mut *tx, &rows).await?;
    back.retain(|one| !stay.contains(&one.id) && !lost.contains(&one.id));
    let held = |one: &TakenOut| HeldPerson { id: one.id, blast: one.blast, opted_out: one.phone_number.clone() };
    let mut sent_to: Vec<HeldPerson> = back.into_iter().map(held).collect();
    // In a blast that is for people they wait at another number of theirs, which nobody took out.
    sent_to.extend(suppression::held_until_taken_back(&mut *tx, phones, &ids).await?);
    Ok(sent_to)
}

async fn name_of(tx: &mut PgConnection, id: BlastId) -> Result<String, AppError> {
    let head = blast::head(tx, id).await?;
    Ok(head.map_or_else(|| format!("blast {id}"), |head| blast_name(&head.blast_tag, &head.follow_up_stage)))
}
