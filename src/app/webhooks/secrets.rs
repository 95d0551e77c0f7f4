//! What proves where webhooks come from. Secrets in files are followed: after a rotation at Meta everything is signed by the new one, and
//! what is refused may be a stop.

use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tokio::sync::watch;
use tokio::time::sleep;

use super::NO_APP_SECRET;
use crate::config::{Config, ConfigError, SenderConfig, TokenSource};
use crate::domain::ids::SenderId;
use crate::engine::stamp;

/// Said of a sender whose secret cannot be read.
const REFUSED: &str = "its webhooks are refused";
/// How often their files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What proves where webhooks come from.
#[derive(Default)]
pub(super) struct WebhookSecrets {
    /// Each with the senders that it speaks for; `None`: for all.
    pub app_secrets: Vec<(SecretString, Option<Vec<SenderId>>)>,
    pub verify_tokens: Vec<SecretString>,
    /// Of each WSAPME sender.
    pub paths: Vec<(SenderId, SecretString)>,
}

/// The secrets of a configuration, with the files that they were read from.
pub(super) struct FollowedSecrets {
    config: Arc<Config>,
    /// Of each sender of the configuration.
    ids: Vec<Option<SenderId>>,
    /// As they were when they were read last.
    files: Vec<Option<u64>>,
    /// What each said when it could be read last.
    known: Vec<(TokenSource, SecretString)>,
    /// Which could not be read the last time, which was logged.
    unread: Vec<TokenSource>,
    secrets: watch::Sender<Arc<WebhookSecrets>>,
}

impl FollowedSecrets {
    /// Reads them; also where they are found from then on.
    pub(super) fn read(
        config: Arc<Config>,
        id_of: impl Fn(&str) -> Option<SenderId>,
    ) -> (Self, watch::Receiver<Arc<WebhookSecrets>>) {
        let ids = config.senders.iter().map(|sender| id_of(&sender.name)).collect();
        let files = files_of(&config);
        let (secrets, found) = watch::channel(Arc::default());
        let mut followed = Self { config, ids, files, known: Vec::new(), unread: Vec::new(), secrets };
        followed.read_again();
        followed.publish();
        (followed, found)
    }

    /// Reads them again whenever their files have changed, until nobody needs them any more.
    pub(super) async fn follow(mut self) {
        let secrets = self.secrets.clone();
        loop {
            tokio::select! {
                () = secrets.closed() => return,
                () = sleep(LOOK_EVERY) => self.look(),
            }
        }
    }

    /// A file that is gone, or half written, is no rotation: until it can be read what it said before holds. The others are followed
    /// meanwhile.
    fn look(&mut self) {
        let files = files_of(&self.config);
        let waits = self.unread.iter().any(|source| source.file().is_some());
        if files == self.files && !waits {
            return;
        }
        self.files = files;
        if self.read_again() {
            tracing::info!("the secrets of webhooks have changed: they were read again");
            self.publish();
        }
    }

    /// Whether one says something else than before.
    fn read_again(&mut self) -> bool {
        let config = Arc::clone(&self.config);
        let named = config.senders.iter().flat_map(|sender| named_secrets(sender).map(move |named| (sender, named)));
        let (mut is_new, mut unread) = (false, Vec::new());
        for (sender, (what, source)) in named {
            match read_secret(sender, what, source) {
                Ok(secret) => is_new |= self.keep(source, secret),
                Err(error) => {
                    if !self.unread.contains(source) {
                        self.warn_of(source, &error);
                    }
                    unread.push(source.clone());
                }
            }
        }
        self.unread = unread;
        is_new
    }

    /// Whether it says something else than before.
    fn keep(&mut self, source: &TokenSource, secret: SecretString) -> bool {
        let Some((_, known)) = self.known.iter_mut().find(|(known, _)| known == source) else {
            self.known.push((source.clone(), secret));
            return true;
        };
        let is_new = known.expose_secret() != secret.expose_secret();
        *known = secret;
        is_new
    }

