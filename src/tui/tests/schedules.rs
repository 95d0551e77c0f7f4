//! Blasts that repeat, and people's own time: what is typed in the form, what the list shows, which keys act.

use std::num::NonZeroU32;

use chrono::TimeDelta;

use super::armed::{launched, read};
use super::form::{opened, saved, writes};
use super::late::wants_draft;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, WIDE, at, blast, draft, tomorrow};
use crate::app::view::BlastView;
use crate::app::{Launch, OpenedDraft, RepeatOrder};
use crate::domain::blast::{BlastOrigin, BlastState, PersonClocks, RepeatColumns};
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::{Completion, DraftAnswer, DraftWrite, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, NeedsLine};

/// Its operator's newest act is another one by then.
#[test]
fn that_u_takes_a_start_back_is_said_no_longer_once_the_blast_was_changed_elsewhere() {
    let mut dashboard = launched();
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    let scheduled = BlastView { state: BlastState::Scheduled, version: 4, send_after: Some(at(23, 0)), ..draft() };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Launch(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(scheduled.clone()))),
    });
    read(&mut dashboard, scheduled.clone());
    assert!(dashboard.said().starts_with("Raya last call is scheduled, starts 23:00"), "{}", dashboard.said());

    read(&mut dashboard, BlastView { version: 5, ..scheduled });

    assert!(dashboard.model.notice.is_none(), "{}", dashboard.said());
}

/// A new blast, with the cursor on a line of its form.
fn form_at(line: FormLine) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n");
    dashboard.model.form.as_mut().unwrap().line = line;
    dashboard
}

fn text(dashboard: &TestDashboard) -> String {
    dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ")
}

fn trouble(dashboard: &TestDashboard) -> &str {
    dashboard.model.form.as_ref().unwrap().trouble.as_deref().unwrap_or_default()
}

#[test]
fn a_rule_and_its_end_are_typed_shown_with_the_next_times_and_saved() {
    let mut dashboard = form_at(FormLine::Repeat);

    dashboard.keys("\nevery mon 09:00\n").answer(saved(9, 1));
    dashboard.keys("\n2026-12-31, 10 times\n");

    let screen = text(&dashboard);
    assert!(screen.contains("every mon 09:00 next 23 Nov 09:00, 30 Nov 09:00"), "{screen}");
    assert!(screen.contains("after 2026-12-31, or after 10 times"), "{screen}");
    let order = dashboard.model.form.as_ref().unwrap().values.repeat.clone().unwrap();
    assert_eq!((order.rule.to_string().as_str(), order.times.unwrap().get()), ("every mon 09:00", 10));
    let written = writes(&mut dashboard);
    assert!(matches!(&written[..], [.., DraftWrite::Save { form, .. }] if form.repeat == Some(order)), "{written:?}");
}

#[test]
fn the_next_times_name_their_zone_where_the_screen_has_another_one() {
    let mut dashboard = form_at(FormLine::Repeat);
    dashboard.model.options.zone = chrono_tz::UTC;

    dashboard.keys("\nevery mon 09:00\n");

    let screen = text(&dashboard);
    assert!(screen.contains("7 Dec 09:00 in Kuala Lumpur (the first 23 Nov 01:00 here)"), "{screen}");
}

#[test]
fn the_next_times_of_what_repeats_and_runs_are_those_after_one_that_was_left_out() {
    let Completion::Draft(DraftAnswer::Opened(form)) = opened() else { panic!("a draft") };
    let mut form = OpenedDraft { state: BlastState::Scheduled, ..form.unwrap() };
    let rule = "every mon 09:00";
    let order = RepeatOrder { rule: rule.parse().unwrap(), until: None, times: NonZeroU32::new(3), at_most: None };
    (form.form.repeat, form.form.timezone) = (Some(order), Some(chrono_tz::Asia::Kuala_Lumpur));
    let repeat = RepeatColumns { rule: Some(rule.to_owned()), times: Some(3), seen: 1, ..RepeatColumns::default() };
    let mut dashboard = TestDashboard::new(WIDE);
    read(
        &mut dashboard,
        BlastView {
            state: BlastState::Scheduled,
            scheduled_for: Some("2026-11-30T01:00:00Z".parse().unwrap()),
            origin: BlastOrigin { repeat, ..BlastOrigin::default() },
            ..draft()
        },
    );

    wants_draft(&mut dashboard).answer(Completion::Draft(DraftAnswer::Opened(Box::new(Ok(form)))));
    dashboard.model.form.as_mut().unwrap().line = FormLine::Repeat;

    let screen = text(&dashboard);
    assert!(screen.contains("every mon 09:00 next 30 Nov 09:00, 7 Dec 09:00"), "{screen}");
    assert!(!screen.contains("14 Dec"), "two of three are left: {screen}");
}

