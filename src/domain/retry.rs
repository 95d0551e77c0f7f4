//! What a refusal asks of us: the classes that every provider's errors are sorted into.

/// The class of an error (`design.md` §5 has the list; each provider has one table from its codes to these).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Backoff, a few tries.
    Retry,
    /// Cut the rate, then retry.
    SlowSender,
    /// The message or template is refused: the blast pauses.
    PauseBlast,
    /// The account, token or device: the sender stops until a person mends it.
    StopSender,
    /// This person will not be reached.
    FailRecipient,
    /// The person asked not to be messaged.
    OptOut,
    /// Not before a day or more has passed.
    NotNow,
}
