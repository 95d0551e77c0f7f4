//! Gives tokens their meaning, or says why they have none.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use thiserror::Error;

use super::moment::MomentParser;
use super::token::{self, FilterToken, KeyOperator, Quoting, TokenKey};
use super::{Fact, Filter, Sense, Side, Term, Test};
use crate::domain::customer_tag::{self, TAG_MAX};
use crate::domain::pace::{parse_span, show_span};
use crate::domain::phone::spelling::{self, DialPrefix, Spelling};
use crate::domain::status::Status;
use crate::domain::text;

/// The longest filter that is read, in bytes: a pasted letter is not a filter.
pub(super) const TEXT_MAX: usize = 1_000;

/// The most blank-parted groups one number is written in.
const GROUPS_MAX: usize = 8;

/// The words before `:`.
const KEYS: [&str; 11] =
    ["status", "stuck", "phone", "name", "note", "older", "code", "provider", "has", "tag", "list"];

/// The gateway's statuses (`docs/WSAPME.md`) that are none of ours.
const PROVIDER_WORDS: [&str; 2] = ["PENDING", "SERVER_ACK"];

/// The stages that have a time, the words before `>` and `<`.
const STAGES: [Status; 7] =
    [Status::Sent, Status::Delivered, Status::Read, Status::Replied, Status::Closed, Status::Failed, Status::OptedOut];

/// Why a filter is invalid. Each says what would be valid.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FilterError {
    #[error("`{word}:` is not known{}", key_hint(*nearest))]
    UnknownKey { word: String, nearest: Option<&'static str> },
    #[error("`{word}` is not a stage with a time{}", hint(*nearest, '>', &stage_labels()))]
    UnknownTime { word: String, nearest: Option<&'static str> },
    #[error("`{word}` is not a status{}", hint(*nearest, ' ', &status_words()))]
    UnknownStatus { word: String, nearest: Option<&'static str> },
    #[error("`{0}` is not a status: it is the provider's word, which `provider:{0}` finds")]
    ProviderWord(String),
    #[error("nobody can be stuck at {0}: write stuck:sent, stuck:received, stuck:read, stuck:replied or stuck:cart")]
    NotAStage(String),
    #[error("`stuck:cart` stands alone: no stage beside it, and in place of `-stuck:cart` write `-has:cart`")]
    CartNotAlone,
    #[error("`has:{0}` is not known: reply, note, amount or cart")]
    UnknownFact(String),
    #[error(
        "`tag:{0}` is no tag: letters, digits, - _ and . without blanks, at most {TAG_MAX}; several with commas between them"
    )]
    NotATag(String),
    #[error("`phone:{0}` has no number in it: digits in any spelling")]
    NotANumber(String),
    #[error("`{0}` is not a time: 14:00, 2026-11-20 or 2026-11-20T14:00, or a span back from now such as 48h")]
    NotATime(String),
    #[error("`older:{0}` is not known: a span such as 48h or 2d, or a time such as 14:00")]
    NotASpan(String),
    #[error("`older:{0}` leaves nobody out: write a span such as 48h, or leave it away for everybody")]
    NoAge(String),
    #[error("`{0}` wants a value after it")]
    NoValue(String),
    #[error("too long to be a filter: {TEXT_MAX} characters at most")]
    TooLong,
}

fn hint(nearest: Option<&str>, operator: char, known: &[&str]) -> String {
    match (nearest, operator) {
        (Some(word), ' ') => format!(": did you mean `{word}`?"),
        (Some(word), operator) => format!(": did you mean `{word}{operator}`?"),
        (None, _) => format!(": {}", known.join(", ")),
    }
}

/// Beside the words before `:` what a list may be made of, and the times.
fn key_hint(nearest: Option<&str>) -> String {
    let known = hint(nearest, ':', &KEYS);
    if nearest.is_some() {
        return known;
    }
    format!("{known}; of a new blast also blast:7; and times, such as sent<48h")
}

/// The statuses as one types them: in one word.
fn status_words() -> [&'static str; 11] {
    Status::ALL.map(|status| if status == Status::OptedOut { status.word() } else { status.label() })
}

fn stage_labels() -> [&'static str; 7] {
    STAGES.map(Status::label)
}

pub(super) fn filter(text: &str, reader: MomentParser) -> Result<Filter, FilterError> {
    if text.len() > TEXT_MAX {
        return Err(FilterError::TooLong);
    }
    let terms = terms(&token::split(text), reader).map_err(|(_, error)| error)?;
    Ok(Filter { terms })
}

