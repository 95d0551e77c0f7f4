//! Adds a sender: asks its provider whether it can send, then writes it into the configuration file. Sends nothing.

use super::view::token_mend;
use super::{App, AppError};
use crate::config::{NewSender, PreparedConfig};
use crate::domain::ids::SenderId;
use crate::domain::sender::ProviderKind;
use crate::engine::ConfiguredSender;

/// A sender that was added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddedSender {
    pub name: String,
    /// What its provider says of it.
    pub health: String,
    /// Where it is written, and where its token is.
    pub written: String,
}

impl App {
    /// Adds a sender to the configuration file, unless its provider says that it cannot send. It is in use from the next start
    /// on.
    ///
    /// # Errors
    /// [`AppError::Invalid`] where it is not written as the configuration wants it, [`AppError::Refused`] where the provider
    /// refuses it; nothing is written then.
    pub async fn add_sender(&self, new: &NewSender) -> Result<AddedSender, AppError> {
        if self.is_read_only() {
            return Err(AppError::Refused("read-only: nothing is changed from here".to_owned()));
        }
        if let Some(there) = self.config().sender(&new.name) {
            return Err(AppError::Refused(format!(
                "there is a sender {} already: give this one another name; for another token of that one, {}",
                new.name,
                token_mend(&there.token)
            )));
        }
        let prepared = PreparedConfig::write(self.config(), new).map_err(AppError::Invalid)?;
        let missing = || AppError::Invalid(format!("the configuration does not take the sender {}", new.name));
        let sender = prepared.config.sender(&new.name).ok_or_else(missing)?;
        // It is in no database yet, and its provider does not ask which one it is there.
        let built = ConfiguredSender::build(sender, SenderId(0), &prepared.config).map_err(AppError::Invalid)?;
        let health = built.provider.health().await;
        if health.verdict.is_bad() {
            return Err(AppError::Refused(format!("nothing is written: {}", health.detail)));
        }
        let (path, token) = prepared.keep().map_err(AppError::Refused)?;
        let token = token.map(|token| format!(", its token into {}", token.display())).unwrap_or_default();
        let webhooks = match new.provider {
            ProviderKind::Wsapme => "",
            ProviderKind::Meta => {
                ". Its webhooks, and with them who read and replied, need app_secret and verify_token there (docs/META.md)"
            }
        };
        Ok(AddedSender {
            name: new.name.clone(),
            health: health.detail,
            written: format!("written into {}{token}{webhooks}", path.display()),
        })
    }
}
