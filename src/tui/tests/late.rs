//! Answers that come after the operator went on to something else: what is being typed stays theirs, and no key of it acts.

use super::form::{new_form, opened, saved, writes};
use super::plans::planned;
use super::support::{DRAFT, RAYA, TestDashboard, WIDE, draft, raya};
use crate::app::view::BlastView;
use crate::app::{AskedAct, CopiedPeople, DraftAt, DraftOvertaken, Launch};
use crate::domain::blast::BlastState;
use crate::domain::ids::{ActionId, BlastId};
use crate::tui::effect::{
    Completion, DraftOutcome, DraftRead, DraftWrite, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest,
};
use crate::tui::key::Key;
use crate::tui::model::{FormLine, Overlay, Prompt};

/// `e` on the draft.
pub fn wants_draft(dashboard: &mut TestDashboard) -> &mut TestDashboard {
    dashboard.model.blasts.select(DRAFT);
    dashboard.keys("1e")
}

fn asks(dashboard: &mut TestDashboard, request: WriteRequest) {
    let question = "your last act: closed, Siti Aminah. Take it back?".to_owned();
    let then = WriteRequest::UndoMyAct(AskedAct::sending_nothing(ActionId(7)));
    let outcome = Ok(WriteOutcome::AsksFirst { question, then });
    dashboard.answer(Completion::Written { request, outcome }).taken();
}

#[test]
fn a_late_question_whether_to_take_back_opens_over_no_text_that_is_typed() {
    // The form of a blast, commands by name, the help that is searched, and the number of a plan.
    for keys in ["n↓↓↓↓\nSalam", ":pa", "?/opt"] {
        let mut dashboard = TestDashboard::new(WIDE);
        dashboard.keys("1u");
        let request = dashboard.acts().pop().unwrap();
        dashboard.keys(keys);

        asks(&mut dashboard, request);
        dashboard.keys("y");

        assert!(dashboard.model.prompt.is_none(), "{keys}");
        let undone = dashboard.acts().into_iter().any(|act| matches!(act, WriteRequest::UndoMyAct(_)));
        assert!(!undone, "{keys}: the letter is of the text");
    }
    let mut plan = planned(|plan| plan);
    plan.keys("u");
    let request = plan.acts().pop().unwrap();
    plan.keys("28");
    asks(&mut plan, request.clone());
    assert_eq!(plan.said(), "nothing was taken back: that asks first, press the key again to be asked");
    plan.key(Key::Ctrl('u'));
    asks(&mut plan, request);
    assert!(matches!(plan.model.prompt, Some(Prompt::Confirm(_))), "nothing is typed there");
}

#[test]
fn a_pause_closes_no_form_of_another_blast_and_no_letter_typed_there_is_a_key() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1pn↓↓↓↓\nSalam").taken();
    let paused = BlastView { state: BlastState::Paused, ..raya() };
    let outcome = Ok(WriteOutcome::Blast(Box::new(paused)));

    dashboard.answer(Completion::Written { request: WriteRequest::Pause(RAYA), outcome });
    dashboard.keys(" Xy");

    assert_eq!(dashboard.model.overlays, [Overlay::Form]);
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "Salam Xy");
}

#[test]
fn the_form_of_a_blast_that_is_launched_goes_with_its_plan_and_stays_where_it_is_typed_on() {
    let launched = || {
        let launch = Launch { blast: DRAFT, version: 3, people: 289, armed_for: Launch::ARMED_FOR };
        let row = BlastView { state: BlastState::Sending, ..draft() };
        let outcome = Ok(WriteOutcome::Blast(Box::new(row)));
        Completion::Written { request: WriteRequest::Launch(launch), outcome }
    };
    for (keys, is_open) in [("S", false), ("\n, dan", true)] {
        let mut dashboard = TestDashboard::new(WIDE);
        wants_draft(&mut dashboard).answer(opened()).keys(keys);

        dashboard.answer(launched());

        assert_eq!(dashboard.model.overlays.contains(&Overlay::Form), is_open, "{keys}");
        assert!(!dashboard.model.overlays.iter().any(|page| matches!(page, Overlay::Plan(_))), "{keys}");
    }
}

#[test]
fn what_takes_the_place_of_somebody_elses_words_is_saved_before_another_form_opens() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1n↓↓↓↓\nS").answer(saved(9, 1)).keys("alam").taken();
    dashboard.key(Key::Esc).key(Key::Esc);
    let request = dashboard.acts().pop().unwrap();
    let overtaken = EffectError::Overtaken(DraftOvertaken::Changed { by: "ben".to_owned(), version: 8 });
    dashboard.answer(Completion::Written { request, outcome: Err(overtaken) });

    dashboard.keys("y");
    let request = dashboard.acts().pop().unwrap();
    let at = Some(DraftAt::new(BlastId(9), 8));
    assert!(matches!(&request, WriteRequest::Draft(DraftWrite::Save { at: of, .. }) if *of == at), "{request:?}");
    dashboard.keys("n");
    assert_eq!(dashboard.said(), "the draft before is still being saved: press the key again in a moment");
    let Completion::Written { outcome, .. } = saved(9, 9) else { unreachable!() };
    dashboard.answer(Completion::Written { request, outcome });
    dashboard.keys("n");

    assert_eq!(dashboard.model.form.as_ref().unwrap().draft, None, "the answer was of the form before");
}

