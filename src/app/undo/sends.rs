//! Who gets a message once opt-outs are taken back. It is asked about first: no key but those that say so sends anything.

use std::collections::BTreeSet;

use sqlx::PgConnection;

use crate::app::AppError;
use crate::app::marks::person_of;
use crate::domain::act::Act;
use crate::domain::blast::blast_name;
use crate::domain::ids::{ActionId, BlastId, RecipientId};
use crate::domain::phone::Phone;
use crate::domain::text::people;
use crate::store::action::LoggedAction;
use crate::store::alias;
use crate::store::blast;
use crate::store::suppression::{self, HeldPerson, TakenOut};

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

/// ` Then Nadia gets the message of Ragu, Initial.`, behind the question whether these acts are to be taken back; `None` where nobody gets one.
pub(super) async fn in_words(tx: &mut PgConnection, acts: &[LoggedAction]) -> Result<Option<String>, AppError> {
    let opt_outs: Vec<&LoggedAction> = acts.iter().filter(|act| act.action == Act::OptOut).collect();
    let ids: Vec<ActionId> = opt_outs.iter().map(|act| act.id).collect();
    let phones = opted_out_numbers(&mut *tx, acts).await?;
    let phones: Vec<&str> = phones.iter().map(String::as_str).collect();
    if phones.is_empty() {
        return Ok(None);
    }
    let own: BTreeSet<RecipientId> = opt_outs.iter().filter_map(|act| act.recipient_id).collect();
    let out = suppression::taken_out(tx, &phones, &ids).await?;
    let businesses: BTreeSet<&str> =
        out.iter().filter(|one| own.contains(&one.id)).map(|one| one.business.as_str()).collect();
    // Their own rows are back whoever confirmed a number since: it is their mark that is taken back.
    let is_back = |one: &&TakenOut| one.is_out && one.is_awaited && (own.contains(&one.id) || one.may_return());
    let mut sent_to: Vec<&TakenOut> =
        out.iter().filter(is_back).filter(|one| businesses.contains(&*one.business)).collect();
    let rows: Vec<RecipientId> = sent_to.iter().map(|one| one.id).collect();
    // Whom something else suppresses, as their own word, stays out.
    let stay = suppression::suppressed_without(tx, &phones, &ids, &rows).await?;
    sent_to.retain(|one| !stay.contains(&one.id));
    let mut sent_to: Vec<HeldPerson> = sent_to
        .into_iter()
        .map(|one| HeldPerson { id: one.id, blast: one.blast, opted_out: one.phone_number.clone() })
        .collect();
    // In a blast that is for people they wait at another number of theirs, which nobody took out.
    sent_to.extend(suppression::held_until_taken_back(tx, &phones, &ids).await?);
    let is_own = |one: &&HeldPerson| own.contains(&one.id);
    let Some(first) = sent_to.iter().find(is_own).or_else(|| sent_to.first()) else { return Ok(None) };
    let numbers: Vec<&str> = sent_to.iter().map(|one| one.opted_out.as_str()).collect();
    let (who, gets) = match alias::people_of(tx, &numbers).await? {
        1 => (person_of(tx, first.id).await?.who(), "gets"),
        several => (people(several), "get"),
    };
    let blasts: BTreeSet<BlastId> = sent_to.iter().map(|one| one.blast).collect();
    let what = match blasts.len() {
        1 => format!("the message of {}", name_of(tx, first.blast).await?),
        several => format!("the messages of {several} blasts"),
    };
    Ok(Some(format!(" Then {who} {gets} {what}.")))
}

async fn name_of(tx: &mut PgConnection, id: BlastId) -> Result<String, AppError> {
    let head = blast::head(tx, id).await?;
    Ok(head.map_or_else(|| format!("blast {id}"), |head| blast_name(&head.blast_tag, &head.follow_up_stage)))
}
