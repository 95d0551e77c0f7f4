//! `a`: text to somebody who wrote, below what was said; sent once by the enter of its field, and never lost.

use super::activity::{cloud, page};
use super::support::{RAYA, STACKED, TestDashboard, WIDE, at, details_of, people};
use crate::app::QueuedAnswer;
use crate::app::view::{RecipientDetails, ReplyFile, ReplyRow, StandingOptOut};
use crate::domain::ids::{BlastId, RecipientId, ReplyId};
use crate::domain::session::{SESSION, SessionWindow};
use crate::tui::effect::{AnswerText, Completion, EffectError, WriteOutcome, WriteRequest};
use crate::tui::key::Key;
use crate::tui::msg::Msg;

fn kavitha(session: SessionWindow) -> RecipientDetails {
    let reply = ReplyRow {
        id: ReplyId(30),
        sender: "sales".to_owned(),
        blast: Some(RAYA),
        recipient: Some(RecipientId(3)),
        phone: None,
        user_id: None,
        name: None,
        kind: "text".to_owned(),
        body: "How \u{1b}[2Jmuch?".to_owned(),
        payload: None,
        message_id: "wamid.30".to_owned(),
        at: at(14, 1),
        received_at: at(14, 1),
        file: ReplyFile::default(),
    };
    RecipientDetails { replies: vec![reply], session: Some(session), ..details_of(people().swap_remove(2)) }
}

/// In the activity, on somebody who wrote to a number of Meta's.
fn scene() -> TestDashboard {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("4");
    let ticket = dashboard.model.activity.ticket;
    dashboard.answer(Completion::Activity { ticket, before: None, limit: 30, page: Ok(page()) });
    dashboard.dispatch(Msg::Drawn).taken();
    dashboard
}

fn read(dashboard: &mut TestDashboard, session: SessionWindow) {
    dashboard.answer(Completion::Person(Box::new(Ok(kavitha(session)))));
}

fn open_window() -> SessionWindow {
    SessionWindow::Open { until: at(14, 1) + SESSION }
}

fn text(text: &str) -> WriteRequest {
    let phone = "+60100120003".to_owned();
    WriteRequest::Answer(AnswerText { blast: RAYA, person: RecipientId(3), phone, text: text.to_owned() })
}

#[test]
fn it_shows_what_was_said_and_until_when_and_enter_sends_once() {
    let mut dashboard = scene();
    dashboard.keys("a");
    read(&mut dashboard, open_window());
    dashboard.keys("RM 20, q? yes");

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("══ Answer ══ Kavitha ══ +60 10-012 0003 ══"), "{screen}");
    assert!(screen.contains("text until 21 Nov 14:01") && screen.contains("How [2Jmuch?"), "{screen}");
    assert!(screen.contains("your answer: RM 20, q? yes_"), "{screen}");
    assert_eq!(dashboard.acts(), []);
    dashboard.keys("\n\nx\n");
    assert_eq!(dashboard.acts(), [text("RM 20, q? yes")], "a second enter sends nothing");

    let queued = QueuedAnswer { id: BlastId(90), who: "Kavitha".to_owned(), until: at(14, 1) + SESSION };
    dashboard
        .answer(Completion::Written { request: text("RM 20, q? yes"), outcome: Ok(WriteOutcome::Answered(queued)) });
    assert!(dashboard.model.overlays.is_empty());
    assert_eq!(
        dashboard.said(),
        "Kavitha gets your answer, in turn; if it has not gone by 21 Nov 14:01, it will not be sent"
    );
    assert_eq!(dashboard.model.log.back().unwrap().command_line, "blastdeck reply 7 +60100120003 'RM 20, q? yes'");
}

#[test]
fn a_refused_answer_keeps_its_text_with_the_reason() {
    let mut dashboard = scene();
    dashboard.keys("a");
    read(&mut dashboard, open_window());
    dashboard.keys("RM 20\n");

    let why = EffectError::Other("Kavitha opted out, and nobody writes to people who did".to_owned());
    dashboard.answer(Completion::Written { request: text("RM 20"), outcome: Err(why) });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("your answer: RM 20_") && screen.contains("Kavitha opted out"), "{screen}");
}

