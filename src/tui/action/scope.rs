//! The places in which keys are looked up.

use std::fmt;

/// Where an action works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyScope {
    Everywhere,
    /// Wherever there are lines to move over.
    Moving,
    Blasts,
    Funnel,
    Recipients,
    Activity,
    Details,
    /// A customer over all blasts, with orders and carts.
    Customer,
    Plan,
    FollowUp,
    /// An answer being written.
    Answer,
    /// The message of a step, being changed.
    StepMessage,
    /// The form of a blast.
    Form,
    /// What needs a person, and what comes by itself.
    Needs,
    /// Another list to choose from: people found elsewhere, commands.
    List,
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Everywhere => "Everywhere",
            Self::Moving => "Moving",
            Self::Blasts => "Blasts",
            Self::Funnel => "Funnel",
            Self::Recipients => "Recipients",
            Self::Activity => "Activity",
            Self::Details => "Details",
            Self::Customer => "Customer",
            Self::Plan => "Plan",
            Self::FollowUp => "Follow up",
            Self::Answer => "Answer",
            Self::StepMessage => "Message of a step",
            Self::Form => "New blast",
            Self::Needs => "What needs you",
            Self::List => "Lists",
        })
    }
}
