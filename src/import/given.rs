//! People as a program gives them: JSON values, in an array or one a line.

use std::io::{BufRead, BufReader, Read};

use serde_json::Value;

use super::error::ImportError;
use super::person::{Outcome, Reason, Rejection, RowNotes};
use super::records::ROW_MAX;
use super::seen::SeenPeople;
use crate::domain::content::BlastContent;
use crate::domain::exact_numbers::{PHONE_KEYS, exact_of_person};
use crate::domain::message::Variables;
use crate::domain::person_name::kept_name;
use crate::domain::phone::{Phone, PhoneError, Region, is_united_states};
use crate::domain::rejected_rows::RowDigest;
use crate::store::import::NewRecipient;

use super::columns::NAME;

mod opt_out;
mod unclear;
mod written;

use opt_out::refuse_opt_out;
use unclear::{all_phones, external_id, nested_value, refuse_other, refuse_unclear, unreadable};
pub use written::WrittenPerson;

/// The longest value, in characters.
const VALUE_MAX: usize = 200;

/// What some programs begin a file with.
const BOM: &[u8] = b"\xef\xbb\xbf";

/// What an id is called in an object.
const EXTERNAL_KEYS: [&str; 4] = ["external_id", "externalId", "customer_id", "customerId"];

/// A list of JSON values.
pub(super) struct GivenList {
    rows: GivenRows,
    row: u64,
    region: Region,
    content: BlastContent,
    without_united_states: bool,
    pub(super) seen: SeenPeople,
    /// Who was taken before the value that was read last, which says that they want no messages.
    pub(super) taken_back: Vec<Rejection>,
}

enum GivenRows {
    /// One value a line.
    Lines(BufReader<Box<dyn Read + Send>>),
    Values(std::vec::IntoIter<WrittenPerson>),
}

/// Where in a value something is wrong, what stands there, and why.
type Refusal = (String, String, Reason);

impl GivenList {
    pub(super) fn lines(
        source: Box<dyn Read + Send>,
        region: Region,
        content: BlastContent,
        is_marketing: bool,
    ) -> Self {
        Self::new(GivenRows::Lines(BufReader::new(source)), region, content, is_marketing)
    }

    pub(super) fn values(
        values: Vec<WrittenPerson>,
        region: Region,
        content: BlastContent,
        is_marketing: bool,
    ) -> Self {
        Self::new(GivenRows::Values(values.into_iter()), region, content, is_marketing)
    }

    fn new(rows: GivenRows, region: Region, content: BlastContent, without_united_states: bool) -> Self {
        let seen = SeenPeople::default();
        Self { rows, row: 0, region, content, without_united_states, seen, taken_back: Vec::new() }
    }

