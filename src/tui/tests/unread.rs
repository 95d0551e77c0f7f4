//! What could not be read is not taken for read: it is read again once the database answers, and not before.

use super::activity::{answer, page};
use super::follow_ups::follow_up;
use super::support::{RAYA, STACKED, TestDashboard, WIDE, blasts, details_of, noon, people, raya};
use crate::app::DatabaseState;
use crate::app::view::ActivityPage;
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::RecipientId;
use crate::tui::Size;
use crate::tui::effect::{Completion, Effect, EffectError, ReadRequest};
use crate::tui::msg::Msg;
use crate::tui::update::is_known;

fn reads(dashboard: &mut TestDashboard, wanted: fn(&ReadRequest) -> bool) -> usize {
    let is_wanted = |effect: &Effect| matches!(effect, Effect::Read(request) if wanted(request));
    dashboard.taken().iter().filter(|effect| is_wanted(effect)).count()
}

/// Blasts of which nothing has to be read again for itself.
fn at_rest() -> Completion {
    let mut blasts = blasts();
    for blast in &mut blasts {
        blast.state = BlastState::Completed;
    }
    Completion::Blasts(Ok(blasts))
}

#[test]
fn an_activity_that_is_opened_while_the_database_is_away_claims_nothing_and_is_read_after_it() {
    let is_activity = |request: &ReadRequest| matches!(request, ReadRequest::Activity { before: None, .. });
    let mut dashboard = TestDashboard::new(STACKED);
    dashboard.answer(at_rest()).dispatch(Msg::Database(DatabaseState::Down { since: noon() })).keys("4");
    let failed = Completion::Activity {
        ticket: dashboard.model.activity.ticket,
        before: None,
        limit: 30,
        page: Err(EffectError::Unavailable),
    };
    dashboard.answer(failed).dispatch(Msg::Database(DatabaseState::Up));
    let screen = dashboard.screen().join("\n");
    assert!(screen.contains("reading ...") && !screen.contains("nothing has happened yet"), "{screen}");
    dashboard.keys("\n").taken();
    assert_eq!(dashboard.said(), "still reading");

    assert!(!is_known(&dashboard.model, &at_rest()));
    dashboard.answer(at_rest());

    assert_eq!(reads(&mut dashboard, is_activity), 1);
    answer(&mut dashboard, ActivityPage { rows: Vec::new(), people: Vec::new() });
    assert!(dashboard.screen().join("\n").contains("nothing has happened yet"));
    dashboard.answer(at_rest());
    assert_eq!(reads(&mut dashboard, is_activity), 0);
    answer(&mut dashboard, page());
}

#[test]
fn a_view_whose_reading_failed_is_read_again_with_the_next_blasts_and_not_at_once() {
    let is_progress = |request: &ReadRequest| matches!(request, ReadRequest::Progress(_));
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.keys("2v").answer(Completion::Progress(Ok(Vec::new()))).taken();
    let mut rows = blasts();
    rows[0].counts = Counts { read: 68, delivered: 47, ..rows[0].counts };
    dashboard.answer(Completion::Blasts(Ok(rows.clone())));
    assert_eq!(reads(&mut dashboard, is_progress), 1);

    dashboard.answer(Completion::Progress(Err(EffectError::Unavailable)));
    assert_eq!(reads(&mut dashboard, is_progress), 0, "the database is away");
    dashboard.answer(Completion::Blasts(Ok(rows.clone())));
    assert_eq!(reads(&mut dashboard, is_progress), 1);

    dashboard.answer(Completion::Blasts(Ok(rows)));
    assert_eq!(reads(&mut dashboard, is_progress), 0, "once is enough");
}

#[test]
fn who_came_back_after_a_follow_up_is_read_again_after_a_failure() {
    let is_chain = |request: &ReadRequest| matches!(request, ReadRequest::FollowUpResponses(RAYA));
    let mut dashboard = TestDashboard::new(WIDE);
    let rows = || Completion::Blasts(Ok(vec![raya(), follow_up(11, RAYA, "Follow-up 1")]));
    dashboard.answer(rows());
    assert_eq!(reads(&mut dashboard, is_chain), 1);

    let came_back = Err(EffectError::Unavailable);
    dashboard.answer(Completion::FollowUpResponses { blast: RAYA, came_back }).answer(rows());

    assert_eq!(reads(&mut dashboard, is_chain), 1);
}

#[test]
fn the_person_beside_the_table_is_read_again_after_a_failure() {
    let is_person = |request: &ReadRequest| matches!(request, ReadRequest::Person(RecipientId(1)));
    let mut dashboard = TestDashboard::new(Size { width: 160, height: 50 });
    dashboard.keys("3").taken();

    dashboard.answer(Completion::Person(Box::new(Err(EffectError::Unavailable))));
    assert_eq!(reads(&mut dashboard, is_person), 0, "the database is away");
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    assert_eq!(reads(&mut dashboard, is_person), 1);

    dashboard.answer(Completion::Person(Box::new(Ok(details_of(people().swap_remove(0))))));
    dashboard.answer(Completion::Blasts(Ok(blasts())));
    assert_eq!(reads(&mut dashboard, is_person), 0);
}
