//! The plan: who its counts are about, one to oneself, back to the form, and what is said of the first people.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::support::{DRAFT, RAYA, TestDashboard, WIDE, at, blasts, draft, noon, tomorrow};
use crate::app::view::BlastView;
use crate::app::{AlsoStuck, FirstFared, FirstShare, Plan, PlanGroup, PlanPerson, PlannedStart, Sample};
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::pace::{CapLeft, Forecast, ForecastShare};
use crate::domain::rejected_rows::{DoubtfulRows, LeftOutRow, RejectedReason, RejectedRows, RowDigest};
use crate::domain::status::Status;
use crate::domain::waiting::Waiting;
use crate::tui::Size;
use crate::tui::effect::{Completion, DraftRead, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, PlanCount};

pub fn plan_of(blast: BlastView, people: i64) -> Plan {
    Plan {
        blast,
        people,
        suppressed: 3,
        had_this_message: 0,
        recently_messaged: 124,
        queued_elsewhere: 31,
        wrote: 0,
        also_stuck: None,
        two_numbers: 0,
        no_session: 0,
        segment: None,
        zones: Vec::new(),
        repeat: None,
        start: None,
        pace: "gap 20-60 s, about 90 an hour".to_owned(),
        is_paced_by_meta: false,
        people_limit: None,
        left_today: Some(CapLeft { messages: 354, until: tomorrow(0, 0), zone: Tz::Asia__Kuala_Lumpur }),
        window: Some("09:00-21:00 daily (Asia/Kuala_Lumpur)".to_owned()),
        forecast: Forecast {
            today: Some(ForecastShare { people: 213, from: noon(), until: Some(at(18, 4)) }),
            tomorrow: Some(ForecastShare { people: 76, from: tomorrow(9, 0), until: Some(tomorrow(9, 51)) }),
            later: None,
            done_at: Some(tomorrow(9, 51)),
        },
        stopped: None,
        shared_with: Vec::new(),
        first: None,
        left_out: None,
        read_from: None,
        doubtful: DoubtfulRows::default(),
        fared: Vec::new(),
        health: Vec::new(),
        sender_health: None,
        test_to: Some("+60100129999".to_owned()),
        samples: vec![Sample {
            which: "first",
            person: RecipientId(41),
            phone: serde_json::from_value(serde_json::json!("+60100127781")).unwrap(),
            name: Some("Raj".to_owned()),
            row: Some(41),
            text: "Salam Raj, tinggal 2 hari lagi!".to_owned(),
        }],
        obstacles: Vec::new(),
    }
}

pub fn planned(change: impl FnOnce(Plan) -> Plan) -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1S");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(change(plan_of(draft(), 289)))) });
    dashboard.effects.clear();
    dashboard
}

pub fn shows(dashboard: &TestDashboard, words: &str) -> bool {
    dashboard.screen().iter().any(|line| line.contains(words))
}

#[test]
fn a_follow_up_that_keeps_its_people_says_who_else_is_stuck_there_by_now() {
    let also = AlsoStuck { blast: RAYA, stage: Status::Read, older_than: TimeDelta::hours(24), people: 4 };
    let screen = planned(|plan| Plan { also_stuck: Some(also), ..plan }).screen().join("\n");

    assert!(screen.contains("4 more people are stuck at read in Raya promo for 1 day by now"), "{screen}");
}

#[test]
fn the_question_says_when_a_blast_with_a_start_begins() {
    let with_start =
        |plan| Plan { start: Some(PlannedStart { at: at(23, 0), zone: chrono_tz::Tz::UTC, note: None }), ..plan };
    assert!(shows(&planned(with_start), "It starts 23:00; until then u or p takes it back."));

    let sent_again = |plan: Plan| {
        let blast = BlastView { state: BlastState::Scheduled, ..plan.blast.clone() };
        with_start(Plan { blast, ..plan })
    };
    assert!(shows(&planned(sent_again), "It starts 10 s later; until then u stops it."));

    let stopped = planned(|plan| Plan { stopped: Some("the token is refused".to_owned()), ..plan });
    assert!(shows(&stopped, "It starts once its sender is resumed; until then u stops it."));
}