    /// The next value as a person; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Outcome)>, ImportError> {
        let value = match &mut self.rows {
            GivenRows::Values(values) => match values.next() {
                None => return Ok(None),
                Some(value) => Ok(value),
            },
            GivenRows::Lines(source) => match line(source, self.row + 1)? {
                None => return Ok(None),
                Some(line) if line.trim_ascii().is_empty() => {
                    self.row += 1;
                    return Ok(Some((self.row, Outcome::Blank)));
                }
                Some(line) => {
                    let is_shown = self.seen.forgotten.is_nobody();
                    serde_json::from_slice::<WrittenPerson>(&exact_of_person(line.strip_prefix(BOM).unwrap_or(&line)))
                        .map_err(|_| unreadable(&line, is_shown))
                }
            },
        };
        self.row += 1;
        let name = value.as_ref().ok().and_then(|written| name_of(&written.value));
        let mut phone = None;
        let person = |written: WrittenPerson| {
            self.take_back(&written);
            self.person(&written).map_err(|refusal| {
                phone = all_phones(&written, self.region).into_iter().next();
                self.unless_forgotten(&written, refusal)
            })
        };
        let outcome = match value.and_then(person) {
            Ok(person) => Outcome::Taken(person, RowNotes::default()),
            Err((column, value, reason)) => {
                let value = if reason == Reason::Forgotten { "" } else { value.as_str() };
                let value = value.trim().chars().take(VALUE_MAX).collect();
                let name = name.filter(|_| reason != Reason::Forgotten);
                let (digest, phone) = (RowDigest::default(), phone.filter(|_| reason != Reason::Forgotten));
                Outcome::Rejected(Rejection { row: self.row, column, value, name, reason, digest, phone })
            }
        };
        Ok(Some((self.row, outcome)))
    }

    fn person(&mut self, written: &WrittenPerson) -> Result<NewRecipient, Refusal> {
        let WrittenPerson { value, twice, is_ours, .. } = written;
        if let Some(field) = twice {
            return Err((field.clone(), String::new(), Reason::Twice));
        }
        self.refuse_two_spellings(value)?;
        if !is_ours {
            refuse_unclear(value)?;
        }
        let (given, shown) = match value {
            Value::Object(_) => (first_of(value, &PHONE_KEYS), String::new()),
            plain => (Some(plain), plain.to_string()),
        };
        let at = || "phone_number".to_owned();
        let number = given.and_then(text_of).ok_or_else(|| (at(), shown, Reason::NoPhone))?;
        let at_phone = |reason: Reason| (at(), number.clone(), reason);
        if given.and_then(Value::as_f64).is_some_and(|number| number.fract() != 0.0) {
            return Err(at_phone(PhoneError::Fraction.into()));
        }
        let phone = Phone::parse(&number, self.region).map_err(|error| at_phone(error.into()))?;
        self.seen.refuse_forgotten(&phone).map_err(at_phone)?;
        refuse_opt_out(written)?;
        if self.without_united_states && is_united_states(phone.digits()) {
            return Err(at_phone(Reason::UnitedStates));
        }
        let variables = variables(value);
        self.content.render(&variables).map_err(|error| {
            // A field that is there, but no text.
            nested_value(&error, value).unwrap_or_else(|| ("variables".to_owned(), number.clone(), error.into()))
        })?;
        let external_id = external_id(value)?;
        // The last of all: whoever passes it is taken, and stands in the way of a later value with their number.
        self.seen.refuse_repeat(&phone, self.row).map_err(at_phone)?;
        let name = name_of(value).or_else(|| variables.get(NAME).and_then(kept_name));
        Ok(NewRecipient { phone, name, variables, external_id, list_row: None })
    }

    /// One thing has one value, however many of its names are there.
    fn refuse_two_spellings(&self, value: &Value) -> Result<(), Refusal> {
        let plain = |text: String| text.trim().to_owned();
        let number = |text: String| Phone::parse(&text, self.region).map_or(text, |phone| phone.to_string());
        refuse_other(value, &PHONE_KEYS, number)?;
        refuse_other(value, &EXTERNAL_KEYS, plain)
    }
}

/// Whether a field is one that the message may use, as a column of a file is.
fn is_column(key: &str) -> bool {
    key != "variables" && !PHONE_KEYS.contains(&key) && !EXTERNAL_KEYS.contains(&key)
}

/// What stands under the first of these names that has a value.
fn first_of<'a>(value: &'a Value, names: &[&str]) -> Option<&'a Value> {
    let given = || names.iter().filter_map(|name| value.get(*name)).filter(|value| !value.is_null());
    given().find(|value| filled(value).is_some()).or_else(|| given().next())
}

/// A line without its end, as long as a row may be.
fn line(source: &mut BufReader<Box<dyn Read + Send>>, row: u64) -> Result<Option<Vec<u8>>, ImportError> {
    let mut line = Vec::new();
    let longest = u64::try_from(ROW_MAX).unwrap_or(u64::MAX) + 1;
    source.by_ref().take(longest).read_until(b'\n', &mut line).map_err(ImportError::Read)?;
    if line.len() > ROW_MAX {
        return Err(ImportError::RowTooLong { row });
    }
    Ok((!line.is_empty()).then_some(line))
}

/// A text that is not empty: programs write `""` for nothing.
fn filled(value: &Value) -> Option<String> {
    text_of(value).filter(|text| !text.trim().is_empty())
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        _ => None,
    }
}

fn name_of(value: &Value) -> Option<String> {
    kept_name(&text_of(value.get(NAME)?)?)
}

