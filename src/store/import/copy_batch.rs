//! People as `COPY` takes them.

use std::io::Write as _;

use super::NewRecipient;
use crate::domain::ids::BlastId;
use crate::store::customer::CONSENT_SOURCE;

/// People in the form that `COPY` takes, gathered without touching the database.
#[derive(Debug, Default)]
pub struct CopyBatch {
    pub(super) text: Vec<u8>,
    pub(super) people: u64,
    pub(super) has_consent: bool,
    /// They come to others, whose list has rows of its own.
    added: Option<AddedBy>,
}

/// How people come to others in a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddedBy {
    /// Somebody named them one by one.
    Hand,
    /// Another list: its rows are none of the draft's own.
    List,
}

impl AddedBy {
    /// In place of a row.
    const fn row(self) -> Option<i32> {
        match self {
            Self::Hand => None,
            Self::List => Some(0),
        }
    }
}

impl CopyBatch {
    /// Of people who are added: they are known by it that they have no row.
    pub fn of_additions(by: AddedBy) -> Self {
        Self { added: Some(by), ..Self::default() }
    }

    /// What was gathered so far; it goes on without that.
    #[must_use]
    pub fn take(&mut self) -> Self {
        let rest = Self { added: self.added, ..Self::default() };
        std::mem::replace(self, rest)
    }

    pub fn push(&mut self, blast: BlastId, person: &NewRecipient) {
        // Writing to memory and serialising a map of texts do not fail.
        _ = write!(self.text, "{blast}\t");
        self.field(Some(person.phone.as_str()));
        self.text.push(b'\t');
        self.field(person.name.as_deref());
        self.text.push(b'\t');
        let variables = (!person.variables.is_empty()).then(|| serde_json::to_string(&person.variables).ok()).flatten();
        self.field(variables.as_deref());
        self.text.push(b'\t');
        self.field(person.external_id.as_deref());
        self.text.push(b'\t');
        // One that no table has is not kept.
        let own = || person.list_row.and_then(|row| i32::try_from(row).ok());
        let row = self.added.map_or_else(own, AddedBy::row);
        self.field(row.map(|row| row.to_string()).as_deref());
        self.text.push(b'\n');
        self.people += 1;
        self.has_consent |= person.variables.get(CONSENT_SOURCE).is_some();
    }

    /// One value in COPY's text format; `\N` is null. NUL is in no text that Postgres takes.
    fn field(&mut self, value: Option<&str>) {
        let Some(value) = value else { return self.text.extend_from_slice(b"\\N") };
        for byte in value.bytes() {
            match byte {
                b'\\' => self.text.extend_from_slice(b"\\\\"),
                b'\t' => self.text.extend_from_slice(b"\\t"),
                b'\n' => self.text.extend_from_slice(b"\\n"),
                b'\r' => self.text.extend_from_slice(b"\\r"),
                0 => {}
                other => self.text.push(other),
            }
        }
    }

    /// Bytes gathered so far.
    pub const fn size(&self) -> usize {
        self.text.len()
    }

    pub const fn is_empty(&self) -> bool {
        self.people == 0
    }
}
