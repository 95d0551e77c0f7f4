//! `blast plan --left-out`: who is left out of a draft, and the rows that its list was read without.

use color_eyre::Result;
use serde_json::{Value, json};

use crate::app::ExcludedPerson;
use crate::cli::Global;
use crate::cli::context::{Context, Intent};
use crate::cli::output::{json, talk, text};
use crate::cli::table::{TextAlign, render};
use crate::domain::ids::BlastId;
use crate::domain::rejected_rows::{LeftOutRow, RejectedRows};
use crate::domain::text::count_of;

/// Whom the filter of a draft leaves out, and behind them the rows of a list.
pub(in crate::cli::blast) async fn left_out(global: &Global, id: BlastId) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let people = context.app.left_out_of(id).await?;
    let list = context.app.rows_left_out_of(id).await?;
    if context.is_json {
        people.iter().map(person_json).chain(list.rows.iter().map(row_json)).try_for_each(|one| json(&one))?;
    } else {
        let header = [("phone", TextAlign::Left), ("name", TextAlign::Left), ("why", TextAlign::Left)];
        let rows: Vec<_> = people.iter().map(person_cells).chain(list.rows.iter().map(row_cells)).collect();
        if rows.is_empty() {
            talk("nobody is left out of its own list; of a list that was added to it, `blast add` said who");
        } else {
            text(&render(&header, &rows))?;
        }
    }
    if let Some(words) = unlisted(&list) {
        talk(&words);
    }
    Ok(())
}

fn person_json(person: &ExcludedPerson) -> Value {
    json!({ "phone_number": person.phone.as_str(), "name": person.name, "reason": person.key })
}

fn row_json(row: &LeftOutRow) -> Value {
    json!({
        "phone_number": row.phone, "name": row.name, "reason": row.reason, "row": row.row, "column": row.column, "value": row.value,
    })
}

fn person_cells(person: &ExcludedPerson) -> Vec<String> {
    vec![person.phone.to_string(), person.name.clone().unwrap_or_default(), person.why.clone()]
}

/// In place of a number that cannot be read stands what is wrong.
fn row_cells(row: &LeftOutRow) -> Vec<String> {
    let phone = row.phone.as_ref().map_or_else(|| row.value.clone(), ToString::to_string);
    vec![phone, row.name.clone().unwrap_or_default(), format!("row {}: {}", row.row, row.reason)]
}

/// Only the first rows of a long list are kept.
fn unlisted(list: &RejectedRows) -> Option<String> {
    let more = list.total.saturating_sub(list.rows.len() as u64);
    let rows = count_of(more, "row more is", "rows more are");
    (more > 0).then(|| format!("{rows} left out of the list: only the first of them are kept with the blast"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_beyond_those_that_are_kept_are_counted() {
        let list = |total| RejectedRows { total, ..RejectedRows::default() };

        assert_eq!(unlisted(&list(0)), None);
        let words = "13 rows more are left out of the list: only the first of them are kept with the blast";
        assert_eq!(unlisted(&list(13)).as_deref(), Some(words));
    }
}
