//! A blast's state in the words of campaigns, which know fewer of them.

use super::blast::BlastState;

/// The state of a campaign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CampaignState {
    Draft,
    Scheduled,
    Sending,
    Completed,
    Cancelled,
    Failed,
}

impl CampaignState {
    pub const ALL: [Self; 6] =
        [Self::Draft, Self::Scheduled, Self::Sending, Self::Completed, Self::Cancelled, Self::Failed];

    /// What a blast is as a campaign. `nobody_reached`: somebody failed for good, and nothing was accepted for anybody.
    pub const fn of(state: BlastState, nobody_reached: bool) -> Self {
        match state {
            BlastState::Draft => Self::Draft,
            BlastState::Scheduled => Self::Scheduled,
            BlastState::Sending | BlastState::Paused => Self::Sending,
            BlastState::Completed if nobody_reached => Self::Failed,
            BlastState::Completed => Self::Completed,
            BlastState::Cancelled => Self::Cancelled,
            BlastState::Failed => Self::Failed,
        }
    }

    /// The states of blasts that are this as campaigns.
    pub fn blast_states(self, nobody_reached: bool) -> Vec<BlastState> {
        BlastState::ALL.into_iter().filter(|state| Self::of(*state, nobody_reached) == self).collect()
    }

    pub const fn word(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Scheduled => "scheduled",
            Self::Sending => "sending",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    /// In any case.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word().eq_ignore_ascii_case(word.trim()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blast_is_one_kind_of_campaign_and_every_kind_is_read_by_its_word() {
        for nobody_reached in [false, true] {
            let blasts: Vec<_> =
                CampaignState::ALL.into_iter().flat_map(|state| state.blast_states(nobody_reached)).collect();
            assert_eq!(blasts.len(), BlastState::ALL.len(), "{blasts:?}");
        }
        for state in CampaignState::ALL {
            assert_eq!(CampaignState::from_word(state.word()), Some(state));
        }
        assert_eq!(CampaignState::Failed.blast_states(true), [BlastState::Completed, BlastState::Failed]);
        assert_eq!(CampaignState::Sending.blast_states(false), [BlastState::Sending, BlastState::Paused]);
        assert_eq!(CampaignState::from_word("paused"), None);
    }
}
