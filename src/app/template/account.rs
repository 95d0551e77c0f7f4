//! What Meta says of a sender's account beside the health of its number: webhooks and templates.

use super::super::App;
use super::templates;
use crate::engine::ConfiguredSender;
use crate::provider::meta::preflight::{FetchedTemplate, TemplateList};

/// What an account has beside its number.
#[derive(Debug, Default)]
pub(in crate::app) struct AccountReport {
    /// A sentence each.
    pub notes: Vec<String>,
    /// The templates by name, or why they are not known.
    pub templates_note: Option<String>,
    /// `None` where they are not known, and for other providers.
    pub templates: Option<TemplateList>,
}

impl App {
    /// What Meta's account says beside a number's health; nothing for other providers.
    pub(in crate::app) async fn account_report(&self, sender: &ConfiguredSender) -> AccountReport {
        let Some(meta) = &sender.meta else { return AccountReport::default() };
        let (apps, list) = tokio::join!(meta.subscribed_apps(), templates(sender));
        let config = self.config().sender(&sender.name).and_then(|config| config.meta.as_ref());
        let has_secrets = config.is_some_and(|meta| meta.app_secret.is_some() && meta.verify_token.is_some());
        let webhooks = match apps {
            Err(error) => format!("webhooks: unknown, Meta did not say ({error})"),
            Ok(apps) if apps.is_empty() => {
                "webhooks: no app is subscribed, so nothing arrives: subscribe yours as docs/META.md says".to_owned()
            }
            Ok(apps) if !has_secrets => format!(
                "webhooks: {} is subscribed, but app_secret or verify_token is missing here: none is accepted",
                apps.join(", ")
            ),
            Ok(apps) => format!("webhooks: {} is subscribed", apps.join(", ")),
        };
        let calls = meta
            .is_for_marketing()
            .then(|| "sends: marketing templates alone, by /marketing_messages (send_call)".to_owned());
        let templates_note = match &list {
            Err(error) => format!("templates: unknown, {error}"),
            Ok(list) if list.templates.is_empty() => "templates: none".to_owned(),
            Ok(list) => {
                format!("templates: {}", list.templates.iter().map(in_brief).collect::<Vec<_>>().join("; "))
            }
        };
        AccountReport {
            notes: calls.into_iter().chain([webhooks]).collect(),
            templates_note: Some(templates_note),
            templates: list.ok(),
        }
    }
}

/// `tour (en_US, marketing)`, with the status where it is not approved.
fn in_brief(template: &FetchedTemplate) -> String {
    let FetchedTemplate { name, language, category, status, .. } = template;
    let state = if status == "APPROVED" { String::new() } else { format!(", {}", status.to_lowercase()) };
    format!("{name} ({language}, {}{state})", category.to_lowercase())
}
