//! What is known not to be in a record.

/// What a confirmation finds missing of what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingPosts {
    None,
    /// What was posted before it: this machine has no record at all of a sender that was sent for.
    Earlier,
    /// Posts that were noted are gone, nobody knows how many.
    Unknown,
}
