//! A blast that waits for its hours, or for its time: which keys send it now, and how its hours change.

use super::plans::{plan_of, planned};
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, blasts, draft, raya, tomorrow};
use crate::app::view::BlastView;
use crate::app::{self, DraftEdit};
use crate::domain::blast::BlastState;
use crate::domain::field_change::FieldChange;
use crate::domain::pace::{Forecast, ForecastShare, LimitColumns};
use crate::domain::waiting::Waiting;
use crate::tui::effect::{Completion, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{Overlay, Prompt};
use crate::tui::msg::Msg;
use crate::tui::{DashboardKind, Size};

/// Its hours begin at 20:00; it is 14:02.
fn closed() -> BlastView {
    let limits = LimitColumns { hours: Some(Ok("20:00-22:00".parse().unwrap())), ..LimitColumns::default() };
    let window = "20:00-22:00 daily (Asia/Kuala_Lumpur)".to_owned();
    BlastView { limits, waiting: Some(Waiting::Window { window, until: at(20, 0) }), ..raya() }
}

fn with(size: Size, row: BlastView) -> TestDashboard {
    let mut dashboard = TestDashboard::new(size);
    let rows = std::iter::once(row).chain(blasts().into_iter().filter(|blast| blast.id != RAYA)).collect();
    dashboard.answer(Completion::Blasts(Ok(rows))).taken();
    dashboard
}

fn edits(acts: &[WriteRequest]) -> Vec<DraftEdit> {
    let edit = |act: &WriteRequest| match act {
        WriteRequest::EditPace { edit, .. } => Some((**edit).clone()),
        _ => None,
    };
    acts.iter().filter_map(edit).collect()
}

#[test]
fn a_blast_that_waits_for_its_hours_names_the_keys_that_send_it_now_and_change_them() {
    for size in [WIDE, STACKED, Size { width: 160, height: 50 }, Size { width: 50, height: 24 }] {
        let mut dashboard = with(size, closed());
        dashboard.keys("2");
        let screen = dashboard.screen().join("\n");
        assert!(screen.contains("S sends now"), "{size:?}: {screen}");
        assert!(size.width < 60 || screen.contains("e changes its hours"), "{size:?}: {screen}");
        dashboard.keys("3");
        let screen = dashboard.screen().join("\n");
        assert!(!screen.contains("e changes its hours"), "there it writes a note: {screen}");
    }

    let mut dashboard = with(STACKED, closed());
    dashboard.model.options.kind = DashboardKind::ReadOnly;
    dashboard.keys("2");
    assert!(!dashboard.screen().join("\n").contains("sends now"));
}

#[test]
fn s_sends_a_blast_outside_its_hours_once_the_number_is_typed() {
    let mut dashboard = with(STACKED, closed());

    dashboard.keys("S");
    assert!(dashboard.acts().is_empty());
    let screen = dashboard.screen().join("\n");
    assert!(
        screen.contains("send Raya promo now? It starts 10 s later, and sends at any hour from then on."),
        "{screen}"
    );
    dashboard.keys("139\n");
    assert!(dashboard.acts().is_empty(), "140 are queued");
    dashboard.keys("140\n");

    let edit = DraftEdit { window: FieldChange::Clear, weekdays: FieldChange::Clear, ..DraftEdit::default() };
    assert_eq!(edits(&dashboard.acts()), [edit]);
}

#[test]
fn what_is_to_be_retried_later_is_not_said_to_be_sent_once_its_hours_are_lifted() {
    let retried = Waiting::Backoff { people: 19, until: at(16, 58) };
    let row = BlastView { nobody_due: Some(retried), ..closed() };
    let mut dashboard = with(Size { width: 160, height: 50 }, row.clone());
    dashboard.keys("2");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("S lifts its hours") && !screen.contains("S sends now"), "{screen}");

    dashboard.keys("S");

    let screen = dashboard.screen().iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ");
    let asks = "lift the hours of Raya promo? 19 to be retried, next try 16:58: it sends nothing before that, and sends at any hour from \
                then on. 140 still queued; type 140:";
    assert!(screen.contains(asks), "{screen}");
    dashboard.keys("140\n");
    let request = dashboard.acts().remove(0);
    let soon = dashboard.now + chrono::TimeDelta::seconds(10);
    let waiting = Some(Waiting::Armed { until: soon });
    let opened = BlastView { limits: LimitColumns::default(), waiting, send_after: Some(soon), version: 4, ..row };
    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Blast(Box::new(opened))) });
    assert!(dashboard.said().contains("Raya promo starts at 16:58"), "{}", dashboard.said());
    assert!(!dashboard.screen().join("\n").contains(" s left)"), "{:#?}", dashboard.screen());
    dashboard.now = soon;
    dashboard.dispatch(Msg::Deadline);
    assert_eq!(dashboard.said(), "Raya promo waits for 19 to be retried, next try 16:58: p pauses it");
}

