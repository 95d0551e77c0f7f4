//! Encodes the difference between two drawn buffers in as few bytes as possible: runs of changed cells, relative jumps,
//! colours only where they change, all inside one synchronized update. If nothing changed, it writes no byte.

use std::collections::BTreeSet;

use crossterm::Command;
use crossterm::clipboard::CopyToClipboard;
use crossterm::cursor::{MoveRight, MoveTo};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap, EndSynchronizedUpdate,
};
use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::model::MouseCapture;
use crate::domain::text::clean;

#[cfg(test)]
mod tests;

/// Remembers what the terminal shows, and writes what differs.
#[derive(Debug, Default)]
pub struct FrameDiff {
    shown: Option<Buffer>,
    /// What the next frame hands to the terminal's clipboard.
    clipboard: Option<String>,
    /// Who has the mouse from the next frame on, where that changes.
    mouse: Option<MouseCapture>,
    /// The window's title, and the one that the terminal has.
    title: String,
    shown_title: String,
    /// The next frame rings the bell.
    rings: bool,
}

/// Reports of presses and of the wheel, in decimal numbers (xterm's modes 1000 and 1006); not of moves.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
/// The terminal has its mouse again.
pub const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";

impl FrameDiff {
    /// Hands a text to the terminal's clipboard with the next frame (OSC 52). The text is encoded in base64, so no byte of
    /// it can end the sequence; terminals without a clipboard ignore it.
    pub fn copy(&mut self, text: String) {
        self.clipboard = Some(text);
    }

    /// Takes the mouse with the next frame, or gives it back.
    pub const fn capture_mouse(&mut self, capture: MouseCapture) {
        self.mouse = Some(capture);
    }

    /// Rings the terminal's bell with the next frame.
    pub const fn ring(&mut self) {
        self.rings = true;
    }

    /// Titles the terminal's window from the next frame on. Control characters are left out: nothing can end the sequence.
    pub fn name_window(&mut self, title: String) {
        self.title = title;
    }

    /// The terminal's content is unknown: the next frame paints everything.
    pub fn forget(&mut self) {
        self.shown = None;
        self.shown_title.clear();
    }

    /// The bytes that turn what is shown into `next`; empty when nothing differs.
    pub fn advance(&mut self, next: &Buffer) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let blank = match &self.shown {
            Some(shown) if shown.area == next.area => None,
            _ => Some(Buffer::empty(next.area)),
        };
        if blank.is_some() {
            encoder.command(ResetColor);
            encoder.command(Clear(ClearType::All));
        }
        if let Some(before) = blank.as_ref().or(self.shown.as_ref()) {
            let whole = uncertain_rows(before, next);
            let mut cells: Vec<_> = before.diff_iter(next).chain(uncovered(before, next)).collect();
            cells.retain(|(_, y, _)| !whole.contains(y));
            cells.sort_by_key(|(x, y, _)| (*y, *x));
            cells.dedup_by_key(|(x, y, _)| (*y, *x));
            for (x, y, cell) in cells {
                encoder.cell(x, y, cell, next.area);
            }
            for y in before.diff_iter(next).map(|(_, y, _)| y).filter(|y| whole.contains(y)).collect::<BTreeSet<_>>() {
                encoder.row(y, next);
            }
        }
        self.shown = Some(next.clone());
        let mut bytes = encoder.finish();
        bytes.splice(..0, self.outside_the_grid().into_bytes());
        if let Some(text) = self.clipboard.take() {
            let mut copy = Encoder::default();
            copy.command(CopyToClipboard::to_clipboard_from(text));
            bytes.splice(..0, copy.out.into_bytes());
        }
        if let Some(capture) = self.mouse.take() {
            let modes = if capture == MouseCapture::On { MOUSE_ON } else { MOUSE_OFF };
            bytes.splice(..0, modes.bytes());
        }
        bytes
    }
}

