//! `[[businesses]]`: what holds for all senders of one business.

use std::collections::BTreeSet;
use std::time::Duration;

use super::document::{Document, RawValue, TableValues};
use super::log::ConfigLog;
use super::reader::TableReader;
use super::sender::SenderConfig;
use super::settings::{DisplayName, Span};

/// One business, validated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BusinessConfig {
    /// As its senders name it.
    pub name: String,
    /// Within what time nobody whom a filter names gets a second message; `None`: no cap.
    pub frequency_cap: Option<Duration>,
}

impl BusinessConfig {
    fn read(values: TableValues, position: usize, log: &mut ConfigLog) -> Option<Self> {
        let path = match values.get("name").map(|found| &found.raw) {
            Some(RawValue::Text(name)) => format!("businesses.{name}"),
            _ => format!("businesses[{position}]"),
        };
        let mut reader = TableReader::new(path, values, log);
        let name = reader.required::<DisplayName>("name", "name = \"kedai\", as its senders have it");
        let frequency_cap = reader.unless_off::<Span>("frequency_cap", None).map(|span| span.0);
        Some(Self { name: name?.0, frequency_cap })
    }
}

/// `senders` are those of the file, where all of them could be read.
pub(super) fn read_all(
    document: &mut Document,
    senders: Option<&[SenderConfig]>,
    log: &mut ConfigLog,
) -> Vec<BusinessConfig> {
    let mut businesses: Vec<BusinessConfig> = Vec::new();
    let mut names = BTreeSet::new();
    for (at, values) in document.take_array("businesses").into_iter().enumerate() {
        let Some(business) = BusinessConfig::read(values, at + 1, log) else { continue };
        let path = format!("businesses.{}", business.name);
        let mut report = |text: &str| TableReader::new(path.clone(), TableValues::new(), log).problem("name", text);
        if !names.insert(business.name.clone()) {
            report("another table is about this business too: keep one of them");
        } else if senders.is_some_and(|all| !all.iter().any(|sender| sender.business() == business.name)) {
            report("no sender belongs to this business: set it as the `business` of one");
        }
        businesses.push(business);
    }
    businesses
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    const SENDER: &str = "[[senders]]\nname = \"sales\"\nprovider = \"wsapme\"\ndevice = \"1\"\nbusiness = \"kedai\"\n\
                          token = { env = \"T\" }\n";

    fn read(text: &str) -> Result<Config, String> {
        Config::from_toml_str(&format!("{SENDER}{text}")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_business_has_its_frequency_cap_and_others_have_none() {
        let config = read("[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"7d\"").unwrap();

        assert_eq!(config.frequency_cap("kedai").map(|cap| cap.as_secs()), Some(7 * 86_400));
        assert_eq!(config.frequency_cap("other"), None);
        let off = read("[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"none\"").unwrap();
        assert_eq!(off.frequency_cap("kedai"), None);
    }

    #[test]
    fn what_is_wrong_with_one_is_said() {
        for (text, said) in [
            ("[[businesses]]\nfrequency_cap = \"7d\"", "missing: write name"),
            ("[[businesses]]\nname = \"kedia\"", "no sender belongs to this business"),
            ("[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"soon\"", "frequency_cap"),
            ("[[businesses]]\nname = \"kedai\"\nfrequency_cap = \"400d\"", "longer than 366 days"),
            ("[[businesses]]\nname = \"kedai\"\n[[businesses]]\nname = \"kedai\"", "another table"),
        ] {
            let why = read(text).unwrap_err();
            assert!(why.contains(said), "{text}: {why}");
        }
    }
}
