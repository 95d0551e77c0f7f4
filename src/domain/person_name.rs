//! What is kept of somebody's name beside their number: for screens and lists. Their message has the name whole, from the row's columns.

use super::text;

/// The longest name that is kept, in characters.
pub const NAME_MAX: usize = 200;

/// What is kept of a name as a list has it, and of a kept one the same; `None`: nothing of it can be seen.
pub fn kept_name(name: &str) -> Option<String> {
    let name: String = text::clean_name(name).trim().chars().take(NAME_MAX).collect();
    Some(name.trim_end().to_owned()).filter(|name| !name.is_empty())
}