/// Those in `variables`, then other plain fields, as the columns of a file are; and the name.
fn variables(value: &Value) -> Variables {
    let mut variables = Variables::default();
    let Value::Object(fields) = value else { return variables };
    let own = fields.get("variables").and_then(Value::as_object).into_iter().flatten();
    for (name, value) in own.chain(fields.iter().filter(|(key, _)| is_column(key))) {
        if let Some(text) = text_of(value).filter(|_| variables.get(name).is_none()) {
            variables.set(name, &text);
        }
    }
    variables
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::unclear::EXTERNAL_ID_MAX;
    use super::*;

    fn take(content: &str, values: Vec<Value>) -> Vec<Outcome> {
        let content = BlastContent::parse(content, None).unwrap();
        let values = values.into_iter().map(WrittenPerson::from).collect();
        outcomes(GivenList::values(values, "MY".parse().unwrap(), content, false))
    }

    fn outcomes(mut list: GivenList) -> Vec<Outcome> {
        std::iter::from_fn(|| list.next().unwrap()).map(|(_, outcome)| outcome).collect()
    }

    #[test]
    fn a_person_is_a_number_or_an_object_with_one() {
        let people = take(
            "Hi {name|there}, {city|here}",
            vec![
                json!("0100123456"),
                json!({"phoneNumber": "+60100123457", "name": " Siti ", "variables": {"city": "Ipoh"}, "customerId": 7}),
                json!({"phone_number": 60_100_123_458_i64, "city": "Muar"}),
            ],
        );

        let Outcome::Taken(siti, _) = &people[1] else { panic!("{people:?}") };
        assert_eq!((siti.name.as_deref(), siti.external_id.as_deref()), (Some("Siti"), Some("7")));
        assert_eq!((siti.variables.get("city"), siti.variables.get("name")), (Some("Ipoh"), Some("Siti")));
        let Outcome::Taken(third, _) = &people[2] else { panic!("{people:?}") };
        assert_eq!((third.phone.as_str(), third.variables.get("city")), ("+60100123458", Some("Muar")));
        assert!(matches!(&people[0], Outcome::Taken(..)), "{people:?}");
    }

    /// What is refused of them: the field and the reason.
    fn refused(outcomes: &[Outcome]) -> Vec<Option<(String, String)>> {
        let reason = |outcome: &Outcome| match outcome {
            Outcome::Rejected(refused) => Some((refused.column.clone(), refused.reason.to_string())),
            _ => None,
        };
        outcomes.iter().map(reason).collect()
    }

    #[test]
    fn nobody_has_two_numbers_or_two_ids() {
        let people = take(
            "Hi",
            vec![
                json!({"phone_number": "+60150111111", "phoneNumber": "+60150111112"}),
                json!({"phone_number": "+60150111113", "phone": "0150111113", "to": null}),
                json!({"phone": "+60150111114", "external_id": "7", "customerId": "8"}),
                json!({"phone_number": null, "phone": "+60150111115", "external_id": 7, "customerId": "7"}),
            ],
        );

        let reason = "it is there under two names, with different values: give it once";
        let twice = |field: &str| Some((field.to_owned(), reason.to_owned()));
        assert_eq!(refused(&people), [twice("phoneNumber"), None, twice("customerId"), None]);
    }

    #[test]
    fn whoever_is_refused_for_their_id_does_not_stand_in_the_way_of_the_corrected_one() {
        let of = |id: &str| json!({"phone": "+60150111111", "external_id": id});
        let people = take("Hi", vec![of(&"k".repeat(EXTERNAL_ID_MAX + 1)), of("7")]);

        assert_eq!(refused(&people), [Some(("external_id".to_owned(), Reason::LongId.to_string())), None]);
    }

    #[test]
    fn what_a_program_says_twice_or_as_no_text_is_not_dropped_without_a_word() {
        let content = BlastContent::parse("Hi {name|there}, {a|none}", None).unwrap();
        let phone = "\"phone\":\"+60150111111\"";
        let outcome = |rest: &str| {
            let person = serde_json::from_str::<WrittenPerson>(&format!("{{{phone},{rest}}}")).unwrap();
            let list = GivenList::values(vec![person], "MY".parse().unwrap(), content.clone(), false);
            outcomes(list).remove(0)
        };
        let long = format!("\"external_id\":\"{}A\"", "k".repeat(255));
        let [two, plain, object] = [Reason::TwoNames, Reason::NotPlain, Reason::NotAnObject];
        for (rest, field, reason) in [
            (r#""a":"2","variables":{"a":"1"}"#, "a", &two),
            (r#""A":"1","a":"2""#, "a", &two),
            (r#""name":"A","Name":"B""#, "name", &two),
            (r#""name":"A","variables":{"name":"B"}"#, "name", &two),
            (r#""variables":["x"]"#, "variables", &object),
            (r#""variables":{"a":[1]}"#, "a", &plain),
            (r#""name":["Ali"]"#, "name", &plain),
            (r#""external_id":["q"]"#, "external_id", &plain),
            (long.as_str(), "external_id", &Reason::LongId),
            (r#""external_id":"a\u0000b""#, "external_id", &Reason::UnclearId),
            (r#""to":"+60150111112""#, "to", &two),
        ] {
            let Outcome::Rejected(refused) = outcome(rest) else { panic!("{rest} is taken") };
            assert_eq!((refused.column.as_str(), &refused.reason), (field, reason), "{rest}");
        }
        // A number is a name, whatever its field is spelt like; what no message uses may be anything.
        for (rest, name) in [
            (r#""name":5"#, Some("5")),
            (r#""Name":"Siti","variables":null"#, Some("Siti")),
            (r#""tags":[1]"#, None),
            // Nothing is written so, too.
            (r#""to":"","phone_number":" ","external_id":"""#, None),
        ] {
            let Outcome::Taken(person, _) = outcome(rest) else { panic!("{rest} is refused") };
            assert_eq!((person.name.as_deref(), person.external_id), (name, None), "{rest}");
        }
    }

    #[test]
    fn a_list_where_the_message_wants_a_text_is_not_called_empty() {
        let refused_of = |person: Value| refused(&take("Hi {address}", vec![person])).remove(0);

        let nested = refused_of(json!({"phone": "+60150111111", "Address": {"city": "KL"}}));
        let empty = refused_of(json!({"phone": "+60150111111", "address": ""}));

        assert_eq!(nested, Some(("Address".to_owned(), Reason::NotPlain.to_string())));
        assert_eq!(empty.map(|(field, _)| field).as_deref(), Some("variables"));
    }

    #[test]
    fn lines_may_begin_with_a_byte_order_mark() {
        let lines = "\u{feff}{\"phone\":\"+60150111111\"}\n";
        let content = BlastContent::parse("Hi", None).unwrap();

        let people = outcomes(GivenList::lines(Box::new(lines.as_bytes()), "MY".parse().unwrap(), content, false));

        assert!(matches!(&people[..], [Outcome::Taken(..)]), "{people:?}");
    }

    #[test]
    fn a_line_that_has_a_field_twice_is_refused_by_that_field() {
        let lines = concat!(
            r#"{"phone_number":"+60150111111","phone_number":"+60150111112"}"#,
            "\n",
            r#"{"phone_number":"+60150111113","name":"A","name":"A"}"#,
            "\n",
        );
        let content = BlastContent::parse("Hi", None).unwrap();

        let people = outcomes(GivenList::lines(Box::new(lines.as_bytes()), "MY".parse().unwrap(), content, false));

        let twice = "it is there twice, with different values: write it once";
        assert_eq!(refused(&people), [Some(("phone_number".to_owned(), twice.to_owned())), None]);
    }

    #[test]
    fn who_cannot_be_sent_to_is_refused_with_the_row_and_the_field() {
        let people = take(
            "Hi {name}",
            vec![
                json!({"name": "A"}),
                json!("0100123456"),
                json!({"phone": "x", "name": "B"}),
                json!([1]),
                json!(12.345_678_9),
            ],
        );

        let refused: Vec<_> = people
            .iter()
            .map(|outcome| match outcome {
                Outcome::Rejected(refused) => (refused.row, refused.column.as_str()),
                other => panic!("{other:?}"),
            })
            .collect();
        let at_phone = |row| (row, "phone_number");
        assert_eq!(refused, [at_phone(1), (2, "variables"), at_phone(3), at_phone(4), at_phone(5)]);
    }
}
