//! Hooks that called other systems with events about a person: what these keep is theirs to forget.

use super::{App, AppError};
use crate::domain::status::Status;
use crate::domain::text::count_of;
use crate::store::DbTransaction;
use crate::store::forget::{self, HookReadings, PersonTraces};

/// `2 hooks got events about them (crm, erp): ask their receivers to forget them as well`. `None`: no hook did.
pub fn hooks_in_words(hooks: &[String]) -> Option<String> {
    let many = count_of(hooks.len(), "hook", "hooks");
    let them = if hooks.len() == 1 { "its receiver" } else { "their receivers" };
    let words = format!("{many} got events about them ({}): ask {them} to forget them as well", hooks.join(", "));
    (!hooks.is_empty()).then_some(words)
}

impl App {
    /// The names of hooks whose receivers got events about a person.
    pub(super) async fn hooks_that_called(
        &self,
        tx: &mut DbTransaction,
        of: &PersonTraces,
    ) -> Result<Vec<String>, AppError> {
        let mut called = Vec::new();
        for name in forget::hook_names(tx).await? {
            let config = self.config().hook(&name);
            let readings = HookReadings {
                name: &name,
                senders: config.and_then(|hook| hook.senders.as_deref()),
                statuses: config.map_or_else(|| Status::ALL.to_vec(), |hook| hook.events.statuses()),
            };
            if forget::got_events(tx, &readings, of).await? {
                called.push(name);
            }
        }
        Ok(called)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hooks_are_counted_and_named() {
        let said = |hooks: &[&str]| hooks_in_words(&hooks.iter().map(|&hook| hook.to_owned()).collect::<Vec<_>>());

        assert_eq!(said(&[]), None);
        assert_eq!(
            said(&["crm"]).unwrap(),
            "1 hook got events about them (crm): ask its receiver to forget them as well"
        );
        assert_eq!(
            said(&["crm", "erp"]).unwrap(),
            "2 hooks got events about them (crm, erp): ask their receivers to forget them as well"
        );
    }
}
