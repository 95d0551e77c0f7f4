//! The filter language of the recipient table: terms, parsed once, evaluated by Postgres.

use chrono::{DateTime, Utc};

use crate::domain::status::Status;

/// Terms that all must hold. Empty: everybody.
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
    /// `stuck:read`: reached this stage and no further.
    Stuck(Status),
    /// `phone:6012`, or a bare word of digits: digits anywhere in the number; spelling does not matter.
    Phone(String),
    /// `name:ali`: anywhere in the name, any case.
    Name(String),
    /// A bare word: name, note or number.
    Word(String),
    /// `code:131026`.
    Code(String),
    /// `note:price`.
    Note(String),
    /// `has:reply`, `has:note`, `has:amount`.
    Has(Fact),
    /// `replied>14:00`, `sent<2026-11-20`: a stage's time after or before one.
    Time { stage: Status, side: Side, at: DateTime<Utc> },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Reply,
    Note,
    Amount,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    After,
    Before,
}