#[test]
fn the_next_times_of_a_rule_stop_where_it_ends() {
    let mut dashboard = form_at(FormLine::Repeat);
    dashboard.keys("\nevery mon 09:00\n").answer(saved(9, 1));
    dashboard.keys("\n2026-11-29\n");

    let screen = text(&dashboard);
    assert!(screen.contains("next 23 Nov 09:00") && !screen.contains("30 Nov"), "{screen}");
}

#[test]
fn what_is_no_rule_or_no_end_is_refused_with_what_to_write() {
    let mut dashboard = form_at(FormLine::Repeat);
    dashboard.keys("\nevery banana\n");
    assert!(trouble(&dashboard).contains("write every day 09:00"), "{}", trouble(&dashboard));

    dashboard.key(Key::Ctrl('u')).keys("every mon 09:00\n");
    for typed in ["soon", "10 10", "2026-02-31", "2020-01-01", "0"] {
        dashboard.model.form.as_mut().unwrap().line = FormLine::Ends;
        dashboard.keys("\n").key(Key::Ctrl('u')).keys(typed).keys("\n");
        assert!(!trouble(&dashboard).is_empty(), "{typed}");
        dashboard.key(Key::Esc);
    }
    let order = dashboard.model.form.as_ref().unwrap().values.repeat.clone().unwrap();
    assert!(order.until.is_none() && order.times.is_none());
}

#[test]
fn a_start_and_a_rule_exclude_each_other() {
    let mut dashboard = form_at(FormLine::Start);
    dashboard.keys("\n2026-12-01 09:00\n");
    dashboard.model.form.as_mut().unwrap().line = FormLine::Repeat;

    dashboard.keys("\n");

    assert!(trouble(&dashboard).starts_with("a blast that repeats has no other start"), "{}", trouble(&dashboard));
    assert!(dashboard.model.form.as_ref().unwrap().edit.is_none());
}

#[test]
fn a_time_of_peoples_own_is_typed_and_hours_need_a_window() {
    let mut dashboard = form_at(FormLine::OwnTime);
    dashboard.keys("\n10:00 hours\n");
    assert!(trouble(&dashboard).starts_with("hours are those of Window"), "{}", trouble(&dashboard));
    dashboard.key(Key::Esc);

    dashboard.model.form.as_mut().unwrap().line = FormLine::Window;
    dashboard.keys("\n09:00-21:00\n");
    dashboard.model.form.as_mut().unwrap().line = FormLine::OwnTime;
    dashboard.keys("\n10:00 hours\n");

    let clocks = dashboard.model.form.as_ref().unwrap().values.clocks;
    assert_eq!(clocks, PersonClocks { local_time: chrono::NaiveTime::from_hms_opt(10, 0, 0), window_local: true });
    let screen = text(&dashboard);
    assert!(screen.contains("at 10:00 of each person's own zone, hours by each person's own clock"), "{screen}");
}

#[test]
fn a_column_that_nobody_has_is_named_though_its_word_stands_in_for_it() {
    let mut dashboard = form_at(FormLine::Message);
    dashboard.keys("\nSalam {nama|kawan}").key(Key::Esc).answer(saved(9, 1));
    dashboard.answer(super::form::taken(9, 2, None));

    let screen = text(&dashboard);
    assert!(screen.contains("no column nama"), "{screen}");
}

pub fn pattern(state: BlastState) -> BlastView {
    let repeat = RepeatColumns { rule: Some("every day 09:00".to_owned()), ..RepeatColumns::default() };
    let next = Some(tomorrow(9, 0));
    BlastView {
        origin: BlastOrigin { repeat, ..BlastOrigin::default() },
        send_after: next,
        scheduled_for: next,
        ..blast(RAYA.0, "Good morning", state, (11, 20))
    }
}

fn listed(state: BlastState) -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![pattern(state)])));
    dashboard.keys("1").taken();
    dashboard
}

#[test]
fn the_list_shows_when_what_repeats_comes_next() {
    let dashboard = listed(BlastState::Scheduled);

    assert!(dashboard.line(3).contains("21 Nov repeats"), "{}", dashboard.line(3));
}

