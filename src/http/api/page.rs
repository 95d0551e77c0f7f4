//! Lists in pages: by a cursor that continues where the last page ended, or by the number of a page.

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::super::problem::Problem;

/// The usual size of a page, and the largest.
const LIMIT: u32 = 50;
const LIMIT_MAX: u32 = 1_000;

/// What a page that was asked for by its number also says.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(super) struct NumberedPage {
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2)]
    page: Option<u32>,
    /// Of all pages; of more than 10,000 people a lower bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 250)]
    total: Option<i64>,
}

impl From<Option<(u32, i64)>> for NumberedPage {
    fn from(numbered: Option<(u32, i64)>) -> Self {
        Self { page: numbered.map(|(page, _)| page), total: numbered.map(|(_, total)| total) }
    }
}

/// How long a page is.
pub(super) fn limit(asked: Option<u32>) -> Result<u32, Problem> {
    match asked {
        None => Ok(LIMIT),
        Some(limit @ 1..=LIMIT_MAX) => Ok(limit),
        Some(_) => Err(Problem::field("limit", format!("write 1 to {LIMIT_MAX}"))),
    }
}

/// How many rows come before a numbered page; `None` where pages are not numbered.
pub(super) fn offset(page: Option<u32>, cursor: Option<&str>, limit: u32) -> Result<Option<u32>, Problem> {
    match (page, cursor) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Problem::field("page", "give a page or a cursor, not both")),
        (Some(0), None) => Err(Problem::field("page", "pages count from 1")),
        (Some(page), None) => {
            let before = (page - 1).checked_mul(limit);
            before.map(Some).ok_or_else(|| Problem::field("page", "there is no such page"))
        }
    }
}

/// The numbers that a cursor is made of.
pub(super) fn read_cursor<const N: usize>(cursor: &str) -> Result<[i64; N], Problem> {
    let wrong = || Problem::field("cursor", "take `next_cursor` of the page before");
    let numbers = cursor.split('_').map(str::parse).collect::<Result<Vec<i64>, _>>().map_err(|_| wrong())?;
    numbers.try_into().map_err(|_| wrong())
}

/// One row more than a page has: it says that there are more.
pub(super) const fn one_more(limit: u32) -> u32 {
    limit.saturating_add(1)
}

/// Cuts what was read by [`one_more`] to a page; the cursor of the next one, or `None` where nothing is behind this one.
pub(super) fn cut<T, const N: usize>(
    rows: &mut Vec<T>,
    limit: u32,
    place: impl FnOnce(&T) -> [i64; N],
) -> Option<String> {
    let is_more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    rows.last().filter(|_| is_more).map(|last| write_cursor(&place(last)))
}

pub(super) fn write_cursor(numbers: &[i64]) -> String {
    numbers.iter().map(i64::to_string).collect::<Vec<_>>().join("_")
}

/// A number in a query that counts from 1, where every value is a text: an empty one is none. One that does not fit is the nearest
/// that does, which is beyond what a page or its length may be.
pub(super) fn number<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    let number = whole(source)?;
    Ok(number.map(|number| u32::try_from(number.max(0)).unwrap_or(u32::MAX)))
}

/// The same of one that counts from 0: one that does not fit is far too large.
pub(super) fn number_from_zero<'de, D: Deserializer<'de>>(source: D) -> Result<Option<u32>, D::Error> {
    let number = whole(source)?;
    Ok(number.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
}

fn whole<'de, D: Deserializer<'de>>(source: D) -> Result<Option<i128>, D::Error> {
    let text = String::deserialize(source)?;
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom("write a whole number"))
}

#[cfg(test)]
mod tests {
    use super::{cut, offset, read_cursor, write_cursor};

    #[test]
    fn a_cursor_is_read_back_and_anything_else_is_not() {
        assert_eq!(read_cursor::<2>(&write_cursor(&[-7, 12])).ok(), Some([-7, 12]));
        for wrong in ["", "7", "7_", "7_8_9", "x_y", "99999999999999999999_1"] {
            assert!(read_cursor::<2>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_full_page_leads_to_another_only_where_a_row_is_behind_it() {
        let page = |mut rows: Vec<i64>| (cut(&mut rows, 2, |last| [*last]), rows);

        assert_eq!(page(vec![7, 8, 9]), (Some("8".to_owned()), vec![7, 8]));
        assert_eq!(page(vec![7, 8]), (None, vec![7, 8]));
        assert_eq!(page(vec![]), (None, vec![]));
    }

    #[test]
    fn the_third_page_begins_behind_two() {
        assert_eq!(offset(Some(3), None, 50).ok(), Some(Some(100)));
        assert!(offset(Some(0), None, 50).is_err() && offset(Some(u32::MAX), None, 50).is_err());
        assert!(offset(Some(2), Some("7"), 50).is_err());
    }
}
