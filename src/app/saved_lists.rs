//! Lists that are kept under a name, as an audience: `--from 'list:raya'`.

use super::error::unread_after;
use super::recurring::ScheduleView;
use super::{App, AppError};
use crate::domain::blast::BlastState;
use crate::domain::forgotten::{ForgottenPeople, LIST_NAME_MAX};
use crate::domain::ids::BlastId;
use crate::domain::text::clean;
use crate::store::forget;
use crate::store::import::NewRecipient;
use crate::store::saved_list::{self, SavedListPerson, SavedListRow};

/// How many people are written at once.
const AT_ONCE: usize = 1_000;

/// A list that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedList {
    pub list: SavedListRow,
    /// People who are not in it, since they asked to be forgotten.
    pub forgotten: usize,
}

impl App {
    /// Keeps a list under a name; one of this name is replaced, all of it or nothing.
    pub async fn save_list(&self, name: &str, people: &[NewRecipient]) -> Result<SavedList, AppError> {
        self.sees_customers()?;
        let name = name_of(name)?;
        let mut tx = self.begin().await?;
        forget::share_lists(&mut tx).await?;
        let key = self.engine().fence.forget_key().ok().flatten();
        let forgotten = ForgottenPeople::new(key, forget::hashes(&mut tx).await?);
        let forgotten = forgotten.map_err(|missing| AppError::Refused(format!("{missing}: {}", self.bring_key())))?;
        let (gone, kept): (Vec<_>, Vec<_>) = people.iter().partition(|person| forgotten.has(&person.phone));
        if kept.is_empty() {
            return Err(AppError::Refused("nobody is in the list: nothing was kept".to_owned()));
        }
        let id = saved_list::replace(&mut tx, &name, self.operator()).await?;
        for some in kept.chunks(AT_ONCE) {
            saved_list::add(&mut tx, id, some).await?;
        }
        tx.commit().await?;
        let list = self.saved_list(&name).await.map_err(unread_after(format!("the list {name} is kept")))?;
        Ok(SavedList { list, forgotten: gone.len() })
    }

    /// Every list, by name.
    pub async fn saved_lists(&self) -> Result<Vec<SavedListRow>, AppError> {
        self.sees_customers()?;
        Ok(saved_list::list(self.pool(), None).await?)
    }

    /// The list of this name, in whatever capitals.
    pub async fn saved_list(&self, name: &str) -> Result<SavedListRow, AppError> {
        self.sees_customers()?;
        let found = saved_list::list(self.pool(), Some(name.trim())).await?.pop();
        found.ok_or_else(|| no_list(name))
    }

    /// People of a list behind this row of it, 0 for its beginning.
    pub async fn list_people(&self, list: i64, after: i64, limit: u32) -> Result<Vec<SavedListPerson>, AppError> {
        self.sees_customers()?;
        Ok(saved_list::people(self.pool(), list, after, i64::from(limit)).await?)
    }

    /// The columns that a list came with, besides those of numbers and names.
    pub(super) async fn saved_list_columns(&self, list: i64) -> Result<Vec<String>, AppError> {
        self.sees_customers()?;
        Ok(saved_list::columns(self.pool(), list).await?)
    }

    /// What repeats and goes to a list at its next time.
    pub async fn repeats_to_list(&self, name: &str) -> Result<Vec<ScheduleView>, AppError> {
        let mut tx = self.begin().await?;
        let readers = saved_list::still_read(&mut tx, name).await?;
        drop(tx);
        let mut schedules = self.schedules().await?;
        schedules.retain(|view| view.blast.state == BlastState::Scheduled && readers.contains(&view.blast.id));
        Ok(schedules)
    }

    /// Removes a list. The blasts that it was an audience of stay as they are; refused while one is still to read it.
    pub async fn remove_list(&self, name: &str) -> Result<SavedListRow, AppError> {
        let list = self.saved_list(name).await?;
        let mut tx = self.begin().await?;
        if let Some(why) = still_read_words(&saved_list::still_read(&mut tx, &list.name).await?, &list.name) {
            return Err(AppError::Refused(why));
        }
        saved_list::remove(&mut tx, list.id).await?;
        tx.commit().await?;
        Ok(list)
    }

    /// Refuses a filter that names a list that there is not.
    pub(super) async fn refuse_unknown_lists(&self, names: &[&str]) -> Result<(), AppError> {
        let missing = saved_list::missing(self.pool(), names).await?;
        missing.first().map_or(Ok(()), |name| Err(AppError::not_found_in("from", no_list_words(name))))
    }
}

/// Why a list is not removed yet; `None` where no blast is still to read it.
fn still_read_words(blasts: &[BlastId], list: &str) -> Option<String> {
    let ids: Vec<_> = blasts.iter().map(BlastId::to_string).collect();
    match &ids[..] {
        [] => None,
        [one] => Some(format!("blast {one} still takes its people from list {list}: delete or cancel it first")),
        [others @ .., last] => {
            let others = others.join(", ");
            Some(format!(
                "blasts {others} and {last} still take their people from list {list}: delete or cancel them first"
            ))
        }
    }
}

fn no_list(name: &str) -> AppError {
    AppError::NotFound(no_list_words(name))
}

fn no_list_words(name: &str) -> String {
    format!("there is no list `{}`: `blastdeck list ls` lists them", clean(name))
}

/// A name as it is kept and named in a filter.
fn name_of(text: &str) -> Result<String, AppError> {
    let name = text.trim();
    let is_name = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    let is_good =
        name.starts_with(char::is_alphanumeric) && name.chars().all(is_name) && name.chars().count() <= LIST_NAME_MAX;
    if is_good {
        return Ok(name.to_owned());
    }
    let why = format!(
        "`{}` is not a name of a list: letters, digits, - _ and . without blanks, at most {LIST_NAME_MAX}",
        clean(text)
    );
    Err(AppError::invalid("name", why))
}

#[cfg(test)]
mod tests {
    use super::still_read_words;
    use crate::domain::ids::BlastId;

    #[test]
    fn every_blast_that_is_still_to_read_a_list_is_named_before_it_is_removed() {
        let said = |ids: &[i64]| still_read_words(&ids.iter().map(|id| BlastId(*id)).collect::<Vec<_>>(), "raya");
        let several = |ids: &str| {
            Some(format!("blasts {ids} still take their people from list raya: delete or cancel them first"))
        };

        assert_eq!(said(&[]), None);
        let one = "blast 6 still takes its people from list raya: delete or cancel it first";
        assert_eq!(said(&[6]).as_deref(), Some(one));
        assert_eq!(said(&[6, 9]), several("6 and 9"));
        assert_eq!(said(&[6, 9, 12]), several("6, 9 and 12"));
    }
}
