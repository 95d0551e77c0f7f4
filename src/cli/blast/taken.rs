//! What is said of people who were taken into a draft, and of who was not.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::GetNothing;
use crate::cli::column_args::{say_local, say_unclear_opt_outs};
use crate::cli::context::Context;
use crate::cli::output::talk;
use crate::domain::ids::BlastId;
use crate::domain::list_columns::ChosenColumns;
use crate::domain::rejected_rows::CellMend;
use crate::domain::text::{self, clean, count_of};
use crate::import::{Imported, Rejections};

/// The most corrected cells that are named.
const CORRECTED_MAX: usize = 10;

/// Reports on standard error whom a filter found. The draft's plan reads it again, and lists who is left out.
pub(super) fn found(imported: &Imported) {
    talk(&found_words(imported.blast, &made_words(imported), imported.rejected.total));
    left_out(&imported.rejected);
}

/// Where nobody is left out there is nobody to list.
fn found_words(draft: BlastId, made: &str, left_out: u64) -> String {
    match left_out {
        0 => made.to_owned(),
        _ => format!("{made}. `blastdeck blast plan {draft} --left-out` lists who is left out"),
    }
}

/// The same of those who were stuck in a blast: the draft was made without the others, and its plan does not know them.
pub(super) fn stuck(imported: &Imported) {
    talk(&made_words(imported));
    left_out(&imported.rejected);
}

fn made_words(imported: &Imported) -> String {
    format!("a draft to {}; nothing is sent", text::people(imported.taken))
}

fn left_out(Rejections { total, reasons, .. }: &Rejections) {
    if *total > 0 {
        talk(&format!("{} left out:", text::people(i64::try_from(*total).unwrap_or(i64::MAX))));
        for reason in reasons {
            talk(&format!("  {:>6}  {}", reason.rows, clean(&reason.reason)));
        }
    }
}

/// Reports on standard error which rows of a list were left out, and why.
pub(in crate::cli) fn rejected(rejected: &Rejections, file: Option<&Path>) {
    if rejected.total > 0 {
        talk(&format!("{} left out:", count_of(rejected.total, "row", "rows")));
        for reason in &rejected.reasons {
            talk(&format!("  {:>6}  {} (first in row {})", reason.rows, clean(&reason.reason), reason.first_row));
        }
    }
    if let Some(file) = file {
        talk(&format!("they are in {}", file.display()));
    }
}

/// How many of a draft's people get nothing: who opted out before is counted as queued until they are left out of it. `None` where that
/// cannot be read: they are in it whatever comes of this.
pub(super) async fn who_gets_nothing(context: &Context, blast: BlastId) -> Option<GetNothing> {
    let read = context.app.get_nothing(blast).await;
    let read = read.inspect_err(
        |error| tracing::warn!(%error, blast = blast.0, "how many of its people get nothing could not be read"),
    );
    read.ok()
}

/// Says how many of those who came into a draft get nothing: as many more as there are since `before`.
pub(super) async fn say_who_gets_nothing(context: &Context, blast: BlastId, before: Option<GetNothing>) {
    let Some(before) = before else { return };
    let Some(now) = who_gets_nothing(context, blast).await else { return };
    let GetNothing { opted_out, uncertain } = now.since(before);
    if opted_out > 0 {
        talk(&format!("{} opted out before: they get nothing", text::people(opted_out)));
    }
    if uncertain > 0 {
        let (people, them) = (text::people(uncertain), format!("blastdeck uncertain list {blast}"));
        talk(
            &context
                .pasteable(&format!("{people} may have had it already: they get nothing until you decide ({them})")),
        );
    }
}

/// The number that was typed at this place, from 1.
pub(super) fn typed_number(phones: &[String], row: u64) -> Option<std::borrow::Cow<'_, str>> {
    let at = usize::try_from(row).ok()?.checked_sub(1)?;
    phones.get(at).map(|phone| clean(phone))
}

/// Reports on standard error how many of the numbers that were typed were taken, and why others were not.
pub(super) fn report_typed(imported: &Imported, phones: &[String]) {
    talk(&format!("{} taken", text::people(imported.taken)));
    for rejection in &imported.rejected.examples {
        let number = typed_number(phones, rejection.row).unwrap_or_default();
        talk(&format!("left out: {number}: {}", clean(&rejection.reason.to_string())));
    }
    if imported.unusual_lengths.total > 0 {
        let numbers = count_of(imported.unusual_lengths.total, "number", "numbers");
        talk(&format!("{numbers} of unusual length for their country, taken all the same"));
    }
}

/// Reports on standard error how many people were imported, and why others were not.
pub(super) fn report(imported: &Imported) {
    let name = imported.name_column.as_deref().map_or_else(String::new, |name| format!(", names from {}", clean(name)));
    let taken = text::people(imported.taken);
    let (phone, sheet) = (clean(&imported.phone_column), &imported.sheet_words);
    talk(&format!("{taken} taken (phones from {phone}{name}{sheet})"));
    if let Some(doubt) = imported.list_columns(&ChosenColumns::default()).and_then(|read| read.doubt()) {
        talk(&format!("{}: --phone-column says which to take", clean(&doubt)));
    }
    say_unclear_opt_outs(&imported.unclear_opt_outs);
    say_local(imported.local.as_ref());
    if imported.members_out > 0 {
        let people = count_of(imported.members_out, "person", "people");
        talk(&format!("{people} of the blast asked for no messages by this list, and left it"));
    }
    rejected(&imported.rejected, imported.rejected_file.as_deref());
    if let Some(words) = imported.without_name_words() {
        talk(&words);
    }
    if let Some(words) = imported.corrected_as_before_words() {
        talk(&format!("{words}:"));
        corrected(imported);
    }
    if let Some(words) = imported.unusual_lengths.in_words() {
        talk(&words);
    }
    if let Some(warning) = &imported.warning {
        talk(warning);
    }
    if let Some(odd) = imported.not_utf8 {
        let odd_rows = count_of(odd.rows, "row is", "rows are");
        talk(&format!("{odd_rows} not UTF-8 and may have wrong letters (first: row {})", odd.first_row));
    }
}

/// The first cells that are read as something else than stands in the list.
fn corrected(imported: &Imported) {
    for CellMend { row, column, value, .. } in imported.mends.iter().take(CORRECTED_MAX) {
        talk(&format!("  row {row}, {}: {}", clean(column), clean(value)));
    }
    let more = imported.mends.len().saturating_sub(CORRECTED_MAX);
    if more > 0 {
        talk(&format!("  and {more} more"));
    }
}

/// The cells that are read as in an earlier blast, for a program.
pub(super) fn corrected_json(imported: &Imported) -> Vec<Value> {
    let corrected = imported.mends.iter().take(imported.corrected_as_before);
    corrected
        .map(|CellMend { row, column, value, .. }| json!({ "row": row, "column": column, "value": value }))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_who_is_left_out_is_named_only_where_somebody_is() {
        let made = "a draft to 2 people; nothing is sent";

        assert_eq!(found_words(BlastId(44), made, 0), made);
        assert!(
            found_words(BlastId(44), made, 1).ends_with("`blastdeck blast plan 44 --left-out` lists who is left out")
        );
    }
}