#[test]
fn a_plan_is_read_again_once_somebody_is_taken_out_of_its_blast_or_put_back() {
    let mut dashboard = planned(|plan| plan);
    let mut reads = |queued: i64| {
        let changed = |mut blast: BlastView| {
            blast.counts.queued = if blast.id == DRAFT { queued } else { blast.counts.queued };
            blast
        };
        dashboard.answer(Completion::Blasts(Ok(blasts().into_iter().map(changed).collect())));
        dashboard.taken().iter().filter(|effect| matches!(effect, Effect::Read(ReadRequest::Plan(..)))).count()
    };

    assert_eq!([289, 289, 288, 288, 289].map(&mut reads), [0, 0, 1, 0, 1]);
}

#[test]
fn one_person_gets_one_message() {
    let dashboard = planned(|plan| Plan { people: 1, ..plan });

    assert!(shows(&dashboard, "1 person gets one message, from sales"), "{:#?}", dashboard.screen());
}

#[test]
fn enter_on_a_count_shows_whom_it_is_about_and_sends_nothing() {
    let mut dashboard = planned(|plan| plan);

    dashboard.keys("jj\n");
    let group = PlanGroup::Recent;
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::PlanPeople { blast: DRAFT, group })]);
    let person = PlanPerson {
        phone_number: serde_json::from_value(serde_json::json!("+60100120001")).unwrap(),
        name: Some("Siti\u{1b}[2J".to_owned()),
        tag: Some("Deepavali".to_owned()),
        at: Some(at(9, 0)),
        is_uncertain: false,
    };
    dashboard.answer(Completion::PlanPeople { blast: DRAFT, group, people: Ok(vec![person]) });
    assert!(shows(&dashboard, "Deepavali") && shows(&dashboard, "+60"), "{:#?}", dashboard.screen());

    // Enter only goes back; the number is typed where it is asked.
    dashboard.keys("\n289\n");
    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Launch(launch)] if launch.people == 289));
}

#[test]
fn it_is_changed_and_written_to_a_file_from_here() {
    let mut dashboard = planned(|plan| plan);

    dashboard.keys("w");
    let acts = dashboard.acts();
    assert!(
        matches!(&acts[..], [WriteRequest::SavePlan { text, .. }] if text.contains("289 people get one message each") && text.contains("Salam Raj")),
        "{acts:?}"
    );
    let [WriteRequest::SavePlan { text, .. }] = &acts[..] else { panic!("{acts:?}") };
    assert!(text.contains("\n\nWhat they read, 31 characters\n"), "{text}");
    for prompt in [">", "people:", "_", "Type 289"] {
        assert!(!text.contains(prompt), "{prompt}: {text}");
    }
    dashboard.keys("e");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Draft(DraftRead::Open(DRAFT)))]);
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn the_first_people_are_said_before_the_others_and_compared_with_earlier_ones() {
    let first = Some(FirstShare { people: 25, until: Some(at(14, 41)) });
    let dashboard = planned(|plan| Plan { first, ..plan });
    assert!(
        shows(
            &dashboard,
            "25 of 289 first, until about 14:41; then it waits for you. If you go on at once, all 289 go like this:"
        ),
        "{:#?}",
        dashboard.screen()
    );

    let fared = |tag: &str, read| {
        let stage = if tag == "Deepavali" { "Follow-up 1" } else { "Initial" };
        let (tag, stage) = (tag.to_owned(), stage.to_owned());
        FirstFared { tag, stage, sent: 25, received: 24, read, replied: 2, failed: 1 }
    };
    let dashboard = planned(|plan| Plan { fared: vec![fared("Raya last call", 12), fared("Deepavali", 20)], ..plan });
    let screen = dashboard.screen();
    let row =
        |tag: &str| screen.iter().find(|line| line.contains(tag) && line.contains('%')).cloned().unwrap_or_default();
    assert!(row("Raya last call").contains("96.0%") && row("Raya last call").contains("48.0%"), "{screen:#?}");
    assert!(row("Deepavali, Follow-up").contains("80.0%"), "{screen:#?}");
    assert!(shows(&dashboard, "earlier blasts at the same age"), "{screen:#?}");

    let alone = planned(|plan| Plan { fared: vec![fared("Raya last call", 12)], ..plan });
    assert!(shows(&alone, "How the first ones did") && !shows(&alone, "earlier blasts"), "{:#?}", alone.screen());
}