#[test]
fn what_repeats_and_made_no_blast_of_its_time_needs_you_and_is_nothing_that_comes_by_itself() {
    let mut dashboard = TestDashboard::new(WIDE);
    let why = "no key".to_owned();
    let waits = BlastView { waiting: Some(Waiting::NotMade { why }), ..pattern(BlastState::Scheduled) };
    dashboard.answer(Completion::Blasts(Ok(vec![waits])));

    assert!(dashboard.line(3).contains(" asks you"), "{}", dashboard.line(3));
    dashboard.keys("!");

    let screen = text(&dashboard);
    assert!(screen.contains("Good morning: its time came, and no blast was made of it: no key"), "{screen}");
    assert!(screen.contains("an engine tries it again every few seconds"), "{screen}");
    assert!(!screen.contains("What comes by itself"), "{screen}");
}

#[test]
fn what_repeats_to_more_people_than_were_confirmed_is_said_to_wait_for_an_operator() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut pattern = pattern(BlastState::Scheduled);
    (pattern.counts.queued, pattern.total_recipients) = (301, 301);
    pattern.origin.repeat.at_most = Some(245);
    dashboard.answer(Completion::Blasts(Ok(vec![pattern.clone()]))).keys("1S");
    let waits = "but waits for you then, since it goes to 301 people and at most 245 were confirmed";

    assert!(
        dashboard.said().starts_with(&format!("it repeats, next 21 Nov 09:00, {waits}: p")),
        "{}",
        dashboard.said()
    );
    dashboard.keys("!");
    assert!(text(&dashboard).contains(&format!("every day 09:00; next 21 Nov 09:00, {waits}")), "{}", text(&dashboard));
    pattern.origin.repeat.at_most = Some(301);
    assert_eq!(pattern.waits_at_next_time(), "", "as many as were confirmed");
}

#[test]
fn nothing_is_done_of_what_repeats_whatever_its_state() {
    for state in [BlastState::Scheduled, BlastState::Paused, BlastState::Cancelled, BlastState::Completed] {
        assert_eq!(pattern(state).settled_percent(), None, "{state}");
    }
}

#[test]
fn its_next_time_is_left_out_after_a_question_that_names_it() {
    let mut dashboard = listed(BlastState::Scheduled);

    dashboard.keys(">");
    assert!(dashboard.line(22).starts_with(" leave out Good morning at 21 Nov 09:00?"), "{}", dashboard.line(22));
    dashboard.keys("y");

    let skip = WriteRequest::Skip { blast: RAYA, at: tomorrow(9, 0) };
    assert_eq!(dashboard.acts(), std::slice::from_ref(&skip));
    let after = BlastView { scheduled_for: Some(at(9, 0) + TimeDelta::days(2)), ..pattern(BlastState::Scheduled) };
    dashboard.answer(Completion::Written { request: skip, outcome: Ok(WriteOutcome::Blast(Box::new(after))) });
    assert_eq!(dashboard.said(), "Good morning at 21 Nov 09:00 is left out: the next is 22 Nov 09:00");
}

#[test]
fn what_has_no_next_time_says_why() {
    let mut paused = listed(BlastState::Paused);
    paused.keys(">");
    assert_eq!(paused.said(), "Good morning is paused: it makes no blasts until S resumes it");

    let mut once = TestDashboard::new(STACKED);
    once.keys("1>");
    assert!(once.said().contains("does not repeat"), "{}", once.said());
}

#[test]
fn the_start_of_what_repeats_is_no_field_and_says_why() {
    let mut dashboard = form_at(FormLine::Repeat);
    dashboard.keys("\nevery mon 09:00\n").answer(saved(9, 1));
    dashboard.model.form.as_mut().unwrap().line = FormLine::Start;

    dashboard.keys("\n");

    assert!(dashboard.model.form.as_ref().unwrap().edit.is_none());
    assert_eq!(trouble(&dashboard), "a blast that repeats has no other start: empty Repeat first");
    // The rule itself is edited, which empties it.
    dashboard.model.form.as_mut().unwrap().line = FormLine::Repeat;
    dashboard.keys("\n").key(Key::Ctrl('u')).keys("\n");
    assert!(dashboard.model.form.as_ref().unwrap().values.repeat.is_none());
}

