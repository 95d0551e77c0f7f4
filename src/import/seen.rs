//! Who is in a list already. A list of a million stays small in memory: numbers share what they begin with, and each takes six
//! bytes beside that.

use std::collections::{BTreeMap, HashSet};

use super::person::Reason;
use crate::domain::forgotten::ForgottenPeople;
use crate::domain::phone::{PersonKey, Phone};
use crate::store::import::AddedBy;

/// The people who were accepted, those who were there before the list, and those whom no list may add again.
#[derive(Default)]
pub(super) struct SeenPeople {
    heads: BTreeMap<u64, SharedHead>,
    pub(super) forgotten: ForgottenPeople,
    taken_out: HashSet<PersonKey>,
    /// Who was added by hand: a row of the list that is theirs takes their place, but none that was corrected to their number.
    added: HashSet<PersonKey>,
    /// Who of them was named one by one: no list takes them out.
    named: HashSet<PersonKey>,
    /// The row that is read now is a corrected one.
    pub(super) is_corrected: bool,
    /// Who was taken by a row before the one that says that they want no messages.
    pub(super) taken_back: HashSet<PersonKey>,
    /// How many of those who were there before the list want no messages by it.
    pub(super) members_out: u64,
    /// Who wants no messages by this list.
    pub(super) opted_out: HashSet<PersonKey>,
}

/// Everybody whose keys differ in their last [`TAIL_BITS`] alone, in ascending order.
#[derive(Default)]
struct SharedHead {
    tails: Vec<u16>,
    /// Of the person at the same place.
    firsts: Vec<FirstRow>,
}

/// How much of a key stands in [`SharedHead::tails`].
const TAIL_BITS: u32 = u16::BITS;

/// The row of those who were there before the list.
const MEMBER: u64 = 0;

/// The first row of a person, or the one that says that they want no messages. In its lowest bits whether it is that one, and whether
/// their number has an odd count of digits: one spelling has a digit more than the other.
#[derive(Clone, Copy)]
struct FirstRow(u32);

impl FirstRow {
    const ODD: u32 = 1;
    const OPTED_OUT: u32 = 2;
    const FLAGS: u32 = 2;

    fn new(row: u64, phone: &Phone) -> Self {
        let is_odd = if phone.digits().len() % 2 == 1 { Self::ODD } else { 0 };
        Self(u32::try_from(row).unwrap_or(u32::MAX).min(u32::MAX >> Self::FLAGS) << Self::FLAGS | is_odd)
    }

    const fn of_opt_out(self) -> Self {
        Self(self.0 | Self::OPTED_OUT)
    }

    const fn is_of_opt_out(self) -> bool {
        self.0 & Self::OPTED_OUT != 0
    }

    fn row(self) -> u64 {
        u64::from(self.0 >> Self::FLAGS)
    }

    const fn has_spelling_of(self, other: Self) -> bool {
        self.0 & Self::ODD == other.0 & Self::ODD
    }
}

impl SeenPeople {
    /// Somebody who is in the blast already.
    pub(super) fn add_member(&mut self, phone: &Phone) {
        if let Some(key) = phone.key() {
            let _ = self.first_or_insert(key, FirstRow::new(MEMBER, phone));
        }
    }

    /// Somebody who was taken out of the blast by hand.
    pub(super) fn take_out(&mut self, phone: &Phone) {
        self.taken_out.extend(phone.key());
    }

    /// Somebody who wants no messages by a list that was read before. Whoever was added by hand since stays.
    pub(super) fn opted_out_before(&mut self, person: &str) {
        let phone = Phone::from_database(format!("+{}", person.trim_start_matches('+')));
        if let Some(key) = phone.key().filter(|key| !self.added.contains(key)) {
            let _ = self.first_or_insert(key, FirstRow::new(MEMBER, &phone).of_opt_out());
        }
    }

    /// Somebody who was added to the blast.
    pub(super) fn add_by_hand(&mut self, phone: &Phone, by: AddedBy) {
        self.added.extend(phone.key());
        if by == AddedBy::Hand {
            self.named.extend(phone.key());
        }
    }

