//! Who comes into a draft and who goes out of it where its list is read again: people who were added or taken out by hand, and those of
//! rows that were changed.

use std::collections::HashMap;

use super::ImportError;
use crate::domain::phone::Phone;
use crate::domain::rejected_rows::CellMend;
use crate::domain::text::{clean, people};
use crate::store::import::{Import, Member};

/// Of larger drafts it is not said: their people would have to be kept in memory.
const MEMBERS_MAX: usize = 100_000;

/// So many are named.
const NAMED_MAX: usize = 3;

/// The longest name that is said, in characters.
const NAME_MAX: usize = 30;

/// What a list that was read again changed beside the rows that were corrected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListChanges {
    came: ChangedPeople,
    gone: ChangedPeople,
    /// Numbers that were somebody else's.
    renamed: ChangedPeople,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ChangedPeople {
    people: usize,
    /// The first of them.
    named: Vec<String>,
}

impl ChangedPeople {
    fn add(&mut self, named: impl FnOnce() -> String) {
        self.people += 1;
        if self.named.len() < NAMED_MAX {
            self.named.push(named());
        }
    }

    /// `Aina, Ben came in`, `12 people came in`.
    fn in_words(&self, what: &str) -> Option<String> {
        let who = if self.people > self.named.len() { people(self.people as u64) } else { self.named.join(", ") };
        (self.people > 0).then(|| format!("{who} {what}"))
    }
}

impl ListChanges {
    /// Somebody came in, and so many dropped out.
    #[cfg(test)]
    pub fn of_people(came: &str, gone: usize) -> Self {
        let mut changes = Self::default();
        changes.came.add(|| came.to_owned());
        (0..gone).for_each(|nth| changes.gone.add(|| format!("Person {nth}")));
        changes
    }

    /// `Good Two came in, Ben dropped out`; `None` where nothing else changed.
    pub fn in_words(&self) -> Option<String> {
        let renamed = match (self.renamed.people, self.renamed.named.first()) {
            (1, Some(only)) => Some(only.clone()),
            (0, _) => None,
            (numbers, _) => Some(format!("{numbers} numbers are somebody else's now")),
        };
        let all: Vec<_> =
            [self.came.in_words("came in"), self.gone.in_words("dropped out"), renamed].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

/// Who was in a draft before its list was read again.
pub(super) struct MembersBefore {
    /// By number, each with their name and row.
    members: HashMap<Phone, (Option<String>, Option<i32>)>,
    /// Rows that were corrected then, and are read otherwise now.
    undone: Vec<u64>,
}

impl MembersBefore {
    /// `None` where nobody was, and where they are too many. `mends`: the corrections that it is read again with, and those that it was
    /// read with.
    pub(super) async fn of(
        import: &mut Import,
        (mends, earlier): (&[CellMend], &[CellMend]),
    ) -> Result<Option<Self>, ImportError> {
        let mut members = HashMap::new();
        let all = import.named_members(MEMBERS_MAX, |Member { phone, name, row }| {
            members.insert(phone, (name, row));
        });
        let is_whole = all.await?;
        let is_kept = |mend: &CellMend| {
            mends.iter().any(|now| (&now.digest, &now.column, &now.value) == (&mend.digest, &mend.column, &mend.value))
        };
        let undone = earlier.iter().filter(|mend| !is_kept(mend)).map(|mend| mend.row).collect();
        Ok((is_whole && !members.is_empty()).then_some(Self { members, undone }))
    }

    /// Beside those whose rows were corrected, or their corrections taken back.
    pub(super) async fn changes(mut self, import: &mut Import, mends: &[CellMend]) -> Result<ListChanges, ImportError> {
        let is_of =
            |rows: &[u64], row: Option<i32>| row.is_some_and(|row| rows.iter().any(|of| u64::try_from(row) == Ok(*of)));
        let mended: Vec<u64> = mends.iter().map(|mend| mend.row).collect();
        let mut changes = ListChanges::default();
        let compare = |Member { phone, name, row }: Member| match self.members.remove(&phone) {
            None if is_of(&mended, row) => {}
            None => changes.came.add(|| who(&phone, name.as_deref())),
            Some((Some(was), _)) if name.as_ref().is_some_and(|is| *is != was) => {
                let is = name.as_deref().unwrap_or_default();
                changes.renamed.add(|| format!("{phone} was {} and is {} now", short(&was), short(is)));
            }
            // One of two people of a name has the other's number.
            Some((_, was)) if was != row && is_of(&mended, row) => {
                if let (Some(was), Some(row)) = (was, row) {
                    changes.renamed.add(|| format!("{phone} was row {was} and is row {row} now"));
                }
            }
            Some(_) => {}
        };
        import.named_members(usize::MAX, compare).await?;
        let mut gone: Vec<_> = self.members.into_iter().filter(|(_, (_, row))| !is_of(&self.undone, *row)).collect();
        gone.sort_by(|(one, _), (two, _)| one.as_str().cmp(two.as_str()));
        for (phone, (name, _)) in gone {
            changes.gone.add(|| who(&phone, name.as_deref()));
        }
        Ok(changes)
    }
}

fn who(phone: &Phone, name: Option<&str>) -> String {
    name.map_or_else(|| phone.to_string(), short)
}

fn short(name: &str) -> String {
    clean(name).chars().take(NAME_MAX).collect()
}
