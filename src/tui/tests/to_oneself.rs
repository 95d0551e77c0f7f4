//! One message of a plan to oneself: of the words that were shown, and of no others.

use super::plans::{plan_of, planned, shows};
use super::support::{DRAFT, draft};
use crate::app::Plan;
use crate::app::view::BlastView;
use crate::domain::ids::RecipientId;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest, WriteOutcome, WriteRequest};
use crate::tui::key::Key;

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

#[test]
fn one_to_oneself_is_asked_first_and_needs_a_number() {
    let mut dashboard = planned(|plan| plan);
    assert!(dashboard.keys("M").acts().is_empty());
    let person = RecipientId(41);
    assert_eq!(dashboard.keys("y").acts(), [WriteRequest::SendTest { blast: DRAFT, version: 3, person, to: None }]);
}

#[test]
fn one_to_oneself_asks_for_the_number_where_none_is_known() {
    let mut dashboard = planned(|plan| Plan { test_to: None, ..plan });

    dashboard.keys("Msoon\n");
    assert!(dashboard.acts().is_empty() && shows(&dashboard, "your own number: soon"), "{:#?}", dashboard.screen());
    // What the import would refuse is refused here, in its words.
    dashboard.key(Key::Ctrl('u')).keys("+60 12-34 567\n");
    let why = "+60 12-34 567_   too short: perhaps its area or country code is missing";
    assert!(shows(&dashboard, why), "{:#?}", dashboard.screen());
    dashboard.keys("8");
    assert!(!shows(&dashboard, "too short"), "{:#?}", dashboard.screen());
    assert!(dashboard.acts().is_empty() && dashboard.model.own_number.is_none());
    dashboard.key(Key::Ctrl('u')).keys("+60 10-012 9999\n");
    assert!(
        dashboard.acts().is_empty() && shows(&dashboard, "to yourself, +60 10-012 9999?"),
        "{:#?}",
        dashboard.screen()
    );
    dashboard.keys("y");

    let to = Some("+60 10-012 9999".to_owned());
    assert_eq!(dashboard.acts(), [WriteRequest::SendTest { blast: DRAFT, version: 3, person: RecipientId(41), to }]);
    // It is not typed twice.
    assert!(shows(dashboard.keys("M"), "your own number: +60 10-012 9999"), "{:#?}", dashboard.screen());
    dashboard.key(Key::Esc).key(Key::Esc);
    assert!(dashboard.model.prompt.is_none() && dashboard.acts().is_empty());
}

#[test]
fn a_number_of_ones_own_that_was_refused_is_not_offered_again() {
    let mut dashboard = planned(|plan| Plan { test_to: None, ..plan });
    dashboard.keys("M+60 10-012 9999\ny");
    let request = dashboard.acts().pop().expect("it is sent");

    let why = EffectError::Other("+60 10-012 9999 cannot be sent to: they asked to be forgotten".to_owned());
    dashboard.answer(Completion::Written { request, outcome: Err(why) });

    dashboard.keys("M");
    assert!(!shows(&dashboard, "your own number: +60"), "{:#?}", dashboard.screen());
}
