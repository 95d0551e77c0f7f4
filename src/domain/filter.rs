//! The filter language of the recipient table: terms, parsed once, evaluated by Postgres. Knows no columns.
//!
//! | term | who it finds |
//! |---|---|
//! | `ali`, `"siti aminah"` | the word anywhere in the name, the note or the number |
//! | `6789`, `012-345 6789`, `+60 12-345 6789` | these digits in the number, in any spelling; with leading zeros the number's end, with one also its beginning as it is dialled at home. Up to six also in the name |
//! | `status:read`, `status:sent,read` | in this status; `received` is `delivered` |
//! | `stuck:read`, `stuck:sent,received` | reached this stage, or one of these, and no further |
//! | `phone:6012` `name:ali` `note:price` | digits of the number, a part of the name, a part of the note |
//! | `phone:*6789` | the number ends in these digits |
//! | `tag:vip`, `tag:vip,gold` | a customer who has this tag, or one of these |
//! | `list:raya` | who is in this list that is kept |
//! | `older:48h`, `older:2026-11-20` | at their stage for so long, or since before a moment |
//! | `code:131026` `provider:PENDING` | the provider's error code, the provider's own word |
//! | `has:reply` `has:note` `has:amount` | who has one |
//! | `stuck:cart` | `has:cart older:24h`: a cart for a day, and no order |
//! | `has:cart` | who has a cart and ordered nothing since; `older:` beside it is about the cart |
//! | `has:first-try` `has:retry` | who waits for it |
//! | `replied>14:00`, `sent<2026-11-20`, `sent<48h` | the stage's time, from or before a moment; a date is its first moment, a span counts back from now |
//! | `-status:failed` | everybody but these |
//!
//! Terms are parted by blanks and must all hold; a value with blanks stands in double quotes, a quote in it is doubled.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::status::Status;

pub mod blasts;
mod moment;
mod parse;
pub mod segment;
mod token;
mod words;

#[cfg(test)]
mod tests;

pub use parse::{CART_STUCK, FilterError, status, waiting_carts, waiting_carts_age};
pub use words::in_words;

/// How many digits may be the end of a number that somebody read off a phone: fewer are too common, more are a number.
const ENDING: RangeInclusive<usize> = 2..=8;

/// Terms that must all hold. Empty: everybody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub terms: Vec<Term>,
}

/// One term, perhaps negated (`-status:failed`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    pub sense: Sense,
    pub test: Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sense {
    Is,
    IsNot,
}

/// What a term asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Test {
    /// `status:read`: in this status.
    Status(Status),
    /// `status:sent,read`: in one of these.
    OneOf(Vec<Status>),
    /// `stuck:read`: reached this stage and no further.
    Stuck(Status),
    /// `stuck:sent,received`: reached one of these stages and no further.
    StuckAtOneOf(Vec<Status>),
    /// `phone:6012`, or a bare word of digits: digits anywhere in the number; spelling does not matter. Digits that open
    /// with a 0 are its end, or its beginning as it is dialled at home.
    Phone(String),
    /// `phone:*6789`: the number ends in these digits.
    PhoneEnd(String),
    /// `name:ali`: anywhere in the name, any case.
    Name(String),
    /// A bare word: name, note or number.
    Word(String),
    /// `code:131026`.
    Code(String),
    /// `provider:PENDING`: the provider's own word for the status, any case.
    Provider(String),
    /// `tag:vip`, `tag:vip,gold`: of a customer whom an operator tagged so, with one of these.
    Tag(Vec<String>),
    /// `list:raya`: in the list that is kept under this name.
    List(String),
    /// `note:price`.
    Note(String),
    /// `has:reply`, `has:note`, `has:amount`, `has:cart`, `has:first-try`, `has:retry`.
    Has(Fact),
    /// `replied>14:00`, `sent<2026-11-20`: a stage's time, from or before a moment.
    Time { stage: Status, side: Side, at: DateTime<Utc> },
    /// `older:48h`: at their stage since before a moment.
    Older(DateTime<Utc>),
    /// The same beside `has:cart`: their cart is as it is since before a moment.
    OlderCart(DateTime<Utc>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Reply,
    Note,
    Amount,
    /// An open cart, and no order since.
    Cart,
    /// Waits for the first message ever.
    FirstTry,
    /// Waits to be tried again.
    Retry,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// At that time or later.
    After,
    Before,
}

