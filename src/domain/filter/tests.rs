use chrono::{DateTime, TimeZone, Utc};
use chrono_tz::Asia::Kuala_Lumpur;
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;

use super::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 20, 3, 30, 0).unwrap()
}

fn read(text: &str) -> Result<Filter, FilterError> {
    Filter::parse(text, now(), Kuala_Lumpur)
}

fn is(test: Test) -> Filter {
    Filter::only(test)
}

fn phone(digits: &str) -> Filter {
    is(Test::Phone(digits.to_owned()))
}

#[test]
fn nothing_typed_finds_everybody() {
    for text in ["", "   ", "\t", "\"\"", "-", "\""] {
        assert!(read(text).unwrap().is_everybody(), "{text:?}");
    }
}

#[test]
fn a_pasted_number_is_one_number_though_it_has_blanks() {
    for text in [
        "+60 10-012 3456",
        "60100123456",
        "0060 10 012 3456",
        "+60 (0)10-012 3456",
        "+60 10 - 012 3456",
        "\u{202a}+60\u{a0}10\u{2011}012\u{202f}3456\u{202c}",
        "tel:+60-10-012-3456",
        "https://wa.me/60100123456",
        "60100123456@s.whatsapp.net",
        "phone:60100123456",
        "phone:+60 10-012 3456",
        "phone:\"+60 10-012 3456\"",
    ] {
        assert_eq!(read(text), Ok(phone("60100123456")), "{text:?}");
    }
    assert_eq!(read("010-012 3456"), Ok(phone("0100123456")));
}

#[test]
fn the_last_digits_stay_as_typed() {
    assert_eq!(read("3456"), Ok(phone("3456")));
    assert_eq!(read("0006"), Ok(phone("0006")));
    assert_eq!(read("0000"), Ok(phone("0000")));
}

#[test]
fn a_few_digits_are_sought_at_the_end_of_the_number_first() {
    let ending = |text: &str| read(text).unwrap().by_ending().map(|(digits, filter)| (digits, filter.to_string()));

    assert_eq!(ending("6789"), Some(("6789".to_owned(), "phone:*6789".to_owned())));
    assert_eq!(ending("status:read 6789").unwrap().1, "status:read phone:*6789");
    for text in ["7", "60123456789", "ali", "-6789", "\"6789\"", ""] {
        assert_eq!(ending(text), None, "{text}");
    }
    assert_eq!(read("phone:*6789"), Ok(is(Test::PhoneEnd("6789".to_owned()))));
    assert!(read("phone:*").is_err() && read("phone:*x").is_err());
}

#[test]
fn older_takes_a_span_or_a_time() {
    let older = |text: &str| read(text).unwrap();

    assert_eq!(older("older:48h"), is(Test::Older(now() - chrono::TimeDelta::hours(48))));
    let of_carts = read("older:48h has:cart").unwrap();
    assert_eq!(of_carts.terms[0].test, Test::OlderCart(now() - chrono::TimeDelta::hours(48)));
    assert_eq!(
        read("older:0m").unwrap_err().to_string(),
        "`older:0m` leaves nobody out: write a span such as 48h, or leave it away for everybody"
    );
    assert_eq!(older("older:10:00"), is(Test::Older(Utc.with_ymd_and_hms(2026, 11, 20, 2, 0, 0).unwrap())));
    assert_eq!(
        read("older:soon").unwrap_err().to_string(),
        "`older:soon` is not known: a span such as 48h or 2d, or a time such as 14:00"
    );
}

#[test]
fn a_number_among_words_keeps_to_itself() {
    let filter = read("ali 010-012 3456 status:read -price").unwrap();

    let tests: Vec<_> = filter.terms.iter().map(|term| &term.test).collect();
    assert_eq!(
        tests,
        [
            &Test::Word("ali".into()),
            &Test::Phone("0100123456".into()),
            &Test::Status(Status::Read),
            &Test::Word("price".into())
        ]
    );
    assert_eq!(filter.terms[3].sense, Sense::IsNot);
}

