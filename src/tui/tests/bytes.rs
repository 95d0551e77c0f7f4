//! What a frame costs on the wire, and that a terminal shows what was drawn.

use ratatui::buffer::Buffer;

use super::support::{Bench, STACKED, WIDE, blasts, buffer, crowd, drawn};
use crate::engine::view::BlastRow;
use crate::tui::Size;
use crate::tui::effect::Answer;
use crate::tui::frame::Frames;
use crate::tui::msg::Msg;

fn screen(bench: &Bench) -> Buffer {
    buffer(&bench.model)
}

#[test]
fn a_look_that_finds_nothing_new_writes_nothing() {
    let mut bench = Bench::new(WIDE);
    let mut frames = Frames::default();
    frames.advance(&screen(&bench));

    bench.now += chrono::TimeDelta::seconds(59);
    bench.tell(Msg::Look).answer(Answer::Blasts(Ok(blasts())));

    assert_eq!(frames.advance(&screen(&bench)), b"");
}

#[test]
fn a_tick_of_the_funnel_costs_at_most_150_bytes() {
    for size in [WIDE, STACKED] {
        let mut bench = Bench::new(size);
        let mut frames = Frames::default();
        frames.advance(&screen(&bench));
        // One more was sent, one of the others received it.
        let mut rows = blasts();
        let counts = &mut rows[0].counts;
        (counts.queued, counts.sent, counts.delivered) = (139, 6, 49);

        bench.answer(Answer::Blasts(Ok(rows)));

        let bytes = frames.advance(&screen(&bench));
        assert!(!bytes.is_empty() && bytes.len() <= 150, "{} bytes: {}", bytes.len(), String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn the_first_paint_of_a_large_screen_costs_at_most_12_kilobytes() {
    let bench = Bench::with(Size { width: 200, height: 50 }, crowd(1, 60));

    let bytes = Frames::default().advance(&screen(&bench));

    assert!(bytes.len() <= 12_000, "{}", bytes.len());
}

#[test]
fn a_terminal_shows_every_screen_as_it_was_drawn() {
    for (width, height) in [(160, 50), (120, 29), (80, 24), (60, 20), (30, 8), (1, 1)] {
        let mut terminal = vt100::Parser::new(height, width, 0);
        let mut bench = Bench::new(Size { width, height });
        let mut frames = Frames::default();
        terminal.process(&frames.advance(&screen(&bench)));
        bench
            .keys("3jj")
            .answer(Answer::Blasts(Ok(vec![BlastRow {
                tag: "陈小明 قيس".to_owned(), ..blasts().swap_remove(0)
            }])));

        terminal.process(&frames.advance(&screen(&bench)));

        let shown: Vec<String> = terminal.screen().rows(0, width).map(|row| row.trim_end().to_owned()).collect();
        assert_eq!(shown, drawn(&bench.model), "{width}x{height}");
    }
}

#[test]
fn nothing_drawn_ever_leaves_ascii_when_only_ascii_is_wanted() {
    let mut bench = Bench::new(WIDE);
    bench.model.options.ascii = crate::tui::Ascii::On;

    let foreign: String = bench.screen().concat().chars().filter(|c| !c.is_ascii()).collect();

    assert_eq!(foreign, "");
}
