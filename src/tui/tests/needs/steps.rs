//! Lines of steps and of the drafts that they made.

use super::*;
use crate::app::StepView;
use crate::tui::key::Key;

/// A blast with a step, and the draft that the step made.
fn with_a_step() -> TestDashboard {
    let origin = BlastOrigin { has_steps: true, ..BlastOrigin::default() };
    let of_step = BlastOrigin { step: Some(1), ..BlastOrigin::default() };
    let made = BlastView { origin: of_step, state_by: Some(Actor::Engine), follows: Some(RAYA), ..draft() };
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(Completion::Blasts(Ok(vec![BlastView { origin, ..raya() }, made]))).taken();
    dashboard
}

#[test]
fn steps_are_listed_where_their_drafts_are_asked_about() {
    let mut dashboard = with_a_step();

    dashboard.keys("!");
    assert!(dashboard.taken().contains(&Effect::Read(ReadRequest::Steps(vec![RAYA]))));
    for (waits, expected) in [(None, "comes 15:30"), (Some(DRAFT), "its draft waits for you")] {
        dashboard.answer(Completion::Steps(Ok(vec![step(waits)])));

        let screen = dashboard.screen().join("\n");
        let line = format!("Raya promo, step 1: 1d after read, not replied; {expected}");
        assert!(screen.contains(&line), "{screen}");
        assert!(screen.contains("p pauses it, X removes it"), "{screen}");
    }
}

#[test]
fn a_step_of_a_paused_blast_is_not_said_to_come() {
    let mut dashboard = with_a_step();

    dashboard.keys("!");
    for comes_at in [None, Some(at(15, 30))] {
        let view = StepView { is_blast_paused: true, comes_at, ..step(None) };
        dashboard.answer(Completion::Steps(Ok(vec![view])));

        let screen = dashboard.screen().join("\n");
        let line = "Raya promo, step 1: 1d after read, not replied; not while its blast is paused";
        assert!(screen.contains(line), "{screen}");
    }
}

#[test]
fn enter_on_the_draft_of_a_step_opens_its_plan() {
    let mut dashboard = with_a_step();
    dashboard.keys("!").taken();
    let row = dashboard.model.needs_list().iter().position(|need| *need == AttentionItem::Paused(DRAFT)).unwrap();

    dashboard.keys(&"j".repeat(row)).keys("\n");

    assert!(matches!(&dashboard.model.overlays[..], [Overlay::Plan(plan)] if plan.blast == DRAFT));
    assert!(dashboard.taken().iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Plan(DRAFT, _)))));
    assert_eq!(dashboard.model.blast().unwrap().id, DRAFT);
}

#[test]
fn the_draft_of_a_step_names_the_blast_of_the_step() {
    let mut dashboard = with_a_step();
    let why = "step 1 of blast 7 made it: it waits for your yes";
    let with_reason = |blast: &BlastView| match blast.id {
        DRAFT => BlastView { state_reason: Some(why.to_owned()), version: 4, ..blast.clone() },
        _ => blast.clone(),
    };
    let rows = dashboard.model.blasts.rows().iter().map(with_reason).collect();
    dashboard.answer(Completion::Blasts(Ok(rows)));

    let needs = dashboard.keys("!").screen().join("\n");
    assert!(needs.contains("Raya last call: step 1 of Raya promo made it: it waits for your yes"), "{needs}");

    dashboard.key(Key::Esc).model.blasts.select(DRAFT);
    dashboard.dispatch(Msg::Resized(Size { width: 200, height: 50 }));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("step 1 of Raya promo") && !screen.contains("of blast 7"), "{screen}");
}
