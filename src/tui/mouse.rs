//! What the mouse did, where the dashboard has it. A click chooses and never acts.

/// A press of the left button, or a turn of the wheel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MouseEvent {
    pub kind: MouseKind,
    /// The column and row of the screen, from 0.
    pub at: (u16, u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    Press,
    WheelUp,
    WheelDown,
}

impl MouseEvent {
    /// From the numbers of an SGR report (xterm's mode 1006): button, column and row, the last two from 1. `None` for a release, for
    /// moves and for other buttons.
    pub fn of_report(numbers: &[u8], is_press: bool) -> Option<Self> {
        let text = std::str::from_utf8(numbers).ok()?;
        let mut numbers = text.split(';').map(|number| number.parse::<u16>().ok());
        let (button, column, row) = (numbers.next()??, numbers.next()??, numbers.next()??);
        // Shift, alt and control are bits of the button.
        let kind = match button & !0b1_1100 {
            0 if is_press => MouseKind::Press,
            64 => MouseKind::WheelUp,
            65 => MouseKind::WheelDown,
            _ => return None,
        };
        Some(Self { kind, at: (column.checked_sub(1)?, row.checked_sub(1)?) })
    }
}
