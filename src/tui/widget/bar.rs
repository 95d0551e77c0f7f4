//! Horizontal bars of whole and half blocks.

use super::Pen;
use crate::tui::theme::TextRole;

/// Draws `part` of `whole` over at most `room` columns, to half a column. The rest stays empty.
pub fn bar(pen: &mut Pen<'_>, (x, y): (u16, u16), (part, whole): (i64, i64), room: u16, meaning: TextRole) {
    let glyphs = pen.theme.glyphs;
    let halves = halves(part, whole, room);
    let full = glyphs.full.repeat(usize::from(halves / 2));
    let rest = if halves % 2 == 1 { glyphs.half } else { "" };
    pen.put((x, y), &format!("{full}{rest}"), room, meaning);
}

/// Half columns for a share, rounded; whoever is there at all shows.
fn halves(part: i64, whole: i64, room: u16) -> u16 {
    if part <= 0 || whole <= 0 {
        return 0;
    }
    let most = i128::from(room) * 2;
    let share = (i128::from(part) * most * 2 + i128::from(whole)) / (i128::from(whole) * 2);
    u16::try_from(share.clamp(1, most)).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::halves;

    #[test]
    fn a_bar_is_rounded_to_half_a_column_and_never_leaves_its_room() {
        assert_eq!(halves(142, 287, 34), 34);
        assert_eq!(halves(88, 287, 34), 21);
        assert_eq!(halves(1, 1_000_000, 34), 1);
        assert_eq!(halves(0, 287, 34), 0);
        assert_eq!(halves(i64::MAX, 1, 34), 68);
        assert_eq!(halves(5, 0, 34), 0);
    }
}
