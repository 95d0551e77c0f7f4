//! `customer tag add` and `tag remove`: tags of many customers at once, after a count and a question.

use clap::{Args, Subcommand};
use color_eyre::Result;
use serde_json::json;

use super::read;
use crate::app::{TagChange, TaggedCount, TaggedPeople};
use crate::cli::confirm::confirm_number;
use crate::cli::context::Context;
use crate::cli::exit::RefusedError;
use crate::cli::output::{json as print_json, line, talk};
use crate::domain::text::{clean, count_of};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(in crate::cli) struct TagArgs {
    #[command(subcommand)]
    pub(super) many: Option<TagManyVerb>,
    /// One of their numbers, in any spelling.
    #[arg(required = true)]
    pub(super) phone: Option<String>,
    /// Letters, digits, - _ and . without blanks.
    #[arg(required = true)]
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TagManyVerb {
    /// Tag many customers at once: `tag add vip --from 'blast:7 status:replied'`.
    Add(TagManyArgs),
    /// Take tags away from many customers at once.
    Remove(TagManyArgs),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct TagManyArgs {
    /// The tag, or several with commas between them.
    tags: String,
    /// Their numbers, in any spelling.
    #[arg(required_unless_present = "from", conflicts_with = "from")]
    phones: Vec<String>,
    /// Whom this filter finds, as in `blast new --from`, also those who opted out or bought.
    #[arg(long, value_name = "FILTER", allow_hyphen_values = true)]
    from: Option<String>,
    /// Whose business is meant where the filter names no blast; the first sender's by default.
    #[arg(long, requires = "from")]
    sender: Option<String>,
    /// Only say how many it would be.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl TagManyVerb {
    pub(super) async fn run(self, context: &Context) -> Result<()> {
        let (arguments, is_add) = match self {
            Self::Add(arguments) => (arguments, true),
            Self::Remove(arguments) => (arguments, false),
        };
        let TagManyArgs { tags, phones, from, sender, dry_run, yes } = arguments;
        let people = match from {
            Some(filter) => TaggedPeople::From { filter, sender },
            None => TaggedPeople::Numbers(phones.iter().map(|phone| read(context, phone)).collect::<Result<_>>()?),
        };
        let tags: Vec<String> =
            tags.split(',').map(|tag| tag.trim().to_owned()).filter(|tag| !tag.is_empty()).collect();
        let words = tags.iter().map(|tag| format!("#{}", tag.trim_start_matches('#'))).collect::<Vec<_>>().join(" ");
        let change = if is_add { TagChange::Add(tags) } else { TagChange::Remove(tags) };
        let seen = context.app.tag_preview(&people, &change).await?;
        let would = &seen.count;
        if would.customers == 0 {
            return Err(RefusedError(nobody(context, &people)).into());
        }
        let is_asked = !yes || would.changes == 0;
        if !context.is_json && is_asked || dry_run {
            say(context, would, (&words, is_add), dry_run || would.changes == 0)?;
        }
        // That nothing is to change was just said.
        if dry_run || would.changes == 0 && !context.is_json {
            return Ok(());
        }
        let whom = count_of(would.changes, "customer", "customers");
        let question = if is_add { format!("Tag {whom} with {words}?") } else { format!("Take {words} from {whom}?") };
        let changes = i64::try_from(would.changes).unwrap_or(i64::MAX);
        confirm_number(&question, changes, yes || changes == 0)?;
        let done = context.app.tag_many(&people, &change, &seen).await?;
        if context.is_json {
            return print_json(&json!({ "customers": done.customers, "changed": done.changes }));
        }
        let (one, several) =
            if is_add { ("customer has", "customers have") } else { ("customer has no", "customers have no") };
        line(&format!("{} {words} now", count_of(done.customers, one, several)))
    }
}

/// That nobody matches: of which business, where the filter names no blast, whose business it would be.
fn nobody(context: &Context, people: &TaggedPeople) -> String {
    let TaggedPeople::From { filter, sender } = people else { return "nobody matches: nothing changed".to_owned() };
    let config = context.app.config();
    let meant = sender.as_ref().map_or_else(|| config.senders.first(), |name| config.sender(name));
    let Some(business) = meant.filter(|_| !filter.contains("blast:")).map(|sender| clean(sender.business())) else {
        return "nobody matches: nothing changed".to_owned();
    };
    let others = config.senders.iter().any(|other| other.business() != business);
    let way = if others { "; `--sender NAME` looks at another sender's" } else { "" };
    format!("nobody of business {business} matches: nothing changed{way}")
}

fn say(context: &Context, would: &TaggedCount, (words, is_add): (&str, bool), is_all: bool) -> Result<()> {
    let TaggedCount { customers, changes } = *would;
    if context.is_json {
        return print_json(&json!({ "customers": customers, "would_change": changes }));
    }
    let found = count_of(customers, "customer", "customers");
    let what = match (changes, is_add) {
        (0, true) => format!("each has {words} already"),
        (0, false) => format!("none has {words}"),
        (changes, true) => format!("{changes} would get {words}"),
        (changes, false) => format!("{changes} would lose {words}"),
    };
    let sentence = format!("{found}: {what}");
    if is_all {
        line(&sentence)
    } else {
        talk(&sentence);
        Ok(())
    }
}
