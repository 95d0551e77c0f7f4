//! The screen as it is drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::model::Model;
use crate::tui::theme::{Colours, ScreenTheme};
use crate::tui::{Size, view};

pub fn buffer(model: &Model) -> Buffer {
    let Size { width, height } = model.size;
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    view::draw(model, &ScreenTheme::new(Colours::Sixteen, model.options.charset), &mut buffer);
    buffer
}

/// The screen as a terminal would show it: a wide character stands for two columns.
pub fn drawn(model: &Model) -> Vec<String> {
    lines(&buffer(model))
}

/// The same of a screen that is drawn already.
pub fn lines(buffer: &Buffer) -> Vec<String> {
    let row = |y: u16| {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += crate::tui::widget::width(symbol).max(1);
        }
        assert!(!has_marked_key(&line), "the key of a sentence is still marked: {line}");
        line.trim_end().to_owned()
    };
    (0..buffer.area.height).map(row).collect()
}

/// Whether a key has its marks still. A mark by itself may have been typed.
fn has_marked_key(line: &str) -> bool {
    line.match_indices('⟨').any(|(at, mark)| line[at + mark.len()..].chars().nth(1) == Some('⟩'))
}