/// Gives the form a template with a picture.
fn with_picture(dashboard: &mut TestDashboard, name: &str) {
    let form = dashboard.model.form.as_mut().unwrap();
    let header = serde_json::json!({ "type": "image", "image": { "link": "https://x.test/a.png" } });
    form.values.template = Some(serde_json::json!({ "name": name, "language": "ms", "header": header }));
    form.line = FormLine::Header;
}

#[test]
fn a_file_that_was_uploaded_for_one_template_or_blast_is_not_put_into_another() {
    let other_template = |dashboard: &mut TestDashboard| with_picture(dashboard, "promo");
    let other_blast = |dashboard: &mut TestDashboard| {
        dashboard.key(Key::Esc).keys("n");
        with_picture(dashboard, "tour");
    };
    let goes_on: [&dyn Fn(&mut TestDashboard); 2] = [&other_template, &other_blast];
    for goes_on in goes_on {
        let mut dashboard = new_form(WIDE);
        for sender in &mut dashboard.model.senders {
            sender.provider = "meta".to_owned();
        }
        with_picture(&mut dashboard, "tour");
        dashboard.keys("\n").key(Key::Ctrl('u')).keys("/home/aina/poster.png\n");
        let upload = writes(&mut dashboard).pop().unwrap();
        goes_on(&mut dashboard);
        let before = dashboard.model.form.clone();

        let outcome = DraftOutcome::Uploaded { kind: "image", id: "190".to_owned() };
        let request = WriteRequest::Draft(upload);
        dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Draft(outcome)) });

        assert_eq!(dashboard.model.form, before);
        assert_eq!(
            dashboard.said(),
            "poster.png is not used: another blast or template was chosen while it was uploaded"
        );
    }
}

#[test]
fn a_draft_that_is_opened_again_is_the_form_that_a_file_was_given_for() {
    let mut dashboard = TestDashboard::new(WIDE);
    wants_draft(&mut dashboard).answer(opened());
    let number = dashboard.model.form.as_ref().unwrap().number;

    dashboard.key(Key::Esc).keys("e").answer(opened());

    assert_eq!(dashboard.model.form.as_ref().unwrap().number, number);
}

#[test]
fn a_draft_opens_for_nobody_who_went_on_to_something_else() {
    // Another form, a filter of the blasts, another pane.
    for keys in ["n↓↓↓↓\nSalam", "/ra", "2"] {
        let mut dashboard = TestDashboard::new(WIDE);
        wants_draft(&mut dashboard).keys(keys);
        let (overlays, is_asked) = (dashboard.model.overlays.clone(), dashboard.model.prompt.is_some());

        dashboard.answer(opened());

        assert_eq!(dashboard.model.overlays, overlays, "{keys}");
        assert_eq!(dashboard.model.prompt.is_some(), is_asked, "{keys}");
        assert!(dashboard.model.form.as_ref().is_none_or(|form| form.draft.is_none()), "{keys}");
    }
    let mut other = TestDashboard::new(WIDE);
    wants_draft(&mut other);
    other.model.wanted_draft.as_mut().unwrap().id = BlastId(4);
    other.answer(opened());
    assert!(other.model.overlays.is_empty(), "another draft was asked for since");
}

#[test]
fn a_copy_that_is_made_late_is_named_and_opens_over_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("1dn↓↓↓↓\nSalam").taken();
    let copy = DraftAt::new(BlastId(12), 1);
    let copied = DraftOutcome::Duplicated { copy, people: CopiedPeople::All, dropped_hours: None };
    let request = WriteRequest::Draft(DraftWrite::Duplicate(RAYA));

    dashboard.answer(Completion::Written { request, outcome: Ok(WriteOutcome::Draft(copied)) });

    assert_eq!(dashboard.said(), "draft 12 is a copy of Raya promo, with the people who are in it");
    assert_eq!(dashboard.taken(), [Effect::Read(ReadRequest::Blasts)]);
    dashboard.keys("!");
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "Salam!");
}

#[test]
fn what_is_read_for_a_form_does_not_take_the_place_of_a_draft_that_is_opened() {
    let open = ReadRequest::Draft(DraftRead::Open(DRAFT));
    let templates = ReadRequest::Draft(DraftRead::Templates("sales".to_owned()));

    assert_ne!(open.slot(), templates.slot());
    assert_eq!(open.slot(), ReadRequest::Draft(DraftRead::Open(RAYA)).slot());
}

#[test]
fn an_order_that_is_refused_late_opens_its_field_over_no_text_that_is_typed() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("3c").key(Key::Tab).keys("teh*99\n");
    let is_order = |act: &WriteRequest| matches!(act, WriteRequest::Shop(_));
    let request = dashboard.acts().into_iter().find(is_order).unwrap();
    dashboard.keys("1n↓↓↓↓\nSalam");

    let why = EffectError::Other("teh: 12 are left".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) });
    assert_eq!(dashboard.said(), "Siti Aminah: teh: 12 are left; you typed teh*99");
    dashboard.keys("!");

    assert!(dashboard.model.prompt.is_none());
    assert_eq!(dashboard.model.form.as_ref().unwrap().values.message, "Salam!");
}
