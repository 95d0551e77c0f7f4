//! The filter of a list of blasts: the words of `blast list`, written like the filter of people. Knows no columns.
//!
//! | term | which blasts |
//! |---|---|
//! | `raya`, `"raya promo"` | the words anywhere in the name, which is the tag, and a follow-up's stage |
//! | `tag:raya` `stage:"follow-up 1"` | in the tag alone, in the stage alone |
//! | `state:sending`, `state:paused,draft` | in this state, or one of these; also as lists show it: `starts`, `waits`, `asks` |
//! | `date:2026-11-20` | of this day; also `today` and `yesterday` |
//! | `from:2026-11-01` `to:2026-11-30` | from this day on; up to it, inclusive |
//! | `-state:done` | all but these |

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::Sense;
use super::token::{self, FilterToken, KeyOperator, TokenKey};
use crate::domain::blast::{BlastState, blast_name};
use crate::domain::text::{clean, nearest};
use crate::domain::zone;

/// The words before `:`, which are the options of `blast list`.
const KEYS: [&str; 6] = ["tag", "stage", "state", "date", "from", "to"];

/// What lists call a blast beside its state.
const SHOWN: [&str; 6] = ["starts", "waits", "asks", "repeats", "over", "ended"];

/// Terms that must all hold. Empty: every blast.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BlastSearch {
    terms: Vec<BlastTerm>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct BlastTerm {
    sense: Sense,
    test: BlastTest,
}

/// Texts are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum BlastTest {
    Name(String),
    Tag(String),
    Stage(String),
    /// In one of these.
    State(Vec<StateWord>),
    /// From a moment on, and before another one.
    Dated {
        from: Option<DateTime<Utc>>,
        before: Option<DateTime<Utc>>,
    },
}

/// A state as one types it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateWord {
    State(BlastState),
    /// The first word of what lists show.
    Shown(&'static str),
}

/// What a search asks of a blast.
#[derive(Debug, Clone, Copy)]
pub struct SearchedBlast<'a> {
    pub tag: &'a str,
    pub stage: &'a str,
    pub state: BlastState,
    /// Its state as lists show it.
    pub shown: &'a str,
    pub date: DateTime<Utc>,
}

/// Why a search is invalid. Each says what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BlastSearchError {
    #[error("`{word}:` is not known: {}", match nearest { Some(key) => format!("did you mean `{key}:`?"), None => KEYS.join(", ") })]
    UnknownKey { word: String, nearest: Option<&'static str> },
    #[error("`{0}` is not known: of a day write date:, from: or to:")]
    NoTime(String),
    #[error("`{word}` is not a state: {}", match nearest { Some(state) => format!("did you mean `{state}`?"), None => states().join(", ") })]
    UnknownState { word: String, nearest: Option<&'static str> },
    #[error("`{0}` is not a day: write 2026-12-01, today or yesterday")]
    NotADay(String),
    #[error("`{0}` wants a value after it")]
    NoValue(String),
}

/// The states as one types them.
pub fn states() -> Vec<&'static str> {
    BlastState::ALL.map(BlastState::label).into_iter().chain(SHOWN).collect()
}

impl BlastSearch {
    /// Reads a search as typed; days are those of `zone`. Empty text finds every blast.
    pub fn parse(text: &str, now: DateTime<Utc>, zone: Tz) -> Result<Self, BlastSearchError> {
        let today = now.with_timezone(&zone).date_naive();
        let mut terms = Vec::new();
        for token in token::split(text) {
            let test = test(&token, (today, zone))?;
            terms.extend(test.map(|test| BlastTerm { sense: token.sense, test }));
        }
        Ok(Self { terms })
    }

    /// Whether it finds every blast.
    pub const fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn finds(&self, blast: SearchedBlast<'_>) -> bool {
        self.terms.iter().all(|term| term.test.holds(blast) == (term.sense == Sense::Is))
    }
}

impl BlastTest {
    fn holds(&self, blast: SearchedBlast<'_>) -> bool {
        let has = |text: &str, part: &str| text.to_lowercase().contains(part);
        match self {
            Self::Name(part) => has(&blast_name(blast.tag, blast.stage), part),
            Self::Tag(part) => has(blast.tag, part),
            Self::Stage(part) => has(blast.stage, part),
            Self::State(words) => words.iter().any(|word| word.holds(blast)),
            Self::Dated { from, before } => {
                from.is_none_or(|from| blast.date >= from) && before.is_none_or(|before| blast.date < before)
            }
        }
    }
}

