//! Which column holds the phones, which the names, and what each is called. Decided from the first rows, before anything
//! is written.

use std::borrow::Cow;

use super::encoding::decode;
use super::error::{COLUMNS_MAX, ImportError};
use super::records::Record;
use crate::domain::content::BlastContent;
use crate::domain::list_columns::{ChosenColumns, ChosenName, title_key as key};
use crate::domain::message::fold_name;
use crate::domain::phone::{Phone, Region};
use crate::domain::text;

mod chosen_opt_outs;
mod header;
mod list_title;
mod opt_out_answers;
mod opt_out_cell;
mod opt_out_column;
mod opt_out_title;

use chosen_opt_outs::{ChosenOptOuts, columns_of_opt_outs};
use header::FirstRowKind;
pub(super) use header::rows_above_header;
pub(crate) use opt_out_answers::OptOutAnswers;
pub(super) use opt_out_cell::says_no;
pub(super) use opt_out_column::OptOutColumn;

/// The variable that every list with names has, whatever its column is called.
pub(super) const NAME: &str = "name";

/// What a column of phones may be called, letters and digits only, the surest first.
const PHONE_HEADERS: &[&str] = &[
    "phonenumber",
    "phone",
    "phoneno",
    "msisdn",
    "whatsappnumber",
    "whatsappno",
    "nowhatsapp",
    "nomorwhatsapp",
    "whatsapp",
    "mobilenumber",
    "mobileno",
    "mobilephone",
    "mobile",
    "notelefonbimbit",
    "telefonbimbit",
    "nombortelefon",
    "nomortelepon",
    "notelefon",
    "notelepon",
    "telefon",
    "telepon",
    "nomborhp",
    "nomorhp",
    "nohp",
    "hpno",
    "hp",
    "nohandphone",
    "handphoneno",
    "handphone",
    "telephonenumber",
    "telephoneno",
    "telephone",
    "telno",
    "notel",
    "nomtel",
    "tel",
    "nofon",
    "fon",
    "cellphone",
    "cellnumber",
    "cell",
    "gsm",
    "nomorwa",
    "nowa",
    "wano",
    "waid",
    "wa",
    "contactnumber",
    "contactno",
    "nombor",
    "number",
    "telefono",
    "celular",
    "handy",
    "手机号码",
    "手机号",
    "手机",
    "手機",
    "电话",
    "電話",
    "contact",
    "recipient",
    "to",
];

/// Parts of a longer header that name a phone: `Customer phone (main)`.
const PHONE_PARTS: &[&str] =
    &["phone", "telefon", "telepon", "mobile", "whatsapp", "msisdn", "nohp", "nombortel", "手机", "电话"];

/// What a column of names may be called, the surest first.
const NAME_HEADERS: &[&str] = &[
    "name",
    "nama",
    "fullname",
    "namapenuh",
    "namalengkap",
    "customername",
    "namapelanggan",
    "recipientname",
    "namapenerima",
    "contactname",
    "clientname",
    "nickname",
    "firstname",
    "customer",
    "pelanggan",
    "nombre",
    "姓名",
    "名字",
];

/// Ends of a longer header that name a name: `Customer full name`.
const NAME_ENDS: &[&str] = &["fullname", "namapenuh", "namalengkap"];

/// The columns of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Columns {
    /// As the header has them, made harmless; `column 3` where it has none.
    pub names: Vec<String>,
    pub phone: usize,
    pub name: Option<usize>,
    /// Somebody chose the name's, or that there is none: no other column is one.
    pub is_name_chosen: bool,
    /// Those that say who wants no messages.
    pub opt_outs: Vec<OptOutColumn>,
    /// How somebody named one.
    chosen_opt_outs: Option<ChosenOptOuts>,
    /// Whoever opted out is taken: it is a list of them.
    takes_opt_outs: bool,
    /// Others whose cells are phone numbers as well, where nobody chose between them.
    pub other_phones: Vec<usize>,
    pub header: Header,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Header {
    /// The first row that is not blank.
    FirstRow,
    /// The first row is a person.
    None,
}

