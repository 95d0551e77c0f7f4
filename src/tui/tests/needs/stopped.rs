//! Lines of a sender that is stopped.

use super::*;
use crate::app::UndoOutcome;
use crate::domain::ids::BlastId;
use crate::tui::key::Key;
use crate::tui::tests::support::tomorrow;

#[test]
fn a_stopped_senders_line_leads_to_the_blast_that_it_holds_up_and_ends_none() {
    let mut dashboard = TestDashboard::new(WIDE);
    let waiting = Some(Waiting::SenderStopped {
        code: StopCode::Provider("device".to_owned()),
        why: "Device is offline".to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    });
    let stop = SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("device".to_owned()),
        reason: "Device is offline".to_owned(),
        waits_for_token: false,
    };
    let mut weekly = BlastView { id: BlastId(77), state: BlastState::Scheduled, waiting: waiting.clone(), ..raya() };
    weekly.origin.repeat.rule = Some("every hour".to_owned());
    let held_up = BlastView { waiting, ..raya() };
    dashboard.answer(Completion::Senders(Ok(vec![SenderView { stopped: Some(stop), ..senders().swap_remove(0) }])));
    dashboard.answer(Completion::Blasts(Ok(vec![weekly, held_up])));

    dashboard.keys("!");

    assert_eq!(dashboard.model.line_blast(), Some(raya().id));
    assert!(dashboard.line(28).contains("S resume"), "{}", dashboard.line(28));
    for key in ["X", ">"] {
        dashboard.keys(key);
        assert!(
            dashboard.model.prompt.is_none() && dashboard.said().contains("about a sender"),
            "{}",
            dashboard.said()
        );
    }
    dashboard.key(Key::Esc).keys("1!");
    for command in ["cancel it, or delete a draft", "edit this blast"] {
        dashboard.keys(":").keys(command).keys("\n");

        assert!(dashboard.model.prompt.is_none(), "{command}");
        assert_eq!(dashboard.said(), "this line is about a sender: enter goes to its blast", "{command}");
    }
}

#[test]
fn command_lines_are_those_of_the_database_that_is_shown() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.options.program = "blastdeck -c r".to_owned();
    let failed = ActivityHead { failed_webhooks: 1, ..head(3, at(13, 58)) };
    dashboard.answer(Completion::ActivityHead(Ok(failed))).keys("!");

    let screen = dashboard.screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ");

    for line in ["`blastdeck -c r inbox list --failed`", "`blastdeck -c r inbox replay --failed`"] {
        assert!(screen.contains(line), "{line}: {screen}");
    }
    dashboard.model.refuse("there is no blast 7: see `blastdeck blast list`");
    assert_eq!(dashboard.said(), "there is no blast 7: see `blastdeck -c r blast list`");
}

#[test]
fn a_stopped_senders_line_says_all_that_its_key_lets_go_on() {
    let provider = || StopCode::Provider("device".to_owned());
    let why = || "Device is offline".to_owned();
    let waiting =
        Waiting::SenderStopped { code: provider(), why: why(), sender: "sales".to_owned(), waits_for_token: false };
    let stop = SenderStop { at: at(13, 0), code: provider(), reason: why(), waits_for_token: false };
    let mut dashboard = TestDashboard::new(WIDE);
    let due = BlastView {
        id: BlastId(77),
        tag: "Due".to_owned(),
        state: BlastState::Scheduled,
        send_after: Some(dashboard.now - TimeDelta::minutes(1)),
        waiting: Some(waiting.clone()),
        ..raya()
    };
    let long_past =
        BlastView { id: BlastId(78), asks_after: Some(dashboard.now - TimeDelta::seconds(1)), ..due.clone() };
    let sender =
        |queued_answers| SenderView { stopped: Some(stop.clone()), queued_answers, ..senders().swap_remove(0) };
    dashboard.answer(Completion::Senders(Ok(vec![sender(0)])));
    let held_up = BlastView { waiting: Some(waiting), ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![held_up.clone()]))).keys("!");
    let one = dashboard.screen().join("\n");
    dashboard.answer(Completion::Blasts(Ok(vec![held_up, due, long_past])));
    let two = dashboard.screen().join("\n");
    dashboard.answer(Completion::Senders(Ok(vec![sender(1)])));
    let with_an_answer = dashboard.screen().join("\n");

    assert!(one.contains("fix it; then S resumes its blast"), "{one}");
    assert!(two.contains("fix it; then S resumes all that waits for it: 280 people of 2 blasts"), "{two}");
    assert!(with_an_answer.contains("280 people of 2 blasts and 1 answer"), "{with_an_answer}");
}