#[test]
fn e_changes_the_hours_of_a_blast_that_has_started_and_asks_only_where_it_sends_at_once() {
    let mut dashboard = with(STACKED, closed());
    dashboard.keys("2e");
    assert!(dashboard.line(22).starts_with(" hours of Raya promo: 20:00-22:00"), "{}", dashboard.line(22));
    dashboard.key(Key::Ctrl('u')).keys("19:00-23:00\n");
    let later = DraftEdit { window: FieldChange::Set("19:00-23:00".parse().unwrap()), ..DraftEdit::default() };
    assert_eq!(edits(&dashboard.acts()), [later], "it still waits");

    dashboard.keys("e").key(Key::Ctrl('u')).keys("09:00-23:00\n");
    assert!(dashboard.acts().is_empty() && matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))));
    assert!(dashboard.screen().join("\n").contains("and its hours become 09:00-23:00."));
    dashboard.key(Key::Esc);
    assert_eq!(dashboard.said(), "nothing changed: Raya promo still waits for its hours");

    dashboard.keys("e").key(Key::Tab).keys("10-20\n");
    let slower = DraftEdit { gap: FieldChange::Set("10s..20s".parse().unwrap()), ..DraftEdit::default() };
    assert_eq!(edits(&dashboard.acts()), [slower]);
}

#[test]
fn the_number_that_new_hours_ask_for_is_that_of_now() {
    let mut dashboard = with(STACKED, closed());
    dashboard.keys("2e").key(Key::Ctrl('u')).keys("09:00-23:00");
    let mut more = closed();
    more.counts.queued = 5_140;
    dashboard.answer(Completion::Blasts(Ok(vec![more])));

    dashboard.keys("\n140\n");
    assert!(dashboard.acts().is_empty(), "5,140 are queued by now");
    dashboard.keys("5140\n");

    let acts = dashboard.acts();
    assert!(matches!(acts[..], [WriteRequest::EditPace { people: Some(5_140), .. }]), "{acts:?}");
}

#[test]
fn what_is_no_hours_stays_to_be_corrected_and_what_is_unchanged_is_not_written() {
    let mut dashboard = with(STACKED, closed());

    dashboard.keys("2ex\n");
    assert!(dashboard.screen().join("\n").contains("write hours as 09:00-21:00"));
    dashboard.key(Key::Backspace).keys("\n");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "Raya promo: nothing is changed");
}

#[test]
fn a_blast_that_is_let_send_outside_its_hours_is_announced_as_a_launch_is() {
    let mut dashboard = with(STACKED, closed());
    let edit = DraftEdit { window: FieldChange::Clear, ..DraftEdit::default() };
    let row = BlastView {
        send_after: Some(dashboard.model.now + chrono::TimeDelta::seconds(10)),
        waiting: None,
        version: 4,
        ..raya()
    };

    dashboard.answer(Completion::Written {
        request: WriteRequest::EditPace { blast: RAYA, version: 3, people: None, edit: Box::new(edit) },
        outcome: Ok(WriteOutcome::Blast(Box::new(row))),
    });

    assert!(dashboard.said().starts_with("Raya promo starts at "), "{}", dashboard.said());
    dashboard.taken();
    dashboard.keys("u");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::UndoLaunch(RAYA)]));
}

#[test]
fn an_announced_start_outside_its_hours_is_said_to_be_when_they_begin() {
    let mut dashboard = with(STACKED, closed());
    let send_after = Some(dashboard.model.now + chrono::TimeDelta::seconds(10));

    let mut dashboard_with = |row: BlastView| {
        dashboard.answer(Completion::Blasts(Ok(vec![row]))).taken();
        dashboard.screen().join("\n")
    };
    let closed = dashboard_with(BlastView { send_after, waiting: None, version: 4, ..closed() });
    let open = dashboard_with(BlastView { send_after, waiting: None, version: 5, ..raya() });

    assert!(closed.contains("Raya promo starts at 20:00"), "{closed}");
    assert!(closed.contains("starts 20:00: u"), "{closed}");
    assert!(open.contains("Raya promo starts at 14:02:10"), "{open}");
}