impl FrameDiff {
    /// What stands in no cell: the bell, and the window's title where it is another one (OSC 2).
    fn outside_the_grid(&mut self) -> String {
        let mut out = String::new();
        if std::mem::take(&mut self.rings) {
            out.push(BELL);
        }
        if self.title != self.shown_title {
            self.shown_title.clone_from(&self.title);
            out.push_str("\x1b]2;");
            out.extend(clean(&self.title).chars());
            out.push(BELL);
        }
        out
    }
}

/// Also ends a title, as every terminal reads it.
const BELL: char = '\x07';

/// Cells that half of a wide character covered and that are blank now, as they were behind it: not every terminal blanks them.
fn uncovered<'b>(before: &Buffer, next: &'b Buffer) -> impl Iterator<Item = (u16, u16, &'b Cell)> {
    let is_wide = |cell: &Cell| crate::tui::widget::width(cell.symbol()) > 1;
    let width = usize::from(next.area.width.max(1));
    let pairs = before.content().iter().zip(next.content()).enumerate();
    let uncovers = move |(at, (was, is)): (usize, (&Cell, &Cell))| {
        let uncovers = (at + 1) % width != 0 && was != is && is_wide(was) && !is_wide(is);
        uncovers.then_some(at + 1)
    };
    pairs.filter_map(uncovers).filter_map(move |at| {
        let (x, y) = next.pos_of(at);
        Some((x, y, next.content().get(at)?))
    })
}

/// The rows that have or had a cell on whose width terminals disagree. Nobody knows what stands there: where such a row changes, all
/// of it is written again.
fn uncertain_rows(before: &Buffer, next: &Buffer) -> BTreeSet<u16> {
    let is_uncertain = |cell: &Cell| !has_certain_width(cell.symbol());
    let rows = |buffer: &Buffer| {
        let area = buffer.area;
        let width = usize::from(area.width.max(1));
        let places = buffer.content().chunks(width).zip(area.y..).filter(|(row, _)| row.iter().any(is_uncertain));
        places.map(|(_, y)| y).collect::<Vec<_>>()
    };
    rows(before).into_iter().chain(rows(next)).collect()
}

/// Whether every terminal gives it as many columns as we do: a letter, or one of the signs that we draw with ourselves. Not what is made
/// of several characters, nor emoji and signs that are newer than a terminal, which it may give no column at all.
fn has_certain_width(symbol: &str) -> bool {
    const EMOJI: char = '\u{1f000}';
    let mut chars = symbol.chars();
    let (Some(c), None) = (chars.next(), chars.next()) else { return symbol.is_empty() };
    let is_drawn_with = matches!(c, ' '..='~' | '\u{a0}'..='\u{bf}' | '×' | '÷' | '\u{2010}'..='\u{2026}' | '\u{2190}'..='\u{2193}'
        | '\u{2500}'..='\u{25ff}' | '\u{2800}'..='\u{28ff}');
    is_drawn_with || (c < EMOJI && c.is_alphanumeric())
}

/// What the terminal would do with what was written so far.
#[derive(Debug, Default)]
struct Encoder {
    out: String,
    /// Where the terminal's cursor is, if that is sure.
    at: Option<(u16, u16)>,
    colour: Option<Color>,
    modifier: Modifier,
}

impl Encoder {
    fn cell(&mut self, x: u16, y: u16, cell: &Cell, area: Rect) {
        self.go((x, y));
        self.dress(cell);
        self.out.push_str(cell.symbol());
        let width = crate::tui::widget::width(cell.symbol()).max(1);
        // Terminals also disagree on what the last column does.
        let sure = has_certain_width(cell.symbol()) && x + width < area.right();
        self.at = sure.then_some((x + width, y));
    }

