//! How a use case can fail, by exit code and by what the operator can do.

use crate::store::StoreError;

/// An error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule or a state forbids it; nothing changed. Exit code 3. The sentence says what to do.
    #[error("{0}")]
    Refused(String),
    /// The input is invalid, such as a text that is not a phone number; nothing changed. Exit code 2.
    #[error("{0}")]
    Invalid(String),
    /// There is no such blast, person or sender. Exit code 1.
    #[error("{0}")]
    NotFound(String),
    /// A request with this idempotency key had its effect already; nothing changed.
    #[error("a request with this idempotency key had its effect already")]
    Repeated,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AppError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}
