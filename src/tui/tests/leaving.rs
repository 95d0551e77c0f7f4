//! What becomes of a draft that is closed before the database has it.

use super::form::{saved, writes};
use super::support::{TestDashboard, WIDE, raya, senders};
use crate::app::DatabaseState;
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::ids::BlastId;
use crate::tui::effect::{Completion, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteRequest};
use crate::tui::key::Key;
use crate::tui::model::{ArmedLaunch, ArmedWords, Notice, Overlay, Pane};
use crate::tui::msg::Msg;

fn refused(failure: EffectError) -> Completion {
    let Completion::Written { request, .. } = saved(9, 1) else { unreachable!() };
    Completion::Written { request, outcome: Err(failure) }
}

/// A draft 9 whose message was typed on since it was saved.
fn typed_on() -> TestDashboard {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓↓\nS").answer(saved(9, 1)).keys("alam");
    dashboard.effects.clear();
    dashboard
}

fn is_open(dashboard: &TestDashboard) -> bool {
    dashboard.model.overlays.contains(&Overlay::Form)
}

#[test]
fn a_draft_counts_as_kept_once_the_database_has_it_and_not_before() {
    let mut dashboard = typed_on();

    dashboard.key(Key::Esc).key(Key::Esc);
    assert!(!is_open(&dashboard));
    assert_eq!(dashboard.said(), "draft 9 is being saved; it says here when it is");
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.message == "Salam"));
    dashboard.answer(saved(9, 2));

    assert_eq!(dashboard.said(), "draft 9 is kept; e edits it, S shows the plan");
}

#[test]
fn ctrl_c_leaves_a_form_as_esc_does() {
    let mut dashboard = typed_on();

    dashboard.key(Key::Ctrl('c')).key(Key::Ctrl('c'));

    assert!(!is_open(&dashboard));
    assert_eq!(dashboard.said(), "draft 9 is being saved; it says here when it is; ctrl-c again leaves");
    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.message == "Salam"));
}

#[test]
fn a_form_of_a_draft_that_somebody_launched_meanwhile_says_so() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2n↓↓↓↓\nS").answer(saved(9, 1)).key(Key::Esc).answer(saved(9, 2));
    let launched = BlastView { id: BlastId(9), state: BlastState::Sending, ..raya() };

    dashboard.answer(Completion::Blasts(Ok(vec![launched]))).key(Key::Esc);

    assert_eq!(dashboard.said(), "blast 9 was launched meanwhile, as it was saved then: it is sending now");
}

#[test]
fn the_focus_is_on_the_draft_that_was_left_where_its_keys_work() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2n↓↓↓↓\nS").answer(saved(9, 1)).key(Key::Esc).key(Key::Esc);

    assert_eq!(dashboard.model.focus, Pane::Blasts);
    dashboard.answer(saved(9, 2));
    assert_eq!(dashboard.said(), "draft 9 is kept; e edits it, S shows the plan");
}

#[test]
fn a_draft_that_an_unreachable_database_did_not_take_is_written_as_soon_as_it_answers() {
    let mut dashboard = typed_on();
    dashboard.key(Key::Esc).key(Key::Esc).answer(refused(EffectError::Unavailable));
    assert!(dashboard.said().contains("draft 9 is not saved: the database does not answer"), "{}", dashboard.said());
    dashboard.effects.clear();

    dashboard.dispatch(Msg::Database(DatabaseState::Up));

    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.message == "Salam"));
    dashboard.answer(saved(9, 2));
    assert_eq!(dashboard.said(), "draft 9 is kept; e edits it, S shows the plan");
}

#[test]
fn what_was_refused_can_be_gone_on_with_once_and_is_dropped_in_words_after_that() {
    let mut dashboard = typed_on();
    let no = || EffectError::Other("somebody changed this draft".to_owned());
    dashboard.key(Key::Esc).key(Key::Esc).answer(refused(no()));
    assert!(dashboard.said().ends_with("e goes on with what you wrote"), "{}", dashboard.said());
    dashboard.model.blasts.select(super::support::DRAFT);
    let draft = dashboard.model.blast().unwrap().id;
    dashboard.model.form.as_mut().unwrap().draft.as_mut().unwrap().id = draft;

    dashboard.keys("1e");
    assert!(is_open(&dashboard));
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "Salam");
    dashboard.key(Key::Esc).answer(refused(no()));
    assert!(dashboard.said().ends_with("what you wrote last is dropped"), "{}", dashboard.said());
    dashboard.effects.clear();

    dashboard.keys("e");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Draft(DraftRead::Open(draft)))]);
}

#[test]
fn a_text_that_nobody_types_on_is_saved_after_three_seconds_by_itself() {
    let mut dashboard = typed_on();
    let due = dashboard.model.deadline().unwrap();
    assert_eq!((due - dashboard.now).num_seconds(), 3);

    dashboard.now = due;
    dashboard.dispatch(Msg::Deadline);

    assert!(matches!(&writes(&mut dashboard)[..], [DraftWrite::Save { form, .. }] if form.message == "Salam"));
    assert_eq!(dashboard.model.deadline(), None);
    dashboard.answer(saved(9, 2));
    assert_eq!(dashboard.model.deadline(), None);
}

#[test]
fn a_launch_that_can_still_be_stopped_is_not_hidden_by_what_was_saved() {
    let mut dashboard = typed_on();
    dashboard.key(Key::Esc).key(Key::Esc);
    let row = raya();
    let armed = Some(ArmedLaunch { blast: row.id, version: row.version, says: ArmedWords::Act });
    dashboard.model.say(Notice { armed, ..Notice::done("it starts") });

    dashboard.answer(saved(9, 2));

    assert!(dashboard.model.notice.as_ref().unwrap().armed.is_some());
}

#[test]
fn a_new_blast_wanted_before_the_senders_are_read_opens_once_they_are() {
    let mut dashboard = TestDashboard::empty(WIDE);
    dashboard.answer(Completion::Blasts(Ok(Vec::new()))).keys("n");
    assert!(dashboard.model.overlays.is_empty());
    assert_eq!(dashboard.said(), "reading the senders: the form opens once they are here");

    dashboard.answer(Completion::Senders(Ok(senders())));

    assert!(is_open(&dashboard));
    // Whoever went on to something else meanwhile is not interrupted.
    let mut elsewhere = TestDashboard::empty(WIDE);
    elsewhere.answer(Completion::Blasts(Ok(Vec::new()))).keys("n1").answer(Completion::Senders(Ok(senders())));
    assert!(!is_open(&elsewhere));
}

#[test]
fn nothing_written_is_nothing_to_save() {
    let mut dashboard = TestDashboard::new(WIDE);

    dashboard.keys("1n").key(Key::Esc);

    assert!(!dashboard.acts().iter().any(|act| matches!(act, WriteRequest::Draft(_))));
    assert_eq!(dashboard.model.blast().map(|blast| blast.id), Some(BlastId(7)));
}

#[test]
fn what_is_written_for_a_blast_that_was_launched_meanwhile_is_said_to_be_dropped() {
    let mut dashboard = typed_on();
    let id = dashboard.model.form.as_ref().unwrap().draft.as_ref().unwrap().id;
    let launched = BlastView { id, state: BlastState::Sending, ..raya() };
    dashboard.answer(Completion::Blasts(Ok(vec![launched])));

    dashboard.key(Key::Esc).key(Key::Esc).answer(refused(EffectError::Other("the blast is sending".to_owned())));

    assert!(dashboard.said().ends_with("what you wrote last is dropped"), "{}", dashboard.said());
}
