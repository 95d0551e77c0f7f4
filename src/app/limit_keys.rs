//! Where the limits are set that a plan names.

use super::App;
use super::plan::Plan;
use crate::config::ValueSource;
use crate::domain::pace::{BindingLimit, Limits, binding};

impl App {
    /// The keys of the sender's configuration that set the limits of a plan, such as `gap` and `daily_cap`. A pace that the blast itself
    /// sets comes from none of them, nor does Meta's limit of the number.
    pub fn limit_keys(&self, plan: &Plan) -> Vec<&'static str> {
        let Some(sender) = self.sender(plan.blast.sender_id).map(|sender| &sender.limits) else { return Vec::new() };
        let Ok(own) = plan.blast.limits.under(sender) else { return Vec::new() };
        let binds = binding(sender, &own.limits);
        let is_own = binds.is_some() && binds == binding(&Limits::none(sender.zone), &own.limits);
        let pace = if matches!(binds, Some(BindingLimit::Gap(_))) { "gap" } else { "rate" };
        let cap = plan.left_today.map(|_| "daily_cap");
        (!is_own && !plan.is_paced_by_meta).then_some(pace).into_iter().chain(cap).collect()
    }

    /// Whether a key of a sender is set nowhere, so that its default holds.
    pub fn is_unset(&self, sender: &str, key: &str) -> bool {
        let path = format!("senders.{sender}.{key}");
        self.config().origins().iter().any(|origin| origin.key == path && origin.source == ValueSource::Default)
    }
}
