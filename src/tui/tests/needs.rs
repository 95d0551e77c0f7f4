//! What needs a person: counted for those who are needed, and one key away.

mod cursor;
mod database;
mod replies;
mod steps;
mod stopped;
mod tokens;

use chrono::TimeDelta;

use super::activity::head;
use super::follow_ups::step;
use super::support::{
    DRAFT, RAYA, STACKED, TestDashboard, WIDE, at, blast, blasts, buffer, draft, noon, person, raya, senders,
};
use crate::app::view::{ActivityHead, Anchor, BlastView, LeaseRow, SenderStop, SenderView};
use crate::app::{DatabaseState, EngineChange, Launch, Nameless, TokenSource};
use crate::domain::act::Actor;
use crate::domain::blast::{BlastOrigin, BlastState, RepeatColumns};
use crate::domain::engine_role::EngineRole;
use crate::domain::sender::StopCode;
use crate::domain::status::Status;
use crate::domain::waiting::{LimitOwner, Waiting};
use crate::tui::effect::{Completion, Effect, EffectError, ListPart, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::frame::FrameDiff;
use crate::tui::model::{AttentionItem, ListScope, NeedsLine, Overlay, PageRequest, Pane, Prompt};
use crate::tui::msg::Msg;
use crate::tui::view::window_title;
use crate::tui::{DatabaseKind, Size};

#[test]
fn what_needs_a_person_is_one_key_away_in_whichever_blast_it_is() {
    let mut dashboard = TestDashboard::new(STACKED);
    let asks = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), ..blasts().swap_remove(2) };
    let mut doubtful = blasts().swap_remove(3);
    doubtful.counts.uncertain = 2;
    let (asks_id, doubtful_id) = (asks.id, doubtful.id);
    dashboard.answer(Completion::Blasts(Ok(vec![raya(), doubtful, asks])));

    dashboard.keys("!j\n");
    assert_eq!(dashboard.model.blast().unwrap().id, doubtful_id);
    assert_eq!(
        (dashboard.model.focus, &dashboard.model.recipients.scope),
        (Pane::Recipients, &ListScope::Only(Status::Uncertain))
    );
    dashboard.list(Vec::new()).keys("!jj\n");
    assert_eq!((dashboard.model.blast().unwrap().id, dashboard.model.focus), (asks_id, Pane::Blasts));
    assert!(dashboard.model.overlays.is_empty());
}

#[test]
fn what_was_settled_meanwhile_is_not_gone_to() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.keys("!");
    let mut settled = raya();
    settled.counts.uncertain = 0;

    dashboard.answer(Completion::Blasts(Ok(vec![settled]))).keys("\n");

    assert_eq!(dashboard.said(), "nothing needs you");
}

#[test]
fn an_operator_whose_name_begins_like_the_engines_is_not_the_engine() {
    let mut dashboard = TestDashboard::new(STACKED);
    let paused =
        |by: &str| BlastView { state: BlastState::Paused, state_by: Some(Actor::from(by.to_owned())), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![paused("engineer")])));
    assert!(dashboard.line(0).ends_with("! 1 needs you"), "{}", dashboard.line(0));
    dashboard.answer(Completion::Blasts(Ok(vec![paused("engine")])));
    assert!(dashboard.line(0).ends_with("! 2 need you"), "{}", dashboard.line(0));
}

#[test]
fn what_waits_for_a_person_never_reads_sending_and_is_a_line_of_its_own() {
    let mut dashboard = TestDashboard::new(WIDE);
    let unattended = BlastView { waiting: Some(Waiting::NoEngine), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![unattended])));

    assert!(dashboard.line(3).contains(" asks you "), "{}", dashboard.line(3));
    assert!(dashboard.line(1).contains(" asks you "), "{}", dashboard.line(1));
    dashboard.keys("!");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("> Raya promo: nobody is sending: no engine runs"), "{screen}");
    assert!(screen.contains("run `blastdeck engine`, or open the dashboard"), "{screen}");
    dashboard.keys("\n");
    assert_eq!((dashboard.model.focus, dashboard.model.blast().map(|blast| blast.id)), (Pane::Blasts, Some(raya().id)));
}

#[test]
fn a_stopped_sender_and_the_blast_that_waits_for_it_are_one_thing() {
    let mut dashboard = TestDashboard::new(WIDE);
    let stopped = Waiting::SenderStopped {
        why: "401".to_owned(),
        sender: "sales".to_owned(),
        code: StopCode::default(),
        waits_for_token: false,
    };
    let mut blast = BlastView { waiting: Some(stopped), ..raya() };
    blast.counts.uncertain = 0;
    let stop = SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("401".to_owned()),
        reason: "401".to_owned(),
        waits_for_token: true,
    };

    dashboard.answer(Completion::Blasts(Ok(vec![blast])));
    dashboard.answer(Completion::Senders(Ok(vec![SenderView { stopped: Some(stop), ..senders().swap_remove(0) }])));

    assert_eq!(dashboard.model.needs(), 1);
    assert!(dashboard.line(3).contains(" asks you "), "{}", dashboard.line(3));
}

