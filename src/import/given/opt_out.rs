//! Who wants no messages, as the program says that gives them.

use serde_json::Value;

use super::unclear::all_phones;
use super::{GivenList, Refusal, WrittenPerson, is_column, name_of, text_of};
use crate::domain::rejected_rows::RowDigest;
use crate::import::columns::{OptOutColumn, says_no};
use crate::import::person::{Reason, Rejection};

impl GivenList {
    /// Who wants no messages by one value gets none by another, whatever else is wrong with this one.
    pub(super) fn take_back(&mut self, written: &WrittenPerson) {
        if !matches!(refuse_opt_out(written), Err((.., Reason::OptedOut))) {
            return;
        }
        let phones = all_phones(written, self.region);
        let is_forgotten = phones.iter().any(|phone| self.seen.forgotten.has(phone));
        for phone in phones {
            let Some(row) = self.seen.opt_out(&phone, self.row) else { continue };
            let (column, value) = ("their number".to_owned(), phone.as_str().to_owned());
            let name = name_of(&written.value).filter(|_| !is_forgotten);
            let reason = Reason::OptedOutElsewhere { row: self.row };
            let (digest, phone) = (RowDigest::default(), Some(phone));
            self.taken_back.push(Rejection { row, column, value, name, reason, digest, phone });
        }
    }
}

/// Refuses whoever wants no messages by a variable or a field of theirs, and whoever has a list or an object there that does not say so.
/// Those whom the database has already were taken before.
pub(super) fn refuse_opt_out(written: &WrittenPerson) -> Result<(), Refusal> {
    let Some(fields) = written.value.as_object().filter(|_| !written.is_ours) else { return Ok(()) };
    let own = fields.get("variables").and_then(Value::as_object).into_iter().flatten();
    let overwritten = written.overwritten.iter().map(|(field, value)| (field, value));
    let refused = |(field, value): (&String, &Value)| {
        let (text, reason) = refused_answer(OptOutColumn::of_field(field)?, value)?;
        Some((field.clone(), text, reason))
    };
    let own = own.chain(fields.iter().filter(|(field, _)| is_column(field)));
    let all: Vec<_> = own.chain(overwritten).filter_map(refused).collect();
    let opted_out = all.iter().position(|(.., reason)| *reason == Reason::OptedOut).unwrap_or(0);
    all.into_iter().nth(opted_out).map_or(Ok(()), Err)
}

/// What refuses somebody in such a field: that it says so, or that it holds more than a text and nobody can tell. Beside a *no* the day of it
/// may be the day of that.
fn refused_answer(column: OptOutColumn, value: &Value) -> Option<(String, Reason)> {
    let texts = texts_in(value);
    let (is_nested, is_no) = (value.is_array() || value.is_object(), texts.iter().any(|text| says_no(text)));
    let by_word = texts.iter().find(|text| column.by_words().says_so(text));
    let says_so = by_word.or_else(|| texts.iter().find(|text| !is_no && column.says_so(text)));
    match says_so {
        Some(text) => Some((text.clone(), Reason::OptedOut)),
        None if is_nested && !texts.iter().all(|text| says_no(text)) => Some((value.to_string(), Reason::NotPlain)),
        None => None,
    }
}

/// What stands in a value, however deep.
fn texts_in(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(texts_in).collect(),
        Value::Object(fields) => fields.values().flat_map(texts_in).collect(),
        plain => text_of(plain).into_iter().collect(),
    }
}
