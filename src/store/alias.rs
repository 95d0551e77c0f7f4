//! Other numbers of the same person: WhatsApp may know an account by a number from before a renumbering, and its STOP comes from there.
//! The two spellings of [`PersonKey`](crate::domain::phone::PersonKey) are one number here.

use std::collections::BTreeSet;

use sqlx::{AssertSqlSafe, PgConnection};

use super::StoreError;
use super::suppression::MEETS;

/// A number of ours, and the one by which WhatsApp knows the person.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NumberAlias {
    /// With the plus.
    pub alias: String,
    /// With the plus.
    pub phone: String,
}

/// The statement that keeps aliases, from two arrays of text. An opt-out of the one holds for the other from then on; whoever is due
/// already is passed over by claims, and left out when their blast ends. It has the time of the one that it follows, by which a mark that
/// is taken back knows what it added.
pub(super) fn learning(aliases: &str, phones: &str) -> [String; 2] {
    let kept = format!(
        "insert into number_aliases (alias, phone_number)
         select distinct x.alias, x.phone_number from unnest({aliases}, {phones}) as x (alias, phone_number)
          where person_key(x.alias) <> person_key(x.phone_number)
         on conflict do nothing returning alias, phone_number"
    );
    let followed = format!(
        "insert into suppressions as s (business, phone_number, reason, source, created_by, created_at,
                                        operator_reason, operator_by, operator_at)
         select distinct on (o.business, person_key(n.other)) o.business, n.other,
                'they opted out as ' || o.phone_number || ', which WhatsApp has for this number', o.source, o.created_by,
                o.created_at, o.operator_reason, o.operator_by, o.operator_at
           from learned_aliases a
          cross join lateral (values (a.alias, a.phone_number), (a.phone_number, a.alias)) as n (one, other)
           join suppressions o on person_key(o.phone_number) = person_key(n.one)
          order by o.business, person_key(n.other), o.source = 'operator' {MEETS}"
    );
    [kept, followed]
}

/// Keeps aliases that are new.
pub async fn learn(tx: &mut PgConnection, learned: &[NumberAlias]) -> Result<(), StoreError> {
    if learned.is_empty() {
        return Ok(());
    }
    let [kept, followed] = learning("$1::text[]", "$2::text[]");
    sqlx::query(AssertSqlSafe(format!("with learned_aliases as ({kept}) {followed}")))
        .bind(learned.iter().map(|one| one.alias.as_str()).collect::<Vec<_>>())
        .bind(learned.iter().map(|one| one.phone.as_str()).collect::<Vec<_>>())
        .execute(tx)
        .await?;
    Ok(())
}

/// Of the numbers `$1`, an array of text: each person, by their key, with every number by which WhatsApp knows them, their own too.
macro_rules! known_numbers {
    () => {
        "asked (person, number) as (select person_key(phone), phone from unnest($1::text[]) as phone),
         aliased (person, number) as (
             select person, number from asked
              union
             select o.person, a.alias from asked o join number_aliases a on person_key(a.phone_number) = o.person),
         known_numbers (person, number) as (
             select person, number from aliased
              union
             select o.person, a.phone_number from aliased o join number_aliases a on person_key(a.alias) = person_key(o.number))"
    };
}
pub(in crate::store) use known_numbers;

/// The other numbers of whoever has this one.
pub async fn of(tx: &mut PgConnection, phone: &str) -> Result<Vec<String>, StoreError> {
    of_all(tx, &[phone]).await
}

/// The other numbers of whoever has one of these, each person once.
pub async fn of_all(tx: &mut PgConnection, phones: &[&str]) -> Result<Vec<String>, StoreError> {
    let others = sqlx::query_scalar(concat!(
        "with ",
        known_numbers!(),
        " select distinct on (person_key(number)) number from known_numbers
           where person_key(number) not in (select person from asked)
           order by person_key(number), number"
    ));
    Ok(others.bind(phones).fetch_all(tx).await?)
}

/// How many people have these numbers: the numbers by which WhatsApp knows one person are of one.
pub async fn people_of(tx: &mut PgConnection, phones: &[&str]) -> Result<usize, StoreError> {
    let pairs = sqlx::query_as(concat!(
        "with ",
        known_numbers!(),
        " select distinct person, person_key(number) from known_numbers"
    ));
    let pairs: Vec<(String, String)> = pairs.bind(phones).fetch_all(tx).await?;
    Ok(people_in(pairs))
}

/// How many people pairs of numbers of one person are of.
fn people_in(pairs: Vec<(String, String)>) -> usize {
    let (alone, linked): (Vec<_>, Vec<_>) = pairs.into_iter().partition(|(one, other)| one == other);
    let mut people: Vec<BTreeSet<String>> = Vec::new();
    for (one, other) in linked {
        let theirs = |person: &BTreeSet<String>| person.contains(&one) || person.contains(&other);
        let (same, mut others): (Vec<_>, Vec<_>) = people.into_iter().partition(theirs);
        let same = same.into_iter().flatten();
        others.push(same.chain([one, other]).collect());
        people = others;
    }
    let is_linked = |number: &String| people.iter().any(|person| person.contains(number));
    people.len() + alone.iter().filter(|(number, _)| !is_linked(number)).count()
}

/// Whether the row `r` of a person is one of whoever has the number `$2`, under any of their numbers.
macro_rules! is_their_number {
    () => {
        "person_key(r.phone_number) = any(array(
             select person_key($2) union
             select person_key(a.phone_number) from number_aliases a where person_key(a.alias) = person_key($2)))"
    };
}
pub(super) use is_their_number;

#[cfg(test)]
mod tests {
    use super::people_in;

    #[test]
    fn numbers_by_which_one_person_is_known_are_of_one() {
        let count = |pairs: &[(&str, &str)]| {
            people_in(pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect())
        };

        assert_eq!((count(&[]), count(&[("1", "1"), ("2", "2")])), (0, 2));
        assert_eq!(count(&[("1", "1"), ("1", "2"), ("2", "2"), ("3", "3")]), 2);
        assert_eq!(count(&[("1", "9"), ("1", "1"), ("2", "2"), ("2", "8"), ("3", "9"), ("2", "9")]), 1);
    }
}
