//! Adds a sender to the configuration file. What stands in the file stays as it is, byte for byte, comments included: the sender's
//! table is put after it.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::environment::Environment;
use super::sender::{DeviceId, MetaId, SenderName};
use super::{BaseUrl, Config, Flags, token};
use crate::domain::home_zone::country_zone;
use crate::domain::pace::Gap;
use crate::domain::phone::Region;
use crate::domain::sender::ProviderKind;
use crate::domain::text::shell_quoted;

/// Root reads every file.
const ROOT: u32 = 0;

/// A sender as somebody typed it. Empty texts are left out of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSender {
    pub name: String,
    pub provider: ProviderKind,
    /// The linked phone's id at the gateway; Meta's `phone_number_id`.
    pub device: String,
    /// The WhatsApp business account at Meta.
    pub waba_id: String,
    /// The business whose opt-outs it shares; empty: one of its own.
    pub business: String,
    /// The region of numbers without a country code.
    pub region: String,
    /// Seconds between messages, such as `20-60`.
    pub gap: String,
    pub base_url: String,
    pub token: TypedToken,
}

impl NewSender {
    /// Why the name cannot be taken. None at all is missing, not wrong.
    pub fn name_fault(&self) -> Option<String> {
        let why = self.name.parse::<SenderName>().err().filter(|_| !self.name.is_empty())?;
        Some(why.to_owned())
    }

    /// Why the id of the device, or of the number at Meta, cannot be taken. None at all is missing, not wrong.
    pub fn device_fault(&self) -> Option<String> {
        let taken = match self.provider {
            ProviderKind::Wsapme => self.device.parse::<DeviceId>().map(|_| ()),
            ProviderKind::Meta => self.device.parse::<MetaId>().map(|_| ()),
        };
        taken.err().filter(|_| !self.device.is_empty()).map(str::to_owned)
    }

    /// Why the id of the business account cannot be taken. None at all is missing, not wrong.
    pub fn account_fault(&self) -> Option<String> {
        self.waba_id.parse::<MetaId>().err().filter(|_| !self.waba_id.is_empty()).map(str::to_owned)
    }

    /// Why the token cannot be taken. None at all is missing, not wrong.
    pub fn token_fault(&self) -> Option<String> {
        match &self.token {
            TypedToken::Secret(secret) if !secret.is_empty() => token::usable(secret).err(),
            TypedToken::Secret(_) | TypedToken::Variable(_) => None,
        }
    }

    /// Why the country cannot be taken, and how it is written; none is the default.
    pub fn region_fault(&self) -> Option<String> {
        let why = self.region.parse::<Region>().err().filter(|_| !self.region.is_empty())?;
        Some(why.to_string())
    }

    /// Why the gap cannot be taken, and how it is written; none is the default.
    pub fn gap_fault(&self) -> Option<String> {
        let is_gap = self.gap.is_empty() || self.gap.parse::<Gap>().is_ok();
        (!is_gap).then(|| "write the seconds between two messages as 20-60".to_owned())
    }

    /// Why the address cannot be taken, and how it is written; none is the provider's own.
    pub fn address_fault(&self) -> Option<String> {
        let why = self.base_url.parse::<BaseUrl>().err().filter(|_| !self.base_url.is_empty())?;
        let meant = BaseUrl::meant_by(&self.base_url);
        Some(meant.map_or_else(|| why.to_owned(), |url| format!("an address begins with its scheme: write {url}")))
    }
}

/// A token as it was typed: itself, which goes into a file that only this user may read, or the name of a variable.
#[derive(Clone, PartialEq, Eq)]
pub enum TypedToken {
    Secret(String),
    Variable(String),
}

impl fmt::Debug for TypedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret(_) => f.write_str("Secret(..)"),
            Self::Variable(name) => f.debug_tuple("Variable").field(name).finish(),
        }
    }
}

/// Files that are written beside the configuration, and take effect once they are kept. Dropping it removes them.
pub struct PreparedConfig {
    /// As it would be with the sender.
    pub config: Config,
    /// The file that takes the configuration's place.
    draft: PathBuf,
    path: PathBuf,
    /// What stood there when the draft was written.
    before: String,
    token: Option<PathBuf>,
    is_kept: bool,
}