#[test]
fn a_pace_that_is_changed_while_a_start_is_announced_is_confirmed() {
    let mut dashboard = with(STACKED, raya());
    let send_after = Some(dashboard.model.now + chrono::TimeDelta::seconds(10));
    let row = |version| BlastView { send_after, waiting: None, version, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![row(4)]))).taken();
    let edit = DraftEdit { rate: FieldChange::Set("30/h".parse().unwrap()), ..DraftEdit::default() };
    let limits = LimitColumns { rate: Some(Ok("30/h".parse().unwrap())), ..LimitColumns::default() };

    dashboard.answer(Completion::Written {
        request: WriteRequest::EditPace { blast: RAYA, version: 4, people: None, edit: Box::new(edit) },
        outcome: Ok(WriteOutcome::Blast(Box::new(BlastView { limits, ..row(5) }))),
    });

    assert!(dashboard.said().starts_with("Raya promo: 30/h from now on"), "{}", dashboard.said());
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("30/h from now on; it starts at 14:02:10"), "{screen}");
    assert!(screen.contains("stops it (") && screen.contains("starts 14:02:10: u stops it"), "{screen}");
    dashboard.taken();
    dashboard.keys("u");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::UndoLaunch(RAYA)]), "{:?}", dashboard.acts());
}

#[test]
fn after_another_act_the_title_of_an_announced_start_names_the_key_that_still_stops_it() {
    let mut dashboard = with(STACKED, raya());
    let send_after = Some(dashboard.model.now + chrono::TimeDelta::seconds(10));
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { send_after, waiting: None, version: 4, ..raya() }])));
    assert!(dashboard.screen().join("\n").contains("starts 14:02:10: u stops it"));

    dashboard.model.now += chrono::TimeDelta::seconds(1);
    dashboard.model.say(crate::tui::model::Notice::done("Aina: replied".to_owned()));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("starts 14:02:10: p pauses it"), "{screen}");
}

#[test]
fn changed_hours_are_said_with_the_command_that_does_the_same() {
    let mut dashboard = with(STACKED, closed());
    let edit = DraftEdit {
        window: FieldChange::Clear,
        rate: FieldChange::Set("20/min".parse().unwrap()),
        ..DraftEdit::default()
    };
    let limits = LimitColumns { rate: Some(Ok("20/min".parse().unwrap())), ..LimitColumns::default() };
    let row = BlastView { limits, waiting: None, version: 4, ..raya() };

    dashboard.answer(Completion::Written {
        request: WriteRequest::EditPace { blast: RAYA, version: 3, people: None, edit: Box::new(edit) },
        outcome: Ok(WriteOutcome::Blast(Box::new(row))),
    });

    assert_eq!(
        dashboard.said(),
        "Raya promo: any hour, 20/min from now on; sales sends at most 90/h (gap 20-60 s): that stays the limit"
    );
    let line = dashboard.model.log.back().unwrap();
    assert_eq!(line.command_line, "blastdeck blast edit 7 --rate 20/min --clear window");
}

#[test]
fn what_starts_at_a_time_says_that_s_sends_it_now_and_its_plan_says_so_too() {
    let at = tomorrow(9, 0);
    let later = BlastView {
        state: BlastState::Scheduled,
        send_after: Some(at),
        scheduled_for: Some(at),
        waiting: None,
        ..raya()
    };
    let mut dashboard = with(STACKED, later.clone());
    dashboard.keys("2");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("starts Sat 21 Nov 09:00; S sends now, e edits it"), "{screen}");

    dashboard.keys("S");
    let stopped = app::Plan { stopped: Some("offline".to_owned()), ..plan_of(later.clone(), 140) };
    for (plan, unless) in [(stopped, ", but not while its sender is stopped"), (plan_of(later, 140), "")] {
        dashboard.answer(Completion::Plan { blast: RAYA, plan: Box::new(Ok(plan)) });

        assert!(matches!(dashboard.model.overlays.last(), Some(Overlay::Plan(_))));
        let screen = dashboard.screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
        let says = format!("It starts by itself 21 Nov 09:00{unless}. To send it now, type 140, then press enter.");
        assert!(screen.contains(&says), "{screen}");
    }
    dashboard.keys("140\n");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::Launch(_)]));
}

#[test]
fn a_plan_of_a_draft_that_somebody_else_scheduled_meanwhile_does_not_send_it_now() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1jjjjjS");
    let draft = draft();
    dashboard.answer(Completion::Plan { blast: draft.id, plan: Box::new(Ok(plan_of(draft.clone(), 289))) });

    let at = tomorrow(9, 0);
    let later =
        BlastView { state: BlastState::Scheduled, send_after: Some(at), scheduled_for: Some(at), version: 4, ..draft };
    let rows = blasts().into_iter().filter(|blast| blast.id != later.id).chain([later.clone()]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
    dashboard.answer(Completion::Plan { blast: later.id, plan: Box::new(Ok(plan_of(later, 289))) }).taken();
    dashboard.keys("289\n");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "it starts by itself 21 Nov 09:00: p pauses it");
}

