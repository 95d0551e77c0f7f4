//! `T` asks for the number of those who may be tried again; `w` says where the report is.

use chrono::TimeDelta;

use super::support::{RAYA, TestDashboard, WIDE, raya};
use crate::tui::availability::cannot_retry;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};

fn asked(people: i64) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1T");
    dashboard.answer(Completion::Retryable { blast: RAYA, people: Ok(people), nobody: None });
    dashboard
}

#[test]
fn those_who_failed_are_tried_again_once_their_number_is_typed() {
    let mut dashboard = asked(2);
    let failed = raya().counts.failed;
    assert!(failed > 2);
    let question = format!("send again to 2 of the {failed} who failed? The others may have it");
    assert!(dashboard.screen().join("\n").contains(&question), "{:#?}", dashboard.screen());
    let all = asked(failed);
    let question = format!("send again to those who failed and do not have it? Type {failed}:");
    assert!(all.line(27).contains(&question), "{}", all.line(27));

    dashboard.keys("3\n");
    assert_eq!(dashboard.acts(), []);
    let mut dashboard = asked(2);
    dashboard.keys("2\n");

    assert_eq!(dashboard.acts(), [WriteRequest::Retry { blast: RAYA, people: 2 }]);
    let request = WriteRequest::Retry { blast: RAYA, people: 2 };
    let outcome = Ok(WriteOutcome::Retried { blast: Box::new(raya()), people: 2 });
    dashboard.answer(Completion::Written { request, outcome });
    assert_eq!(dashboard.said(), "Raya promo: 2 people queued again");
    assert_eq!(dashboard.model.log.back().unwrap().command_line, "blastdeck blast retry 7");
}

#[test]
fn where_nobody_may_be_tried_again_nothing_is_asked() {
    let dashboard = asked(0);

    assert!(dashboard.model.prompt.is_none());
    assert!(dashboard.said().starts_with("nobody to try again"), "{}", dashboard.said());
}

#[test]
fn t_is_not_offered_where_nobody_may_be_tried_again() {
    let mut dashboard = asked(0);

    let footer = dashboard.line(28);
    dashboard.keys("T");

    assert!(!footer.contains("try again"), "{footer}");
    assert!(dashboard.said().starts_with("nobody to try again"), "{}", dashboard.said());
    assert!(!dashboard.taken().contains(&Effect::Read(ReadRequest::Retryable(RAYA))), "it is known already");
    // Somebody else failed: it is counted again.
    let mut more = raya();
    more.counts.failed += 1;
    dashboard.answer(Completion::Blasts(Ok(vec![more])));
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Retryable(RAYA))));
    assert!(dashboard.line(28).contains("try again"), "{}", dashboard.line(28));
}

#[test]
fn why_nobody_may_be_tried_again_is_said_and_they_are_counted_again_some_time_later() {
    let why = "those who failed with the code `131049` may not have another message yet: Meta asks to wait a day";
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1T");

    dashboard.answer(Completion::Retryable { blast: RAYA, people: Ok(0), nobody: Some(why.to_owned()) });

    assert_eq!(dashboard.said(), why);
    dashboard.keys("T");
    assert_eq!(dashboard.said(), why, "as it is known");
    dashboard.model.now += TimeDelta::minutes(11);
    assert_eq!(cannot_retry(&dashboard.model), None, "they may be by now");
}

#[test]
fn a_blast_without_failures_says_so_at_once() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1jT");

    assert_eq!(dashboard.said(), "nobody failed in Deepavali");
    assert!(!dashboard.taken().contains(&Effect::Read(ReadRequest::Retryable(RAYA))));
}

#[test]
fn the_question_never_comes_up_in_the_middle_of_something_else() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("2T/67").answer(Completion::Retryable { blast: RAYA, people: Ok(2), nobody: None });

    assert!(matches!(dashboard.model.prompt, Some(crate::tui::model::Prompt::Find(_))));
}

#[test]
fn w_writes_the_report_and_says_where_it_is() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("w");
    assert_eq!(dashboard.acts(), [WriteRequest::Report(RAYA)]);

    let outcome = Ok(WriteOutcome::Report("~/blast-7-report.md".to_owned()));
    dashboard.answer(Completion::Written { request: WriteRequest::Report(RAYA), outcome });

    assert_eq!(dashboard.said(), "the report is in ~/blast-7-report.md");
}

#[test]
fn w_in_capitals_exports_who_is_listed_and_the_log_has_the_command_for_it() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3]").list(Vec::new()).taken();
    dashboard.keys("W");
    let request = match &dashboard.acts()[..] {
        [request @ WriteRequest::Export { blast: RAYA, search: Some(words), .. }] if words == "stuck:sent" => {
            request.clone()
        }
        other => panic!("{other:?}"),
    };

    let outcome = Ok(WriteOutcome::Exported { path: "~/blast-7-people.xlsx".to_owned(), people: 12 });
    dashboard.answer(Completion::Written { request, outcome });

    assert_eq!(dashboard.said(), "12 people are in ~/blast-7-people.xlsx");
    let line = "blastdeck blast export 7 --search 'stuck:sent' --output people.xlsx";
    assert_eq!(dashboard.model.log.back().unwrap().command_line, line);
}