#[test]
fn the_next_time_of_what_repeats_is_whole_at_every_width_of_the_list() {
    for width in [110, 120, 140, 160, 200, 240] {
        let mut dashboard = listed(BlastState::Scheduled);
        dashboard.dispatch(crate::tui::msg::Msg::Resized(Size { width, height: 50 }));

        let screen = dashboard.screen();

        let line = screen.iter().find(|line| line.starts_with("> Good morning")).unwrap();
        assert!(!line.split('│').next().unwrap().contains('~'), "{width}: {line}");
        let funnel = screen.iter().find(|line| line.contains("2 Funnel")).unwrap();
        let next = if width < 120 { "starts 21 Nov 09:00" } else { "repeats every day 09:00, next 21 Nov 09:00" };
        assert!(funnel.contains(next), "{width}: {funnel}");
    }
}

#[test]
fn a_scheduled_blast_says_by_its_own_clocks_when_it_starts() {
    for size in [WIDE, STACKED] {
        let mut dashboard = TestDashboard::new(size);
        let starts =
            BlastView { send_after: Some(at(17, 2)), ..blast(RAYA.0, "Raya promo", BlastState::Scheduled, (11, 20)) };
        dashboard.answer(Completion::Blasts(Ok(vec![starts]))).keys("1");
        let pages = ["1", "2"].map(|key| dashboard.keys(key).screen().join("\n"));

        assert!(pages.iter().any(|screen| screen.contains("starts Fri 17:02")), "{pages:#?}");
        // A screen that stands for an hour stays true.
        assert!(!pages.iter().any(|screen| screen.contains(", in 3 h")), "{pages:#?}");
    }
}

#[test]
fn a_next_time_names_its_zone_in_every_sentence_where_the_reader_has_another_one() {
    let mut dashboard = listed(BlastState::Scheduled);
    dashboard.model.options.zone = chrono_tz::UTC;

    dashboard.keys("S");
    assert!(dashboard.said().contains("next 21 Nov 09:00 in Kuala Lumpur (01:00 here)"), "{}", dashboard.said());
    dashboard.keys(">");
    let question = text(&dashboard);
    assert!(question.contains("leave out Good morning at 21 Nov 09:00 in Kuala Lumpur (01:00 here)?"), "{question}");
    dashboard.key(Key::Esc).keys("!");
    let needs = text(&dashboard);
    assert!(needs.contains("21 Nov 09:00 in Kuala Lumpur (01:00 here)"), "{needs}");
}

#[test]
fn a_start_without_its_day_is_the_next_such_time_by_the_clocks_of_the_blast() {
    // It is 14:02 in Kuala Lumpur.
    for (typed, start) in
        [("21:20", "2026-11-20 21:20 (Fri, Asia/Kuala Lumpur)"), ("9:00", "2026-11-21 09:00 (Sat, Asia/Kuala Lumpur)")]
    {
        let mut dashboard = form_at(FormLine::Start);
        dashboard.model.options.zone = chrono_tz::UTC;
        dashboard.keys("\n");
        assert!(text(&dashboard).contains("now Fri 20 Nov 14:02 in Kuala Lumpur"), "{}", text(&dashboard));

        dashboard.keys(typed).keys("\n");

        assert!(text(&dashboard).contains(start), "{typed}: {}", text(&dashboard));
    }
}

#[test]
fn what_comes_by_itself_is_listed_by_its_time() {
    let starts = |id, hour| BlastView {
        scheduled_for: Some(at(hour, 0)),
        ..blast(id, "Tonight", BlastState::Scheduled, (11, 20))
    };
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.answer(Completion::Blasts(Ok(vec![starts(11, 17), starts(12, 19), starts(13, 16)])));

    let ids = [13, 11, 12].map(|id| NeedsLine::Blast(BlastId(id)));
    assert_eq!(dashboard.model.needs_lines(), ids);
}

#[test]
fn the_title_has_the_rule_and_the_next_time_of_what_repeats() {
    let shown = |size: Size| {
        let mut dashboard = listed(BlastState::Scheduled);
        dashboard.model.options.zone = chrono_tz::UTC;
        dashboard.model.size = size;
        dashboard.keys("2");
        dashboard.screen().join("\n")
    };

    let stacked = shown(STACKED);
    assert!(stacked.contains("repeats every day 09:00, next 21 Nov 01:00 here"), "{stacked}");
    let wide = shown(WIDE);
    assert!(wide.contains(" every day 09:00, next 21 Nov 01:00 here"), "{wide}");
    let large = shown(Size { width: 240, height: 50 });
    assert!(large.contains("repeats every day 09:00, next 21 Nov 09:00 in Kuala Lumpur (01:00 here)"), "{large}");
}