impl Columns {
    /// Decides from the first rows that are not blank, where nobody chose. `titles`: those that were passed over before them.
    pub(super) fn of(
        (titles, first_rows): (&[Record], &[Record]),
        region: Region,
        chosen: &ChosenColumns,
    ) -> Result<Self, ImportError> {
        let Some((first, others)) = first_rows.split_first() else { return Err(ImportError::Empty) };
        if first.values.len() > COLUMNS_MAX {
            return Err(ImportError::TooManyColumns { found: first.values.len() });
        }
        let others = Samples { rows: others, region };
        let opt_outs = || OptOutColumn::without_header(first, &others);
        match FirstRowKind::of(first, &others) {
            FirstRowKind::Header => Self::with_header((first, titles), &others, chosen),
            FirstRowKind::Person => {
                Self::without_header(first, (&Samples { rows: first_rows, region }, opt_outs()), chosen)
            }
            FirstRowKind::UnreadablePerson => Self::without_header(first, (&others, opt_outs()), chosen),
        }
    }

    fn with_header(
        (header, above): (&Record, &[Record]),
        samples: &Samples<'_>,
        chosen: &ChosenColumns,
    ) -> Result<Self, ImportError> {
        let titles: Vec<_> = header.values.iter().map(|value| decode(value).0.into_owned()).collect();
        let names: Vec<_> = titles.iter().enumerate().map(|(i, title)| shown(i, title)).collect();
        let keys: Vec<_> = titles.iter().map(|title| key(title)).collect();
        let phone = || phone_by_header(&keys, samples).or_else(|| samples.phone_column(keys.len()));
        let name = |phone| name_by_header((&keys, &titles), phone);
        // A first row of one cell is the list's title, whatever it says.
        let is_title = names.len() > 1 && keys.iter().filter(|key| !key.is_empty()).count() == 1;
        let opt_outs = if is_title { Vec::new() } else { OptOutColumn::of_header(header, above, samples) };
        let mut columns = Self::decided(names, Header::FirstRow, chosen, (phone, name))?;
        if let Some(chosen) = &mut columns.chosen_opt_outs {
            chosen.title = columns.opt_outs.first().map(|of| keys[of.column].clone()).filter(|key| !key.is_empty());
        }
        let of_others = OptOutColumn::of_other_headers(samples.rows, columns.phone);
        Ok(columns.with_opt_outs(opt_outs).with_opt_outs(of_others).with_other_phones(samples, chosen))
    }

