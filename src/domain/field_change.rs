//! What becomes of a field that may be empty when something else is edited.

use serde::{Deserialize, Deserializer};

/// A field of an edit: in JSON it is absent, null, or a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FieldChange<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<T> FieldChange<T> {
    /// The same of what a value means.
    pub fn try_map<U, E>(&self, read: impl FnOnce(&T) -> Result<U, E>) -> Result<FieldChange<U>, E> {
        Ok(match self {
            Self::Keep => FieldChange::Keep,
            Self::Clear => FieldChange::Clear,
            Self::Set(value) => FieldChange::Set(read(value)?),
        })
    }

    pub fn map<U>(&self, of: impl FnOnce(&T) -> U) -> FieldChange<U> {
        match self {
            Self::Keep => FieldChange::Keep,
            Self::Clear => FieldChange::Clear,
            Self::Set(value) => FieldChange::Set(of(value)),
        }
    }

    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Without it where the field is so already.
    #[must_use]
    pub fn unless_so(self, now: Option<&T>) -> Self
    where
        T: PartialEq,
    {
        let is_so = match &self {
            Self::Keep => true,
            Self::Clear => now.is_none(),
            Self::Set(value) => now == Some(value),
        };
        if is_so { Self::Keep } else { self }
    }

    /// The value, if one is set.
    pub const fn get(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// The same, taken out of it.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for FieldChange<T> {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(source)?.map_or(Self::Clear, Self::Set))
    }
}
