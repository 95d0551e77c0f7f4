//! Parses a row into a person, or rejects it: row, column, value and reason.

use std::borrow::Cow;

use super::columns::{Columns, NAME};
use super::encoding::{RowEncoding, decode};
use super::records::Record;
use super::seen::SeenPeople;
use crate::domain::content::{BlastContent, ContentRenderError};
use crate::domain::forgotten::ForgottenPeople;
use crate::domain::message::{RenderError, Variables, fold_name};
use crate::domain::person_name::kept_name;
use crate::domain::phone::{Phone, PhoneError, Region, is_united_states};
use crate::domain::rejected_rows::{RejectedRows, RowDigest};
use crate::domain::template::{TemplateError, TemplateFault, ValueError, refuse_layout};
use crate::domain::text;
use crate::store::import::NewRecipient;

mod taken_back;

/// The longest value that a rejection repeats, in characters.
const VALUE_MAX: usize = 200;

/// A rejected row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Its number as a spreadsheet shows it, from 1.
    pub row: u64,
    pub column: String,
    pub value: String,
    /// Whose row it is, where the list says so. Of whoever was forgotten it is not kept.
    pub name: Option<String>,
    pub reason: Reason,
    /// The row as a spreadsheet has it. Of whoever was forgotten it is not kept.
    pub digest: RowDigest,
    /// Their number, where it can be read. Of whoever was forgotten it is not kept.
    pub phone: Option<Phone>,
}

/// Why a row was rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    #[error("{0}")]
    Phone(#[from] PhoneError),
    #[error("no phone number: give it as `phone_number`")]
    NoPhone,
    #[error("longer than 255 characters")]
    LongId,
    #[error("holds a character that is no text, such as NUL")]
    UnclearId,
    #[error("not a line of JSON")]
    NotJson,
    #[error("not UTF-8, which JSON is written in")]
    NotUtf8,
    #[error("it is there twice, with different values: write it once")]
    Twice,
    #[error("it is there under two names, with different values: give it once")]
    TwoNames,
    #[error("a list or an object, where a text or a number belongs")]
    NotPlain,
    #[error("not an object: write {{\"column\": \"value\"}}")]
    NotAnObject,
    #[error("in the blast already")]
    Member,
    #[error("taken out of this draft by hand: add them again if they are to get it")]
    TakenOut,
    #[error("the same person as in row {first_row}: taken once")]
    Repeat { first_row: u64 },
    #[error("the same person as in row {first_row}, whose number is spelled otherwise: taken once")]
    OtherSpelling { first_row: u64 },
    /// Their value is never kept.
    #[error("they asked to be forgotten, and are not to be messaged")]
    Forgotten,
    #[error("their row says that they want no messages: empty that cell if they want them")]
    OptedOut,
    #[error("row {row} of the same person says that they want no messages: empty that cell if they want them")]
    OptedOutElsewhere { row: u64 },
    #[error("that column does not say that they opted out: write 'yes' there if they did")]
    NoOptOut,
    /// By a list that was read into the draft before this one.
    #[error(
        "another list of this draft says that they want no messages: `blast add` with their number alone adds them"
    )]
    OptedOutBefore,
    #[error("their row says that they did not opt out: empty that cell if they did")]
    NotOptedOut,
    #[error("Meta delivers no marketing to numbers of the United States (131049)")]
    UnitedStates,
    #[error("an error value of the spreadsheet, which the message would repeat: fix the cell")]
    ErrorValue,
    #[error("{0}")]
    Content(#[from] ContentRenderError),
    #[error(
        "{}, and {}: put quotes around a value that has the delimiter in it",
        text::count_of(*found, "value", "values"),
        text::count_of(*columns, "column", "columns")
    )]
    TooManyValues { found: usize, columns: usize },
}

