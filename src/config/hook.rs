//! `[[hooks]]`: addresses of other systems that are notified of what happens.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use reqwest::Url;
use secrecy::ExposeSecret;

use super::document::{Document, RawValue, TableValues};
use super::error::{ConfigError, ProblemLocation};
use super::log::ConfigLog;
use super::reader::TableReader;
use super::sender::SenderConfig;
use super::token::TokenSource;
use crate::domain::hook::{EventSelection, HookName, HookSecret};

/// One hook, validated. Its secrets are read for each call, so that one that is replaced holds from the next call on.
#[derive(Debug, Clone)]
pub struct HookConfig {
    pub name: HookName,
    pub url: HookUrl,
    pub secret: TokenSource,
    /// Signs beside the secret for as long as it is configured.
    pub old_secret: Option<TokenSource>,
    pub events: EventSelection,
    /// Only what happens to these senders' people; `None`: everybody's.
    pub senders: Option<Vec<String>>,
    /// The most events in one call, 1 to 1,000.
    pub batch: u32,
    /// Whether its address may be one of a private network or of this machine.
    pub allow_private: bool,
}

impl HookConfig {
    /// How long the secret before a rotation signs beside the new one.
    pub const OLD_SECRET_FOR: Duration = Duration::from_secs(24 * 60 * 60);

    /// Until when the secret before the last rotation signs beside the new one, where it still does.
    pub fn old_until(&self) -> Option<SystemTime> {
        let old = self.rotated_file()?;
        let until = signs_until(&old)?;
        // A rotation that broke off between its two files leaves the same secret in both: it was none.
        let is_same =
            self.key(&self.secret).is_ok_and(|now| self.key(&TokenSource::File(old)).is_ok_and(|old| old == now));
        (!is_same).then_some(until)
    }

    /// The keys that sign a call now, the newest first.
    pub fn secrets(&self) -> Result<Vec<HookSecret>, ConfigError> {
        let mut keys = vec![self.key(&self.secret)?];
        if let Some(old) = &self.old_secret {
            keys.push(self.key(old)?);
        }
        if let Some(path) = self.rotated_file().filter(|path| signs_until(path).is_some()) {
            keys.push(self.key(&TokenSource::File(path))?);
        }
        keys.dedup();
        Ok(keys)
    }

    fn key(&self, source: &TokenSource) -> Result<HookSecret, ConfigError> {
        let text = source.read_as(&format!("secret for hook {}", self.name))?;
        HookSecret::parse(text.expose_secret()).map_err(|why| {
            let text = format!("the secret of hook {} is not valid: {source}: {why}", self.name);
            ConfigError::of(ProblemLocation::Nowhere, "", text)
        })
    }

    /// Where a rotation leaves the secret that was in the file before; `None` for a secret in a variable.
    pub fn rotated_file(&self) -> Option<PathBuf> {
        let path = self.secret.file()?;
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some(path.with_file_name(format!("{name}.old")))
    }

    fn read(values: TableValues, position: usize, log: &mut ConfigLog) -> Option<Self> {
        let path = match values.get("name").map(|found| &found.raw) {
            Some(RawValue::Text(name)) => format!("hooks.{name}"),
            _ => format!("hooks[{position}]"),
        };
        let mut reader = TableReader::new(path, values, log);
        let name = reader.required::<HookName>("name", "name = \"crm\"");
        let url = reader.required::<HookUrl>("url", "url = \"https://example.com/hook\"");
        let secret = reader.secret("secret", "CRM_HOOK_SECRET");
        let old_secret = reader.optional_secret("old_secret", "CRM_OLD_HOOK_SECRET");
        let is_chosen = reader.has("events");
        let events = EventSelection::parse(&reader.list("events", &[]));
        let senders = reader.list("senders", &[]);
        let batch = reader.within("batch", 100, 1..=1_000);
        let allow_private = reader.or_default("allow_private", false);
        if url.as_ref().is_some_and(|url| !url.is_encrypted()) && !allow_private {
            reader.problem(
                "url",
                "what people do would be sent in clear text: write https://, or set allow_private = true",
            );
        }
        let events = match events {
            Ok(events) => Some(events),
            Err(why) if is_chosen => {
                reader.problem("events", why);
                None
            }
            Err(why) => {
                reader.problem("events", format!("missing: {why}"));
                None
            }
        };
        let senders = (!senders.is_empty()).then_some(senders);
        let (name, url, secret, events) = (name?, url?, secret?, events?);
        Some(Self { name, url, secret, old_secret, events, senders, batch, allow_private })
    }
}