#[test]
fn an_answer_that_was_refused_is_back_on_its_page_that_was_merely_opened_again() {
    let mut dashboard = scene();
    for words in ["RM 20\n", ""] {
        dashboard.keys("a");
        read(&mut dashboard, open_window());
        dashboard.keys(words);
        if !words.is_empty() {
            dashboard.key(Key::Esc);
        }
    }

    let refused = Err(EffectError::Other("the 24 hours are over".to_owned()));
    dashboard.answer(Completion::Written { request: text("RM 20"), outcome: refused });

    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("your answer: RM 20_") && screen.contains("the 24 hours are over"), "{screen}");
}

#[test]
fn what_becomes_of_an_answer_leaves_the_one_that_is_written_next_as_it_is() {
    let mut dashboard = scene();
    for words in ["RM 20\n", "or RM 18"] {
        dashboard.keys("a");
        read(&mut dashboard, open_window());
        dashboard.keys(words);
        if words.ends_with('\n') {
            dashboard.key(Key::Esc);
        }
    }
    assert_eq!(dashboard.acts(), [text("RM 20")]);
    let next = "your answer: or RM 18_";

    let refused = Err(EffectError::Other("the 24 hours are over".to_owned()));
    dashboard.answer(Completion::Written { request: text("RM 20"), outcome: refused });
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(next), "{screen}");
    assert_eq!(dashboard.said(), "Kavitha: not answered: the 24 hours are over; it said: RM 20");
    let queued = QueuedAnswer { id: BlastId(90), who: "Kavitha".to_owned(), until: at(14, 1) + SESSION };
    dashboard.answer(Completion::Written { request: text("RM 20"), outcome: Ok(WriteOutcome::Answered(queued)) });
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains(next), "{screen}");

    dashboard.taken();
    dashboard.keys("\n");
    assert_eq!(dashboard.acts(), [text("or RM 18")]);
}

#[test]
fn an_answer_that_is_refused_after_its_page_was_left_is_there_again() {
    let mut dashboard = scene();
    dashboard.keys("a");
    read(&mut dashboard, open_window());
    dashboard.keys("RM 20\n").key(Key::Esc);
    dashboard.answer(Completion::Written { request: text("RM 20"), outcome: Err(EffectError::Unavailable) });

    let said = "Kavitha: not answered: the database does not answer: nothing was changed; a brings the text back";
    assert_eq!(dashboard.said(), said);
    dashboard.keys("a");
    assert!(dashboard.screen().join("\n").contains("your answer: RM 20_"), "{:#?}", dashboard.screen());
}

#[test]
fn escape_sends_nothing_and_the_text_is_there_again() {
    let mut dashboard = scene();
    dashboard.keys("a");
    read(&mut dashboard, open_window());
    dashboard.keys("RM 20").key(Key::Esc);
    assert_eq!((dashboard.acts(), dashboard.said()), (vec![], "nothing sent to Kavitha; a brings the text back"));

    dashboard.keys("a");
    read(&mut dashboard, open_window());
    dashboard.keys(" each\n");

    assert_eq!(dashboard.acts(), [text("RM 20 each")]);
}

#[test]
fn what_was_begun_for_one_person_is_kept_while_another_is_answered_and_by_ctrl_c() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("3jjaRM 20").key(Key::Esc);
    dashboard.keys("ja").key(Key::Esc);

    dashboard.keys("ka each").key(Key::Ctrl('c'));

    assert!(dashboard.model.overlays.is_empty());
    assert_eq!(dashboard.said(), "nothing sent to Kavitha; a brings the text back; ctrl-c again leaves");
    dashboard.keys("a");
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("your answer: RM 20 each_"), "{screen}");
    assert!(dashboard.acts().is_empty());
}

#[test]
fn after_the_24_hours_nothing_is_sent() {
    let mut dashboard = scene();
    dashboard.keys("aRM 20\n");
    assert_eq!(dashboard.acts(), [], "what was said is not here yet");
    read(&mut dashboard, SessionWindow::Over { until: at(9, 0) });

    dashboard.keys("\n");

    assert_eq!(dashboard.acts(), []);
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("text was possible until 09:00") && screen.contains("the 24 hours are over"), "{screen}");
}

