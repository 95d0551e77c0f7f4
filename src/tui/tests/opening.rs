//! Which blast a dashboard opens on, and what `p` says where it is not the one that sends.

use super::support::{STACKED, TestDashboard, WIDE, at, blast, blasts, noon, options, raya};
use crate::app::view::BlastView;
use crate::domain::act::Actor;
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::tui::DashboardOptions;
use crate::tui::effect::{Completion, WriteRequest};
use crate::tui::model::Model;

const FOLLOW_UP: BlastId = BlastId(13);

/// Somebody paused it part-way.
fn paused() -> BlastView {
    BlastView {
        counts: Counts { queued: 20, read: 80, ..Counts::default() },
        state_by: Some(Actor::Operator("aina".to_owned())),
        ..blast(12, "Bawang", BlastState::Paused, (11, 20))
    }
}

/// It was sent a week ago, and a follow-up to it is newer than everything.
fn done() -> BlastView {
    blasts().swap_remove(1)
}

fn follow_up() -> BlastView {
    BlastView { id: FOLLOW_UP, follows: Some(done().id), follow_up_stage: "Follow-up 2".to_owned(), ..raya() }
}

fn opened(rows: Vec<BlastView>) -> TestDashboard {
    let mut dashboard = TestDashboard::empty(STACKED);
    dashboard.answer(Completion::Blasts(Ok(rows)));
    dashboard
}

fn shown(dashboard: &TestDashboard) -> Option<BlastId> {
    dashboard.model.blasts.selected().map(|blast| blast.id)
}

#[test]
fn a_dashboard_opens_on_what_is_being_sent_wherever_it_stands_in_the_list() {
    let mut dashboard = opened(vec![follow_up(), paused(), done()]);
    assert_eq!(dashboard.model.blasts.position(), Some(2), "below the blast that it follows");
    assert_eq!(shown(&dashboard), Some(FOLLOW_UP));

    dashboard.keys("p");

    assert_eq!(dashboard.acts(), [WriteRequest::Pause(FOLLOW_UP)]);
}

#[test]
fn a_dashboard_opens_on_what_starts_or_asks_for_somebody_before_what_is_done_or_paused_by_somebody() {
    let starts = BlastView { send_after: Some(at(14, 3)), ..follow_up() };
    let by_itself = BlastView { state: BlastState::Paused, state_by: Some(Actor::Engine), ..follow_up() };
    let late = BlastView {
        state: BlastState::Scheduled,
        send_after: Some(at(9, 0)),
        asks_after: Some(at(10, 0)),
        ..follow_up()
    };

    for row in [starts, by_itself, late] {
        let state = row.state;
        assert_eq!(shown(&opened(vec![row, paused(), done()])), Some(FOLLOW_UP), "{state}");
    }
}

#[test]
fn a_dashboard_opens_on_the_blast_that_it_was_given_and_stays_on_the_one_that_it_shows() {
    let mut dashboard = TestDashboard::empty(STACKED);
    dashboard.model = Model::new(DashboardOptions { open: Some(done().id), ..options() }, STACKED, noon());
    dashboard.answer(Completion::Blasts(Ok(vec![follow_up(), paused(), done()])));
    assert_eq!(shown(&dashboard), Some(done().id));

    let mut dashboard = opened(vec![paused(), done()]);
    assert_eq!(shown(&dashboard), Some(paused().id), "nothing is under way");
    dashboard.answer(Completion::Blasts(Ok(vec![follow_up(), paused(), done()])));
    assert_eq!(shown(&dashboard), Some(paused().id));
}

#[test]
fn p_on_what_cannot_be_paused_says_what_is_being_sent() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(vec![follow_up(), paused(), done()])));
    dashboard.model.blasts.select(paused().id);

    dashboard.keys("p");

    assert!(dashboard.acts().is_empty());
    assert_eq!(dashboard.said(), "Bawang is paused already: S resumes it; Raya promo, Follow-up 2 is being sent");

    let counts = Counts { queued: 9, ..Counts::default() };
    let more = [31, 32].map(|id| BlastView { counts, ..blast(id, "Kuih", BlastState::Sending, (11, 20)) });
    let rows = [raya(), paused()].into_iter().chain(more).collect();
    dashboard.answer(Completion::Blasts(Ok(rows))).keys("p");
    assert_eq!(dashboard.said(), "Bawang is paused already: S resumes it; Raya promo and 2 others are being sent");
}
