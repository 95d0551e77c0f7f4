//! Who is in a draft that people are imported into.

use std::collections::HashSet;

use futures_util::TryStreamExt as _;
use sqlx::FromRow;
use sqlx::types::Json;

use super::{Import, ImportTarget, NewRecipient};
use crate::domain::message::Variables;
use crate::domain::phone::{PersonKey, Phone};
use crate::domain::rejected_rows::RejectedRows;
use crate::store::StoreError;
use crate::store::draft;

/// Number, name, variables, what a program calls them, and 0 where a list added them.
type AddedRow = (Phone, Option<String>, Option<Json<Variables>>, Option<String>, Option<i32>);

/// Somebody in a draft.
#[derive(Debug, FromRow)]
pub struct Member {
    pub phone: Phone,
    pub name: Option<String>,
    /// Their row in the list that they are from.
    pub row: Option<i32>,
}

impl Import {
    /// What is known of the draft's list, if it was a table.
    pub async fn list(&mut self) -> Result<Option<RejectedRows>, StoreError> {
        draft::left_out(&mut *self.connection, self.blast).await
    }

    /// Whoever was added to a draft of a table, by hand or by another list: they are of none of its rows.
    pub async fn added(&mut self) -> Result<Vec<NewRecipient>, StoreError> {
        let added = sqlx::query_as(
            "select phone_number, name, variables, external_id, list_row from blast_recipients
              where blast_id = $1 and coalesce(list_row, 0) = 0 order by id",
        );
        let added: Vec<AddedRow> = added.bind(self.blast).fetch_all(&mut *self.connection).await?;
        let person = |(phone, name, variables, external_id, row): AddedRow| NewRecipient {
            phone,
            name,
            variables: variables.map(|variables| variables.0).unwrap_or_default(),
            external_id,
            list_row: row.and_then(|row| u64::try_from(row).ok()),
        };
        Ok(added.into_iter().map(person).collect())
    }

    /// Takes out again who came in by a row of this list, and wants no messages by another one. Returns how many.
    pub async fn take_back(&mut self, people: &HashSet<PersonKey>) -> Result<u64, StoreError> {
        if people.is_empty() {
            return Ok(0);
        }
        let keys: Vec<_> = people.iter().map(PersonKey::to_string).collect();
        let out =
            sqlx::query("delete from blast_recipients where blast_id = $1 and person_key(phone_number) = any($2)");
        Ok(out.bind(self.blast).bind(keys).execute(&mut *self.connection).await?.rows_affected())
    }

    /// Keeps whoever wants no messages by a list of this draft. What its own list said before counts no more once it is read again.
    pub async fn note_opt_outs(&mut self, people: &HashSet<PersonKey>, is_addition: bool) -> Result<(), StoreError> {
        if !is_addition && self.target == ImportTarget::Draft {
            let before = sqlx::query("delete from draft_opt_outs where blast_id = $1 and not by_addition");
            before.bind(self.blast).execute(&mut *self.connection).await?;
        }
        if people.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = people.iter().map(PersonKey::to_string).collect();
        let note = sqlx::query(
            "insert into draft_opt_outs as d (blast_id, person, by_addition) select $1, person, $3 from unnest($2::text[]) as person
             on conflict (blast_id, person) do update set by_addition = true where excluded.by_addition and not d.by_addition",
        );
        note.bind(self.blast).bind(keys).bind(is_addition).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// Whoever wants no messages by a list that was read into this draft before, as [`PersonKey`]s. `of_additions`: not by its own list.
    pub async fn opted_out_before(&mut self, of_additions: bool) -> Result<Vec<String>, StoreError> {
        let people =
            sqlx::query_scalar("select person from draft_opt_outs where blast_id = $1 and (by_addition or not $2)");
        Ok(people.bind(self.blast).bind(of_additions).fetch_all(&mut *self.connection).await?)
    }

    /// Whoever is in the draft is not out of it by hand, or by a list, any more.
    pub async fn forget_returned(&mut self) -> Result<(), StoreError> {
        let opted_out = sqlx::query(
            "delete from draft_opt_outs d
              where blast_id = $1 and exists (select from blast_recipients r
                                               where r.blast_id = d.blast_id and person_key(r.phone_number) = d.person)",
        );
        opted_out.bind(self.blast).execute(&mut *self.connection).await?;
        let out = sqlx::query(
            "update blasts b
                set left_out = jsonb_set(left_out, '{taken_out}', (
                        select coalesce(jsonb_agg(p.phone), '[]') from jsonb_array_elements_text(left_out -> 'taken_out') p (phone)
                         where not exists (select from blast_recipients r
                                            where r.blast_id = b.id and person_key(r.phone_number) = person_key(p.phone))))
              where id = $1 and jsonb_typeof(left_out -> 'taken_out') = 'array'",
        );
        out.bind(self.blast).execute(&mut *self.connection).await?;
        Ok(())
    }

    /// The numbers of whoever is in the blast already, one by one: of a million there is no list.
    pub async fn members(&mut self, mut each: impl FnMut(&Phone)) -> Result<(), StoreError> {
        let members = sqlx::query_scalar("select phone_number from blast_recipients where blast_id = $1");
        let mut members = members.bind(self.blast).fetch(&mut *self.connection);
        while let Some(phone) = members.try_next().await? {
            each(&phone);
        }
        Ok(())
    }

    /// Whoever is in the blast, one by one. `false`: there are more than so many, and the others were left out.
    pub async fn named_members(&mut self, most: usize, mut each: impl FnMut(Member)) -> Result<bool, StoreError> {
        let members = sqlx::query_as(
            "select phone_number as phone, name, nullif(list_row, 0) as row from blast_recipients where blast_id = $1 order by id limit $2",
        );
        let limit = i64::try_from(most.saturating_add(1)).unwrap_or(i64::MAX);
        let mut members = members.bind(self.blast).bind(limit).fetch(&mut *self.connection);
        for _ in 0..most {
            let Some(member) = members.try_next().await? else { return Ok(true) };
            each(member);
        }
        Ok(members.try_next().await?.is_none())
    }
}