impl Filter {
    /// Whether it asks for what customers have whoever's customers they are: their tags, and the lists that they are on.
    pub fn asks_customers(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.test, Test::Tag(_) | Test::List(_)))
    }

    /// Reads a filter as typed. Times without a zone are read in `zone`, a time without a day means today; empty text
    /// finds everybody.
    pub fn parse(text: &str, now: DateTime<Utc>, zone: chrono_tz::Tz) -> Result<Self, FilterError> {
        parse::filter(text, moment::MomentParser { now, zone })
    }

    /// A person by what somebody knows of them: digits of the number in any spelling, else words of the name.
    pub fn person(text: &str) -> Self {
        parse::person(text)
    }

    /// Who reached this stage and no further.
    pub fn stuck(stage: Status) -> Self {
        Self::only(Test::Stuck(stage))
    }

    /// Who failed with this code of the provider's, whatever is in it.
    pub fn failed_with(code: &str) -> Self {
        let is = |test| Term { sense: Sense::Is, test };
        Self { terms: vec![is(Test::Status(Status::Failed)), is(Test::Code(code.to_owned()))] }
    }

    /// Who is in this status.
    pub fn status(status: Status) -> Self {
        Self::only(Test::Status(status))
    }

    /// Who is in one of these statuses.
    pub fn one_of(statuses: &[Status]) -> Self {
        Self::only(Test::OneOf(statuses.to_vec()))
    }

    fn only(test: Test) -> Self {
        Self { terms: vec![Term { sense: Sense::Is, test }] }
    }

    /// The same filter for those alone whose number ends in the digits that were typed, with these digits; `None` where no few
    /// digits are sought. A name or a number that has them elsewhere is not found by it.
    pub fn by_ending(&self) -> Option<(String, Self)> {
        let (at, digits) = self.terms.iter().enumerate().find_map(|(at, term)| match (&term.test, term.sense) {
            (Test::Phone(digits), Sense::Is) if ENDING.contains(&digits.len()) => Some((at, digits.clone())),
            _ => None,
        })?;
        let mut ending = self.clone();
        ending.terms[at].test = Test::PhoneEnd(digits.clone());
        Some((digits, ending))
    }

    /// Whether it asks for somebody by name or number, and not for a group such as all who read it.
    pub fn seeks_somebody(&self) -> bool {
        let is_person = |term: &Term| {
            matches!(term.test, Test::Word(_) | Test::Name(_) | Test::Phone(_) | Test::PhoneEnd(_))
                && term.sense == Sense::Is
        };
        self.terms.iter().any(is_person)
    }

    /// Whether it finds everybody.
    pub const fn is_everybody(&self) -> bool {
        self.terms.is_empty()
    }

    /// The statuses that its terms allow, in the screen's order; all of them when it names none.
    pub fn statuses(&self) -> Vec<Status> {
        Status::ALL.into_iter().filter(|status| self.terms.iter().all(|term| term.allows(*status))).collect()
    }

    /// The terms that ask for more than a status.
    pub fn beyond_status(&self) -> impl Iterator<Item = &Term> {
        self.terms.iter().filter(|term| !term.test.is_about_status())
    }
}

impl Term {
    /// Whether somebody in this status can pass; terms about other things allow every status.
    fn allows(&self, status: Status) -> bool {
        // People there who were not asked about are not stuck, so the status cannot be excluded as a whole.
        if self.sense == Sense::IsNot && status == Status::Sent && self.test.is_stuck_at_sent() {
            return true;
        }
        let named = match &self.test {
            Test::Status(wanted) | Test::Stuck(wanted) => *wanted == status,
            Test::OneOf(wanted) | Test::StuckAtOneOf(wanted) => wanted.contains(&status),
            _ => return true,
        };
        named == (self.sense == Sense::Is)
    }
}

impl Test {
    fn is_about_status(&self) -> bool {
        match self {
            Self::Status(_) | Self::OneOf(_) => true,
            // At *sent* it also matters whether somebody was asked about.
            Self::Stuck(_) | Self::StuckAtOneOf(_) => !self.is_stuck_at_sent(),
            _ => false,
        }
    }

    fn is_stuck_at_sent(&self) -> bool {
        match self {
            Self::Stuck(stage) => *stage == Status::Sent,
            Self::StuckAtOneOf(stages) => stages.contains(&Status::Sent),
            _ => false,
        }
    }
}

impl Fact {
    pub(crate) const ALL: [Self; 6] = [Self::Reply, Self::Note, Self::Amount, Self::Cart, Self::FirstTry, Self::Retry];

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Note => "note",
            Self::Amount => "amount",
            Self::Cart => "cart",
            Self::FirstTry => "first-try",
            Self::Retry => "retry",
        }
    }
}

/// Prints the filter as one would type it; reading that gives the same filter.
impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut before: Option<&Term> = None;
        for term in &self.terms {
            if before.is_some() {
                f.write_str(" ")?;
            }
            // Two bare numbers in a row would read as one with a blank in it.
            let follows_number = before.is_some_and(|before| matches!(before.test, Test::Phone(_)));
            match &term.test {
                Test::Phone(digits) if follows_number => write!(f, "{}phone:{digits}", term.sign())?,
                _ => write!(f, "{term}")?,
            }
            before = Some(term);
        }
        Ok(())
    }
}

impl Term {
    const fn sign(&self) -> &'static str {
        match self.sense {
            Sense::Is => "",
            Sense::IsNot => "-",
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.sign(), self.test)
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status:{}", status.word()),
            Self::OneOf(statuses) => {
                let words: Vec<_> = statuses.iter().map(|status| status.word()).collect();
                write!(f, "status:{}", words.join(","))
            }
            Self::Stuck(status) => write!(f, "stuck:{}", status.word()),
            Self::StuckAtOneOf(stages) => {
                let words: Vec<_> = stages.iter().map(|stage| stage.word()).collect();
                write!(f, "stuck:{}", words.join(","))
            }
            Self::Phone(digits) => f.write_str(digits),
            Self::PhoneEnd(digits) => write!(f, "phone:*{digits}"),
            Self::Name(text) => write!(f, "name:{}", token::quoted(text)),
            Self::Word(text) => f.write_str(&token::quoted(text)),
            Self::Code(text) => write!(f, "code:{}", token::quoted(text)),
            Self::Tag(tags) => write!(f, "tag:{}", token::quoted(&tags.join(","))),
            Self::List(text) => write!(f, "list:{}", token::quoted(text)),
            Self::Provider(text) => write!(f, "provider:{}", token::quoted(text)),
            Self::Note(text) => write!(f, "note:{}", token::quoted(text)),
            Self::Has(fact) => write!(f, "has:{}", fact.word()),
            Self::Time { stage, side, at } => {
                let sign = if *side == Side::After { '>' } else { '<' };
                write!(f, "{}{sign}{}", stage.word(), at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
            Self::Older(at) | Self::OlderCart(at) => {
                write!(f, "older:{}", at.to_rfc3339_opts(SecondsFormat::AutoSi, true))
            }
        }
    }
}