#[test]
fn statuses_are_read_in_any_word_for_them() {
    assert_eq!(read("status:received"), Ok(Filter::status(Status::Delivered)));
    assert_eq!(read("STATUS:Delivered"), Ok(Filter::status(Status::Delivered)));
    assert_eq!(read("status:\"opted out\""), Ok(Filter::status(Status::OptedOut)));
    assert_eq!(read("status:sent,read,sent"), Ok(is(Test::OneOf(vec![Status::Sent, Status::Read]))));
    assert_eq!(read("stuck:read"), Ok(Filter::stuck(Status::Read)));
}

#[test]
fn a_tag_that_nobody_can_have_is_refused_and_several_are_any_of_them() {
    let tags = |text: &str| read(text).map(|filter| filter.terms[0].test.clone());

    for (text, any_of) in [
        ("-tag:dnc,angry", vec!["dnc", "angry"]),
        ("-tag:#dnc", vec!["dnc"]),
        ("tag:\"vip, #v.1\"", vec!["vip", "v.1"]),
    ] {
        assert_eq!(tags(text), Ok(Test::Tag(any_of.into_iter().map(str::to_owned).collect())), "{text}");
    }
    for text in ["-tag:!dnc", "tag:\"two words\"", "-tag:vip,a/b", "tag:-"] {
        assert!(matches!(tags(text), Err(FilterError::NotATag(_))), "{text}");
    }
    assert_eq!(tags("tag:,"), Err(FilterError::NoValue("tag:".into())));
}

#[test]
fn keys_quotes_and_signs_are_understood() {
    assert_eq!(read("name:\"siti aminah\""), Ok(is(Test::Name("siti aminah".into()))));
    assert_eq!(read("note:\"say \"\"hi\"\"\""), Ok(is(Test::Note("say \"hi\"".into()))));
    assert_eq!(read("code:131026"), Ok(is(Test::Code("131026".into()))));
    assert_eq!(read("provider:PENDING"), Ok(is(Test::Provider("PENDING".into()))));
    assert_eq!(read("tag:vip"), Ok(is(Test::Tag(vec!["vip".into()]))));
    assert_eq!(read("list:raya"), Ok(is(Test::List("raya".into()))));
    assert_eq!(read("has:amount"), Ok(is(Test::Has(Fact::Amount))));
    assert_eq!(read("has:cart"), Ok(is(Test::Has(Fact::Cart))));
    assert_eq!(read("\"6012\""), Ok(is(Test::Word("6012".into()))));
    assert_eq!(read("\"open quote").unwrap().terms[0].test, Test::Word("open quote".into()));
    assert_eq!(read("-6789").unwrap().terms[0], Term { sense: Sense::IsNot, test: Test::Phone("6789".into()) });
}

#[test]
fn times_are_the_operators_own() {
    let at = |text: &str| match read(text).unwrap().terms.remove(0).test {
        Test::Time { stage, side, at } => (stage, side, at.to_rfc3339()),
        other => panic!("{other:?}"),
    };

    assert_eq!(at("replied>14:00"), (Status::Replied, Side::After, "2026-11-20T06:00:00+00:00".into()));
    assert_eq!(at("sent<2026-11-20"), (Status::Sent, Side::Before, "2026-11-19T16:00:00+00:00".into()));
    assert_eq!(at("received>=2026-11-19T09:30").2, "2026-11-19T01:30:00+00:00");
    assert_eq!(at("closed>\"yesterday 8:15\"").2, "2026-11-19T00:15:00+00:00");
    assert_eq!(at("failed<2026-11-20T00:00:00Z").2, "2026-11-20T00:00:00+00:00");
}

#[test]
fn an_hour_that_the_clock_skips_is_read_as_the_next() {
    let filter = Filter::parse("read>2026-03-29T02:30", now(), Berlin).unwrap();

    assert_eq!(filter.to_string(), "read>2026-03-29T01:30:00Z");
}