#[test]
fn every_blast_that_goes_on_with_a_stopped_sender_has_a_line_where_there_are_several() {
    let provider = || StopCode::Provider("401".to_owned());
    let why = || "Unauthorised Token".to_owned();
    let waiting =
        Waiting::SenderStopped { code: provider(), why: why(), sender: "sales".to_owned(), waits_for_token: false };
    let stop = SenderStop { at: at(13, 0), code: provider(), reason: why(), waits_for_token: true };
    let sender = || SenderView { stopped: Some(stop.clone()), ..senders().swap_remove(0) };
    let half_sent = BlastView { waiting: Some(waiting), ..raya() };
    let mut to_retry = BlastView { id: BlastId(77), tag: "Tour Dec".to_owned(), ..half_sent.clone() };
    (to_retry.counts.queued, to_retry.counts.sending) = (4, 0);
    let shown = |blasts: Vec<BlastView>| {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(Completion::Senders(Ok(vec![sender()]))).answer(Completion::Blasts(Ok(blasts)));
        dashboard.keys("!").screen().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
    };

    let one = shown(vec![half_sent.clone()]);
    let two = shown(vec![half_sent, to_retry]);

    assert!(!one.contains("What waits for its sender") && one.contains("p on its blast holds it back"), "{one}");
    assert!(two.contains("p on a blast of it holds that one back"), "{two}");
    let (_, waits) = two.split_once("What waits for its sender").unwrap_or_else(|| panic!("{two}"));
    for says in [
        "Raya promo: 140 still queued, and its sender is stopped",
        "Tour Dec: 4 still queued, and its sender is stopped",
        "once sender sales is resumed, it goes on; p pauses it, X cancels it",
    ] {
        assert!(waits.contains(says), "{says}: {two}");
    }
}

/// It would be one that the line does not name, and another one at each press.
#[test]
fn p_on_a_stopped_senders_line_pauses_none_of_the_blasts_that_wait_for_it() {
    let provider = || StopCode::Provider("device".to_owned());
    let why = || "Device is offline".to_owned();
    let waiting =
        Waiting::SenderStopped { code: provider(), why: why(), sender: "sales".to_owned(), waits_for_token: false };
    let stop = SenderStop { at: at(13, 0), code: provider(), reason: why(), waits_for_token: false };
    let held_up = |id, tag: &str| BlastView { id, tag: tag.to_owned(), waiting: Some(waiting.clone()), ..raya() };
    let mut dashboard = TestDashboard::new(WIDE);
    let sender = SenderView { stopped: Some(stop), ..senders().swap_remove(0) };
    dashboard.answer(Completion::Senders(Ok(vec![sender])));
    dashboard.answer(Completion::Blasts(Ok(vec![held_up(RAYA, "Zeta"), held_up(BlastId(78), "Beta")])));
    dashboard.keys("!").taken();

    dashboard.keys("p");

    assert_eq!(dashboard.acts(), []);
    assert_eq!(dashboard.said(), "this line is about a sender: enter goes to its blast");
    assert!(!dashboard.line(28).contains("p pause"), "{}", dashboard.line(28));

    // One that was paused before is answered for here: `S` is about all that waits for the sender.
    let paused = BlastView { state: BlastState::Paused, version: raya().version + 1, ..held_up(RAYA, "Zeta") };
    dashboard.answer(Completion::Written {
        request: WriteRequest::Pause(RAYA),
        outcome: Ok(WriteOutcome::Blast(Box::new(paused))),
    });
    assert_eq!(dashboard.said(), "Zeta is paused; S on it resumes it");
}

