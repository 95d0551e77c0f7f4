//! Tags of customers, as operators and filters spell them.

/// The most characters of one.
pub const TAG_MAX: usize = 40;

/// A tag as it is kept, without the `#` that it may be written with; `None`: no customer can have it.
pub fn read(text: &str) -> Option<&str> {
    let tag = bare_tag(text);
    let is_tag = |c: char| c.is_alphanumeric() || "_.-".contains(c);
    let is_good = tag.starts_with(char::is_alphanumeric) && tag.chars().all(is_tag) && tag.chars().count() <= TAG_MAX;
    is_good.then_some(tag)
}

/// A tag without the `#` that it may be written with.
pub fn bare_tag(text: &str) -> &str {
    text.trim().trim_start_matches('#')
}