/// The terms of some tokens; or what is wrong with one of them, and where that begins.
pub(super) fn terms(tokens: &[FilterToken], reader: MomentParser) -> Result<Vec<Term>, (usize, FilterError)> {
    let mut terms = Vec::new();
    let mut rest = tokens;
    while let Some((first, others)) = rest.split_first() {
        if let Some((digits, groups)) = number(rest) {
            terms.push(Term { sense: first.sense, test: Test::Phone(digits) });
            rest = &rest[groups..];
            continue;
        }
        rest = others;
        if is_stuck_cart(first) {
            terms.extend(stuck_cart(reader));
            continue;
        }
        if let Some(test) = test(first, reader).map_err(|error| (first.at, error))? {
            terms.push(Term { sense: first.sense, test });
        }
    }
    Ok(of_carts(terms))
}

/// How long somebody has had a cart who is stuck with it.
pub const CART_STUCK: TimeDelta = TimeDelta::hours(24);

/// Whoever has had a cart for so long and ordered nothing since, as a filter is typed.
pub fn waiting_carts(older_than: TimeDelta) -> String {
    let span = older_than.to_std().unwrap_or_default();
    if span.is_zero() { "has:cart".to_owned() } else { format!("has:cart older:{}", show_span(span)) }
}

/// How old a cart has to be by a filter that is typed and asks for nothing else: a day where it names no age. `None`: it asks for
/// something else, or since a day of the calendar.
pub fn waiting_carts_age(text: &str) -> Option<TimeDelta> {
    let age_by = |now: DateTime<Utc>| {
        let read = filter(text, MomentParser { now, zone: Tz::UTC }).ok()?;
        let age = match read
            .terms
            .iter()
            .find_map(|term| if let Test::OlderCart(at) = term.test { Some(at) } else { None })
        {
            Some(at) => now - at,
            None => CART_STUCK,
        };
        let is_wanted = |term: &Term| matches!(term.test, Test::Has(Fact::Cart) | Test::OlderCart(_));
        let has_cart = read.terms.contains(&Term { sense: Sense::Is, test: Test::Has(Fact::Cart) });
        let is_alone =
            read.terms.len() <= 2 && read.terms.iter().all(|term| term.sense == Sense::Is && is_wanted(term));
        (has_cart && is_alone).then_some(age)
    };
    // An age counts back from whenever it is read; a time of day or a date does not.
    let (today, tomorrow) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::hours(25));
    age_by(today).filter(|age| age_by(tomorrow) == Some(*age))
}

/// `stuck:cart`.
fn is_stuck_cart(token: &FilterToken) -> bool {
    let is_stuck = token.key.as_ref().is_some_and(|key| key.word == "stuck" && key.operator == KeyOperator::Colon);
    is_stuck && token.sense == Sense::Is && token.value.trim().eq_ignore_ascii_case("cart")
}

/// A cart that is a day old, and no order since.
fn stuck_cart(reader: MomentParser) -> [Term; 2] {
    let term = |test| Term { sense: Sense::Is, test };
    [term(Test::Has(Fact::Cart)), term(Test::Older(reader.now - CART_STUCK))]
}

/// Beside `has:cart` an age is the cart's.
pub(super) fn of_carts(mut terms: Vec<Term>) -> Vec<Term> {
    let has_cart = Term { sense: Sense::Is, test: Test::Has(Fact::Cart) };
    if terms.contains(&has_cart) {
        for term in &mut terms {
            if let Test::Older(at) = term.test {
                term.test = Test::OlderCart(at);
            }
        }
    }
    terms
}

pub(super) fn person(text: &str) -> Filter {
    let text: String = text.chars().take(TEXT_MAX).collect();
    let term = |test| Term { sense: Sense::Is, test };
    let terms = match spelling::read(&without_trunk(&text)) {
        Ok(spelling) => vec![term(Test::Phone(digits(spelling)))],
        Err(_) => text.split_whitespace().map(|word| term(Test::Name(word.to_owned()))).collect(),
    };
    Filter { terms }
}

