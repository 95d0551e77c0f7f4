//! Whom a blast goes to, named by the people of earlier ones: `blast:7 stuck:read -has:reply older:48h`. The same terms as in the
//! recipient table, and the blasts that they are asked of.

use std::fmt;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::moment::MomentParser;
use super::token::{self, FilterToken, KeyOperator};
use super::{Fact, Filter, FilterError, Sense, Term, Test, parse};
use crate::domain::ids::BlastId;
use crate::domain::status::Status;
use crate::domain::text::clean;

/// The most blasts that one segment may name.
const BLASTS_MAX: usize = 50;

/// The people of some blasts that a filter finds; without a blast, of every launched one of the business. Of somebody who is in several of them the newest message counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    pub blasts: Vec<BlastId>,
    pub filter: Filter,
}

impl Segment {
    /// At which stage of this blast everybody of it is stuck, before they replied; `None` where it does not say so.
    pub fn stuck_in(&self, blast: Option<BlastId>) -> Option<Status> {
        let is_of_it = self.blasts.iter().all(|named| Some(*named) == blast) && !self.blasts.is_empty();
        let mut stages = self.filter.terms.iter().filter_map(|term| match (&term.test, term.sense) {
            (Test::Stuck(stage), Sense::Is) => Some(*stage),
            _ => None,
        });
        stages.next_back().filter(|stage| is_of_it && *stage < Status::Replied)
    }
}

/// Where and when a segment is read: times without a zone are in this one, spans are counted back from now.
#[derive(Debug, Clone, Copy)]
pub struct SegmentReader {
    pub now: DateTime<Utc>,
    pub zone: Tz,
    /// Whose people are meant where no blast is named.
    pub blast: Option<BlastId>,
}

/// Why a segment cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SegmentError {
    #[error(
        "name the blasts whose people are meant: blast:7, or blast:7,9; or a tag of customers: tag:vip; or a list that is kept: list:raya"
    )]
    NoBlast,
    #[error("character {at}, `{word}`: {why}")]
    At { at: usize, word: String, why: String },
    #[error("{0}")]
    Whole(FilterError),
}

impl SegmentReader {
    /// Reads a segment as typed.
    pub fn read(self, text: &str) -> Result<Segment, SegmentError> {
        if text.len() > parse::TEXT_MAX {
            return Err(SegmentError::Whole(FilterError::TooLong));
        }
        let located = |at: usize, why: String| SegmentError::At { at, word: word_at(text, at), why };
        let (named, others): (Vec<_>, Vec<_>) = token::split(text).into_iter().partition(names_blasts);
        let mut blasts = Vec::new();
        for token in &named {
            let ids = blasts_of(token).map_err(|why| located(token.at, why))?;
            for id in ids {
                if !blasts.contains(&id) {
                    blasts.push(id);
                }
            }
        }
        blasts.extend(self.blast.filter(|_| blasts.is_empty()));
        let moments = MomentParser { now: self.now, zone: self.zone };
        let terms = parse::terms(&others, moments).map_err(|(at, error)| located(at, error.to_string()))?;
        let segment = Segment { blasts, filter: Filter { terms } };
        if segment.blasts.is_empty() && !segment.names_people() {
            return Err(SegmentError::NoBlast);
        }
        Ok(segment)
    }
}

fn names_blasts(token: &FilterToken) -> bool {
    token.key.as_ref().is_some_and(|key| key.word == "blast" && key.operator == KeyOperator::Colon)
}

fn blasts_of(token: &FilterToken) -> Result<Vec<BlastId>, String> {
    if token.sense == Sense::IsNot {
        return Err("a blast is named, not left out: write those whose people are meant".to_owned());
    }
    let ids = token.value.split(',').map(str::trim).filter(|word| !word.is_empty());
    let ids = ids.map(|word| word.parse::<i64>().ok().filter(|id| *id > 0).map(BlastId));
    let ids = ids.collect::<Option<Vec<_>>>().filter(|ids| (1..=BLASTS_MAX).contains(&ids.len()));
    ids.ok_or_else(|| "write ids of blasts, as in `blast list`: blast:7, or blast:7,9".to_owned())
}