/// `S` once more, after an undo, is about the sender.
#[test]
fn the_cursor_is_on_a_sender_again_whose_resume_was_taken_back_unless_it_was_moved() {
    let stop = SenderStop {
        at: at(13, 0),
        code: StopCode::Provider("device".to_owned()),
        reason: "offline".to_owned(),
        waits_for_token: false,
    };
    let stopped = || vec![SenderView { stopped: Some(stop.clone()), ..senders().swap_remove(0) }];
    let sender = NeedsLine::Need(AttentionItem::Sender(senders()[0].id));
    let paused = |id, tag: &str| BlastView {
        id: BlastId(id),
        tag: tag.to_owned(),
        state: BlastState::Paused,
        state_by: Some(Actor::Operator("aina".to_owned())),
        ..raya()
    };
    let taken_back = || Completion::Written {
        request: WriteRequest::UndoLaunch(RAYA),
        outcome: Ok(WriteOutcome::Undone(UndoOutcome {
            recipients: Vec::new(),
            sentence: "sender sales is stopped again: nothing was sent".to_owned(),
            command_lines: Vec::new(),
            still_suppressed: Vec::new(),
        })),
    };

    for (keys, is_undone, is_back) in [("", true, true), ("", false, false), ("j", true, false)] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(Completion::Blasts(Ok(vec![paused(77, "Echo"), paused(78, "Zulu")])));
        dashboard.answer(Completion::Senders(Ok(stopped()))).keys("!");
        assert_eq!(dashboard.model.needs_line(), Some(sender));
        dashboard.answer(Completion::Senders(Ok(senders()))).keys(keys);
        if is_undone {
            dashboard.answer(taken_back());
        }

        dashboard.answer(Completion::Senders(Ok(stopped())));

        assert_eq!(dashboard.model.needs_line() == Some(sender), is_back, "{keys:?}: {:#?}", dashboard.screen());
    }
}

/// The first of them is none that the line is about.
#[test]
fn a_stopped_senders_line_asks_about_every_blast_that_goes_on() {
    let provider = || StopCode::Provider("device".to_owned());
    let why = || "Device is offline".to_owned();
    let waiting =
        Waiting::SenderStopped { code: provider(), why: why(), sender: "sales".to_owned(), waits_for_token: false };
    let stop = SenderStop { at: at(13, 0), code: provider(), reason: why(), waits_for_token: false };
    let held_up = |id, tag: &str| BlastView { id, tag: tag.to_owned(), waiting: Some(waiting.clone()), ..raya() };
    let asked = |blasts: Vec<BlastView>, keys: &str| {
        let mut dashboard = TestDashboard::new(WIDE);
        let sender = SenderView { stopped: Some(stop.clone()), ..senders().swap_remove(0) };
        dashboard.answer(Completion::Senders(Ok(vec![sender]))).answer(Completion::Blasts(Ok(blasts))).keys(keys);
        match &dashboard.model.prompt {
            Some(Prompt::Confirm(asked)) => asked.question.clone(),
            _ => panic!("{:#?}", dashboard.screen()),
        }
    };
    let (zeta, beta, gamma) = (held_up(RAYA, "Zeta"), held_up(BlastId(78), "Beta"), held_up(BlastId(79), "Gamma"));

    let one = asked(vec![zeta.clone()], "!S");
    let two = asked(vec![zeta.clone(), beta.clone()], "!S");
    let of_one_of_them = asked(vec![zeta.clone(), beta.clone()], "1S");
    let three = asked(vec![zeta, beta, gamma], "!S");

    assert!(one.starts_with("sales stopped: Device is offline. Fixed? Zeta goes on. 140 queued; "), "{one}");
    assert!(two.contains("Fixed? Zeta and Beta go on. 280 queued; "), "{two}");
    assert!(of_one_of_them.contains("Fixed? Beta goes on too. 280 queued; "), "{of_one_of_them}");
    assert!(three.contains("Fixed? Zeta, Beta and 1 other blast go on. 420 queued; "), "{three}");
}

