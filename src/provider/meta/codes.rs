//! Meta's error codes: one table for HTTP errors and for those in webhooks, and `docs/ERRORS.md`.

use std::fmt::Write as _;
use std::time::Duration;

use crate::domain::retry::{CodeRetry, CodeRule, ErrorClass};

mod table;

pub use table::TABLE;

/// What is known of a code, or of a range of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeEntry {
    first: i64,
    last: i64,
    pub class: ErrorClass,
    /// Meta's own words.
    pub title: &'static str,
    /// What an operator can do, as a sentence.
    pub advice: &'static str,
    pub retry: CodeRetry,
    /// The shortest wait before anything else is tried, where Meta names no other.
    pub wait: Option<Duration>,
    /// What the requirement says of it.
    pub requirement: Option<&'static str>,
}

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl CodeEntry {
    const fn new(code: i64, class: ErrorClass, title: &'static str, advice: &'static str) -> Self {
        Self::range((code, code), class, title, advice)
    }

    const fn range((first, last): (i64, i64), class: ErrorClass, title: &'static str, advice: &'static str) -> Self {
        Self { first, last, class, title, advice, retry: CodeRetry::ByClass, wait: None, requirement: None }
    }

    const fn retry(self, retry: CodeRetry) -> Self {
        Self { retry, ..self }
    }

    const fn wait(self, seconds: u64) -> Self {
        Self { wait: Some(Duration::from_secs(seconds)), ..self }
    }

    const fn requirement(self, says: &'static str) -> Self {
        Self { requirement: Some(says), ..self }
    }

    /// `131026`, or `200 to 299`.
    pub fn codes(&self) -> String {
        if self.first == self.last { self.first.to_string() } else { format!("{} to {}", self.first, self.last) }
    }
}

/// The entry of a code; `None` for one that this version does not know.
pub fn of(code: i64) -> Option<&'static CodeEntry> {
    TABLE.iter().find(|entry| (entry.first..=entry.last).contains(&code))
}

/// The entry of a code as text.
pub fn of_text(code: &str) -> Option<&'static CodeEntry> {
    of(code.trim().parse().ok()?)
}

/// When a code is tried again; nothing special of one that this version does not know.
pub fn rule(code: &str) -> CodeRule {
    of_text(code).map_or_else(CodeRule::default, |entry| CodeRule { retry: entry.retry, wait: entry.wait })
}

/// The class of a failure after the message had an id: never one that would send it again by itself.
pub fn after_acceptance(code: Option<&str>) -> ErrorClass {
    match code.and_then(of_text).map(|entry| entry.class) {
        Some(ErrorClass::Retry | ErrorClass::SlowSender) | None => ErrorClass::FailRecipient,
        Some(class) => class,
    }
}

/// The class of a code for everybody but its recipient: the same whichever way it came. `None`: this version does not know it.
pub fn class(code: &str) -> Option<ErrorClass> {
    of_text(code).map(|entry| entry.class)
}

/// Whether a code, or what stands for one where Meta gave none, says that the token is not taken, or may not do this.
pub fn refuses_token(code: &str) -> bool {
    let is_meta = matches!(code.trim().parse(), Ok(0 | 3 | 10 | 104 | 190 | 200..=299 | 131_005));
    is_meta || matches!(code, "error" | "http_401" | "http_403")
}

/// Whether the number's health, read once more, shows that what a code stopped for is over. Meta reports blocked and restricted numbers
/// there too late, or never (368, 131048), so that only a token or a registration is shown; an event of the account is not.
pub fn is_shown_by_health(code: &str) -> bool {
    let is_registration = matches!(code.trim().parse(), Ok(33 | 131_045 | 133_000 | 133_010));
    refuses_token(code) || is_registration || code == "client" || code.starts_with("http_")
}

/// How much caution a code asks for after the message had an id, where it stands beside others: the more, the higher.
pub fn caution(code: &str) -> u8 {
    match (after_acceptance(Some(code)), rule(code).retry) {
        (ErrorClass::OptOut, _) => 6,
        (ErrorClass::StopSender, _) => 5,
        (ErrorClass::PauseBlast, _) => 4,
        (_, CodeRetry::Never) => 3,
        // Sent again when somebody asks for it, and by itself.
        (_, CodeRetry::OnRequest { .. }) => 1,
        (_, CodeRetry::Automatic { .. }) => 0,
        (_, CodeRetry::ByClass | CodeRetry::UpTo { .. } | CodeRetry::Growing { .. }) => 2,
    }
}