    /// All of a row. After a cell of uncertain width the cursor is placed anew, and the columns that a terminal may have taken for it are written,
    /// also where they are empty.
    fn row(&mut self, y: u16, next: &Buffer) {
        let area = next.area;
        self.go((area.x, y));
        self.undress();
        self.command(Clear(ClearType::UntilNewLine));
        // Such a cell near the end that takes more columns than it should must not go on in the next row.
        self.command(DisableLineWrap);
        let (mut x, mut spilled) = (area.x, area.x);
        while x < area.right() {
            let Some(cell) = next.cell((x, y)) else { break };
            let width = crate::tui::widget::width(cell.symbol()).max(1);
            if cell.symbol() != " " || cell.modifier != Modifier::empty() || x < spilled {
                self.cell(x, y, cell, area);
            }
            if !has_certain_width(cell.symbol()) {
                let most = u16::try_from(cell.symbol().chars().count() * 2).unwrap_or(u16::MAX);
                spilled = spilled.max(x.saturating_add(most));
            }
            x += width;
        }
        self.command(EnableLineWrap);
    }

    /// Nothing that is written next has a colour or an attribute.
    fn undress(&mut self) {
        self.dress(&Cell::EMPTY);
    }

    fn go(&mut self, to: (u16, u16)) {
        let (x, y) = to;
        match self.at {
            Some(at) if at == to => {}
            Some((from, row)) if row == y && x > from => self.command(MoveRight(x - from)),
            _ => self.command(MoveTo(x, y)),
        }
    }

    fn command(&mut self, command: impl Command) {
        let written = command.write_ansi(&mut self.out);
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }

    /// Colour and attributes, when they differ from what is on.
    fn dress(&mut self, cell: &Cell) {
        let colour = Some(cell.fg).filter(|colour| *colour != Color::Reset);
        if colour == self.colour && cell.modifier == self.modifier {
            return;
        }
        let mut codes: Vec<u8> = Vec::new();
        let lost = self.modifier.difference(cell.modifier);
        let plain = colour.is_none() && cell.modifier.is_empty();
        let kept = if lost.is_empty() && !plain { self.modifier } else { Modifier::empty() };
        if kept != self.modifier || plain {
            codes.push(0);
            self.colour = None;
        }
        codes.extend(attributes(cell.modifier.difference(kept)));
        if colour != self.colour {
            match colour {
                Some(Color::Indexed(index)) => codes.extend([38, 5, index]),
                colour => codes.push(colour.map_or(39, code)),
            }
        }
        let joined: Vec<String> =
            codes.iter().map(|code| if *code == 0 { String::new() } else { code.to_string() }).collect();
        self.out.push_str("\x1b[");
        self.out.push_str(&joined.join(";"));
        self.out.push('m');
        self.colour = colour;
        self.modifier = cell.modifier;
    }

    fn finish(mut self) -> Vec<u8> {
        if self.out.is_empty() {
            return Vec::new();
        }
        if self.colour.is_some() || !self.modifier.is_empty() {
            self.out.push_str("\x1b[m");
        }
        let mut frame = Self::default();
        frame.command(BeginSynchronizedUpdate);
        frame.out.push_str(&self.out);
        frame.command(EndSynchronizedUpdate);
        frame.out.into_bytes()
    }
}

fn attributes(modifier: Modifier) -> impl Iterator<Item = u8> {
    let codes = [(Modifier::BOLD, 1), (Modifier::DIM, 2), (Modifier::UNDERLINED, 4), (Modifier::REVERSED, 7)];
    codes.into_iter().filter(move |(attribute, _)| modifier.contains(*attribute)).map(|(_, code)| code)
}

/// The foreground code of the 16 ANSI colours; anything else is not in the theme and stays the default.
const fn code(colour: Color) -> u8 {
    match colour {
        Color::Black => 30,
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Blue => 34,
        Color::Magenta => 35,
        Color::Cyan => 36,
        Color::Gray => 37,
        Color::DarkGray => 90,
        Color::LightRed => 91,
        Color::LightGreen => 92,
        Color::LightYellow => 93,
        Color::LightBlue => 94,
        Color::LightMagenta => 95,
        Color::LightCyan => 96,
        Color::White => 97,
        _ => 39,
    }
}
