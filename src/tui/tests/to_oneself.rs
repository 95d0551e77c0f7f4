//! One message of a plan to oneself: of the words that were shown, and of no others.

use super::plans::{plan_of, planned, shows};
use super::support::{DRAFT, draft};
use crate::app::Plan;
use crate::app::view::BlastView;
use crate::tui::effect::{Completion, Effect, ReadRequest, WriteOutcome, WriteRequest};

#[test]
fn words_that_somebody_changed_behind_the_question_are_not_sent_and_their_plan_is_read_again() {
    let changed = || BlastView { version: 4, message: "Changed".to_owned(), ..draft() };
    let plan = |blast| Plan { test_to: None, ..plan_of(blast, 289) };
    let mut dashboard = planned(|_| plan(draft()));
    dashboard.keys("M+60 10-012 9999\n");
    // It is read again while the question stands there.
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan(changed()))) });

    let request = dashboard.keys("y").acts().pop().expect("it is asked for");
    assert!(matches!(request, WriteRequest::SendTest { version: 3, .. }), "{request:?}");
    dashboard.effects.clear();
    let outcome = Ok(WriteOutcome::Outdated(Box::new(changed())));
    dashboard.answer(Completion::Written { request, outcome });

    let effects = dashboard.taken();
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Read(ReadRequest::Plan(DRAFT, _)))), "{effects:?}");
    dashboard.answer(Completion::Plan { blast: DRAFT, plan: Box::new(Ok(plan(changed()))) });
    assert!(shows(&dashboard, "somebody changed this blast a moment ago"), "{:#?}", dashboard.screen());
    // Nothing is wrong with the number.
    assert!(shows(dashboard.keys("M"), "your own number: +60 10-012 9999"), "{:#?}", dashboard.screen());
    let again = dashboard.keys("\ny").acts();
    assert!(matches!(&again[..], [WriteRequest::SendTest { version: 4, .. }]), "{again:?}");
}