impl Reason {
    /// The same without what differs from row to row, to count by.
    pub fn in_general(&self) -> String {
        match self {
            Self::Phone(PhoneError::NotDigits(_)) => "not a phone number".to_owned(),
            Self::Forgotten => "asked to be forgotten".to_owned(),
            Self::Repeat { .. } | Self::OtherSpelling { .. } => {
                "the same person as in an earlier row: taken once".to_owned()
            }
            Self::Content(ContentRenderError::Message(RenderError::TooLong { .. })) => {
                "the text comes out longer than WhatsApp takes".to_owned()
            }
            Self::Content(ContentRenderError::Template(TemplateError {
                place,
                fault: TemplateFault::Value(ValueError::TooLong { limit, .. }),
            })) => format!("{place}: more than {limit} characters"),
            Self::Content(ContentRenderError::Message(RenderError::Missing { name })) => format!("without {name}"),
            Self::TooManyValues { .. } => "more values than columns".to_owned(),
            Self::NoOptOut => "not said to have opted out".to_owned(),
            Self::NotOptedOut => "did not opt out, as the list says".to_owned(),
            Self::OptedOut | Self::OptedOutElsewhere { .. } => "asked for no messages, as the list says".to_owned(),
            Self::OptedOutBefore => "asked for no messages, as another list says".to_owned(),
            Self::TakenOut => RejectedRows::TAKEN_OUT.to_owned(),
            Self::Phone(_)
            | Self::Content(_)
            | Self::UnitedStates
            | Self::NoPhone
            | Self::LongId
            | Self::UnclearId
            | Self::NotJson
            | Self::NotUtf8
            | Self::Twice
            | Self::TwoNames
            | Self::NotPlain
            | Self::NotAnObject
            | Self::ErrorValue
            | Self::Member => self.to_string(),
        }
    }
}

/// The result of a row.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Blank,
    Taken(NewRecipient, RowNotes),
    Rejected(Rejection),
}

/// What is said of a row that was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RowNotes {
    pub encoding: RowEncoding,
    /// The country code that their number was written without.
    pub missing_code: Option<String>,
    /// Its name is what programs export for an empty cell, and counts as one.
    pub has_empty_marker: bool,
    /// The column of opt-outs in which it says neither yes nor no.
    pub unclear_opt_out: Option<usize>,
}

/// Parses rows one by one, and remembers whom it accepted.
pub(super) struct Taker {
    columns: Columns,
    /// The columns' names as variables; `None` for those that are none.
    variables: Vec<Option<String>>,
    /// Those that the message uses.
    wanted: Vec<String>,
    region: Region,
    content: BlastContent,
    without_united_states: bool,
    pub(super) seen: SeenPeople,
    /// Whoever was forgotten, where it is for others to leave them out: nothing is kept of a row of theirs that is rejected.
    pub(super) forgotten: ForgottenPeople,
    /// Rows that were taken before the one that was read last, which says that their people want no messages.
    pub(super) taken_back: Vec<Rejection>,
}

impl Taker {
    pub(super) fn new(columns: Columns, region: Region, content: BlastContent, without_united_states: bool) -> Self {
        let variables = variables(&columns, &content);
        let wanted = content.columns().into_iter().collect();
        Self {
            columns,
            variables,
            wanted,
            region,
            content,
            without_united_states,
            seen: SeenPeople::default(),
            forgotten: ForgottenPeople::default(),
            taken_back: Vec::new(),
        }
    }

    /// Takes also whoever wants no messages: this is the list of them.
    pub(super) fn take_opt_outs(&mut self) {
        self.columns.take_opt_outs();
    }

    /// What a column is chosen by.
    pub(super) fn called(&self, column: usize) -> String {
        self.columns.reference(column)
    }

    pub(super) fn take(&mut self, record: &Record) -> Outcome {
        if record.is_blank() {
            return Outcome::Blank;
        }
        let (values, encoding) = texts(record);
        self.taken_back = self.take_back(record, &values);
        match self.person(record, &values) {
            Ok(person) => {
                let has_empty_marker = self.columns.name.is_some_and(|column| self.is_marker(column, &values));
                let written = values.get(self.columns.phone).map_or("", |value| value);
                let missing_code = person.phone.code_that_is_missing_in(written);
                let unclear_opt_out = self.columns.unclear_opt_out_in(&values);
                Outcome::Taken(person, RowNotes { encoding, missing_code, has_empty_marker, unclear_opt_out })
            }
            Err(refused) => {
                let phone = self.phone_of(record, &values).ok();
                self.columns.read_further_header(record);
                let is_forgotten = phone.as_ref().is_some_and(|phone| self.forgotten.has(phone));
                let refused = if is_forgotten { (At::Column(self.columns.phone), Reason::Forgotten) } else { refused };
                Outcome::Rejected(self.rejection((record.row, phone), &values, refused))
            }
        }
    }