#[test]
fn rows_that_were_left_out_of_the_list_are_counted_with_their_reasons_and_shown_on_enter() {
    let reason = |reason: &str, rows| RejectedReason { reason: reason.to_owned(), rows };
    let row = LeftOutRow {
        row: 4,
        column: "No. Telefon".to_owned(),
        value: "6.01E+10".to_owned(),
        name: Some("Chong Five".to_owned()),
        reason: "lost by the spreadsheet".to_owned(),
        is_cell: true,
        digest: RowDigest::default(),
        phone: None,
    };
    let left_out = RejectedRows {
        total: 11,
        reasons: vec![reason("not a phone number", 7), reason("taken once", 4)],
        rows: vec![row],
        ..RejectedRows::default()
    };
    let paused = BlastView { state: BlastState::Paused, ..draft() };
    let mut of_paused = planned(|plan| Plan { left_out: Some(left_out.clone()), blast: paused, ..plan });
    of_paused.keys("jjjj\n");
    assert!(shows(&of_paused, "lost by the spreadsheet") && !shows(&of_paused, "e mends"), "{:#?}", of_paused.screen());

    let mut dashboard = planned(|plan| Plan { left_out: Some(left_out), ..plan });
    assert!(
        shows(&dashboard, "  11 left out of the list: 7 not a phone number, 4 taken once"),
        "{:#?}",
        dashboard.screen()
    );

    dashboard.keys("jjjj\n");
    assert!(shows(&dashboard, "row 4      No. Telefon 6.01E+10   Chong Five"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "lost by the spreadsheet") && dashboard.taken().is_empty());
    dashboard.key(Key::Esc);

    assert!(shows(&dashboard, "Type 289, then press enter"), "{:#?}", dashboard.screen());
}

#[test]
fn whom_a_filter_finds_and_the_message_cannot_be_made_for_is_no_row_of_a_list() {
    let row = LeftOutRow {
        row: 1,
        column: "variables".to_owned(),
        value: "+60100000005".to_owned(),
        name: Some("Chong Five".to_owned()),
        reason: "without city".to_owned(),
        is_cell: false,
        digest: RowDigest::default(),
        phone: None,
    };
    let reasons = vec![RejectedReason { reason: "without city".to_owned(), rows: 3 }];
    let left_out = RejectedRows { total: 3, reasons, rows: vec![row], ..RejectedRows::default() };
    let mut of_filter = draft();
    of_filter.origin.segment = Some("blast:1,3 stuck:read".to_owned());
    let mut dashboard = planned(|plan| Plan { left_out: Some(left_out), blast: of_filter, ..plan });
    assert!(shows(&dashboard, "  3 left out: 3 without city"), "{:#?}", dashboard.screen());

    dashboard.keys("jjjj\n");

    assert!(shows(&dashboard, "Left out: 3 people") && shows(&dashboard, "Chong Five"), "{:#?}", dashboard.screen());
    assert!(!shows(&dashboard, "row 1") && !shows(&dashboard, "variables"), "{:#?}", dashboard.screen());
}

#[test]
fn the_people_of_a_count_are_written_to_a_file_of_their_own_and_keys_of_the_plan_are_not_offered() {
    let left_out = RejectedRows { total: 11, ..RejectedRows::default() };
    let mut dashboard = planned(|plan| Plan { left_out: Some(left_out), ..plan });

    dashboard.keys("jjjj\n");
    let footer = dashboard.line(28);
    assert!(footer.contains("w save") && footer.contains("esc back"), "{footer}");
    assert!(!["who", "one to me", "sample"].iter().any(|word| footer.contains(word)), "{footer}");
    dashboard.keys("w");

    let acts = dashboard.acts();
    let [save @ WriteRequest::SavePlan { people: Some(PlanCount::LeftOut), .. }] = &acts[..] else {
        panic!("{acts:?}")
    };
    let outcome = Ok(WriteOutcome::PlanSaved("/srv/plan-8-left-out.txt".to_owned()));
    dashboard.answer(Completion::Written { request: save.clone(), outcome });
    assert_eq!(dashboard.said(), "what was left out of the list is written to /srv/plan-8-left-out.txt");
    dashboard.keys("M");
    assert!(dashboard.model.prompt.is_none(), "{:#?}", dashboard.screen());
}