    /// Whether this is somebody who is not in the list, and not to be left out; they are in it from then on.
    pub(super) fn is_new(&mut self, phone: &Phone) -> bool {
        self.refuse_forgotten(phone).and_then(|()| self.refuse_repeat(phone, MEMBER)).is_ok()
    }

    /// Asked first: nothing else that is wrong with their row is kept.
    pub(super) fn refuse_forgotten(&self, phone: &Phone) -> Result<(), Reason> {
        if self.forgotten.has(phone) { Err(Reason::Forgotten) } else { Ok(()) }
    }

    /// Somebody who wants no messages by this row: from here on no row of theirs is taken, and the one that was is given back here.
    /// Whoever was in the blast before the list is of none of its rows, and is taken out of it; whoever was named one by one stays.
    pub(super) fn opt_out(&mut self, phone: &Phone, row: u64) -> Option<u64> {
        let key = phone.key().filter(|key| !self.named.contains(key))?;
        let this = FirstRow::new(row, phone).of_opt_out();
        if !self.forgotten.has(phone) {
            self.opted_out.insert(key);
        }
        let first = self.first_or_insert(key, this)?;
        if first.is_of_opt_out() {
            return None;
        }
        let taken = std::mem::replace(first, this).row();
        self.taken_back.insert(key);
        if taken == MEMBER {
            self.members_out += 1;
            return None;
        }
        Some(taken)
    }

    /// Whether they were taken, and want no messages by a later row.
    pub(super) fn is_taken_back(&self, phone: &Phone) -> bool {
        phone.key().is_some_and(|key| self.taken_back.contains(&key))
    }

    /// Only accepted people count, and those who want no messages: a later row may correct a rejected one.
    pub(super) fn refuse_repeat(&mut self, phone: &Phone, row: u64) -> Result<(), Reason> {
        let Some(key) = phone.key() else { return Ok(()) };
        if self.taken_out.contains(&key) {
            return Err(Reason::TakenOut);
        }
        if self.is_corrected && self.added.contains(&key) {
            return Err(Reason::Member);
        }
        let this = FirstRow::new(row, phone);
        match self.first_or_insert(key, this).copied() {
            None => Ok(()),
            Some(first) if first.is_of_opt_out() && first.row() == MEMBER => Err(Reason::OptedOutBefore),
            Some(first) if first.is_of_opt_out() => Err(Reason::OptedOutElsewhere { row: first.row() }),
            Some(first) if first.row() == MEMBER => Err(Reason::Member),
            Some(first) if first.has_spelling_of(this) => Err(Reason::Repeat { first_row: first.row() }),
            Some(first) => Err(Reason::OtherSpelling { first_row: first.row() }),
        }
    }

    /// Where this person came first; `None`: here.
    fn first_or_insert(&mut self, key: PersonKey, row: FirstRow) -> Option<&mut FirstRow> {
        let key = key.number();
        let SharedHead { tails, firsts } = self.heads.entry(key >> TAIL_BITS).or_default();
        let [low, high, ..] = key.to_le_bytes();
        let tail = u16::from_le_bytes([low, high]);
        match tails.binary_search(&tail) {
            Ok(at) => Some(&mut firsts[at]),
            Err(at) => {
                tails.insert(at, tail);
                firsts.insert(at, row);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whoever_came_before_is_named_by_their_first_row(numbers in prop::collection::vec(0_u32..200_000, 1..300)) {
            let (mut seen, mut first_rows) = (SeenPeople::default(), HashMap::new());
            for (row, number) in (1_u64..).zip(numbers) {
                let phone = Phone::parse(&format!("+60100{number:06}"), "MY".parse().unwrap()).unwrap();

                let refused = seen.refuse_repeat(&phone, row).err();

                let first_row = *first_rows.entry(number).or_insert(row);
                prop_assert_eq!(refused, (first_row != row).then_some(Reason::Repeat { first_row }));
            }
        }
    }
}