/// So far ahead of this machine's clock a file may have been written by another one's.
const CLOCKS_APART: Duration = Duration::from_secs(5 * 60);

/// Until when a file signs that a rotation wrote within [`HookConfig::OLD_SECRET_FOR`]. One whose time is still to come would sign without
/// end: it is old.
fn signs_until(path: &Path) -> Option<SystemTime> {
    let written = std::fs::metadata(path).and_then(|file| file.modified()).ok()?;
    let is_young = match SystemTime::now().duration_since(written) {
        Ok(age) => age < HookConfig::OLD_SECRET_FOR,
        Err(ahead) => ahead.duration() <= CLOCKS_APART,
    };
    is_young.then(|| written + HookConfig::OLD_SECRET_FOR)
}

/// `senders` are those of the file, where all of them could be read.
pub(super) fn read_all(
    document: &mut Document,
    senders: Option<&[SenderConfig]>,
    log: &mut ConfigLog,
) -> Vec<HookConfig> {
    let mut hooks: Vec<HookConfig> = Vec::new();
    let mut names = BTreeSet::new();
    for (at, values) in document.take_array("hooks").into_iter().enumerate() {
        let Some(hook) = HookConfig::read(values, at + 1, log) else { continue };
        let path = format!("hooks.{}", hook.name);
        let mut report = |key: &'static str, text: String| {
            TableReader::new(path.clone(), TableValues::new(), log).problem(key, text);
        };
        if !names.insert(hook.name.as_str().to_ascii_lowercase()) {
            report("name", "another hook has this name: give each its own".to_owned());
        }
        let is_unknown = |name: &&String| senders.is_some_and(|all| !all.iter().any(|sender| sender.name == **name));
        if let Some(stranger) = hook.senders.iter().flatten().find(is_unknown) {
            report("senders", format!("`{}` is not a sender of this file", crate::domain::text::clean(stranger)));
        }
        hooks.push(hook);
    }
    hooks
}

/// Where a hook's calls go. It may have a secret in it: whatever shows it shows the host alone.
#[derive(Clone, PartialEq, Eq)]
pub struct HookUrl(Url);

impl HookUrl {
    pub fn url(&self) -> &Url {
        &self.0
    }

    fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for HookUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text.trim()).map_err(|_| "not a valid address: write https://host/path")?;
        if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none_or(str::is_empty) {
            return Err("not a valid address: write https://host/path");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err("must not contain a login: calls are proven by their signature");
        }
        if url.fragment().is_some() {
            return Err("must not contain a #: remove what follows it");
        }
        Ok(Self(url))
    }
}

impl fmt::Display for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())?;
        if self.0.path() == "/" && self.0.query().is_none() { Ok(()) } else { f.write_str("/…") }
    }
}

