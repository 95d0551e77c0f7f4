//! The line that announces an armed launch: true as long as it stands.

use chrono::TimeDelta;

use super::plans::plan_of;
use super::support::{DRAFT, RAYA, STACKED, TestDashboard, at, blasts, draft, marked};
use crate::app::Launch;
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::ids::RecipientId;
use crate::domain::status::Status;
use crate::domain::waiting::{DatabaseTrouble, Waiting};
use crate::tui::effect::{Completion, Effect, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::Notice;
use crate::tui::msg::Msg;
use crate::tui::{KeyBinding, Keymap};

/// The draft as the launch left it, to start in ten seconds.
pub fn armed(dashboard: &TestDashboard) -> BlastView {
    let until = dashboard.now + TimeDelta::seconds(10);
    BlastView { state: BlastState::Sending, version: 4, send_after: Some(until), ..draft() }
}

/// Its launch was just written.
pub fn launched() -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("1jjjjjS");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan_of(draft(), 289))) });
    dashboard.keys("289\n").taken();
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    let row = armed(&dashboard);
    dashboard.answer(Completion::Written {
        request: WriteRequest::Launch(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(row))),
    });
    dashboard
}

/// The list is read again, and the launched blast stands so.
pub fn read(dashboard: &mut TestDashboard, row: BlastView) {
    let others = blasts().into_iter().filter(|blast| blast.id != DRAFT);
    let rows = others.chain([row]).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));
}

#[test]
fn an_armed_launch_says_when_it_starts_and_u_stops_it() {
    let mut dashboard = launched();

    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (10 s left)");
    assert_eq!(dashboard.model.deadline(), Some(dashboard.now + TimeDelta::seconds(1)), "its seconds are counted down");
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)]);
}

#[test]
fn a_launch_that_counts_down_stays_in_sight_behind_another_act() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    read(&mut dashboard, row);
    assert!(!dashboard.line(0).contains("starts"), "the line of messages says it: {}", dashboard.line(0));

    dashboard.model.now += TimeDelta::seconds(1);
    dashboard.answer(marked(1, "Siti", Status::Read, Status::Replied));

    assert!(dashboard.line(0).contains("  starts 14:02:10  "), "{}", dashboard.line(0));
}

#[test]
fn a_launch_that_counts_down_is_stopped_by_the_same_keys_whatever_was_done_since() {
    let mut dashboard = launched();
    let own = Some(Actor::Operator(dashboard.model.options.operator.clone()));
    let row = BlastView { state_by: own, ..armed(&dashboard) };
    read(&mut dashboard, row);
    dashboard.model.now += TimeDelta::seconds(1);
    dashboard.model.say(Notice::done("copied to the terminal's clipboard"));
    dashboard.keys("1").key(Key::Home).taken();
    let blast = dashboard.model.blast().unwrap();
    let done = BlastView { state: BlastState::Completed, version: blast.version + 1, ..blast.clone() };
    dashboard.model.blasts.update(done);

    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(DRAFT)]);
    dashboard.keys("u");
    assert!(dashboard.line(22).contains("starts at 14:02:10: take that back?"), "{}", dashboard.line(22));
    dashboard.keys("y");
    assert_eq!(dashboard.acts(), [WriteRequest::UndoLaunch(DRAFT)], "asked about once more where it is not theirs");
}

#[test]
fn a_blast_with_nobody_queued_does_not_start_where_its_sender_is_resumed_for_others() {
    let mut dashboard = launched();
    let mut row = armed(&dashboard);
    (row.counts.queued, row.counts.uncertain) = (0, 4);
    read(&mut dashboard, row);

    let screen = dashboard.screen().join("\n");
    assert!(!screen.contains("starts"), "{screen}");
}

#[test]
fn a_refusal_hides_what_stops_a_launch_for_two_seconds_only() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    read(&mut dashboard, row);
    dashboard.model.refuse("M works in Plan");

    assert!(dashboard.line(22).contains("M works in Plan"), "{}", dashboard.line(22));
    dashboard.model.now += TimeDelta::seconds(3);
    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:10: u or p stops it (7 s left)");
}

#[test]
fn the_key_that_cancels_elsewhere_names_the_one_that_stops_a_launch() {
    let mut dashboard = launched();

    dashboard.keys("2X");

    let said = dashboard.said();
    assert!(said.starts_with("u stops Raya last call; X works in Blasts (cancel it, or delete a draft), "), "{said}");
    dashboard.taken();
    dashboard.keys("u");
    assert!(matches!(dashboard.acts()[..], [WriteRequest::UndoMine { .. }]), "the launch is the newest act");
}

#[test]
fn what_stops_a_launch_is_named_by_its_key_where_that_was_remapped() {
    let mut dashboard = launched();
    let binding = |action: &str, key: &str| KeyBinding { action: action.to_owned(), keys: vec![key.to_owned()] };
    let bindings = [binding("undo-my-last-act", "ctrl-r"), binding("pause-this-blast-at-once", "ctrl-p")];
    dashboard.model.options.keys = Keymap::new(&bindings).unwrap();

    let row = armed(&dashboard);
    read(&mut dashboard, row);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("ctrl-r or ctrl-p stops it") && !screen.contains(" u stops it"), "{screen}");
}