/// The number that begins here and the tokens it takes: pasted numbers have blanks in them, and are one number.
fn number(tokens: &[FilterToken]) -> Option<(String, usize)> {
    let first = tokens.first().filter(|first| first.may_hold_number())?;
    let follow = tokens.iter().skip(1).take(GROUPS_MAX - 1).take_while(|token| token.may_continue_number()).count();
    (1..=follow + 1).rev().find_map(|groups| {
        let spelled: Vec<_> = tokens[1..groups].iter().map(FilterToken::as_group).collect();
        let spelled = format!("{} {}", first.as_start(), spelled.join(" "));
        spelling::read(&without_trunk(&spelled)).ok().map(|spelling| (digits(spelling), groups))
    })
}

/// `+60 (0)12` is written for those abroad and at home alike; the zero in it is dialled by neither.
fn without_trunk(text: &str) -> String {
    text.replace("(0)", "")
}

/// The digits to look for. `00` before a whole number is the way abroad; before a few digits it is part of them.
fn digits(spelling: Spelling) -> String {
    let mut digits = spelling.digits;
    if spelling.reach != DialPrefix::International {
        while digits.starts_with("00") && digits.len() >= 9 {
            digits.drain(..2);
        }
    }
    digits
}

impl FilterToken {
    fn may_hold_number(&self) -> bool {
        match &self.key {
            None => self.quoted == Quoting::No,
            Some(key) if key.word == "phone" && self.value.starts_with('*') => false,
            // `phone:` says so itself, and `tel:+60…` is how numbers are linked.
            Some(key) => key.operator == KeyOperator::Colon && key.word != "name" && self.quoted == Quoting::No,
        }
    }

    fn may_continue_number(&self) -> bool {
        let is_dash = self.sense == Sense::IsNot && self.value.is_empty();
        self.key.is_none() && self.quoted == Quoting::No && (self.sense == Sense::Is || is_dash)
    }

    fn as_start(&self) -> String {
        match &self.key {
            Some(key) if key.word != "phone" => format!("{}:{}", key.word, self.value),
            _ => self.value.clone(),
        }
    }

    fn as_group(&self) -> &str {
        if self.sense == Sense::IsNot { "-" } else { &self.value }
    }
}

fn test(token: &FilterToken, reader: MomentParser) -> Result<Option<Test>, FilterError> {
    let Some(key) = &token.key else {
        let word = token.value.trim();
        return Ok((!word.is_empty()).then(|| Test::Word(word.to_owned())));
    };
    let value = token.value.trim();
    match key.operator {
        KeyOperator::Colon => about(&key.word, value, reader).map(Some),
        KeyOperator::After | KeyOperator::Before => time(key, value, reader).map(Some),
    }
}

fn about(key: &str, value: &str, reader: MomentParser) -> Result<Test, FilterError> {
    let Some(known) = known_key(key) else {
        return Err(FilterError::UnknownKey { word: shown(key), nearest: text::nearest(key, KEYS) });
    };
    if value.is_empty() {
        return Err(FilterError::NoValue(format!("{known}:")));
    }
    let owned = || value.to_owned();
    match known {
        "status" => statuses(value),
        "stuck" => stuck(value),
        "phone" => phone(value),
        "name" => Ok(Test::Name(owned())),
        "note" => Ok(Test::Note(owned())),
        "older" => older(value, reader),
        "code" => Ok(Test::Code(owned())),
        "provider" => Ok(Test::Provider(owned())),
        "tag" => tags(value),
        "list" => Ok(Test::List(owned())),
        _ => fact(value),
    }
}

fn known_key(key: &str) -> Option<&'static str> {
    let key = if key == "stage" { "status" } else { key };
    KEYS.into_iter().find(|known| *known == key)
}

fn statuses(value: &str) -> Result<Test, FilterError> {
    let mut named = Vec::new();
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let status = status(word)?;
        if !named.contains(&status) {
            named.push(status);
        }
    }
    match named.as_slice() {
        [] => Err(FilterError::NoValue("status:".to_owned())),
        [one] => Ok(Test::Status(*one)),
        _ => Ok(Test::OneOf(named)),
    }
}

/// What no customer can have is refused: left out by it, nobody would be.
fn tags(value: &str) -> Result<Test, FilterError> {
    let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
    let tag = |word: &str| customer_tag::read(word).map(str::to_owned).ok_or_else(|| FilterError::NotATag(shown(word)));
    let tags = words.map(tag).collect::<Result<Vec<String>, FilterError>>()?;
    if tags.is_empty() { Err(FilterError::NoValue("tag:".to_owned())) } else { Ok(Test::Tag(tags)) }
}