#[test]
fn before_a_stopped_sender_goes_on_its_other_blasts_are_named() {
    let mut dashboard = TestDashboard::new(WIDE);
    let stopped = Waiting::SenderStopped {
        code: StopCode::Provider("device".to_owned()),
        why: "Device is offline".to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    };
    let other = BlastView {
        id: crate::domain::ids::BlastId(77),
        tag: "Second".to_owned(),
        state: BlastState::Sending,
        ..raya()
    };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting: Some(stopped), ..raya() }, other])));

    dashboard.keys("S");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Fixed? Second") && screen.contains("goes on too."), "{screen}");
    dashboard.keys("280\n");
    let acts = dashboard.acts();
    let [WriteRequest::Resume(again)] = &acts[..] else { panic!("{acts:?}") };
    assert_eq!((again.blast, again.people), (raya().id, 280), "all whom the number counts are confirmed");
}

#[test]
fn a_blast_whose_time_came_while_its_sender_was_stopped_is_in_the_number_that_lets_it_go_on() {
    let mut dashboard = TestDashboard::new(WIDE);
    let stopped = Waiting::SenderStopped {
        code: StopCode::Provider("device".to_owned()),
        why: "Device is offline".to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    };
    let at = |id, hours| BlastView {
        id: crate::domain::ids::BlastId(id),
        tag: format!("Due-{id}"),
        state: BlastState::Scheduled,
        send_after: Some(dashboard.now + TimeDelta::hours(hours)),
        ..raya()
    };
    let (due, ahead) = (at(77, -1), at(78, 1));
    let late = BlastView { asks_after: Some(dashboard.now - TimeDelta::hours(1)), ..at(79, -7) };
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { waiting: Some(stopped), ..raya() }, due, ahead, late])));

    dashboard.keys("S");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("Fixed? Due-77") && !screen.contains("Due-78 goes"), "{screen}");
    let Some(Prompt::Confirm(asked)) = &dashboard.model.prompt else { panic!("{screen}") };
    let says = asked.question.contains(" goes on too. Due-79")
        && asked.question.contains(" asks first: its time is long past.");
    assert!(says, "{}", asked.question);
    dashboard.keys("420\n");
    let acts = dashboard.acts();
    assert!(matches!(&acts[..], [WriteRequest::Resume(again)] if again.people == 420), "{acts:?}");
}

#[test]
fn a_sender_whose_stop_is_lifted_is_not_said_to_be_sending_yet() {
    let mut dashboard = TestDashboard::new(WIDE);
    let again = Launch { blast: raya().id, version: 3, people: 140, armed_for: TimeDelta::zero() };

    let outcome = Ok(WriteOutcome::Blast(Box::new(raya())));
    dashboard.answer(Completion::Written { request: WriteRequest::Resume(again), outcome });

    assert_eq!(dashboard.said(), "sender sales may send again: Raya promo goes on once an engine has it");

    dashboard.answer(Completion::Senders(Ok(vec![held()])));

    assert_eq!(dashboard.said(), "Raya promo goes on");
}

/// The sender, held by an engine.
fn held() -> SenderView {
    let lease = LeaseRow {
        holder: "another".to_owned(),
        host: "kedai1".to_owned(),
        role: Some(EngineRole::Serve),
        expires_at: at(14, 3),
    };
    SenderView { lease: Some(lease), ..senders().swap_remove(0) }
}

#[test]
fn a_blast_whose_sender_an_engine_holds_goes_on_at_once() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![held()])));
    let again = Launch { blast: raya().id, version: 3, people: 140, armed_for: TimeDelta::zero() };

    let outcome = Ok(WriteOutcome::Blast(Box::new(raya())));
    dashboard.answer(Completion::Written { request: WriteRequest::Resume(again), outcome });

    assert_eq!(dashboard.said(), "sender sales may send again: Raya promo goes on");
}

#[test]
fn the_footer_says_of_x_what_its_line_says() {
    let made = BlastOrigin { step: Some(1), ..BlastOrigin::default() };
    let asking = BlastView { origin: made, state_by: Some(Actor::Engine), ..draft() };
    let rule = BlastOrigin {
        repeat: RepeatColumns { rule: Some("every mon 09:00".to_owned()), ..RepeatColumns::default() },
        ..BlastOrigin::default()
    };
    let repeating = BlastView {
        origin: rule,
        scheduled_for: Some(at(16, 0)),
        ..blast(12, "Weekly", BlastState::Scheduled, (11, 20))
    };
    let once = BlastView { scheduled_for: Some(at(16, 0)), ..blast(13, "Tonight", BlastState::Scheduled, (11, 20)) };
    for (row, line, footer) in [
        (asking, "X deletes it", "X delete"),
        (repeating, "X ends it for good", "X end for good"),
        (once, "X cancels it", "X cancel"),
    ] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(Completion::Blasts(Ok(vec![row])));

        dashboard.keys("!");

        let screen = dashboard.screen().join("\n");
        assert!(screen.contains(line) && dashboard.line(28).contains(footer), "{screen}");
    }
}