    fn without_header(
        first: &Record,
        (samples, opt_outs): (&Samples<'_>, Vec<OptOutColumn>),
        chosen: &ChosenColumns,
    ) -> Result<Self, ImportError> {
        let width = first.values.len();
        let names: Vec<_> = (0..width).map(|i| shown(i, "")).collect();
        let phone = || samples.phone_column(width);
        let named = chosen.opt_outs.as_ref().and_then(|wanted| chosen_column(&names, wanted).ok());
        let is_opt_out = |column: usize| opt_outs.iter().any(|opt_out| opt_out.column == column);
        let is_name =
            |column: usize| !is_opt_out(column) && named != Some(column) && samples.mostly(column, looks_like_name);
        let name = |phone| (0..width).find(|column| *column != phone && is_name(*column));
        let columns = Self::decided(names, Header::None, chosen, (phone, name))?;
        Ok(columns.with_opt_outs(opt_outs).with_other_phones(samples, chosen))
    }

    /// Those that were chosen, and guesses for the others.
    fn decided(
        names: Vec<String>,
        header: Header,
        chosen: &ChosenColumns,
        (guess_phone, guess_name): (impl FnOnce() -> Option<usize>, impl FnOnce(usize) -> Option<usize>),
    ) -> Result<Self, ImportError> {
        let phone = match &chosen.phone {
            Some(column) => Some(chosen_column(&names, column)?),
            None => guess_phone(),
        };
        let Some(phone) = phone else {
            return Err(ImportError::NoPhones { columns: names, sheet: String::new() });
        };
        let opt_outs = columns_of_opt_outs(&names, phone, chosen)?;
        let name = match &chosen.name {
            ChosenName::Guessed => guess_name(phone),
            ChosenName::None => None,
            ChosenName::Column(column) => Some(chosen_column(&names, column)?),
        };
        if name == Some(phone) {
            return Err(ImportError::SameColumn { column: names[phone].clone(), other: "the name" });
        }
        let is_name_chosen = !matches!(chosen.name, ChosenName::Guessed);
        let chosen_opt_outs = opt_outs.first().map(|of| ChosenOptOuts::of(&names, of.column, chosen));
        let (takes_opt_outs, other_phones) = (false, Vec::new());
        Ok(Self { names, phone, name, is_name_chosen, opt_outs, chosen_opt_outs, takes_opt_outs, other_phones, header })
    }

    fn with_opt_outs(mut self, opt_outs: Vec<OptOutColumn>) -> Self {
        self.add_opt_outs(opt_outs);
        self
    }

    /// A guess between several columns of phones is said to be one.
    fn with_other_phones(self, samples: &Samples<'_>, chosen: &ChosenColumns) -> Self {
        let is_other =
            |column: &usize| *column != self.phone && samples.mostly(*column, |value| samples.is_known(value));
        let columns = if chosen.phone.is_none() { 0..self.names.len() } else { 0..0 };
        Self { other_phones: columns.filter(is_other).collect(), ..self }
    }

    /// What a column is chosen by: its name, or its place where one before it has the same.
    pub(super) fn reference(&self, column: usize) -> String {
        let is_first = position(&self.names, &self.names[column]) == Some(column);
        if is_first { self.names[column].clone() } else { numbered(column) }
    }

    /// What the column is chosen by that somebody said has who wants no messages.
    pub(super) fn chosen_opt_outs(&self) -> Option<&str> {
        self.chosen_opt_outs.as_ref().map(|chosen| chosen.reference.as_str())
    }

    /// Whether the message finds a column for each of its variables.
    pub(super) fn serve(&self, content: &BlastContent) -> Result<(), ImportError> {
        let Some(missing) = content.columns().into_iter().find(|variable| !self.has(variable)) else { return Ok(()) };
        Err(ImportError::UnknownVariable {
            nearest: text::nearest(&missing, self.names.iter().map(String::as_str)).map(str::to_owned),
            columns: self.names.clone(),
            name: missing,
        })
    }

    fn has(&self, variable: &str) -> bool {
        (variable == NAME && (self.name.is_some() || self.is_name_chosen))
            || self.names.iter().any(|name| fold_name(name) == variable)
    }
}

fn position(names: &[String], wanted: &str) -> Option<usize> {
    let exact = names.iter().position(|name| name == wanted);
    exact.or_else(|| names.iter().position(|name| fold_name(name) == fold_name(wanted)))
}

/// The column that somebody named.
fn chosen_column(names: &[String], wanted: &str) -> Result<usize, ImportError> {
    let by_place = || (0..names.len()).find(|column| numbered(*column) == wanted.trim());
    position(names, wanted.trim()).or_else(by_place).ok_or_else(|| ImportError::NoSuchColumn {
        name: wanted.to_owned(),
        nearest: text::nearest(wanted, names.iter().map(String::as_str)).map(str::to_owned),
        columns: names.to_vec(),
    })
}

fn numbered(column: usize) -> String {
    format!("column {}", column + 1)
}

fn shown(column: usize, title: &str) -> String {
    let title: String = text::clean(title).trim().chars().take(100).collect();
    if title.is_empty() { numbered(column) } else { title }
}

/// The column whose header names a phone and whose first rows confirm it; else the first whose header does.
fn phone_by_header(keys: &[String], samples: &Samples<'_>) -> Option<usize> {
    let exact = PHONE_HEADERS.iter().flat_map(|wanted| positions(keys, move |key| key == *wanted));
    let parts = positions(keys, |key| PHONE_PARTS.iter().any(|part| key.contains(part)));
    let candidates: Vec<usize> = exact.chain(parts).collect();
    let borne_out = candidates.iter().copied().find(|column| samples.mostly(*column, |value| samples.is_phone(value)));
    let any_phone = || candidates.iter().copied().find(|column| samples.any(*column, |value| samples.is_phone(value)));
    borne_out.or_else(any_phone).or_else(|| samples.phone_column(keys.len())).or(candidates.first().copied())
}

fn positions<'a>(keys: &'a [String], test: impl Fn(&str) -> bool + 'a) -> impl Iterator<Item = usize> + 'a {
    keys.iter().enumerate().filter(move |(_, key)| test(key)).map(|(column, _)| column)
}

fn name_by_header((keys, titles): (&[String], &[String]), phone: usize) -> Option<usize> {
    let exact = NAME_HEADERS.iter().flat_map(|wanted| positions(keys, move |key| key == *wanted));
    let longer = positions(keys, |key| NAME_ENDS.iter().any(|end| key.ends_with(end)));
    let in_languages = (0..titles.len()).filter(|column| is_name_in_languages(&titles[*column]));
    exact.chain(longer).chain(in_languages).find(|column| *column != phone)
}

/// The same in several languages: `Nama / 姓名`, `Name (Nama)`.
fn is_name_in_languages(title: &str) -> bool {
    let parts = title.split(['/', '|', '(', ')', '（', '）', '\n']).map(key).filter(|key| !key.is_empty());
    let parts: Vec<_> = parts.collect();
    !parts.is_empty() && parts.iter().all(|part| NAME_HEADERS.contains(&part.as_str()))
}

fn looks_like_name(value: &str) -> bool {
    value.chars().any(char::is_alphabetic) && !value.chars().any(|c| c.is_ascii_digit() || c == '@')
}

/// The first people of a file.
struct Samples<'a> {
    rows: &'a [Record],
    region: Region,
}