#[test]
fn what_is_not_known_is_explained_with_the_nearest() {
    let says = |text: &str| read(text).unwrap_err().to_string();

    assert_eq!(says("stauts:read"), "`stauts:` is not known: did you mean `status:`?");
    assert_eq!(
        says("colour:red"),
        "`colour:` is not known: status, stuck, phone, name, note, older, code, provider, has, tag, list; of a new blast also blast:7; and \
         times, such as sent<48h"
    );
    assert_eq!(says("status:raed"), "`raed` is not a status: did you mean `read`?");
    assert_eq!(
        says("status:PENDING"),
        "`PENDING` is not a status: it is the provider's word, which `provider:PENDING` finds"
    );
    assert!(says("status:tall").ends_with("failed, opted_out, skipped"), "{}", says("status:tall"));
    assert_eq!(says("repleid>14:00"), "`repleid` is not a stage with a time: did you mean `replied>`?");
    assert_eq!(
        says("replied>2pm"),
        "`2pm` is not a time: 14:00, 2026-11-20 or 2026-11-20T14:00, or a span back from now such as 48h"
    );
    assert!(says("-stuck:cart").contains("write `-has:cart`") && says("stuck:cart,read").contains("stands alone"));
    assert_eq!(
        says("stuck:closed"),
        "nobody can be stuck at closed: write stuck:sent, stuck:received, stuck:read, stuck:replied or stuck:cart"
    );
    for (text, word) in [("stuck:foo", "`foo`"), ("-stuck:raed", "`raed`"), ("stuck:sent,failed", "failed")] {
        assert!(
            says(text).starts_with(&format!("nobody can be stuck at {word}: write stuck:sent, ")),
            "{}",
            says(text)
        );
    }
    assert_eq!(says("name:"), "`name:` wants a value after it");
    assert_eq!(says("phone:ali"), "`phone:ali` has no number in it: digits in any spelling");
    assert_eq!(says("has:car"), "`has:car` is not known: reply, note, amount or cart");
    assert_eq!(says(&"x".repeat(2_000)), "too long to be a filter: 1000 characters at most");
    assert!(says("status:\u{1b}[2J").starts_with("`[2J` is not a status"));
}

#[test]
fn terms_about_statuses_say_which_are_in_play() {
    assert_eq!(read("ali").unwrap().statuses(), Status::ALL);
    assert_eq!(read("status:delivered,read -stuck:delivered").unwrap().statuses(), [Status::Read]);
    // Somebody at sent who was not asked about is not stuck there.
    let not_stuck = read("status:sent,read -stuck:sent").unwrap();
    assert_eq!((not_stuck.statuses(), not_stuck.beyond_status().count()), (vec![Status::Sent, Status::Read], 1));
    assert_eq!(read("status:sent status:read").unwrap().statuses(), []);
    assert_eq!(read("status:sent ali").unwrap().beyond_status().count(), 1);
}

#[test]
fn several_stages_are_stuck_at_one_of_them_and_a_span_counts_back_from_now() {
    let stuck = read("stuck:received,sent,sent sent<48h").unwrap();

    let sent = Test::Time { stage: Status::Sent, side: Side::Before, at: now() - chrono::TimeDelta::hours(48) };
    assert_eq!(stuck.terms[0].test, Test::StuckAtOneOf(vec![Status::Sent, Status::Delivered]));
    assert_eq!(stuck.terms[1].test, sent);
    assert_eq!((stuck.statuses(), stuck.beyond_status().count()), (vec![Status::Sent, Status::Delivered], 2));
    assert!(read("-stuck:sent,read").unwrap().statuses().contains(&Status::Sent));
    assert!(read("stuck:sent,failed").is_err() && read("stuck:,").is_err());
}

#[test]
fn a_person_is_found_by_digits_or_by_words_of_the_name() {
    assert_eq!(Filter::person(" +60 10-012 3456 "), phone("60100123456"));
    assert_eq!(Filter::person("siti status:read").to_string(), "name:siti name:\"status:read\"");
    assert!(Filter::person(" ").is_everybody());
}

