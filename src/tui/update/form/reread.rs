//! What is said once a list was read, or read again.

use crate::app::{DraftList, Imported, ListChanges};
use crate::domain::rejected_rows::CellMend;
use crate::domain::text::{clean, number, people};
use crate::tui::model::BlastForm;

/// The most rows that a sentence names, and the longest name in it, in characters.
const NAMED_MAX: usize = 3;
const NAME_MAX: usize = 30;

/// `; the file has changed: what was corrected in row 4 (Ben) does not fit any more, and is read as it stands`: empty where all fit.
fn unfit_in_words(unfit: &[CellMend]) -> String {
    rows_in_words(unfit).map_or_else(String::new, |rows| {
        format!("; the file has changed: what was corrected in {rows} does not fit any more, and is read as it stands")
    })
}

/// `rows 4 (Ben), 7 and 12 more`; `None` where there are none.
fn rows_in_words(mends: &[CellMend]) -> Option<String> {
    let mut rows: Vec<_> = mends.iter().map(|mend| (mend.row, mend.whose.as_deref())).collect();
    rows.dedup_by_key(|(row, _)| *row);
    let row = |(row, whose): &(u64, Option<&str>)| match whose {
        Some(whose) => format!("{row} ({})", clean(whose).chars().take(NAME_MAX).collect::<String>()),
        None => row.to_string(),
    };
    let named: Vec<_> = rows.iter().take(NAMED_MAX).map(row).collect();
    match (rows.len(), rows.len().saturating_sub(NAMED_MAX)) {
        (0, _) => None,
        (1, _) => Some(format!("row {}", named[0])),
        (_, 0) => Some(format!("rows {}", named.join(", "))),
        (_, more) => Some(format!("rows {} and {more} more", named.join(", "))),
    }
}

/// A list was read. Corrections are with the rows where those are by now, and those that fit none are forgotten: a later one of the same
/// row would be taken for more of the same person. What is said of that, and of whoever else came in or went out by the same list.
pub(super) fn reread_in_words(form: &mut BlastForm, imported: &mut Imported) -> String {
    let before = std::mem::take(&mut form.mends_before);
    let of_before = rows_in_words(&before);
    let of_before = of_before.map(|rows| format!("; what was corrected in {rows} was of the list before"));
    form.mends.retain(|mend| !imported.unfit_mends.contains(mend));
    for fitted in &imported.mends {
        let is_it = |own: &&mut CellMend| {
            (&own.digest, &own.column, &own.value) == (&fitted.digest, &fitted.column, &fitted.value)
        };
        if let Some(own) = form.mends.iter_mut().filter(|own| !own.is_alike).find(is_it) {
            own.row = fitted.row;
        }
    }
    let is_again =
        form.left_out.file.as_ref().map(|path| DraftList::File(path.into())) == form.list || form.is_list_again();
    imported.changes = imported.changes.take().filter(|_| is_again);
    let changes = imported.changes.as_ref().and_then(ListChanges::in_words);
    // The sums before it are of the list as it is now: whoever came in is one of its people.
    let changes = changes.map(|changes| format!("; compared with before, {}", clean(&changes)));
    let by_hand = by_hand_in_words(imported);
    let as_before = imported.corrected_as_before_words().map(|words| format!("; {words}"));
    [by_hand, as_before, Some(unfit_in_words(&imported.unfit_mends)), of_before, changes]
        .into_iter()
        .flatten()
        .collect()
}

/// Who is in the draft beside its list, or is not any more by another list.
fn by_hand_in_words(imported: &Imported) -> Option<String> {
    let of = |those: usize| people(u64::try_from(those).unwrap_or(u64::MAX));
    match (imported.by_hand, imported.dropped) {
        (0, None) => None,
        (1, None) => Some("; 1 in it was added by hand".to_owned()),
        (added, None) => {
            Some(format!("; {} in it were added by hand", number(i64::try_from(added).unwrap_or(i64::MAX))))
        }
        (_, Some((added, 0))) => Some(format!("; {} added by hand left with the list before", of(added))),
        (_, Some((0, taken_out))) => {
            Some(format!("; {} taken out of the list before by hand may be in it", of(taken_out)))
        }
        (_, Some((added, taken_out))) => Some(format!(
            "; {} added by hand left with the list before, and {} taken out of that by hand may be in it",
            of(added),
            of(taken_out)
        )),
    }
}