#[test]
fn what_came_due_while_its_sender_is_stopped_does_not_come_by_itself() {
    let waiting = Waiting::SenderStopped {
        code: StopCode::Provider("device".to_owned()),
        why: "Device is offline".to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    };
    let scheduled = |id, start| BlastView {
        id: BlastId(id),
        tag: format!("Tonight-{id}"),
        state: BlastState::Scheduled,
        send_after: Some(start),
        scheduled_for: Some(start),
        waiting: Some(waiting.clone()),
        ..raya()
    };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(vec![scheduled(77, at(13, 53)), scheduled(78, at(15, 2))])));
    dashboard.model.blasts.select(BlastId(77));

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("waits for its sender") && !screen.contains("starts 13:53"), "{screen}");
    assert!(dashboard.screen().iter().any(|line| line.contains("Tonight-77") && line.contains(" waits ")), "{screen}");

    let screen = dashboard.keys("!").screen().join("\n");
    let places = [
        "What waits for its sender",
        "Tonight-77: its time came 13:53, and its sender is stopped",
        "once sender sales is resumed, it starts; p pauses it",
        "What comes by itself",
        "Tonight-78: starts 15:02, but not while its sender is stopped",
    ];
    let places = places.map(|words| screen.find(words).unwrap_or_else(|| panic!("{words}: {screen}")));
    assert!(places.is_sorted() && !screen.contains("S sends it now"), "{screen}");
}

#[test]
fn what_repeats_behind_a_stopped_sender_is_not_said_to_come_by_itself_all_the_same() {
    let waiting = Waiting::SenderStopped {
        code: StopCode::Provider("device".to_owned()),
        why: "Device is offline".to_owned(),
        sender: "sales".to_owned(),
        waits_for_token: false,
    };
    for (waiting, says) in [
        (Some(waiting), "every hour; next 15:02, but not while its sender is stopped"),
        (None, "every hour; next 15:02, but waits for you then"),
    ] {
        let mut weekly = BlastView { id: BlastId(77), state: BlastState::Scheduled, waiting, ..raya() };
        (weekly.origin.repeat.rule, weekly.origin.repeat.at_most) = (Some("every hour".to_owned()), Some(1));
        (weekly.scheduled_for, weekly.send_after) = (Some(at(15, 2)), Some(at(15, 2)));
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.answer(Completion::Blasts(Ok(vec![weekly])));

        let screen = dashboard.keys("!").screen().join("\n");

        assert!(screen.contains(says), "{screen}");
    }
}

#[test]
fn the_list_of_needs_that_stands_open_says_at_once_what_waits_once_its_time_comes() {
    let (code, why) = (StopCode::Provider("device".to_owned()), "Device is offline".to_owned());
    let waiting = Some(Waiting::SenderStopped { code, why, sender: "sales".to_owned(), waits_for_token: false });
    let mut dashboard = TestDashboard::new(WIDE);
    let start = dashboard.now + TimeDelta::seconds(40);
    let (tag, state) = ("Tonight".to_owned(), BlastState::Scheduled);
    let starts = (Some(start), Some(start));
    let tonight = BlastView { tag, state, waiting, send_after: starts.0, scheduled_for: starts.1, ..raya() };
    let far = BlastView { id: BlastId(78), tag: "Far".to_owned(), send_after: Some(tomorrow(9, 0)), ..tonight.clone() };
    dashboard.answer(Completion::Blasts(Ok(vec![tonight, far]))).keys("!");
    assert!(!dashboard.screen().join("\n").contains("What waits for its sender"));

    assert_eq!(dashboard.model.deadline(), Some(start));
    dashboard.now = start;
    dashboard.dispatch(Msg::Deadline);

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("What waits for its sender") && screen.contains("Tonight: its time came"), "{screen}");
    assert_eq!(dashboard.model.deadline(), None);
}
