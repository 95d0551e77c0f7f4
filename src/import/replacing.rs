//! A list that takes the place of whoever is in a draft, or is read into it again.

use sqlx::PgPool;

use super::changes::MembersBefore;
use super::list::PeopleList;
use super::seen::SeenPeople;
use super::{ImportError, ImportOptions, Imported, PeopleSource, RejectedTo, on_thread, write};
use crate::domain::content::BlastContent;
use crate::domain::ids::BlastId;
use crate::domain::phone::{Phone, Region};
use crate::domain::rejected_rows::CellMend;
use crate::store::import::{self as store, AddedBy};

/// A list that takes the place of whoever is in a draft.
#[derive(Debug, Clone)]
pub struct Replacement {
    pub blast: BlastId,
    /// The version that was seen: another one is left alone.
    pub version: i64,
    pub region: Region,
    pub content: BlastContent,
    /// As in [`NewBlast`](super::NewBlast).
    pub without_united_states: bool,
    pub mends: Vec<CellMend>,
    /// Whether they are whom the draft's filter finds by now: who comes in and who goes out by it is not found out, and nobody is in
    /// it beside them.
    pub is_of_filter: bool,
}

/// Puts a list in the place of whoever is in a draft, in one transaction. Where it is read again, it takes the place of its own people
/// alone: whoever was added by hand stays in, and whoever was taken out by hand stays out.
pub async fn replace_people(
    pool: &PgPool,
    to: Replacement,
    source: PeopleSource,
    options: ImportOptions,
) -> Result<Imported, ImportError> {
    let Replacement { blast, version, region, content, without_united_states, mends, is_of_filter } = to;
    let seen = SeenPeople::default();
    let mut list = on_thread(move || PeopleList::open(source, region, content, without_united_states, seen)).await?;
    let wanted = if mends.is_empty() { options.earlier_mends.clone() } else { mends };
    list.mend(wanted.clone());
    let found = store::begin_adding(pool, blast, &options.note).await?;
    let (mut import, _) = found.ok_or_else(ImportError::changed_draft)?;
    let kept = import.list().await?.unwrap_or_default();
    let members = if is_of_filter { None } else { MembersBefore::of(&mut import, (&wanted, &kept.mends)).await? };
    let added = if kept.columns.is_some() { import.added().await? } else { Vec::new() };
    if !import.clear(version).await? {
        return Err(ImportError::changed_draft());
    }
    let out = import.opted_out_before(true).await?;
    if !is_of_filter && !options.rejections.is_of(&kept) {
        for person in &out {
            list.seen_mut().opted_out_before(person);
        }
        let dropped = Some((added.len(), kept.taken_out.len())).filter(|dropped| *dropped != (0, 0));
        let before = BeforeReading { members, ..BeforeReading::default() };
        let imported = write(pool, (import, before), list, RejectedTo::Nowhere, options).await?;
        return Ok(Imported { dropped, ..imported });
    }
    for phone in &kept.taken_out {
        list.seen_mut().take_out(&Phone::from_database(phone.clone()));
    }
    list.add_behind(added);
    for person in &out {
        list.seen_mut().opted_out_before(person);
    }
    let before = BeforeReading { members, taken_out: kept.taken_out, added: None };
    write(pool, (import, before), list, RejectedTo::Nowhere, options).await
}

/// What is known of a draft before a list is read into it.
#[derive(Default)]
pub(super) struct BeforeReading {
    /// Where it is found out who comes in and who goes out.
    pub members: Option<MembersBefore>,
    /// Who was taken out of it by hand.
    pub taken_out: Vec<String>,
    /// People come to those who are in it.
    pub added: Option<AddedBy>,
}

impl BeforeReading {
    pub const fn of_additions(by: AddedBy) -> Self {
        Self { members: None, taken_out: Vec::new(), added: Some(by) }
    }
}