/// What stands there, as far as the next blank.
fn word_at(text: &str, at: usize) -> String {
    let rest: String = text.chars().skip(at - 1).take_while(|c| !c.is_whitespace()).take(40).collect();
    clean(&rest).into_owned()
}

impl Segment {
    /// Whether it asks for the customers who have a tag, or a list: these are meant in every blast, where none is named.
    fn names_people(&self) -> bool {
        let names = |term: &Term| term.sense == Sense::Is && matches!(term.test, Test::Tag(_) | Test::List(_));
        self.filter.terms.iter().any(names)
    }

    /// The lists that it names.
    pub fn lists(&self) -> Vec<&str> {
        let terms = self.filter.terms.iter();
        terms.filter_map(|term| if let Test::List(name) = &term.test { Some(name.as_str()) } else { None }).collect()
    }

    /// The list whose people are meant as they are there, whether or not they were ever written to: no condition is on what
    /// a message went through.
    pub fn list_itself(&self) -> Option<&str> {
        let is_of_person = |term: &Term| {
            matches!(
                term.test,
                Test::List(_) | Test::Tag(_) | Test::Name(_) | Test::Word(_) | Test::Phone(_) | Test::PhoneEnd(_)
            )
        };
        let list = |term: &Term| term.sense == Sense::Is && matches!(term.test, Test::List(_));
        let first = self.filter.terms.iter().find(|term| list(term))?;
        let is_whole = self.blasts.is_empty() && self.filter.terms.iter().all(is_of_person);
        if let Test::List(name) = &first.test
            && is_whole
        {
            Some(name)
        } else {
            None
        }
    }

    /// Whether it asks for people who got no further than a stage before a reply.
    pub fn asks_for_who_is_stuck(&self) -> bool {
        let is_before_reply = |stage: &Status| *stage != Status::Replied;
        self.filter.terms.iter().any(|term| {
            term.sense == Sense::Is
                && match &term.test {
                    Test::Stuck(stage) => is_before_reply(stage),
                    Test::StuckAtOneOf(stages) => stages.iter().any(is_before_reply),
                    _ => false,
                }
        })
    }

    /// Whether those who bought are asked for: otherwise they are left out.
    pub fn asks_for_closed(&self) -> bool {
        let asks = |term: &Term| {
            term.sense == Sense::Is
                && match &term.test {
                    Test::Status(status) | Test::Time { stage: status, .. } => *status == Status::Closed,
                    Test::OneOf(statuses) => statuses.contains(&Status::Closed),
                    _ => false,
                }
        };
        // Of customers in general it does not matter that they bought.
        self.blasts.is_empty() || self.filter.terms.iter().any(asks)
    }

    /// Whether those with a cart are asked for: what they bought before it is no reason to leave them out.
    pub fn asks_for_cart(&self) -> bool {
        self.filter.terms.contains(&Term { sense: Sense::Is, test: Test::Has(Fact::Cart) })
    }
}

/// Prints the segment as one would type it.
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.blasts.is_empty() {
            return write!(f, "{}", self.filter);
        }
        let ids: Vec<_> = self.blasts.iter().map(ToString::to_string).collect();
        write!(f, "blast:{}", ids.join(","))?;
        if self.filter.is_everybody() { Ok(()) } else { write!(f, " {}", self.filter) }
    }
}

/// Why somebody whom a segment finds gets no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exclusion {
    OptedOut,
    /// Bought since the message that they are found by, or since the cart.
    Closed,
    /// Replied since they were found; where a filter is read again, it says so itself.
    Replied,
    /// Got as far as a step waits for in another follow-up of the same blast.
    Further,
    /// In a follow-up of the same blast already.
    Followed,
    /// Had another step of the same blast, or a follow-up by hand, or is about to get it, and the time between the two is not over.
    NearStep,
    /// Of a step: had its very message by any blast of the business since they had the one that it follows, or is about to get it.
    SameWords,
    /// Had a message of the business lately, or is about to get one.
    FrequencyCap,
}