    fn warn_of(&self, source: &TokenSource, error: &ConfigError) {
        if self.known.iter().any(|(known, _)| known == source) {
            tracing::warn!(secret = %source, "it has changed and cannot be read: webhooks are proven by the one before");
        } else {
            tracing::error!(%error, "{REFUSED}");
        }
    }

    fn publish(&self) {
        self.secrets.send_replace(Arc::new(WebhookSecrets::of(&self.config, &self.ids, &self.known)));
    }
}

/// The secrets of a sender's webhooks, with the keys that name them.
fn named_secrets(sender: &SenderConfig) -> impl Iterator<Item = (&'static str, &TokenSource)> {
    let of_meta =
        sender.meta.iter().flat_map(|meta| [("app_secret", &meta.app_secret), ("verify_token", &meta.verify_token)]);
    let named = of_meta.chain([("webhook_secret", &sender.webhook_secret)]);
    named.filter_map(|(what, source)| Some((what, source.as_ref()?)))
}

fn files_of(config: &Config) -> Vec<Option<u64>> {
    let sources = config.senders.iter().flat_map(named_secrets);
    sources.filter_map(|(_, source)| source.file()).map(|path| stamp(path).ok()).collect()
}

fn read_secret(sender: &SenderConfig, what: &str, source: &TokenSource) -> Result<SecretString, ConfigError> {
    source.read_as(&format!("{what} for sender {}", sender.name))
}

/// Why `serve` would refuse webhooks of a sender in this environment, a sentence each, in the words of its log.
pub(in crate::app) fn refused_webhooks(config: &Config, sender: &SenderConfig) -> Vec<String> {
    let unread = named_secrets(sender).filter_map(|(what, source)| read_secret(sender, what, source).err());
    let mut why: Vec<_> = unread.map(|error| format!("{error}: {REFUSED}")).collect();
    // One is enough: a sender without its own goes with those of the others.
    let signs = |sender: &SenderConfig| sender.meta.as_ref().is_some_and(|meta| meta.app_secret.is_some());
    if sender.meta.is_some() && !config.senders.iter().any(signs) {
        why.push(NO_APP_SECRET.to_owned());
    }
    why
}

impl WebhookSecrets {
    fn of(config: &Config, ids: &[Option<SenderId>], known: &[(TokenSource, SecretString)]) -> Self {
        let mut secrets = Self::default();
        let (mut signing, mut without, mut all_are_read) = (Vec::new(), Vec::new(), true);
        for (sender, id) in config.senders.iter().zip(ids) {
            let read = |source: &Option<TokenSource>| {
                let found = known.iter().find(|(known, _)| Some(known) == source.as_ref());
                found.map(|(_, secret)| secret.clone())
            };
            if let Some(meta) = &sender.meta {
                let secret = read(&meta.app_secret);
                match (secret, *id) {
                    (Some(secret), Some(id)) => signing.push((secret, id)),
                    (None, Some(id)) if meta.app_secret.is_none() => without.push(id),
                    // The webhooks of a sender whose secret cannot be read are refused.
                    (None, _) => all_are_read &= meta.app_secret.is_none(),
                    (Some(_), None) => {}
                }
                secrets.verify_tokens.extend(read(&meta.verify_token));
            }
            match (read(&sender.webhook_secret), *id) {
                (Some(secret), Some(id)) => secrets.paths.push((id, secret)),
                (Some(_), None) => tracing::error!(
                    sender = sender.name,
                    "its webhooks are refused: the database does not know this sender"
                ),
                (None, _) => {}
            }
        }
        secrets.app_secrets = by_secret(signing, &without, all_are_read);
        secrets
    }
}