impl PreparedConfig {
    /// Writes the token and the new configuration under other names, and reads the latter as it would be read.
    ///
    /// # Errors
    /// Why the sender cannot be added, in words; nothing is left behind.
    pub fn write(current: &Config, new: &NewSender) -> Result<Self, String> {
        let own = || Environment::of_process().config_paths().into_iter().next();
        let path =
            current.path().map(Path::to_owned).or_else(own).ok_or("there is no place for a configuration file")?;
        // A link stays one: the file behind it is replaced.
        let path = fs::canonicalize(&path).unwrap_or(path);
        let dir = path.parent().map(Path::to_owned).unwrap_or_default();
        let unwritable = |error: io::Error| format!("{} cannot be written: {error}", dir.display());
        if fs::metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(format!("{} is not a file that can be replaced: name one with --config", path.display()));
        }
        fs::create_dir_all(&dir).map_err(unwritable)?;
        let before = read_before(&path)?;
        let token = match &new.token {
            TypedToken::Variable(_) => None,
            TypedToken::Secret(secret) => Some(write_token(&dir, &new.name, secret).map_err(unwritable)?),
        };
        let draft = path.with_extension(format!("toml.{}.new", std::process::id()));
        let mut prepared = Self { config: current.clone(), draft, path, before: before.clone(), token, is_kept: false };
        let shown =
            if current.senders.is_empty() { shown_zone(&before, current.ui.timezone, &new.region) } else { None };
        let screen = shown.map_or_else(String::new, |zone| format!("[ui]\ntimezone = {}\n\n", quoted(zone.name())));
        let text = format!("{before}{}{screen}{}", separator(&before), new.table(prepared.token.as_deref()));
        write_new(&prepared.draft, &text, 0o600).map_err(unwritable)?;
        let flags = Flags { config: Some(prepared.draft.clone()), database_url: None };
        let shown = prepared.draft.display().to_string();
        prepared.config = Config::load(&flags)
            .map_err(|error| error.to_string().replace(&shown, &prepared.path.display().to_string()))?;
        Ok(prepared)
    }

    /// Puts the new configuration in the place of the old one. Both files belong to whom that belongs to, as far as this process may give
    /// them away.
    ///
    /// # Errors
    /// Why not, also where somebody has written another one meanwhile, or could not read the new one; the old one is still in place then.
    pub fn keep(mut self) -> Result<(PathBuf, Option<PathBuf>), String> {
        if read_before(&self.path)? != self.before {
            return Err(format!("{} was changed meanwhile, so nothing is written: add it again", self.path.display()));
        }
        let replace = || {
            if let Ok(before) = fs::metadata(&self.path) {
                self.give_to_readers(&before)?;
            }
            fs::rename(&self.draft, &self.path)
        };
        replace().map_err(|error| format!("{} cannot be written: {error}", self.path.display()))?;
        self.is_kept = true;
        Ok((self.path.clone(), self.token.clone()))
    }

    /// Whoever could read the old configuration can read the new one. Its token is its owner's alone; that of a configuration of root is
    /// also for the group that alone reads it, as that of a service.
    fn give_to_readers(&self, before: &fs::Metadata) -> io::Result<()> {
        for new in self.token.iter().chain([&self.draft]) {
            give_to_owner(new, before)?;
        }
        if self.locks_out(before)? {
            let path = shell_quoted(&self.path.to_string_lossy());
            return Err(io::Error::other(format!(
                "it belongs to another user or group, who could then not read it or the new token; add the sender as root, with \
                 `sudo blastdeck --config {path}`"
            )));
        }
        if let Some(token) = self.token.as_ref().filter(|_| before.uid() == ROOT && reads_by_group(before)) {
            fs::set_permissions(token, fs::Permissions::from_mode(0o640))?;
        }
        fs::set_permissions(&self.draft, before.permissions())
    }

    /// Whether somebody who reads the configuration could not read what takes its place, or the token, which is its owner's: neither could be
    /// given to them.
    fn locks_out(&self, before: &fs::Metadata) -> io::Result<bool> {
        let draft = fs::metadata(&self.draft)?;
        let is_owner_left = draft.uid() != before.uid() && before.uid() != ROOT;
        let is_for_all = before.mode() & 0o044 == 0o044;
        let is_group_left = draft.gid() != before.gid() && reads_by_group(before);
        Ok(is_group_left || is_owner_left && (self.token.is_some() || !is_for_all))
    }
}

