//! The view of the months: everything that was sent in each, newest first.

use super::support::{STACKED, TestDashboard, WIDE, blasts};
use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::funnel::Counts;
use crate::domain::ids::BlastId;
use crate::tui::effect::Completion;
use crate::tui::key::Key;
use crate::tui::model::{FunnelView, Pane};

fn shown(dashboard: &mut TestDashboard) -> String {
    dashboard.keys("2vvvvv");
    assert_eq!(dashboard.model.shown_view(), FunnelView::Months);
    dashboard.screen().join("\n")
}

#[test]
fn the_months_add_up_their_blasts_newest_first() {
    let mut november: Vec<BlastView> = blasts().into_iter().filter(|blast| blast.tag == "Deepavali").collect();
    let counts = Counts { delivered: 50, read: 30, closed: 20, ..Counts::default() };
    november[0].counts = Counts { amount: 100.into(), ..counts };
    let twin = BlastView { id: BlastId(41), ..november[0].clone() };
    let october = BlastView { tag: "Hari Sukan".to_owned(), ..blasts().swap_remove(3) };
    // What was not sent counts for no month, and is none.
    let january = BlastView { counts: Counts::default(), state: BlastState::Cancelled, ..blasts().swap_remove(4) };
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(vec![november.remove(0), twin, october, january])));

    let screen = shown(&mut dashboard);

    let line = |label: &str| screen.lines().find(|line| line.contains(label)).unwrap_or_default().to_owned();
    let names = screen.lines().find(|line| line.contains("Oct 2026")).unwrap();
    assert!(names.find("Nov 2026") < names.find("Oct 2026") && !screen.contains("Jan 2026"), "{screen}");
    assert!(line("  Received").contains("200") && line("  Read").contains("100   50.0%"), "{screen}");
    assert!(line("  Closed").contains("40   20.0%") && screen.contains("200.00"), "{screen}");
}

#[test]
fn the_months_are_whole_at_80_columns_and_escape_returns_to_the_bars() {
    let mut dashboard = TestDashboard::new(STACKED);

    let screen = shown(&mut dashboard);

    for words in ["Nov 2026", "Oct 2026", "Jan 2026", "Sent", "Closed"] {
        assert!(screen.contains(words), "{words}: {screen}");
    }
    dashboard.key(Key::Esc);
    assert_eq!((dashboard.model.focus, dashboard.model.shown_view()), (Pane::Funnel, FunnelView::Bars));
}

#[test]
fn a_house_that_sent_nothing_has_no_months() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.answer(Completion::Blasts(Ok(vec![super::support::draft()])));

    assert!(shown(&mut dashboard).contains("nothing has been sent yet"));
}