#[test]
fn p_pauses_the_launch_that_the_line_names_though_a_finished_blast_is_selected() {
    let mut dashboard = launched();
    dashboard.keys("1kkkk");
    assert_eq!(dashboard.model.blast().map(|blast| blast.state), Some(BlastState::Completed));
    assert!(dashboard.line(22).contains(": u or p stops it ("), "{}", dashboard.line(22));
    dashboard.taken();

    dashboard.keys("p");

    assert_eq!(dashboard.acts(), [WriteRequest::Pause(DRAFT)]);
}

#[test]
fn the_line_promises_only_u_where_p_would_pause_another_blast() {
    let mut dashboard = launched();
    dashboard.keys("1kkkkk");
    assert_eq!(dashboard.model.blast().map(|blast| blast.id), Some(RAYA));

    assert!(dashboard.line(22).contains(": u stops it ("), "{}", dashboard.line(22));
    dashboard.taken();
    dashboard.keys("p");
    assert_eq!(dashboard.acts(), [WriteRequest::Pause(RAYA)]);
}

#[test]
fn an_older_message_does_not_hide_a_launch_from_elsewhere() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.refuse("something said earlier");
    dashboard.now += TimeDelta::seconds(5);

    let row = armed(&dashboard);
    read(&mut dashboard, row);

    assert_eq!(dashboard.line(22), " Raya last call starts at 14:02:15: u stops it (10 s left)");
}

/// The draft as the launch left it, to start by itself tonight.
fn scheduled() -> BlastView {
    BlastView { state: BlastState::Scheduled, version: 4, send_after: Some(at(23, 0)), ..draft() }
}

#[test]
fn a_start_at_a_set_time_is_no_armed_launch_and_u_is_for_the_newest_act() {
    let mut dashboard = TestDashboard::new(STACKED);

    read(&mut dashboard, scheduled());

    assert!(!dashboard.line(22).contains("starts at"), "{}", dashboard.line(22));
    dashboard.taken();
    dashboard.keys("u");
    assert_eq!(
        dashboard.acts(),
        [WriteRequest::UndoMine { shown: Some(RAYA), person: Some(RecipientId(1)), asks: false }]
    );
}

#[test]
fn the_line_of_a_start_at_a_set_time_goes_with_the_next_key() {
    let mut dashboard = launched();
    let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: TimeDelta::seconds(10) };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Launch(launch),
        outcome: Ok(WriteOutcome::Blast(Box::new(scheduled()))),
    });
    assert_eq!(dashboard.line(22), format!("{:<64}u takes it back", " Raya last call is scheduled, starts 23:00"));

    dashboard.keys("j");

    assert_eq!(dashboard.line(22), "");
}

#[test]
fn once_the_armed_time_is_over_nothing_says_that_u_stops_it() {
    let mut dashboard = launched();

    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);

    assert_eq!(dashboard.model.deadline(), None);
    assert_eq!(dashboard.line(22), " Raya last call has started: p pauses it");
}

#[test]
fn what_waits_for_its_hours_is_not_said_to_have_started() {
    let mut dashboard = launched();
    let waiting = Some(Waiting::Window { window: "20:00-22:00 daily".to_owned(), until: at(20, 0) });
    let rows = dashboard.model.blasts.rows().iter().cloned();
    let rows = rows.map(|row| if row.id == DRAFT { BlastView { waiting: waiting.clone(), ..row } } else { row });
    let rows: Vec<BlastView> = rows.collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));

    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);

    assert!(dashboard.said().starts_with("Raya last call waits for: its hours, "), "{}", dashboard.said());
    assert!(dashboard.said().ends_with(", until 20:00; p pauses it, S sends it now"), "{}", dashboard.said());
}

#[test]
fn a_launch_that_sent_nothing_yet_shows_no_progress() {
    let mut dashboard = launched();
    let starts = |dashboard: &TestDashboard| {
        let screen = dashboard.screen();
        screen.iter().find(|line| line.contains(" starts ")).cloned().unwrap_or_default()
    };
    dashboard.keys("1");
    let rows = dashboard.model.blasts.rows().iter().cloned().map(|mut row| {
        if row.id == DRAFT {
            (row.counts.queued, row.counts.skipped) = (row.counts.queued - 12, 12);
        }
        row
    });
    let rows: Vec<BlastView> = rows.collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));

    assert!(!starts(&dashboard).is_empty() && !starts(&dashboard).contains('%'), "{:#?}", dashboard.screen());
}