#[test]
fn days_that_are_changed_are_said_with_the_hours_that_stay() {
    // 20 November is a Friday.
    let limits = LimitColumns {
        hours: Some(Ok("09:00-21:00".parse().unwrap())),
        weekdays: Some(Ok("sat,sun".parse().unwrap())),
        ..LimitColumns::default()
    };
    let mut dashboard = with(STACKED, BlastView { limits, ..closed() });

    dashboard.keys("2e").key(Key::Ctrl('u')).keys("09:00-21:00 fri-sun\n");

    let screen = dashboard.screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains("and its hours become 09:00-21:00 fri,sat,sun"), "{screen}");
    assert!(dashboard.acts().is_empty());
}

#[test]
fn what_somebody_else_changed_while_hours_were_typed_is_not_undone() {
    let mut dashboard = with(STACKED, BlastView { version: 3, ..closed() });
    let limits = LimitColumns { hours: Some(Ok("21:00-22:00".parse().unwrap())), ..LimitColumns::default() };
    let theirs = BlastView { limits, version: 4, ..closed() };
    let rows =
        || std::iter::once(theirs.clone()).chain(blasts().into_iter().filter(|blast| blast.id != RAYA)).collect();

    dashboard.keys("2e");
    dashboard.answer(Completion::Blasts(Ok(rows()))).taken();
    dashboard.keys("\n");
    assert!(dashboard.acts().is_empty(), "nothing was typed");
    assert_eq!(dashboard.said(), "Raya promo: nothing is changed");

    let mut dashboard = with(STACKED, BlastView { version: 3, ..closed() });
    dashboard.keys("2e");
    dashboard.answer(Completion::Blasts(Ok(rows()))).taken();
    dashboard.keys(" mon-fri\n");
    let acts = dashboard.acts();
    assert!(matches!(acts[..], [WriteRequest::EditPace { version: 3, .. }]), "it is refused: {acts:?}");
}

#[test]
fn where_nobody_knows_by_whose_clock_the_hours_are_a_change_of_them_asks() {
    let mut dashboard = with(STACKED, closed());
    dashboard.model.senders.clear();

    dashboard.keys("2e").key(Key::Ctrl('u')).keys("19:00-23:00\n");
    assert!(dashboard.acts().is_empty() && matches!(dashboard.model.prompt, Some(Prompt::Confirm(_))));
    dashboard.key(Key::Esc).keys("e").key(Key::Tab).keys("10-20\n");
    assert_eq!(edits(&dashboard.acts()).len(), 1, "how fast it goes opens no hours");
}

#[test]
fn a_plan_whose_hours_are_closed_when_it_starts_says_when_its_first_message_goes() {
    let from = tomorrow(8, 0);
    let later = |plan: app::Plan| {
        let tomorrow = Some(ForecastShare { people: 289, from, until: None });
        app::Plan { forecast: Forecast { today: None, tomorrow, ..Forecast::default() }, ..plan }
    };
    for size in [WIDE, Size { width: 80, height: 24 }, Size { width: 50, height: 18 }] {
        let mut dashboard = planned(later);
        dashboard.dispatch(Msg::Resized(size));
        let screen = dashboard.screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
        assert!(screen.contains("first message 21 Nov 08:00"), "{size:?}: {screen}");
    }
    let screen = planned(later).screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains("First message: 21 Nov 08:00."), "{screen}");

    let limits = LimitColumns { hours: Some(Ok("20:00-22:00".parse().unwrap())), ..LimitColumns::default() };
    let at = tomorrow(21, 0);
    let scheduled = BlastView {
        state: BlastState::Scheduled,
        send_after: Some(at),
        scheduled_for: Some(at),
        limits,
        waiting: None,
        ..raya()
    };
    let mut dashboard = with(STACKED, scheduled.clone());
    dashboard.keys("2S");
    dashboard.answer(Completion::Plan { blast: RAYA, plan: Box::new(Ok(plan_of(scheduled, 140))) });
    let screen = dashboard.screen().iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>().join(" ");
    assert!(screen.contains("First message: 20:00."), "{screen}");
}

#[test]
fn whoever_reads_other_clocks_is_told_by_both_when_its_hours_begin() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.options.zone = chrono_tz::UTC;
    let rows = std::iter::once(closed()).chain(blasts().into_iter().filter(|blast| blast.id != RAYA)).collect();
    dashboard.answer(Completion::Blasts(Ok(rows))).taken();

    dashboard.keys("!");

    let screen = dashboard.screen().join("\n");
    let until = "daily in Kuala Lumpur, until 20:00 there (12:00 here)";
    assert!(screen.contains(until), "{screen}");
}
