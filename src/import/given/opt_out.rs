//! Who wants no messages, as the program says that gives them.

use serde_json::Value;

use super::unclear::all_phones;
use super::{GivenList, Refusal, WrittenPerson, is_column, name_of, text_of};
use crate::domain::rejected_rows::RowDigest;
use crate::import::columns::OptOutColumn;
use crate::import::person::{Reason, Rejection};

impl GivenList {
    /// Who wants no messages by one value gets none by another, whatever else is wrong with this one.
    pub(super) fn take_back(&mut self, written: &WrittenPerson) {
        if refuse_opt_out(written).is_ok() {
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

/// Refuses whoever wants no messages by a variable or a field of theirs. Those whom the database has already were taken before.
pub(super) fn refuse_opt_out(written: &WrittenPerson) -> Result<(), Refusal> {
    let Some(fields) = written.value.as_object().filter(|_| !written.is_ours) else { return Ok(()) };
    let own = fields.get("variables").and_then(Value::as_object).into_iter().flatten();
    let opted_out = |(field, value): (&String, &Value)| {
        let column = OptOutColumn::of_field(field)?;
        let text = text_of(value).filter(|text| column.says_so(text))?;
        Some((field.clone(), text, Reason::OptedOut))
    };
    own.chain(fields.iter().filter(|(field, _)| is_column(field))).find_map(opted_out).map_or(Ok(()), Err)
}
