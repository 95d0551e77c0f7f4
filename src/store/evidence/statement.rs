//! One statement of many parts.

use sqlx::postgres::PgArguments;
use sqlx::{Arguments, AssertSqlSafe, Encode, PgConnection, Postgres, Type};

use crate::domain::status::Status;
use crate::store::StoreError;

/// What a batch writes, gathered into one statement: each trip to the server costs as much as three people.
#[derive(Default)]
pub(super) struct StatementBuilder {
    parts: Vec<(Option<&'static str>, String)>,
    arguments: PgArguments,
    bound: usize,
    /// Whether a column of which all values are equal is one value. The statements are then as many as there are sets of such columns, each
    /// planned by itself: for batches that are alike.
    folds: bool,
}

impl StatementBuilder {
    /// Of people as their claims knew them, who are nearly always alike.
    pub(super) fn of_known() -> Self {
        Self { folds: true, ..Self::default() }
    }

    /// Adds an array, and gives the text that stands for it.
    pub(super) fn array<'q, T>(&mut self, kind: &str, values: Vec<T>) -> Result<String, StoreError>
    where
        Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.bind(values, format_args!("{kind}[]"))
    }

    /// Adds a column whose values are often all the same.
    pub(super) fn column<'q, T>(&mut self, kind: &str, mut values: Vec<T>) -> Result<String, StoreError>
    where
        T: Encode<'q, Postgres> + Type<Postgres> + PartialEq,
        Vec<T>: Encode<'q, Postgres> + Type<Postgres>,
    {
        if !self.folds_to_one(&values) {
            return self.array(kind, values);
        }
        let value = values.swap_remove(0);
        self.bind(value, format_args!("{kind}"))
    }

    fn folds_to_one<T: PartialEq>(&self, values: &[T]) -> bool {
        self.folds && values.first().is_some_and(|first| values.iter().all(|value| value == first))
    }

    fn bind<'q, T>(&mut self, value: T, kind: std::fmt::Arguments<'_>) -> Result<String, StoreError>
    where
        T: Encode<'q, Postgres> + Type<Postgres>,
    {
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        self.bound += 1;
        Ok(format!("${}::{kind}", self.bound))
    }

    /// Adds a column of statuses, by their words: sqlx has no array of a type that is stored by its word.
    pub(super) fn statuses(&mut self, values: &[Status]) -> Result<String, StoreError> {
        if self.folds_to_one(values) {
            return self.bind(values[0].word(), format_args!("text::recipient_status"));
        }
        let words: Vec<&str> = values.iter().map(|status| status.word()).collect();
        self.bind(format!("{{{}}}", words.join(",")), format_args!("text::recipient_status[]"))
    }

    pub(super) fn part(&mut self, sql: String) {
        self.parts.push((None, sql));
    }

    /// Adds a part whose rows later parts read.
    pub(super) fn named_part(&mut self, name: &'static str, sql: String) {
        self.parts.push((Some(name), sql));
    }

    /// Executes it. The parts touch different tables, so their order means nothing to the others.
    pub(super) async fn execute(self, tx: &mut PgConnection) -> Result<(), StoreError> {
        let Some(((_, last), first)) = self.parts.split_last() else { return Ok(()) };
        let sql = format!("{}{last}", with(first));
        sqlx::query_with(AssertSqlSafe(sql), self.arguments).execute(tx).await?;
        Ok(())
    }

    /// Executes it. Returns how many rows its parts [`WRITTEN`] and [`CLAIMS`] have together.
    pub(super) async fn execute_and_count(self, tx: &mut PgConnection) -> Result<i64, StoreError> {
        let counted = self.parts.iter().filter_map(|(name, _)| name.filter(|name| [WRITTEN, CLAIMS].contains(name)));
        let counts: Vec<String> = counted.map(|name| format!("(select count(*) from {name})")).collect();
        if counts.is_empty() {
            self.execute(tx).await?;
            return Ok(0);
        }
        let sql = format!("{}select {}", with(&self.parts), counts.join(" + "));
        Ok(sqlx::query_scalar_with(AssertSqlSafe(sql), self.arguments).fetch_one(tx).await?)
    }
}

/// The part that writes the changed people.
pub(super) const WRITTEN: &str = "written";
/// The part that finds the claims by which they are known.
pub(super) const CLAIMS: &str = "known_claims";

/// The parts before the statement itself.
fn with(parts: &[(Option<&'static str>, String)]) -> String {
    let part = |(at, (name, part)): (usize, &(Option<&str>, String))| match name {
        Some(name) => format!("{name} as ({part})"),
        None => format!("part{at} as ({part})"),
    };
    let parts: Vec<String> = parts.iter().enumerate().map(part).collect();
    if parts.is_empty() { String::new() } else { format!("with {} ", parts.join(", ")) }
}

/// Rows of arrays, one for each column that has no single value, to select from as `x`. Unnested one by one in the list: a function in `from` that unnests several
/// writes all rows to a store of their own first, which takes a twentieth of what a batch costs the server.
pub(super) fn rows(columns: &[&str], arrays: &[String]) -> String {
    let column = |(values, column): (&String, _)| {
        if values.ends_with("[]") { format!("unnest({values}) as {column}") } else { format!("{values} as {column}") }
    };
    let columns: Vec<_> = arrays.iter().zip(columns).map(column).collect();
    format!("(select {}) as x", columns.join(", "))
}