fn any_test() -> impl Strategy<Value = Test> {
    let text = "[^\\s](.{0,20}[^\\s])?".prop_filter("trimmed", |text: &String| text.trim() == text && !text.is_empty());
    let status = || prop::sample::select(Status::ALL.to_vec());
    prop_oneof![
        status().prop_map(Test::Status),
        prop::sample::subsequence(Status::ALL.to_vec(), 2..11).prop_map(Test::OneOf),
        prop::sample::select(vec![Status::Sent, Status::Delivered, Status::Read, Status::Replied])
            .prop_map(Test::Stuck),
        prop::sample::subsequence(vec![Status::Sent, Status::Delivered, Status::Read, Status::Replied], 2..=4)
            .prop_map(Test::StuckAtOneOf),
        "0?[1-9][0-9]{0,14}".prop_map(Test::Phone),
        "[0-9]{1,15}".prop_map(Test::PhoneEnd),
        (0..200_000_000_000_000_i64)
            .prop_map(|micros| Test::Older(DateTime::from_timestamp_micros(micros * 10).unwrap())),
        text.clone().prop_map(Test::Name),
        text.clone().prop_map(Test::Word),
        text.clone().prop_map(Test::Code),
        text.clone().prop_map(Test::Provider),
        proptest::collection::btree_set("[a-z0-9é][a-z0-9_.-]{0,9}", 1..4)
            .prop_map(|tags| Test::Tag(tags.into_iter().collect())),
        text.clone().prop_map(Test::List),
        text.prop_map(Test::Note),
        prop::sample::select(Fact::ALL.to_vec()).prop_map(Test::Has),
        (
            prop::sample::select(vec![Status::Sent, Status::OptedOut, Status::Closed]),
            any::<bool>(),
            0..200_000_000_000_000_i64
        )
            .prop_map(|(stage, after, micros)| Test::Time {
                stage,
                side: if after { Side::After } else { Side::Before },
                at: DateTime::from_timestamp_micros(micros * 10).unwrap(),
            }),
    ]
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let sense = prop_oneof![Just(Sense::Is), Just(Sense::IsNot)];
    let term = (sense, any_test()).prop_map(|(sense, test)| Term { sense, test });
    proptest::collection::vec(term, 0..6).prop_map(|terms| Filter { terms: parse::of_carts(terms) })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn a_printed_filter_reads_back_as_itself(filter in any_filter()) {
        prop_assert_eq!(read(&filter.to_string()), Ok(filter.clone()), "{}", filter);
    }

    #[test]
    fn any_text_is_answered_and_what_is_understood_reads_back(text in ".{0,60}") {
        if let Ok(filter) = read(&text) {
            prop_assert_eq!(read(&filter.to_string()), Ok(filter));
        }
        let _ = Filter::person(&text);
    }

    #[test]
    fn near_filters_are_answered_too(text in "(-|\"|status:|phone:|sent>|<|0|1|60|\\+| |\\(0\\)|:|a|,|read|=|é|T){0,14}") {
        if let Ok(filter) = read(&text) {
            prop_assert_eq!(read(&filter.to_string()), Ok(filter));
        }
    }
}

#[test]
fn the_age_of_carts_is_read_from_a_filter_that_asks_for_nothing_else() {
    let hours = |text: &str| waiting_carts_age(text).map(|age| age.num_hours());

    assert_eq!((hours("has:cart"), hours("stuck:cart"), hours("has:cart older:36h")), (Some(24), Some(24), Some(36)));
    for other in [
        "",
        "older:36h",
        "has:cart older:2026-11-20",
        "has:cart older:yesterday",
        "has:cart older:14:00",
        "has:cart name:ali",
        "-has:cart",
        "has:cart -older:36h",
    ] {
        assert_eq!(hours(other), None, "{other}");
    }
}