    fn person(&mut self, record: &Record, values: &[Cow<'_, str>]) -> Result<NewRecipient, RefusedCell> {
        let phone_at = At::Column(self.columns.phone);
        let phone = self.phone_of(record, values);
        // What else is wrong with their row would be kept with it.
        if let Ok(phone) = &phone {
            self.seen.refuse_forgotten(phone).map_err(|reason| (phone_at.clone(), reason))?;
        }
        self.refuse_further_values(values)?;
        let phone = phone.map_err(|error| (phone_at.clone(), error.into()))?;
        if let Some((column, reason)) = self.columns.refused_by_opt_outs(values) {
            return Err((At::Column(column), reason));
        }
        if self.without_united_states && is_united_states(phone.digits()) {
            return Err((phone_at, Reason::UnitedStates));
        }
        self.refuse_error_values(values)?;
        let variables = self.variables_of(values);
        self.content.render(&variables).map_err(|error| (self.place_of(&error, &variables), error.into()))?;
        self.seen.refuse_repeat(&phone, record.row).map_err(|reason| (phone_at, reason))?;
        let name = self.name_of(values);
        Ok(NewRecipient { phone, name, variables, external_id: None, list_row: Some(record.row) })
    }

    fn phone_of(&self, record: &Record, values: &[Cow<'_, str>]) -> Result<Phone, PhoneError> {
        // Its digits may be somebody's number, of whom nobody thought.
        if record.fractions.contains(&self.columns.phone) {
            return Err(PhoneError::Fraction);
        }
        Phone::parse(values.get(self.columns.phone).map_or("", |value| value), self.region)
    }

    /// Empty ones are only delimiters too many.
    fn refuse_further_values(&self, values: &[Cow<'_, str>]) -> Result<(), RefusedCell> {
        let columns = self.columns.names.len();
        let further = values.iter().enumerate().skip(columns).find(|(_, value)| !value.trim().is_empty());
        let Some((column, _)) = further else { return Ok(()) };
        Err((At::Column(column), Reason::TooManyValues { found: values.len(), columns }))
    }

    /// In a column that the message uses. In another it is kept from whoever reads the list, like an empty cell.
    fn refuse_error_values(&self, values: &[Cow<'_, str>]) -> Result<(), RefusedCell> {
        let is_used = |column: &usize| {
            let name = self.variables.get(*column).and_then(Option::as_deref);
            name.is_some_and(|name| self.wanted.iter().any(|wanted| wanted == name))
                || self.columns.name == Some(*column) && self.wanted.iter().any(|wanted| wanted == NAME)
        };
        let errors = values.iter().enumerate().filter(|(_, value)| text::is_error_value(value)).map(|(at, _)| at);
        let mut errors = errors.filter(|column| !self.is_marker(*column, values));
        match errors.find(is_used) {
            Some(column) => Err((At::Column(column), Reason::ErrorValue)),
            None => Ok(()),
        }
    }

    /// The first of several columns with one name wins; empty values are none.
    fn variables_of(&self, values: &[Cow<'_, str>]) -> Variables {
        let mut variables = Variables::default();
        for (column, (name, value)) in self.variables.iter().zip(values).enumerate() {
            let Some(name) = name.as_deref().filter(|name| variables.get(name).is_none()) else { continue };
            let is_missing = text::is_blank(value) || text::is_error_value(value) || self.is_marker(column, values);
            if !is_missing {
                variables.set(name, value);
            }
        }
        if let Some(name) = self.name_cell(values).filter(|_| variables.get(NAME).is_none()) {
            variables.set(NAME, name);
        }
        variables
    }

    /// Whether a cell of the names is what programs export for an empty one: nobody is greeted by it.
    fn is_marker(&self, column: usize, values: &[Cow<'_, str>]) -> bool {
        let is_marker = |value: &Cow<'_, str>| text::is_empty_marker(value);
        self.columns.name == Some(column) && values.get(column).is_some_and(is_marker)
    }

    fn name_cell<'v>(&self, values: &'v [Cow<'_, str>]) -> Option<&'v str> {
        let name = values.get(self.columns.name?)?;
        let is_missing = text::is_blank(name) || text::is_error_value(name) || text::is_empty_marker(name);
        (!is_missing).then_some(&**name)
    }

    fn name_of(&self, values: &[Cow<'_, str>]) -> Option<String> {
        kept_name(self.name_cell(values)?)
    }

    fn place_of(&self, error: &ContentRenderError, variables: &Variables) -> At {
        if let Some(name) = error.missing_column() {
            return self.column_of(name);
        }
        // Where no single value has the line break, the template puts it together from several.
        let is_refused = |name: &&String| variables.get(name).is_some_and(|value| refuse_layout(value).is_err());
        let refused = self.wanted.iter().find(is_refused).filter(|_| error.is_layout());
        refused.map_or(At::Message, |name| self.column_of(name))
    }

    fn column_of(&self, name: &str) -> At {
        let column = self.columns.names.iter().position(|column| fold_name(column) == name);
        column.or(self.columns.name).map_or(At::Message, At::Column)
    }

    fn rejection(
        &self,
        (row, phone): (u64, Option<Phone>),
        values: &[Cow<'_, str>],
        (at, reason): RefusedCell,
    ) -> Rejection {
        let (column, value) = match at {
            At::Column(column) => {
                let name = self.columns.names.get(column).cloned();
                (name.unwrap_or_else(|| format!("column {}", column + 1)), values.get(column))
            }
            At::Message => ("message".to_owned(), values.get(self.columns.phone)),
        };
        let value = value.filter(|_| reason != Reason::Forgotten);
        let value = kept(value.map_or("", |value| value));
        let name = self.whose(values).filter(|_| reason != Reason::Forgotten);
        let phone = phone.filter(|_| reason != Reason::Forgotten);
        Rejection { row, column, value, name, reason, digest: RowDigest::default(), phone }
    }

    /// Whose row it is: whoever has no name is known by their number.
    fn whose(&self, values: &[Cow<'_, str>]) -> Option<String> {
        let number = || values.get(self.columns.phone).map(|phone| kept(phone)).filter(|phone| !phone.is_empty());
        self.name_of(values).or_else(number)
    }
}

/// A cell as a rejection has it.
fn kept(value: &str) -> String {
    value.trim().chars().filter(|c| *c != '\0').take(VALUE_MAX).collect()
}

/// Where in a row something is wrong, and what.
type RefusedCell = (At, Reason);

#[derive(Debug, Clone, PartialEq, Eq)]
enum At {
    Column(usize),
    /// The text as a whole, for this person.
    Message,
}

/// The phone's own column is a variable only for content that asks for it: it is kept as the number already. One that is called like
/// the name is none where somebody chose another, or that there are no names.
fn variables(columns: &Columns, content: &BlastContent) -> Vec<Option<String>> {
    let wanted = content.columns();
    let is_other_name = |i: usize, name: &str| name == NAME && columns.is_name_chosen && columns.name != Some(i);
    let is_variable =
        |i: usize, name: &String| (i != columns.phone || wanted.contains(name)) && !is_other_name(i, name);
    let names = columns.names.iter().map(|name| fold_name(name)).enumerate();
    names.map(|(i, name)| is_variable(i, &name).then_some(name)).collect()
}

/// An export that is read again has apostrophes before what a spreadsheet would run.
fn meant(value: Cow<'_, str>) -> Cow<'_, str> {
    match value {
        Cow::Borrowed(value) => Cow::Borrowed(text::csv_meant(value)),
        Cow::Owned(value) => Cow::Owned(text::csv_meant(&value).to_owned()),
    }
}

fn texts(record: &Record) -> (Vec<Cow<'_, str>>, RowEncoding) {
    let (values, readings): (Vec<_>, Vec<_>) = record.values.iter().map(|value| decode(value)).unzip();
    let values = values.into_iter().map(meant).collect();
    let is_utf8 = readings.iter().all(|reading| *reading == RowEncoding::Utf8);
    (values, if is_utf8 { RowEncoding::Utf8 } else { RowEncoding::Windows1252 })
}
