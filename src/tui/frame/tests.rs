use proptest::prelude::{prop_assert_eq, proptest};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Style};

use super::FrameDiff;

fn buffer(lines: &[&str]) -> Buffer {
    Buffer::with_lines(lines.iter().copied())
}

#[test]
fn a_frame_that_changes_nothing_writes_nothing() {
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&["Raya promo", "  142"]));

    assert_eq!(frames.advance(&buffer(&["Raya promo", "  142"])), b"");
}

#[test]
fn one_changed_digit_is_one_jump_and_one_character() {
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&["Raya promo", "  142"]));

    let bytes = String::from_utf8(frames.advance(&buffer(&["Raya promo", "  143"]))).unwrap();

    assert_eq!(bytes, "\x1b[?2026h\x1b[2;5H3\x1b[?2026l");
}

#[test]
fn a_blank_where_half_of_a_wide_character_stood_is_written() {
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&["李小龙  ok"]));

    let bytes = String::from_utf8(frames.advance(&buffer(&["Nur Iz  ok"]))).unwrap();

    assert!(bytes.contains("Nur Iz"), "{bytes:?}");
}

#[test]
fn a_copied_text_goes_before_the_frame_in_base64_and_only_once() {
    let mut frames = FrameDiff::default();
    frames.advance(&buffer(&["Raya promo"]));
    frames.copy("https://wa.me/60100120001\x07\x1b]0;owned".to_owned());

    let bytes = String::from_utf8(frames.advance(&buffer(&["Raya promo"]))).unwrap();

    assert_eq!(bytes, "\x1b]52;c;aHR0cHM6Ly93YS5tZS82MDEwMDEyMDAwMQcbXTA7b3duZWQ=\x1b\\");
    assert_eq!(frames.advance(&buffer(&["Raya promo"])), b"");
}

#[test]
fn a_terminal_shows_what_was_drawn_in_every_script() {
    let mut terminal = vt100::Parser::new(3, 20, 0);
    let mut frames = FrameDiff::default();

    terminal.process(&frames.advance(&buffer(&["陈小明 |            ", "Aina               x", ""])));
    terminal.process(&frames.advance(&buffer(&["Ali 小 |            ", "Aina               y", ""])));

    assert_eq!(terminal.screen().contents(), "Ali 小 |\nAina               y");
}

#[test]
fn attributes_and_colours_arrive_and_are_taken_off_again() {
    let mut frames = FrameDiff::default();
    let mut next = buffer(&["abcdef"]);
    next.set_style(Rect::new(0, 0, 2, 1), Style::new().fg(Color::Green).add_modifier(ratatui::style::Modifier::BOLD));
    next.set_style(Rect::new(2, 0, 2, 1), Style::new().fg(Color::Green));

    let mut terminal = vt100::Parser::new(1, 6, 0);
    terminal.process(&frames.advance(&next));

    let cell = |column| terminal.screen().cell(0, column).unwrap();
    assert!(cell(1).bold() && cell(1).fgcolor() == vt100::Color::Idx(2));
    assert!(!cell(2).bold() && cell(2).fgcolor() == vt100::Color::Idx(2));
    assert_eq!(cell(5).fgcolor(), vt100::Color::Default);
}

#[test]
fn one_of_256_colours_arrives() {
    let mut frames = FrameDiff::default();
    let mut next = buffer(&["ab"]);
    next.set_style(Rect::new(0, 0, 1, 1), Style::new().fg(Color::Indexed(94)));

    let mut terminal = vt100::Parser::new(1, 2, 0);
    terminal.process(&frames.advance(&next));

    let cell = |column| terminal.screen().cell(0, column).unwrap();
    assert_eq!((cell(0).fgcolor(), cell(1).fgcolor()), (vt100::Color::Idx(94), vt100::Color::Default));
}

#[test]
fn a_row_with_a_joined_emoji_is_written_whole_and_nothing_of_it_stays_behind() {
    let mut terminal = vt100::Parser::new(2, 24, 0);
    let mut frames = FrameDiff::default();
    terminal.process(&frames.advance(&buffer(&["👨\u{200d}👩\u{200d}👧 Tan       12:31", "Aina"])));

    let bytes = frames.advance(&buffer(&["कि Tan       12:32", "Aina"]));
    terminal.process(&bytes);

    let row = terminal.screen().rows(0, 24).next().unwrap();
    assert!(row.contains("Tan") && row.ends_with("12:32"), "{row:?}");
    assert!(!row.contains('👧'), "{row:?}");
    let again = frames.advance(&buffer(&["Ali Tan       12:32", "Aina"]));
    terminal.process(&again);
    assert_eq!(terminal.screen().rows(0, 24).next().unwrap().trim_end(), "Ali Tan       12:32");
}

#[test]
fn an_emoji_that_is_newer_than_the_terminal_shifts_nothing() {
    for new in ["\u{1fae9}", "\u{1fac8}", "\u{378}", "\u{ffff}", "\u{2e5e}", "\u{d7ff}"] {
        let mut frames = FrameDiff::default();
        frames.advance(&buffer(&["Aina        12:31"]));
        let bytes = String::from_utf8(frames.advance(&buffer(&[&format!("Aina {new} read 12:31")]))).unwrap();
        let (_, behind) = bytes.split_once(new).unwrap();
        assert!(behind.starts_with("\x1b[1;"), "{new:?}: the cursor is placed anew: {bytes:?}");

        let bytes = String::from_utf8(frames.advance(&buffer(&["Aina   read 12:32"]))).unwrap();
        assert!(bytes.contains("Aina") && bytes.contains("12:32"), "{new:?}: the row is written anew: {bytes:?}");
    }
}

proptest! {
    #[test]
    fn any_sequence_of_frames_ends_in_the_last_one(frames in proptest::collection::vec(proptest::collection::vec("[a陈 b]{0,8}", 3), 1..8)) {
        let mut terminal = vt100::Parser::new(3, 16, 0);
        let mut writer = FrameDiff::default();
        let mut last = Vec::new();
        for lines in &frames {
            let mut next = Buffer::empty(Rect::new(0, 0, 16, 3));
            for (y, line) in (0..).zip(lines) {
                next.set_string(0, y, line, Style::new());
            }
            terminal.process(&writer.advance(&next));
            last.clone_from(lines);
        }
        let shown: Vec<String> = terminal.screen().rows(0, 16).map(|row| row.trim_end().to_owned()).collect();
        let drawn: Vec<String> = last.iter().map(|line| line.trim_end().to_owned()).collect();
        prop_assert_eq!(shown, drawn);
    }
}
