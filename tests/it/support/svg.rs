//! A terminal's screen as SVG, still or moving: a line of text for each run of cells that look alike.

use std::fmt::Write;
use std::time::Duration;

use vt100::{Cell, Color, Screen};

/// A character cell, in pixels.
const CELL: (u32, u32) = (8, 17);
/// Around the screen.
const MARGIN: u32 = 10;

/// The colours of a terminal.
#[derive(Debug, Clone, Copy)]
pub struct SvgTheme {
    background: &'static str,
    text: &'static str,
    dim: &'static str,
    /// The 16 of ANSI.
    ansi: [&'static str; 16],
}

pub const DARK: SvgTheme = SvgTheme {
    background: "#16181d",
    text: "#d4d7dd",
    dim: "#8b919c",
    ansi: [
        "#1d1f21", "#e06c6c", "#7cc47c", "#d9b44a", "#6aa3e8", "#c184d8", "#4fb8b8", "#d0d0d0", "#7a7a7a", "#ff8585",
        "#9be29b", "#ffe07a", "#8fbcff", "#d7a3f0", "#7fe0e0", "#ffffff",
    ],
};

pub const LIGHT: SvgTheme = SvgTheme {
    background: "#fbfbf7",
    text: "#24292f",
    dim: "#6b7280",
    ansi: [
        "#24292f", "#b42318", "#1f7a33", "#8a6100", "#1f5fae", "#8a3ba8", "#0b7285", "#57606a", "#6b7280", "#d1242f",
        "#2da44e", "#9a6700", "#0969da", "#a040c0", "#1b7c83", "#24292f",
    ],
};

/// A screen at a time since the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub at: Duration,
    columns: u16,
    rows: Vec<Vec<Run>>,
}

/// Cells in a row that look alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    column: u16,
    columns: u16,
    text: String,
    look: Look,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "what a terminal can do to a cell")]
struct Look {
    colour: Color,
    is_bold: bool,
    is_dim: bool,
    is_inverse: bool,
    is_underlined: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        Self {
            colour: cell.fgcolor(),
            is_bold: cell.bold(),
            is_dim: cell.dim(),
            is_inverse: cell.inverse(),
            is_underlined: cell.underline(),
        }
    }
}

impl Frame {
    pub fn of(screen: &Screen, at: Duration) -> Self {
        let (rows, columns) = screen.size();
        Self { at, columns, rows: (0..rows).map(|row| runs(screen, row, columns)).collect() }
    }
}

fn runs(screen: &Screen, row: u16, columns: u16) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for column in 0..columns {
        let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
        let text = if cell.has_contents() { cell.contents() } else { " " };
        let (look, width) = (Look::of(cell), if cell.is_wide() { 2 } else { 1 });
        match runs.last_mut() {
            // A wide character stands alone: fonts disagree on its width.
            Some(run) if run.look == look && run.column + run.columns == column && width == 1 && is_narrow(run) => {
                run.text.push_str(text);
                run.columns += 1;
            }
            _ => runs.push(Run { column, columns: width, text: text.to_owned(), look }),
        }
    }
    let is_seen = |run: &Run| !run.text.trim().is_empty() || run.look.is_inverse || run.look.is_underlined;
    runs.into_iter().filter(is_seen).flat_map(Run::parted).collect()
}

fn is_narrow(run: &Run) -> bool {
    run.text.chars().count() == usize::from(run.columns)
}

/// One frame.
pub fn still(frame: &Frame, theme: &SvgTheme) -> String {
    let mut body = String::new();
    for (row, runs) in frame.rows.iter().enumerate() {
        row_of(&mut body, row, runs, theme);
    }
    document(frame, theme, &body)
}

/// Frames one after the other, from the start again when they end: each row is drawn once for as long as it stays as it is.
pub fn moving(frames: &[Frame], end: Duration, theme: &SvgTheme) -> String {
    let mut body = String::new();
    let rows = frames.iter().map(|frame| frame.rows.len()).max().unwrap_or_default();
    for row in 0..rows {
        let mut from = 0;
        while from < frames.len() {
            let shown = &frames[from].rows[row];
            let to = (from..frames.len()).find(|at| frames[*at].rows[row] != *shown).unwrap_or(frames.len());
            let until = frames.get(to).map_or(end, |frame| frame.at);
            stretch(&mut body, (row, shown), (frames[from].at, until, end), theme);
            from = to;
        }
    }
    frames.first().map(|first| document(first, theme, &body)).unwrap_or_default()
}