#[test]
fn a_paste_goes_into_the_field_and_a_phone_is_answered_on_the_phone() {
    let mut dashboard = scene();
    dashboard.keys("a");
    dashboard.dispatch(Msg::Paste("RM 20\u{1b}[2J\r\n\r\nq?\n".to_owned()));
    assert!(
        dashboard.screen().join("\n").contains("your answer: RM 20[2J q?_"),
        "all of it: {:#?}",
        dashboard.screen()
    );
    dashboard.key(Key::Esc).taken();

    dashboard.answer(Completion::Senders(Ok(super::support::senders()))).keys("a");

    assert!(dashboard.model.overlays.is_empty());
    assert_eq!(dashboard.said(), "sales is a phone: answer there, where the whole conversation is");
}

#[test]
fn to_whoever_never_wrote_no_field_opens() {
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("3jj\n");
    read(&mut dashboard, SessionWindow::Never);
    dashboard.keys("a");

    let sentence = "they have not written to this number: until they do, only a template can be sent";
    assert_eq!(dashboard.said(), sentence);
    assert!(!dashboard.screen().join("\n").contains("your answer:"));
    let mut dashboard = scene();
    dashboard.keys("aRM 20");
    read(&mut dashboard, SessionWindow::Never);
    assert_eq!((dashboard.said(), dashboard.model.overlays.is_empty()), (sentence, true));
}

#[test]
fn whoever_opted_out_is_offered_no_answer() {
    let mut dashboard = scene();
    dashboard.keys("a");
    dashboard.keys("RM");
    let mut opted_out = kavitha(open_window());
    opted_out.row.opt_out = Some(StandingOptOut { business: "kedai".to_owned(), since: at(12, 30) });
    dashboard.answer(Completion::Person(Box::new(Ok(opted_out.clone()))));

    assert!(dashboard.model.overlays.is_empty(), "what was typed before their page was read goes nowhere");
    assert_eq!(dashboard.said(), "Kavitha opted out, and nobody writes to people who did");
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("3jj\n");
    dashboard.answer(Completion::Person(Box::new(Ok(opted_out))));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("opted out: not written to"), "{screen}");
    assert!(!screen.contains("text until") && !screen.contains("a answers from here"), "{screen}");
    dashboard.keys("a");
    assert_eq!(dashboard.said(), "Kavitha opted out, and nobody writes to people who did");
    assert!(!dashboard.screen().join("\n").contains("your answer:"));
}

#[test]
fn a_answers_the_person_at_the_cursor_of_the_list() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Senders(Ok(vec![cloud()]))).keys("3jja");
    read(&mut dashboard, open_window());

    let screen = dashboard.keys("RM 20").screen().join("\n");

    assert!(screen.contains("your answer: RM 20"), "{screen}");
    assert!(dashboard.acts().is_empty());
}

#[test]
fn a_picture_is_said_to_be_one_once() {
    for (kind, body) in [("picture", "(picture) resit"), ("contact", "(contact)"), ("picture", "resit")] {
        let mut dashboard = scene();
        dashboard.keys("a");
        let mut details = kavitha(open_window());
        (details.replies[0].kind, details.replies[0].body) = (kind.to_owned(), body.to_owned());
        dashboard.answer(Completion::Person(Box::new(Ok(details))));

        let screen = dashboard.screen().join("\n");
        assert_eq!(screen.matches(&format!("({kind})")).count(), 1, "{screen}");
    }
}

#[test]
fn until_when_an_answer_may_be_sent_stays_in_the_title_however_long_the_conversation_is() {
    for width in [50, 62, 80, 120] {
        let mut dashboard = scene();
        dashboard.dispatch(Msg::Resized(crate::tui::Size { width, height: 20 })).keys("a");
        let mut long = kavitha(open_window());
        long.replies[0].body = "How much is the big one, and until when can I order it? ".repeat(60);
        dashboard.answer(Completion::Person(Box::new(Ok(long))));

        assert!(dashboard.line(1).contains("text until 21 Nov 14:01"), "{width}: {}", dashboard.line(1));
    }
}