#[test]
fn once_somebody_else_paused_or_cancelled_it_the_line_says_so() {
    for (state, said) in [
        (BlastState::Paused, "Raya last call was paused by minah@shop; S resumes it"),
        (BlastState::Cancelled, "Raya last call was cancelled by minah@shop"),
        (BlastState::Scheduled, "Raya last call is scheduled again: nothing was sent"),
        (BlastState::Draft, "Raya last call is a draft again, by minah@shop"),
    ] {
        let mut dashboard = launched();
        let by = Some(Actor::Operator("minah@shop".to_owned()));
        let row = BlastView { state, version: 5, state_by: by, ..armed(&dashboard) };

        read(&mut dashboard, row);

        assert_eq!(dashboard.said(), said);
        assert_eq!(dashboard.model.notice.as_ref().and_then(|notice| notice.hint.clone()), None);
    }
}

#[test]
fn a_list_that_was_read_before_the_launch_does_not_change_the_line() {
    let mut dashboard = launched();

    read(&mut dashboard, draft());

    assert_eq!(dashboard.said(), "Raya last call starts at 14:02:10");
}

#[test]
fn another_armed_blast_does_not_keep_the_line_of_one_that_has_started() {
    let mut dashboard = launched();
    let row = armed(&dashboard);
    let until = dashboard.now + TimeDelta::seconds(60);
    let mut rows = blasts();
    rows.retain(|blast| blast.id != DRAFT);
    rows[2] = BlastView { state: BlastState::Sending, send_after: Some(until), ..rows[2].clone() };
    rows.push(row);
    dashboard.answer(Completion::Blasts(Ok(rows)));

    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);

    assert_eq!(dashboard.said(), "Raya last call has started: p pauses it");
}

/// The launch was announced, and has begun to send.
fn started() -> TestDashboard {
    let mut dashboard = launched();
    dashboard.now += TimeDelta::seconds(10);
    dashboard.dispatch(Msg::Deadline);
    assert_eq!(dashboard.said(), "Raya last call has started: p pauses it");
    dashboard
}

#[test]
fn that_a_blast_has_started_is_no_longer_said_once_it_asks_for_a_person() {
    let mut dashboard = started();
    let going = BlastView { send_after: None, ..armed(&dashboard) };
    read(&mut dashboard, going.clone());

    let waiting = Some(Waiting::Database { trouble: DatabaseTrouble::ReadOnly });
    read(&mut dashboard, BlastView { waiting, version: 5, ..going });

    assert_eq!(dashboard.said(), "");
}

#[test]
fn that_a_blast_has_started_is_said_until_it_ends_or_is_paused() {
    for state in [BlastState::Completed, BlastState::Paused] {
        let mut dashboard = started();
        let going = BlastView { send_after: None, ..armed(&dashboard) };
        read(&mut dashboard, going.clone());
        assert_eq!(dashboard.said(), "Raya last call has started: p pauses it");

        read(&mut dashboard, BlastView { state, version: 5, ..going });

        assert_eq!(dashboard.said(), "", "{state}");
    }
}

#[test]
fn that_a_blast_has_started_is_said_until_another_one_is_selected() {
    let mut dashboard = started();

    dashboard.keys("1k");

    assert_ne!(dashboard.model.blast().map(|blast| blast.id), Some(DRAFT));
    assert_eq!(dashboard.said(), "");
}

#[test]
fn the_title_says_when_a_launch_starts_and_is_not_drawn_again_before() {
    let mut dashboard = launched();
    dashboard.keys("2");
    assert!(dashboard.line(1).contains("starts 14:02:10: u stops it"), "{}", dashboard.line(1));
    let before = dashboard.screen();

    dashboard.now += TimeDelta::seconds(2);
    dashboard.dispatch(Msg::Deadline);

    let now = dashboard.screen();
    assert_eq!(now[..22], before[..22]);
    assert!(now[22].contains("(8 s left)"), "{}", now[22]);
    dashboard.keys("1");
    assert!(dashboard.screen().iter().any(|line| line.contains(" starts ") && line.contains("Raya last call")));
}

#[test]
fn of_somebody_elses_launch_it_says_that_u_asks() {
    let mut dashboard = TestDashboard::new(STACKED);
    let by = Some(Actor::Operator("minah@shop".to_owned()));
    let row = BlastView { state_by: by, ..armed(&dashboard) };

    read(&mut dashboard, row);

    assert!(dashboard.line(22).contains(", by minah@shop: u asks first ("), "{}", dashboard.line(22));
    dashboard.keys("1jjjjj2");
    assert!(dashboard.line(1).contains("starts 14:02:10: u asks first"), "{}", dashboard.line(1));
    // It is longer than the line, and has two.
    let said = [dashboard.line(21), dashboard.line(22)].concat();
    assert!(said.contains(", by minah@shop: p stops it, u asks first ("), "{said}");
}

#[test]
fn a_shell_under_which_the_dashboard_is_stopped_is_told_what_starts_meanwhile() {
    let mut dashboard = launched();

    dashboard.key(Key::Ctrl('z')).answer(Completion::LeasesReleased);

    let effects = dashboard.taken();
    let said = effects.iter().find_map(|effect| match effect {
        Effect::Suspend(said) => Some(said.as_deref().unwrap_or_default()),
        _ => None,
    });
    let said = said.unwrap();
    assert!(said.contains("also while this is stopped: fg, then u") && said.contains("starts at"), "{said}");
}