/// A row that is shown from one time to another.
fn stretch(body: &mut String, (row, runs): (usize, &[Run]), times: (Duration, Duration, Duration), theme: &SvgTheme) {
    if runs.is_empty() {
        return;
    }
    let (from, until, end) = times;
    if from.is_zero() && until == end {
        return row_of(body, row, runs, theme);
    }
    let share = |at: Duration| format!("{:.4}", at.as_secs_f64() / end.as_secs_f64());
    let (values, keys) = match (from.is_zero(), until == end) {
        (true, _) => ("inline;none".to_owned(), format!("0;{}", share(until))),
        (false, true) => ("none;inline".to_owned(), format!("0;{}", share(from))),
        (false, false) => ("none;inline;none".to_owned(), format!("0;{};{}", share(from), share(until))),
    };
    let hidden = if from.is_zero() { "" } else { " display=\"none\"" };
    let _ = write!(
        body,
        "<g{hidden}><animate attributeName=\"display\" values=\"{values}\" keyTimes=\"{keys}\" dur=\"{}s\" \
         calcMode=\"discrete\" repeatCount=\"indefinite\"/>",
        end.as_secs()
    );
    row_of(body, row, runs, theme);
    body.push_str("</g>\n");
}

fn row_of(body: &mut String, row: usize, runs: &[Run], theme: &SvgTheme) {
    let row = u32::try_from(row).unwrap_or_default();
    let top = MARGIN + row * CELL.1;
    for run in runs {
        run.write(body, top, theme);
    }
}

impl Run {
    /// Browsers draw several blanks as one, and stretch the rest over their place: what stands apart is drawn apart.
    fn parted(self) -> Vec<Self> {
        if !is_narrow(&self) || self.look.is_inverse || self.look.is_underlined {
            return vec![self];
        }
        let mut parts = Vec::new();
        let mut column = self.column;
        for (at, part) in self.text.split("  ").enumerate() {
            column += if at == 0 { 0 } else { 2 };
            let columns = u16::try_from(part.chars().count()).unwrap_or_default();
            let blank = u16::try_from(part.len() - part.trim_start().len()).unwrap_or_default();
            let text = part.trim();
            if !text.is_empty() {
                let width = u16::try_from(text.chars().count()).unwrap_or_default();
                parts.push(Self { column: column + blank, columns: width, text: text.to_owned(), look: self.look });
            }
            column += columns;
        }
        parts
    }

    fn write(&self, body: &mut String, top: u32, theme: &SvgTheme) {
        let colour = self.colour(theme);
        let (x, width) = (MARGIN + u32::from(self.column) * CELL.0, u32::from(self.columns) * CELL.0);
        let mut fill = colour;
        if self.look.is_inverse {
            let height = CELL.1;
            let _ =
                write!(body, "<rect x=\"{x}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" fill=\"{colour}\"/>");
            fill = theme.background;
        }
        let text = self.text.trim_end();
        if text.is_empty() {
            return;
        }
        let taken = u32::from(self.columns) - u32::try_from(self.text.len() - text.len()).unwrap_or_default();
        let blank = text.len() - text.trim_start().len();
        let x = x + u32::try_from(blank).unwrap_or_default() * CELL.0;
        let length = (taken - u32::try_from(blank).unwrap_or_default()) * CELL.0;
        let weight = if self.look.is_bold { " font-weight=\"700\"" } else { "" };
        let line = if self.look.is_underlined { " text-decoration=\"underline\"" } else { "" };
        let fill = if fill == theme.text { String::new() } else { format!(" fill=\"{fill}\"") };
        let _ = writeln!(
            body,
            "<text x=\"{x}\" y=\"{}\" textLength=\"{length}\"{fill}{weight}{line}>{}</text>",
            top + 13,
            escaped(text.trim_start())
        );
    }

    fn colour(&self, theme: &SvgTheme) -> &'static str {
        match self.look.colour {
            Color::Idx(index) => theme.ansi.get(usize::from(index)).copied().unwrap_or(theme.text),
            _ if self.look.is_dim => theme.dim,
            _ => theme.text,
        }
    }
}

fn document(frame: &Frame, theme: &SvgTheme, body: &str) -> String {
    let rows = u32::try_from(frame.rows.len()).unwrap_or_default();
    let columns = u32::from(frame.columns);
    let (width, height) = (columns * CELL.0 + 2 * MARGIN, rows * CELL.1 + 2 * MARGIN);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace\" font-size=\"13\" fill=\"{}\" \
         xml:space=\"preserve\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{}\"/>\n{body}</svg>\n",
        theme.text, theme.background
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