#[test]
fn the_plan_of_what_was_sent_offers_no_change_and_says_what_there_is_in_its_place() {
    let window = || Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) };
    let waits = BlastView { state: BlastState::Sending, waiting: Some(window()), ..draft() };
    let paused = BlastView { state: BlastState::Paused, ..draft() };
    for (blast, expected) in [(paused, "it is paused: "), (waits, "it is waiting to go on: ")] {
        let mut dashboard = planned(|plan| plan);
        dashboard.answer(Completion::Blasts(Ok(vec![blast])));
        assert!(!shows(&dashboard, "e change"), "{:#?}", dashboard.screen());

        dashboard.keys("e");

        assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(_))), "{:#?}", dashboard.screen());
        assert!(dashboard.said().starts_with(expected), "{}", dashboard.said());
        assert!(dashboard.said().contains("e changes its hours and pace, d makes a new one"), "{}", dashboard.said());
    }
}

#[test]
fn esc_in_the_people_of_a_count_goes_back_to_the_plan() {
    let mut dashboard = planned(|plan| plan);

    dashboard.keys("j\n").key(Key::Esc);

    assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(plan)) if plan.people.is_none()));
}

#[test]
fn s_on_a_plan_says_how_it_is_sent() {
    let mut dashboard = planned(|plan| plan);

    dashboard.keys("S");

    assert_eq!(dashboard.said(), "type 289, then press enter: nothing is sent before");
    assert!(dashboard.line(28).contains("enter send"), "{}", dashboard.line(28));
}

#[test]
fn whom_a_plan_is_for_stays_above_the_number_to_type_however_few_lines_there_are() {
    for size in [Size { width: 62, height: 20 }, Size { width: 40, height: 10 }] {
        let mut dashboard = TestDashboard::new(size);
        dashboard.model.blasts.select(DRAFT);
        dashboard.keys("1S");
        dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });

        assert!(dashboard.line(2).contains("289 people get"), "{:#?}", dashboard.screen());
        assert!(shows(&dashboard, "people: _"), "{:#?}", dashboard.screen());
        // What to know of them, too.
        let knows = shows(&dashboard, "3 left out: they opted out") && shows(&dashboard, "  124 had");
        assert!(size.height < 20 || knows, "{:#?}", dashboard.screen());
    }
}

#[test]
fn a_plan_that_changed_is_read_again_and_takes_the_number_that_it_shows_then() {
    let mut dashboard = planned(|plan| plan);
    dashboard.keys("289\n");
    let request = dashboard.acts().remove(0);
    let why = EffectError::Other("it is 288 people now, not 289: check again, nothing was sent".to_owned());

    dashboard.answer(Completion::Written { request, outcome: Err(why) });

    let reads = |effect: &Effect| matches!(effect, Effect::Read(ReadRequest::Plan(DRAFT, _)));
    assert!(dashboard.taken().iter().any(reads));
    dashboard.keys("\n");
    assert!(dashboard.acts().is_empty(), "nothing is sent by a plan that is not shown");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 288))) });
    assert!(shows(&dashboard, "it is 288 people now, not 289"), "{:#?}", dashboard.screen());
    assert!(shows(&dashboard, "Type 288, then press enter"), "{:#?}", dashboard.screen());
    dashboard.keys("288\n");
    assert!(matches!(&dashboard.acts()[..], [WriteRequest::Launch(launch)] if launch.people == 288));
}

#[test]
fn a_plan_that_cannot_be_sent_offers_no_key_that_sends() {
    let mut dashboard = planned(|plan| Plan { obstacles: vec!["nobody is in it".to_owned()], ..plan });

    assert!(!dashboard.line(28).contains("enter send"), "{}", dashboard.line(28));
    dashboard.keys("S");
    assert_eq!(dashboard.said(), "nobody is in it");
}

#[test]
fn a_plan_of_a_follow_up_counts_who_wrote_and_was_not_marked_and_how_long_its_text_is() {
    let dashboard = planned(|plan| Plan { wrote: 3, ..plan });

    for words in ["    3 wrote and not marked as replied: it goes to them too", "What they read ── 31 characters"] {
        assert!(shows(&dashboard, words), "{:#?}", dashboard.screen());
    }
}