impl Samples<'_> {
    /// The first column that holds phones: numbers of known ranges, else numbers at least as long as phones are.
    fn phone_column(&self, width: usize) -> Option<usize> {
        let long = |value: &str| self.is_phone(value) && value.chars().filter(char::is_ascii_digit).count() >= 9;
        let known = (0..width).find(|column| self.mostly(*column, |value| self.is_known(value)));
        known.or_else(|| (0..width).find(|column| self.mostly(*column, long)))
    }

    /// Whether it is a number of a known range.
    fn is_known(&self, value: &str) -> bool {
        Phone::parse(value, self.region).is_ok_and(|phone| phone.is_valid_pattern())
    }

    fn is_phone(&self, value: &str) -> bool {
        Phone::parse(value, self.region).is_ok()
    }

    fn values(&self, column: usize) -> impl Iterator<Item = Cow<'_, str>> {
        let values = self.rows.iter().filter_map(move |row| row.values.get(column));
        values.map(|value| decode(value).0).filter(|value| !value.trim().is_empty())
    }

    fn any(&self, column: usize, test: impl Fn(&str) -> bool) -> bool {
        self.values(column).any(|value| test(&value))
    }

    /// At least half of the rows, those without a value among them.
    fn in_most_rows(&self, column: usize, test: impl Fn(&str) -> bool) -> bool {
        let passed = self.values(column).filter(|value| test(value)).count();
        passed > 0 && passed * 2 >= self.rows.len()
    }

    /// At least half of those that are there.
    fn mostly(&self, column: usize, test: impl Fn(&str) -> bool) -> bool {
        let (mut all, mut passed) = (0_usize, 0_usize);
        for value in self.values(column) {
            all += 1;
            passed += usize::from(test(&value));
        }
        all > 0 && passed * 2 >= all
    }
}