/// `docs/ERRORS.md`.
pub fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    for (class, heading) in CLASSES {
        let _ = write!(page, "\n## {heading}\n\n| code | Meta's words | what to do | again |\n|---|---|---|---|\n");
        for entry in TABLE.iter().filter(|entry| entry.class == class) {
            let (codes, again) = (entry.codes(), again(entry));
            let _ = writeln!(page, "| {codes} | {} | {}. | {again} |", entry.title, capital(entry.advice));
        }
    }
    page
}

const INTRODUCTION: &str = "\
# Errors of Meta's Cloud API

Generated from `src/provider/meta/codes/table.rs`: `UPDATE_DOCS=1 cargo test --lib errors_page` regenerates it.

The same table serves errors that Meta returns at once and those that it reports later by webhook: either way the sender
stops or slows down, the blast pauses or waits, and the recipient opts out. An unknown code fails its recipient when Meta
refuses with HTTP 4xx, and leaves them uncertain with HTTP 5xx; several equal ones in a row pause the blast.

A webhook differs in what has happened already:

* The message had an id. Its recipient fails and is not sent to again, except where the last column has a number of tries or
  says \"when\"; others of the blast are.
* It may come late. A slow-down takes effect only if it is at most a minute old, or as old as the wait that the table names.
* An error outside of any message (`value.errors`) names a number at most. A code that stops or slows a sender does so to the
  senders with that number, or where none is named to those of the account; every other is kept as a notice.
";

const CLASSES: [(ErrorClass, &str); 7] = [
    (ErrorClass::StopSender, "The sender stops until an operator acts"),
    (ErrorClass::PauseBlast, "The blast pauses"),
    (ErrorClass::SlowSender, "The sender slows down and tries again"),
    (ErrorClass::Retry, "Tried again after a while"),
    (ErrorClass::FailRecipient, "This recipient fails"),
    (ErrorClass::OptOut, "The recipient opted out"),
    (ErrorClass::NotNow, "Not now: another day it may arrive"),
];

fn again(entry: &CodeEntry) -> String {
    match (entry.retry, entry.wait) {
        (CodeRetry::Growing { base }, _) => {
            format!("after {base} s, then {} s, and so on: this person only", base * base)
        }
        (CodeRetry::UpTo { tries }, _) => format!("{tries} times in all"),
        (CodeRetry::Automatic { tries, after }, _) => format!("{tries} times in all, {} apart", span(after)),
        (CodeRetry::OnRequest { after }, _) if after.is_zero() => "when an operator says so".to_owned(),
        (CodeRetry::OnRequest { after }, _) => format!("when an operator or a setting says so, after {}", span(after)),
        (CodeRetry::Never, _) => "never".to_owned(),
        (CodeRetry::ByClass, Some(wait)) => format!("by itself, after {} at the earliest", span(wait)),
        (CodeRetry::ByClass, None) => String::new(),
    }
}

fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        _ if seconds.is_multiple_of(3600) => format!("{} h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{} min", seconds / 60),
        _ => format!("{seconds} s"),
    }
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::domain::retry::OPT_OUT_CODE;
    use crate::domain::retry::{OperatorRetry, is_known_unsent};

    #[test]
    fn good_health_shows_a_token_or_a_registration_and_no_end_of_a_restriction() {
        for code in ["190", "0", "210", "131005", "33", "133010", "http_401", "client"] {
            assert!(is_shown_by_health(code), "{code}");
        }
        for code in ["368", "131031", "131048", "131042", "DISABLED_UPDATE", ""] {
            assert!(!is_shown_by_health(code), "{code}");
        }
    }

    #[test]
    fn every_code_of_the_wire_page_has_the_class_that_the_page_gives_it() {
        use ErrorClass::{FailRecipient, NotNow, OptOut, PauseBlast, Retry, SlowSender, StopSender};
        let page: [(ErrorClass, &[i64]); 7] = [
            (
                StopSender,
                &[
                    0, 3, 10, 33, 104, 190, 200, 250, 299, 368, 131_005, 131_031, 131_037, 131_042, 131_045, 131_048,
                    131_063, 131_064, 133_000, 133_010, 134_011, 134_102,
                ],
            ),
            (
                PauseBlast,
                &[
                    132_000, 132_001, 132_007, 132_008, 132_012, 132_015, 132_016, 132_068, 132_069, 134_100, 131_055,
                    134_101,
                ],
            ),
            (SlowSender, &[4, 80_007, 80_008, 130_429, 131_057]),
            (Retry, &[1, 2, 131_000, 131_016, 133_004, 131_056]),
            (
                FailRecipient,
                &[
                    131_021, 131_026, 131_030, 131_047, 131_051, 131_052, 131_053, 131_062, 130_403, 130_497, 132_005,
                    137_000, 100, 131_008, 131_009, 132_018, 135_000,
                ],
            ),
            (OptOut, &[131_050]),
            (NotNow, &[131_049, 130_472]),
        ];
        for (class, codes) in page {
            for code in codes {
                assert_eq!(of(*code).map(|entry| entry.class), Some(class), "{code}");
            }
        }
        let on_the_page: usize = page.iter().map(|(_, codes)| codes.len()).sum();
        assert_eq!(TABLE.len(), on_the_page - 2, "200, 250 and 299 are one entry");
        assert_eq!(of(300), None);
        let opts_out = TABLE.iter().filter(|entry| entry.class == OptOut);
        assert_eq!(opts_out.map(|entry| entry.first.to_string()).collect::<Vec<_>>(), [OPT_OUT_CODE]);
    }

    #[test]
    fn no_code_has_two_entries_and_each_has_advice_that_reads_as_a_sentence() {
        for (n, entry) in TABLE.iter().enumerate() {
            assert!(TABLE[..n].iter().all(|other| other.last < entry.first || entry.last < other.first), "{entry:?}");
            assert!(!entry.advice.is_empty() && !entry.advice.ends_with('.') && !entry.title.is_empty(), "{entry:?}");
        }
    }

    #[test]
    fn after_an_id_nothing_is_sent_again_by_its_class() {
        for entry in TABLE {
            let class = after_acceptance(Some(&entry.first.to_string()));
            assert!(!matches!(class, ErrorClass::Retry | ErrorClass::SlowSender), "{entry:?}");
        }
        assert_eq!(after_acceptance(Some("131050")), ErrorClass::OptOut);
        assert_eq!(after_acceptance(Some("132015")), ErrorClass::PauseBlast);
        assert_eq!(after_acceptance(Some("999999")), ErrorClass::FailRecipient);
        assert_eq!(after_acceptance(None), ErrorClass::FailRecipient);
    }

    #[test]
    fn the_requirements_five_codes_are_retried_as_it_says() {
        let retry = |code| of(code).map(|entry| (entry.retry, entry.requirement.is_some()));

        assert_eq!(retry(131_026), Some((CodeRetry::Automatic { tries: 3, after: 4 * HOUR }, true)));
        assert_eq!(retry(131_049), Some((CodeRetry::OnRequest { after: DAY }, true)));
        assert_eq!(retry(131_050), Some((CodeRetry::Never, true)));
        assert_eq!(retry(131_047), Some((CodeRetry::Never, true)));
        assert_eq!(retry(100), Some((CodeRetry::Never, true)));
        assert_eq!(retry(131_056), Some((CodeRetry::Growing { base: 4 }, false)));
        assert_eq!(retry(1), Some((CodeRetry::UpTo { tries: 3 }, false)), "by the wire page");
        assert_eq!(rule("131057").wait, Some(Duration::from_secs(60)));
        assert_eq!(rule("134101").wait, Some(Duration::from_secs(10 * 60)));
        assert_eq!(rule("of tomorrow"), CodeRule::default());
    }

    #[test]
    fn what_an_operator_may_retry_is_what_the_table_says() {
        for entry in TABLE {
            let operator = OperatorRetry::of(&entry.first.to_string());
            let expected = match entry.retry {
                CodeRetry::OnRequest { after } if after.is_zero() => OperatorRetry::Now,
                CodeRetry::OnRequest { .. } => OperatorRetry::NextDay,
                CodeRetry::Never => OperatorRetry::Never,
                _ => OperatorRetry::WhereNeverTaken,
            };
            assert_eq!(operator, expected, "{entry:?}");
            let is_retried_after_an_id =
                matches!(entry.retry, CodeRetry::Automatic { .. } | CodeRetry::OnRequest { .. });
            assert_eq!(is_known_unsent(&entry.first.to_string()), is_retried_after_an_id, "{entry:?}");
        }
    }

    #[test]
    fn the_errors_page_is_the_table() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ERRORS.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, markdown()).unwrap();
        }

        let page = std::fs::read_to_string(&path).unwrap_or_default();

        assert_eq!(page, markdown(), "run it again with UPDATE_DOCS=1");
    }
}