#[test]
fn news_that_need_a_person_lead_to_the_activity_and_other_replies_are_not_counted() {
    let mut dashboard = TestDashboard::new(STACKED);
    let mut calm = raya();
    calm.counts.uncertain = 0;
    dashboard.answer(Completion::Blasts(Ok(vec![calm])));
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { failed_webhooks: 2, ..head(3, at(13, 58)) })));

    assert!(dashboard.line(0).ends_with("! 3 need you"), "two webhooks and a stranger: {}", dashboard.line(0));
    dashboard.keys("!");
    let screen = dashboard.screen().join("\n");
    assert!(
        screen.contains("2 webhooks could not be applied") && screen.contains("2 replies wait to be seen"),
        "{screen}"
    );
    dashboard.keys("\n");
    assert!(dashboard.said().contains("blastdeck inbox list --failed"), "{}", dashboard.said());
    dashboard.keys("j\n");
    assert_eq!(dashboard.model.focus, Pane::Activity);
}

#[test]
fn a_message_that_waits_for_its_writers_number_needs_a_person() {
    let mut dashboard = TestDashboard::new(WIDE);
    let nameless = Nameless { orders: 0, stops: 1, messages: 2 };
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { nameless, ..head(0, at(13, 58)) })));

    dashboard.keys("!");

    let screen = dashboard.screen().join("\n");
    assert!(
        screen.contains("1 stop and 2 messages wait: the writer's number is not known yet")
            && !screen.contains("order"),
        "{screen}"
    );
    assert!(screen.contains("`blastdeck inbox list` shows it"), "{screen}");
}

#[test]
fn the_bell_rings_once_for_what_is_new_and_never_for_what_was_there() {
    let mut dashboard = TestDashboard::new(STACKED);
    let bells = |dashboard: &mut TestDashboard, uncertain: i64| {
        let mut blast = raya();
        blast.counts.uncertain = uncertain;
        dashboard
            .answer(Completion::Blasts(Ok(vec![blast])))
            .taken()
            .iter()
            .filter(|effect| **effect == Effect::Bell)
            .count()
    };

    assert_eq!(bells(&mut dashboard, 2), 0, "found at the start");
    dashboard.now += chrono::TimeDelta::seconds(6);
    assert_eq!([2, 3, 3, 1, 2].map(|uncertain| bells(&mut dashboard, uncertain)), [0, 1, 0, 0, 1]);
}

#[test]
fn the_title_of_the_window_counts_what_needs_a_person_and_nothing_in_it_steers_the_terminal() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.model.options.name = Some("Kedai\u{7}\u{1b}]2;owned\u{9c} Aina\u{202e}".to_owned());
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&dashboard.model));

    frames.name_window(window_title(&dashboard.model));
    let first = String::from_utf8(frames.advance(&buffer(&dashboard.model))).unwrap();
    frames.name_window(window_title(&dashboard.model));
    let second = frames.advance(&buffer(&dashboard.model));

    assert_eq!(first, "\u{1b}]2;! 2 need you - Kedai]2;owned Aina - blastdeck\u{7}");
    assert_eq!(second, b"", "the same title is not written again");
    frames.ring();
    assert_eq!(frames.advance(&buffer(&dashboard.model)), b"\x07");
}

#[test]
fn an_answer_that_failed_is_listed_until_it_is_seen_and_enter_shows_it() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::ActivityHead(Ok(ActivityHead { failed_answers: 2, ..head(2, at(13, 58)) })));

    let screen = dashboard.keys("!").screen().join("\n");

    assert!(screen.contains("2 answers failed: the people did not get them"), "{screen}");
    while dashboard.model.needs_line() != Some(NeedsLine::Need(AttentionItem::Answers)) {
        dashboard.keys("j");
    }
    dashboard.keys("\n");
    assert_eq!((dashboard.model.focus, dashboard.model.overlays.is_empty()), (Pane::Activity, true));
}

#[test]
fn where_the_line_at_the_cursor_is_gone_another_one_is_chosen() {
    use BlastState::{Paused, Sending};
    let rows = |states: [BlastState; 2]| {
        let mut calm = raya();
        calm.counts.uncertain = 0;
        let by_engine = |(blast, state)| BlastView { state, state_by: Some(Actor::Engine), ..blast };
        let rows = [calm, blasts().swap_remove(2)].into_iter().zip(states).map(by_engine);
        Completion::Blasts(Ok(rows.collect()))
    };
    for (keys, left) in [("!", [Sending, Paused]), ("!j", [Paused, Sending])] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(rows([Paused, Paused])).keys(keys);

        dashboard.answer(rows(left));

        let lines = dashboard.model.needs_lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert_eq!(dashboard.model.needs_line(), lines.first().copied());
        let screen = dashboard.screen().join("\n");
        assert!(screen.contains("> ") && screen.contains(" paused by itself"), "{screen}");
        dashboard.keys("\n");
        assert!(dashboard.model.overlays.is_empty());
        assert_eq!(dashboard.model.blast().map(|blast| blast.state), Some(Paused));
    }
}