impl fmt::Debug for HookUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn hook(lines: &str) -> Result<super::HookConfig, String> {
        let text = format!("[[hooks]]\nname = \"crm\"\n{lines}");
        Config::from_toml_str(&text).map(|config| config.hooks[0].clone()).map_err(|error| error.to_string())
    }

    const SECRET: &str = "secret = { env = \"S\" }\n";

    #[test]
    fn a_hook_is_read_and_its_address_is_shown_without_what_may_be_secret() {
        let hook = hook(&format!(
            "url = \"https://example.com/in/s3cret?key=s3cret\"\n{SECRET}events = [\"blast.*\", \"reply.received\"]"
        ))
        .unwrap();

        assert_eq!((hook.batch, hook.allow_private, hook.senders.is_none()), (100, false, true));
        assert_eq!(hook.url.to_string(), "https://example.com/…");
        assert!(!format!("{hook:?}").contains("s3cret"), "{hook:?}");
        assert_eq!(hook.url.url().path(), "/in/s3cret");
    }

    #[test]
    fn the_values_in_force_show_no_secret_address() {
        let text = format!("[[hooks]]\nname = \"crm\"\nurl = \"https://example.com/s3cret\"\n{SECRET}events = [\"*\"]");
        let config = Config::from_toml_str(&text).unwrap();

        assert!(config.origins().iter().any(|origin| origin.value == "https://example.com/…"));
        assert!(!config.origins().iter().any(|origin| origin.value.contains("s3cret")));
    }

    #[test]
    fn what_is_wrong_with_a_hook_is_named_with_its_mend() {
        let url = "url = \"https://example.com\"\n";
        let wrong = [
            (format!("{url}{SECRET}"), "hooks.crm.events: missing: name at least one event"),
            (format!("{url}{SECRET}events = [\"sent\"]"), "hooks.crm.events: `sent` is not an event"),
            (
                format!("{url}events = [\"*\"]"),
                "hooks.crm.secret: missing: write secret = { env = \"CRM_HOOK_SECRET\" }",
            ),
            (format!("{url}secret = \"whsec_x\"\nevents = [\"*\"]"), "a secret does not belong in this file"),
            (format!("url = \"http://example.com\"\n{SECRET}events = [\"*\"]"), "in clear text"),
            (format!("url = \"https://a:b@example.com\"\n{SECRET}events = [\"*\"]"), "must not contain a login"),
            (format!("url = \"ftp://example.com\"\n{SECRET}events = [\"*\"]"), "not a valid address"),
            (format!("{url}{SECRET}events = [\"*\"]\nsenders = [\"sales\"]"), "`sales` is not a sender of this file"),
            (format!("{url}{SECRET}events = [\"*\"]\nbatch = 0"), "hooks.crm.batch"),
            (format!("{url}{SECRET}events = [\"*\"]\nevent = \"*\""), "did you mean `events`?"),
        ];
        for (lines, expected) in wrong {
            let error = hook(&lines).unwrap_err();
            assert!(error.contains(expected), "{lines}\n{error}");
        }
        let twice = format!("{url}{SECRET}events = [\"*\"]\n[[hooks]]\nname = \"CRM\"\n{url}{SECRET}events = [\"*\"]");
        assert!(hook(&twice).unwrap_err().contains("another hook has this name"));
        assert!(Config::from_toml_str("[hooks]\nname = \"crm\"").unwrap_err().to_string().contains("[[hooks]]"));
    }

    #[test]
    fn a_secret_that_was_rotated_signs_beside_the_new_one_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        let write = |path: &std::path::Path, byte: u8| {
            std::fs::write(path, crate::domain::hook::spell_secret([byte; 32])).unwrap();
        };
        write(&file, 1);
        let hook = hook(&format!(
            "url = \"https://example.com\"\nsecret = {{ file = \"{}\" }}\nevents = [\"*\"]",
            file.display()
        ))
        .unwrap();
        assert_eq!(hook.secrets().unwrap().len(), 1);

        let old = hook.rotated_file().unwrap();
        write(&old, 1);
        assert_eq!((hook.secrets().unwrap().len(), hook.old_until()), (1, None), "a rotation broke off half-way");
        write(&old, 2);
        assert_eq!((hook.secrets().unwrap().len(), hook.old_until().is_some()), (2, true));
        let now = std::time::SystemTime::now();
        let minute = std::time::Duration::from_secs(60);
        for (written, keys) in [(now + minute, 2), (now + 60 * minute, 1), (now - super::HookConfig::OLD_SECRET_FOR, 1)]
        {
            std::fs::File::options().write(true).open(&old).unwrap().set_modified(written).unwrap();
            assert_eq!(hook.secrets().unwrap().len(), keys, "{written:?}");
        }
        std::fs::write(&file, "whsec_s3cret!").unwrap();
        let error = hook.secrets().unwrap_err().to_string();
        assert!(error.contains("hook crm") && !error.contains("s3cret"), "{error}");
    }
}
