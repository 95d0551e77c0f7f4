//! What a frame costs on the wire, and that a terminal shows what was drawn.

use ratatui::buffer::Buffer;

use super::support::{STACKED, TestDashboard, WIDE, blasts, buffer, crowd, drawn};
use crate::app::view::BlastView;
use crate::tui::Size;
use crate::tui::effect::Completion;
use crate::tui::frame::FrameDiff;
use crate::tui::msg::Msg;

fn screen(dashboard: &TestDashboard) -> Buffer {
    buffer(&dashboard.model)
}

#[test]
fn a_look_that_finds_nothing_new_writes_nothing() {
    let mut dashboard = TestDashboard::new(WIDE);
    let mut frames = FrameDiff::default();
    frames.advance(&screen(&dashboard));

    dashboard.now += chrono::TimeDelta::seconds(59);
    dashboard.dispatch(Msg::Refresh).answer(Completion::Blasts(Ok(blasts())));

    assert_eq!(frames.advance(&screen(&dashboard)), b"");
}

#[test]
fn a_tick_of_the_funnel_costs_at_most_150_bytes() {
    for size in [WIDE, STACKED] {
        let mut dashboard = TestDashboard::new(size);
        let mut frames = FrameDiff::default();
        frames.advance(&screen(&dashboard));
        // One more was sent, one of the others received it.
        let mut rows = blasts();
        let counts = &mut rows[0].counts;
        (counts.queued, counts.sent, counts.delivered) = (139, 6, 49);

        dashboard.answer(Completion::Blasts(Ok(rows)));

        let bytes = frames.advance(&screen(&dashboard));
        assert!(!bytes.is_empty() && bytes.len() <= 150, "{} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_first_paint_of_a_large_screen_costs_at_most_12_kilobytes() {
    let dashboard = TestDashboard::with(Size { width: 200, height: 50 }, crowd(1, 60));

    let bytes = FrameDiff::default().advance(&screen(&dashboard));

    assert!(bytes.len() <= 12_000, "{}", bytes.len());
}

#[test]
fn a_terminal_shows_every_screen_as_it_was_drawn() {
    for (width, height) in [(160, 50), (120, 29), (80, 24), (60, 20), (30, 8), (1, 1)] {
        let mut terminal = vt100::Parser::new(height, width, 0);
        let mut dashboard = TestDashboard::new(Size { width, height });
        let mut frames = FrameDiff::default();
        terminal.process(&frames.advance(&screen(&dashboard)));
        dashboard.keys("3jj").answer(Completion::Blasts(Ok(vec![BlastView {
            tag: "陈小明 قيس".to_owned(),
            ..blasts().swap_remove(0)
        }])));

        terminal.process(&frames.advance(&screen(&dashboard)));

        let shown: Vec<String> = terminal.screen().rows(0, width).map(|row| row.trim_end().to_owned()).collect();
        assert_eq!(shown, drawn(&dashboard.model), "{width}x{height}");
    }
}

#[test]
fn nothing_drawn_ever_leaves_ascii_when_only_ascii_is_wanted() {
    let mut dashboard = TestDashboard::new(WIDE);
    dashboard.model.options.charset = crate::tui::Charset::Ascii;

    let foreign: String = dashboard.screen().concat().chars().filter(|c| !c.is_ascii()).collect();

    assert_eq!(foreign, "");
}