/// Reads a status as one types it.
pub fn status(word: &str) -> Result<Status, FilterError> {
    if let Some(status) = Status::from_word(word) {
        return Ok(status);
    }
    if PROVIDER_WORDS.iter().any(|known| known.eq_ignore_ascii_case(word)) {
        return Err(FilterError::ProviderWord(shown(word)));
    }
    Err(FilterError::UnknownStatus { word: shown(word), nearest: text::nearest(word, status_words()) })
}

fn stuck(value: &str) -> Result<Test, FilterError> {
    let mut stages = Vec::new();
    for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
        let stage = stage(word)?;
        if !stages.contains(&stage) {
            stages.push(stage);
        }
    }
    stages.sort_unstable();
    match stages.as_slice() {
        [] => Err(FilterError::NoValue("stuck:".to_owned())),
        [one] => Ok(Test::Stuck(*one)),
        _ => Ok(Test::StuckAtOneOf(stages)),
    }
}

fn stage(word: &str) -> Result<Status, FilterError> {
    if word.eq_ignore_ascii_case("cart") {
        return Err(FilterError::CartNotAlone);
    }
    match status(word) {
        Ok(stage @ (Status::Sent | Status::Delivered | Status::Read | Status::Replied)) => Ok(stage),
        Ok(other) => Err(FilterError::NotAStage(other.to_string())),
        Err(FilterError::UnknownStatus { word, .. }) => Err(FilterError::NotAStage(format!("`{word}`"))),
        Err(other) => Err(other),
    }
}

/// A span back from now, or a time.
fn older(value: &str, reader: MomentParser) -> Result<Test, FilterError> {
    if parse_span(value).is_ok_and(|span| span.is_zero()) {
        return Err(FilterError::NoAge(shown(value)));
    }
    let at = ago(value, reader).or_else(|| reader.read(value)).ok_or_else(|| FilterError::NotASpan(shown(value)))?;
    Ok(Test::Older(at))
}

/// The moment that is a span before now, to the second where it is not nearer than a minute: it is shown, and typed again.
fn ago(value: &str, reader: MomentParser) -> Option<DateTime<Utc>> {
    let span = TimeDelta::from_std(parse_span(value).ok()?).ok()?;
    let at = reader.now.checked_sub_signed(span)?;
    Some(if span < TimeDelta::minutes(1) { at } else { at.trunc_subsecs(0) })
}

fn phone(value: &str) -> Result<Test, FilterError> {
    if let Some(digits) = value.strip_prefix('*') {
        let is_ending = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let ending = is_ending.then(|| Test::PhoneEnd(digits.to_owned()));
        return ending.ok_or_else(|| FilterError::NotANumber(shown(value)));
    }
    let spelling = spelling::read(&without_trunk(value)).map_err(|_| FilterError::NotANumber(shown(value)))?;
    Ok(Test::Phone(digits(spelling)))
}

fn fact(value: &str) -> Result<Test, FilterError> {
    let word = match value.to_ascii_lowercase().as_str() {
        "replied" | "replies" => "reply".to_owned(),
        "money" | "rm" => "amount".to_owned(),
        other => other.to_owned(),
    };
    let fact = Fact::ALL.into_iter().find(|fact| fact.word() == word);
    fact.map(Test::Has).ok_or_else(|| FilterError::UnknownFact(shown(value)))
}

fn time(key: &TokenKey, value: &str, reader: MomentParser) -> Result<Test, FilterError> {
    let unknown =
        || FilterError::UnknownTime { word: shown(&key.word), nearest: text::nearest(&key.word, stage_labels()) };
    let stage = Status::from_word(&key.word).filter(|stage| STAGES.contains(stage)).ok_or_else(unknown)?;
    let side = if key.operator == KeyOperator::After { Side::After } else { Side::Before };
    if value.is_empty() {
        let sign = if side == Side::After { '>' } else { '<' };
        return Err(FilterError::NoValue(format!("{}{sign}", key.word)));
    }
    let at = ago(value, reader).or_else(|| reader.read(value)).ok_or_else(|| FilterError::NotATime(shown(value)))?;
    Ok(Test::Time { stage, side, at })
}

/// A typed word as an error may repeat it: harmless, and not for ever.
fn shown(word: &str) -> String {
    text::clean(word).chars().take(40).collect()
}
