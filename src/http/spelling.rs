//! The API's two spellings: blasts, and campaigns for clients of an earlier system.

/// In whose words a call is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ApiSpelling {
    Blasts,
    Campaigns,
}

impl ApiSpelling {
    /// Of the call at an address.
    pub(super) fn of(path: &str) -> Self {
        if path.starts_with("/api/whatsapp/campaigns") { Self::Campaigns } else { Self::Blasts }
    }
}