impl Exclusion {
    /// In the order of their weight: whoever opted out is counted there, whatever else is true of them.
    pub const ALL: [Self; 8] = [
        Self::OptedOut,
        Self::Closed,
        Self::Replied,
        Self::Further,
        Self::Followed,
        Self::NearStep,
        Self::SameWords,
        Self::FrequencyCap,
    ];

    /// As the store and programs spell it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::OptedOut => "opted_out",
            Self::Closed => "closed",
            Self::Replied => "replied",
            Self::Further => "further",
            Self::Followed => "followed",
            Self::NearStep => "near_step",
            Self::SameWords => "same_words",
            Self::FrequencyCap => "frequency_cap",
        }
    }

    /// After a number of people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::OptedOut => "opted out",
            Self::Closed => "bought since",
            Self::Replied => "replied since",
            Self::Further => "got further in another blast since",
            Self::Followed => "in a follow-up of it already",
            Self::NearStep => "had another follow-up of it recently, or are about to",
            Self::SameWords => "had this very message since, or are about to get it",
            Self::FrequencyCap => "within the frequency cap of another message",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Segment, String> {
        let now = "2026-11-21T09:00:00Z".parse().unwrap();
        SegmentReader { now, zone: Tz::UTC, blast: None }.read(text).map_err(|error| error.to_string())
    }

    #[test]
    fn a_segment_is_blasts_and_a_filter_in_any_order() {
        let segment = read("stuck:read blast:7,9 -has:reply older:48h blast:7").unwrap();

        assert_eq!(segment.blasts, [BlastId(7), BlastId(9)]);
        assert_eq!(segment.to_string(), "blast:7,9 stuck:read -has:reply older:2026-11-19T09:00:00Z");
        assert_eq!(read("blast:7").unwrap().to_string(), "blast:7");
        let tagged = read("tag:vip -has:reply").unwrap();
        assert_eq!((tagged.blasts.len(), tagged.to_string()), (0, "tag:vip -has:reply".to_owned()));
        assert_eq!(read(&tagged.to_string()).unwrap(), tagged);
        assert!(tagged.asks_for_closed() && read("-tag:vip").is_err());
        assert_eq!(read(&segment.to_string()).unwrap(), segment);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, said) in [
            ("stuck:read", "name the blasts"),
            ("", "name the blasts"),
            ("blast:7 stcuk:read", "character 9, `stcuk:read`: `stcuk:` is not known: did you mean `stuck:`?"),
            ("blast:seven", "character 1, `blast:seven`: write ids"),
            ("stuck:read -blast:7", "character 12, `-blast:7`: a blast is named, not left out"),
            ("blast:7 older:soon", "character 9, `older:soon`: `older:soon` is not known"),
            ("blast:-7", "write ids"),
            ("blast:\u{1b}[2J", "write ids"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(said) && !why.contains('\u{1b}'), "{text}: {why}");
        }
    }

    #[test]
    fn a_word_beside_a_list_is_about_its_people_whether_or_not_they_were_written_to() {
        let list = |text: &str| read(text).unwrap().list_itself().map(str::to_owned);

        for text in ["list:raya", "list:raya ali", "list:raya -\"siti aminah\" tag:vip", "list:raya 6789"] {
            assert_eq!(list(text).as_deref(), Some("raya"), "{text}");
        }
        assert_eq!((list("list:raya has:reply"), list("blast:7 list:raya ali")), (None, None));
    }

    #[test]
    fn whoever_asks_for_buyers_gets_them() {
        assert!(read("blast:7 status:closed").unwrap().asks_for_closed());
        assert!(read("blast:7 closed>2026-11-01").unwrap().asks_for_closed());
        assert!(!read("blast:7 -status:closed").unwrap().asks_for_closed());
        assert!(!read("blast:7 stuck:read").unwrap().asks_for_closed());
    }
}