impl StateWord {
    /// Reads a word of [`states`] in any case; also what programs call some of them, and the whole of what lists show.
    pub fn parse(word: &str) -> Option<Self> {
        let word = word.trim().to_lowercase();
        if let Some(state) = BlastState::from_word(&word) {
            return Some(Self::State(state));
        }
        let word = if word == "armed" { "starts" } else { word.split(' ').next().unwrap_or_default() };
        SHOWN.into_iter().find(|shown| *shown == word).map(Self::Shown)
    }

    fn holds(self, blast: SearchedBlast<'_>) -> bool {
        self.is_of(blast.state, blast.shown)
    }

    /// Whether it is the word of a blast in this state, which lists show as `shown`.
    pub fn is_of(self, state: BlastState, shown: &str) -> bool {
        match self {
            Self::State(own) => own == state,
            Self::Shown(word) => shown.split(' ').next() == Some(word),
        }
    }
}

fn test(token: &FilterToken, days: (NaiveDate, Tz)) -> Result<Option<BlastTest>, BlastSearchError> {
    let value = token.value.trim();
    let Some(key) = &token.key else {
        return Ok((!value.is_empty()).then(|| BlastTest::Name(value.to_lowercase())));
    };
    if key.operator != KeyOperator::Colon {
        return Err(BlastSearchError::NoTime(typed(key)));
    }
    let Some(known) = KEYS.into_iter().find(|known| *known == key.word) else {
        return Err(BlastSearchError::UnknownKey { word: shown(&key.word), nearest: nearest(&key.word, KEYS) });
    };
    if value.is_empty() {
        return Err(BlastSearchError::NoValue(typed(key)));
    }
    Ok(Some(match known {
        "tag" => BlastTest::Tag(value.to_lowercase()),
        "stage" => BlastTest::Stage(value.to_lowercase()),
        "state" => BlastTest::State(states_in(value)?),
        key => dated(key, value, days)?,
    }))
}

fn states_in(value: &str) -> Result<Vec<StateWord>, BlastSearchError> {
    let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
    let read = |word| {
        let unknown = || BlastSearchError::UnknownState { word: shown(word), nearest: nearest(word, states()) };
        StateWord::parse(word).ok_or_else(unknown)
    };
    let read: Vec<_> = words.map(read).collect::<Result<_, _>>()?;
    if read.is_empty() { Err(BlastSearchError::NoValue("state:".to_owned())) } else { Ok(read) }
}

fn dated(key: &str, value: &str, (today, zone): (NaiveDate, Tz)) -> Result<BlastTest, BlastSearchError> {
    let day = match value.to_lowercase().as_str() {
        "today" => Some(today),
        "yesterday" => today.pred_opt(),
        day => zone::parse_day(day).ok(),
    };
    let day = day.ok_or_else(|| BlastSearchError::NotADay(shown(value)))?;
    let (begins, ends) = (zone::begins(day, zone), day.succ_opt().and_then(|next| zone::begins(next, zone)));
    Ok(BlastTest::Dated { from: begins.filter(|_| key != "to"), before: ends.filter(|_| key != "from") })
}

/// A key with its operator, as it was typed.
fn typed(key: &TokenKey) -> String {
    let operator = match key.operator {
        KeyOperator::Colon => ':',
        KeyOperator::After => '>',
        KeyOperator::Before => '<',
    };
    format!("{}{operator}", shown(&key.word))
}