/// Whether a file is read by its group, and by nobody else but its owner.
fn reads_by_group(file: &fs::Metadata) -> bool {
    file.mode() & 0o044 == 0o040
}

impl Drop for PreparedConfig {
    fn drop(&mut self) {
        if !self.is_kept {
            // What cannot be removed is a file that nothing names.
            let _ = fs::remove_file(&self.draft);
            let _ = self.token.as_ref().map(fs::remove_file);
        }
    }
}

impl NewSender {
    fn table(&self, token: Option<&Path>) -> String {
        let mut lines = vec!["[[senders]]".to_owned()];
        let mut entry = |key: &str, value: &str| {
            if !value.is_empty() {
                lines.push(format!("{key} = {}", quoted(value)));
            }
        };
        entry("name", &self.name);
        entry("provider", &self.provider.to_string());
        entry(if self.provider == ProviderKind::Meta { "phone_number_id" } else { "device" }, &self.device);
        entry("waba_id", &self.waba_id);
        entry("business", &self.business);
        entry("region", &self.region);
        // Its hours and its day's limit are by these clocks; else they would be by those of the shop or this machine.
        entry("timezone", country_zone(&self.region).map_or("", Tz::name));
        entry("gap", if self.provider == ProviderKind::Meta { "" } else { &self.gap });
        entry("base_url", &self.base_url);
        lines.push(match (&self.token, token) {
            (TypedToken::Variable(name), _) => format!("token = {{ env = {} }}", quoted(name)),
            (_, Some(path)) => format!("token = {{ file = {} }}", quoted(&path.to_string_lossy())),
            (TypedToken::Secret(_), None) => String::new(),
        });
        lines.push(String::new());
        lines.join("\n")
    }
}

/// Only root gives a file to somebody else, and others to a group that they are in: the configuration can be replaced all the same, by
/// whoever may write in its directory.
fn give_to_owner(new: &Path, before: &fs::Metadata) -> io::Result<()> {
    let now = fs::metadata(new)?;
    let group = Some(before.gid()).filter(|group| *group != now.gid());
    let user = Some(before.uid()).filter(|user| *user != now.uid());
    for (user, group) in [(None, group), (user, None)] {
        if user.or(group).is_none() {
            continue;
        }
        match chown(new, user, group) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {}
            given => given?,
        }
    }
    Ok(())
}

/// By which clocks a screen shows its times once the first sender is there: its country's, where a machine that runs by UTC says nothing of where
/// its operator is. `None`: as before.
fn shown_zone(before: &str, shown: Tz, region: &str) -> Option<Tz> {
    let has_ui = before.parse::<toml::Table>().map_or(true, |config| config.contains_key("ui"));
    let is_utc =
        ["UTC", "Etc/UTC", "Zulu", "Etc/Zulu", "UCT", "Etc/UCT", "Universal", "Etc/Universal"].contains(&shown.name());
    country_zone(region).filter(|_| !has_ui && is_utc)
}

/// Where this user's configuration file is, or would be.
pub fn own_path() -> Option<PathBuf> {
    Environment::of_process().config_paths().into_iter().next()
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// What a configuration file says; nothing where there is none.
fn read_before(path: &Path) -> Result<String, String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| format!("{}: {error}", path.display())),
    }
}

/// What stands between the old text and a new table.
fn separator(before: &str) -> &'static str {
    match before {
        "" => "",
        text if text.ends_with('\n') => "\n",
        _ => "\n\n",
    }
}

/// Under a name that is free.
fn write_token(dir: &Path, sender: &str, secret: &str) -> io::Result<PathBuf> {
    let plain: String = sender.chars().map(|c| if c.is_alphanumeric() || c == '-' { c } else { '_' }).collect();
    for n in 1..100 {
        let name = if n == 1 { format!("{plain}.token") } else { format!("{plain}-{n}.token") };
        match write_new(&dir.join(&name), &format!("{}\n", secret.trim()), 0o600) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            written => return written.map(|()| dir.join(name)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn write_new(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests;
