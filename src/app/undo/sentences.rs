//! What was taken back, in words and as command lines.

use super::Undo;
use crate::app::StillSuppressed;
use crate::domain::act::Act;
use crate::domain::amount::in_currency;
use crate::domain::recipient::Undone;
use crate::domain::text::people;
use crate::store::person::PersonRow;

pub(super) fn who(undos: &[Undo]) -> String {
    match undos {
        [one] => one.person.who(),
        several => people(several.len()),
    }
}

/// What was undone, and who is suppressed all the same.
pub(super) fn sentence(undos: &[Undo], still_suppressed: &[StillSuppressed], currency: &str) -> String {
    let done = done_in_words(undos, currency);
    let suppressed: Vec<_> = undos.iter().filter_map(|undo| undo.reason_in(still_suppressed)).collect();
    match (undos, &suppressed[..]) {
        (_, []) => done,
        ([undo], [still]) if undo.stays_out(still_suppressed) => {
            format!("{} stays opted out: {}; {}", undo.person.who(), still.in_words(), still.mend())
        }
        ([_], [still]) => format!("{done}, but they stay suppressed: {}; {}", still.in_words(), still.mend()),
        (several, all) if several.len() == all.len() => {
            format!("{done}, but all of them stay suppressed: `blastdeck suppress list` says by whom")
        }
        (_, some) => {
            format!("{done}, but {} of them stay suppressed: `blastdeck suppress list` says by whom", some.len())
        }
    }
}

/// A mark as an operator would name it.
pub(super) fn mark_words(mark: &Act) -> &str {
    match mark {
        Act::Resolve => "the answer about an uncertain message",
        other => other.word(),
    }
}

fn done_in_words(undos: &[Undo], currency: &str) -> String {
    let who = who(undos);
    let word = undos.first().map_or("", |undo| mark_words(&undo.act.action));
    match undos {
        [Undo { before, after, .. }] if before != after => format!("{who}: {before} -> {after}, taken back"),
        [Undo { undone: Undone::Closed(Some(left)), person, .. }] if left.amount != person.recipient.amount => {
            match left.amount {
                Some(amount) => format!("{who}: the amount is {} now", in_currency(amount, currency)),
                None => format!("{who}: the amount is taken back"),
            }
        }
        [_] => format!("{who}: {word} taken back"),
        several if several.iter().all(|undo| mark_words(&undo.act.action) == word) => {
            format!("{who}: {word}, taken back")
        }
        _ => format!("{who}: the last mark of each is taken back"),
    }
}

pub(super) fn command_line(person: &PersonRow) -> String {
    format!("blastdeck mark {} {} undo", person.blast_id, person.phone_number.as_str())
}