/// A typed word as an error may repeat it: harmless, and not for ever.
fn shown(word: &str) -> String {
    clean(word).chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use chrono_tz::Asia::Kuala_Lumpur;
    use proptest::prelude::{any, proptest};

    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-20T06:02:00Z".parse().unwrap()
    }

    fn read(text: &str) -> Result<BlastSearch, BlastSearchError> {
        BlastSearch::parse(text, now(), Kuala_Lumpur)
    }

    #[test]
    fn operations_says_of_every_word_for_people_which_one_programs_read() {
        let page = include_str!("../../../docs/OPERATIONS.md");
        let (_, table) = page.split_once("### Which word stands for which").unwrap();
        let (table, _) = table.split_once("\n## ").unwrap();

        for word in SHOWN {
            assert!(table.contains(&format!("| `{word}` | `")), "{word}");
        }
        let other: Vec<_> = BlastState::ALL.into_iter().filter(|state| state.label() != state.word()).collect();
        for state in other {
            let (label, word) = (state.label(), state.word());
            assert!(table.contains(&format!("| {label} | `{label}`, or `{word}` | `{word}` |")), "{label}");
        }
    }

    fn blast<'a>(tag: &'a str, stage: &'a str, state: BlastState, date: &str) -> SearchedBlast<'a> {
        SearchedBlast { tag, stage, state, shown: state.label(), date: date.parse().unwrap() }
    }

    /// Which of three blasts a text finds, by their initials.
    fn found(text: &str) -> String {
        let all = [
            ('r', blast("Raya promo", "Initial", BlastState::Sending, "2026-11-20T04:00:00Z")),
            ('f', blast("Raya promo", "Follow-up 1", BlastState::Draft, "2026-11-19T15:59:59Z")),
            ('d', blast("Deepavali", "Initial", BlastState::Completed, "2026-10-31T16:00:00Z")),
        ];
        let search = read(text).unwrap_or_else(|why| panic!("{text}: {why}"));
        all.into_iter().filter(|(_, blast)| search.finds(*blast)).map(|(initial, _)| initial).collect()
    }

    #[test]
    fn words_are_sought_in_the_name_and_terms_in_what_they_name() {
        for (text, blasts) in [
            ("", "rfd"),
            ("RAYA", "rf"),
            ("promo raya", "rf"),
            ("\"raya promo, follow\"", "f"),
            ("initial", ""),
            ("stage:initial", "rd"),
            ("stage:\"follow-up 1\"", "f"),
            ("tag:follow", ""),
            ("-raya", "d"),
            ("state:sending", "r"),
            ("State:DONE,draft", "fd"),
            ("state:completed", "d"),
            ("-state:done", "rf"),
            ("raya -state:sending", "f"),
        ] {
            assert_eq!(found(text), blasts, "{text}");
        }
    }

    #[test]
    fn days_begin_and_end_by_the_clocks_of_the_shop() {
        for (text, blasts) in [
            ("date:2026-11-20", "r"),
            ("date:today", "r"),
            ("date:yesterday", "f"),
            ("date:2026-11-01", "d"),
            ("from:2026-11-19", "rf"),
            ("to:2026-11-19", "fd"),
            ("from:2026-11-01 to:2026-11-19", "fd"),
            ("-date:today", "fd"),
        ] {
            assert_eq!(found(text), blasts, "{text}");
        }
    }

    #[test]
    fn a_state_is_also_what_lists_show() {
        let shown = |shown| SearchedBlast {
            shown,
            ..blast("Raya promo", "Initial", BlastState::Sending, "2026-11-20T04:00:00Z")
        };
        let finds = |text: &str, blast| read(text).unwrap().finds(blast);

        assert!(finds("state:waits", shown("waits")) && finds("state:sending", shown("waits")));
        assert!(finds("state:starts", shown("starts")) && finds("state:armed", shown("starts")));
        assert!(finds("state:asks", shown("asks you")) && finds("state:\"asks you\"", shown("asks you")));
        assert!(!finds("state:waits", shown("sending")));
    }

    #[test]
    fn what_is_not_known_says_what_to_write() {
        let said = |text: &str| read(text).unwrap_err().to_string();

        assert_eq!(said("stats:sending"), "`stats:` is not known: did you mean `state:`?");
        assert_eq!(said("sender:sales"), "`sender:` is not known: tag, stage, state, date, from, to");
        assert_eq!(said("sent>14:00"), "`sent>` is not known: of a day write date:, from: or to:");
        assert_eq!(said("state:sendin"), "`sendin` is not a state: did you mean `sending`?");
        assert!(
            said("state:on-hold")
                .ends_with("paused, done, cancelled, failed, starts, waits, asks, repeats, over, ended")
        );
        assert_eq!(said("date:20.11."), "`20.11.` is not a day: write 2026-12-01, today or yesterday");
        assert_eq!((said("state:"), said("state:,")), ("`state:` wants a value after it".to_owned(), said("state:")));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_explained(text in any::<String>()) {
            if let Err(why) = read(&text) {
                assert!(!why.to_string().contains('\u{1b}'));
            }
        }
    }
}