/// Which senders each secret speaks for: those that have it, and those without one, whose app is not known. Where there is one secret, and
/// none that cannot be read, for all, also of senders that another machine is configured with.
fn by_secret(
    signing: Vec<(SecretString, SenderId)>,
    without: &[SenderId],
    all_are_read: bool,
) -> Vec<(SecretString, Option<Vec<SenderId>>)> {
    let mut apps: Vec<(SecretString, Vec<SenderId>)> = Vec::new();
    for (secret, sender) in signing {
        match apps.iter_mut().find(|(known, _)| known.expose_secret() == secret.expose_secret()) {
            Some((_, senders)) => senders.push(sender),
            None => apps.push((secret, without.iter().copied().chain([sender]).collect())),
        }
    }
    let is_one = apps.len() == 1 && all_are_read;
    apps.into_iter().map(|(secret, senders)| (secret, (!is_one).then_some(senders))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken_for(signing: &[(&str, i64)], without: &[SenderId], all_are_read: bool) -> Vec<Option<Vec<SenderId>>> {
        let signing = signing.iter().map(|(secret, id)| (SecretString::from(*secret), SenderId(*id))).collect();
        by_secret(signing, without, all_are_read).into_iter().map(|(_, senders)| senders).collect()
    }

    #[test]
    fn a_secret_speaks_for_all_only_where_there_is_no_other() {
        let ids = |ids: &[i64]| Some(ids.iter().copied().map(SenderId).collect::<Vec<_>>());
        assert_eq!(spoken_for(&[("a", 1), ("a", 2)], &[], true), [None]);
        assert_eq!(spoken_for(&[("a", 1), ("b", 2), ("a", 3)], &[SenderId(4)], true), [ids(&[4, 1, 3]), ids(&[4, 2])]);
        assert_eq!(spoken_for(&[("a", 1)], &[], false), [ids(&[1])], "the other cannot be read");
    }

    #[test]
    fn a_rotated_secret_is_read_from_its_file_and_one_that_cannot_be_read_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        std::fs::write(&path, "one\n").unwrap();
        let config = format!(
            "[[senders]]\nname = \"cloud\"\nprovider = \"meta\"\nphone_number_id = \"1\"\nwaba_id = \"2\"\n\
             token = {{ env = \"T\" }}\napp_secret = {{ file = \"{0}\" }}\nverify_token = {{ env = \"UNSET_IN_TESTS\" }}\n",
            path.display()
        );
        let config = Arc::new(Config::from_toml_str(&config).unwrap());
        let (mut followed, found) = FollowedSecrets::read(config, |_| Some(SenderId(1)));
        let known = || {
            found.borrow().app_secrets.iter().map(|(secret, _)| secret.expose_secret().to_owned()).collect::<Vec<_>>()
        };

        assert_eq!(known(), ["one"]);
        std::fs::write(&path, "").unwrap();
        followed.look();
        std::fs::remove_file(&path).unwrap();
        followed.look();
        assert_eq!(known(), ["one"], "the new one is still to come");
        std::fs::write(&path, "another").unwrap();
        followed.look();
        assert_eq!(known(), ["another"]);
    }

    #[test]
    fn a_secret_that_is_gone_keeps_no_other_from_being_followed() {
        let dir = tempfile::tempdir().unwrap();
        let sender = |name: &str| {
            std::fs::write(dir.path().join(name), name).unwrap();
            format!(
                "[[senders]]\nname = \"{name}\"\nprovider = \"meta\"\nphone_number_id = \"{}\"\nwaba_id = \"2\"\n\
                 token = {{ env = \"T\" }}\napp_secret = {{ file = \"{}\" }}\n",
                name.len(),
                dir.path().join(name).display()
            )
        };
        let config = Arc::new(Config::from_toml_str(&[sender("old"), sender("main")].concat()).unwrap());
        let (mut followed, found) = FollowedSecrets::read(config, |_| Some(SenderId(1)));
        let known = || {
            found.borrow().app_secrets.iter().map(|(secret, _)| secret.expose_secret().to_owned()).collect::<Vec<_>>()
        };

        std::fs::remove_file(dir.path().join("old")).unwrap();
        followed.look();
        std::fs::write(dir.path().join("main"), "another").unwrap();
        followed.look();

        assert_eq!(known(), ["old", "another"]);
        std::fs::write(dir.path().join("old"), "back").unwrap();
        followed.look();
        assert_eq!(known(), ["back", "another"]);
    }
}
