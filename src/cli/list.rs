//! `list`: people who are kept under a name, as an audience of blasts.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::new::{open, refusal_of};
use super::blast::people::limit;
use super::blast::taken::rejected;
use super::column_args::{ColumnArgs, say_local, say_unclear_opt_outs};
use super::confirm::confirm;
use super::context::{Context, Intent};
use super::export::ExportOutput;
use super::listed::{ListEnd, one_more};
use super::output::{json as print_json, line, talk, text};
use super::table::{TextAlign, render};
use crate::app::{Export, SavedList, ScheduleView};
use crate::config::SenderConfig;
use crate::domain::sender::ProviderKind;
use crate::domain::text::{count_of, number, people, shell_word};
use crate::import::{RejectedTo, TableSource, read_list};

#[derive(Debug, Subcommand)]
pub(super) enum ListVerb {
    /// Keep the people of a CSV file or an Excel workbook under a name: `--from 'list:NAME'` is an audience from then on. A list of this
    /// name is replaced.
    Save {
        /// Letters, digits, - _ and . without blanks.
        name: String,
        /// The CSV file or Excel workbook (.xlsx), or - for standard input.
        file: PathBuf,
        /// The sheet of the workbook; by default the first that is not hidden.
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
    },
    /// List the lists that are kept.
    Ls,
    /// Show the people of a list.
    Show {
        /// Its name, as in `list ls`.
        name: String,
        /// At most this many.
        #[arg(long, default_value_t = 100, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
    /// Export the people of a list as CSV, JSON lines or an Excel workbook.
    Export {
        /// Its name, as in `list ls`.
        name: String,
        #[command(flatten)]
        output: ExportOutput,
    },
    /// Remove a list. Blasts that went to it stay as they are. While a draft, or what is scheduled or repeats, is still to take its people
    /// from it, this is refused.
    Rm {
        /// Its name, as in `list ls`.
        name: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl ListVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::Save { name, file, sheet, columns } => {
                let source = TableSource::from(open(&file)?).of_sheet(sheet).by_columns(columns.chosen());
                save(global, &name, (&file, source)).await?;
            }
            Self::Ls => list(&Context::open(global, Intent::Reads).await?).await?,
            Self::Show { name, limit } => show(&Context::open(global, Intent::Reads).await?, &name, limit).await?,
            Self::Export { name, output } => {
                let context = Context::open(global, Intent::Reads).await?;
                let list = context.app.saved_list(&name).await?;
                output.write(&context, Export::SavedList { list: list.id }, context.zone, Some(list.people)).await?;
            }
            Self::Rm { name, yes } => remove(&Context::open(global, Intent::Writes).await?, &name, yes).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn save(global: &Global, name: &str, (file, source): (&Path, TableSource)) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let (region, forgotten) = (context.app.own_region(), context.app.known_forgotten().await?);
    let to = RejectedTo::beside(file);
    context.app.expect_rejected_file(&to).await;
    let list = read_list(source, region, to, forgotten).await.map_err(refusal_of(file))?;
    rejected(&list.rejected, list.rejected_file.as_deref());
    if let Some(file) = &list.rejected_file {
        context.app.note_rejected_file(file).await.unwrap_or_else(|why| talk(&why));
    }
    // A new name has none, and another kind of name is refused below.
    let before = context.app.saved_list(name).await.ok().map(|list| list.people);
    let SavedList { list: saved, forgotten } = context.app.save_list(name, &list.people).await?;
    if context.is_json {
        return print_json(&json!({
            "name": saved.name, "people": saved.people, "people_before": before, "forgotten": forgotten,
            "rejected": list.rejected.total, "rejected_file": list.rejected_file,
            "unclear_opt_outs": list.unclear_opt_outs, "local": list.local,
        }));
    }
    if forgotten > 0 {
        talk(&format!("{} asked to be forgotten, and {} not in it", people(forgotten), are(forgotten)));
    }
    talk(&list.columns_words());
    say_unclear_opt_outs(&list.unclear_opt_outs);
    say_local(list.local.as_ref());
    say_repeats(&context, (&saved.name, saved.people)).await?;
    let (name, kept) = (&saved.name, count_of(saved.people, "person", "people"));
    let replaced = before.map_or_else(String::new, |before| format!(", in place of {}", number(before)));
    let draft = draft_line(&context.app.config().senders, name);
    line(&context.pasteable(&format!("list {name} has {kept}{replaced}: {draft} makes a draft to them")))
}

/// What goes to a list by itself, and whether that waits for somebody: its filter may take fewer than are in the list.
async fn say_repeats(context: &Context, (name, kept): (&str, i64)) -> Result<()> {
    for ScheduleView { blast, repeat, next, .. } in context.app.repeats_to_list(name).await? {
        let next = next.first().map_or_else(String::new, |at| format!(", next {}", context.when(Some(*at))));
        let most = repeat.at_most.map(i64::from).filter(|most| kept > *most);
        let waits = most.map_or_else(String::new, |most| {
            format!("; it waits for you then if that is to more than {}", people(most))
        });
        talk(&format!("{} (blast {}) goes to list {name}{next}{waits}", blast.clean_name(), blast.id));
    }
    Ok(())
}

/// The command line that makes a draft to a list. With several senders the operator chooses one.
fn draft_line(senders: &[SenderConfig], list: &str) -> String {
    let only = if let [only] = senders { Some(only) } else { None };
    let sender = only.map_or_else(|| "SENDER".to_owned(), |sender| shell_word(&sender.name));
    let is_of_meta = only.is_some_and(|sender| sender.provider == ProviderKind::Meta);
    let content = if is_of_meta { "--template NAME" } else { "--message 'TEXT'" };
    format!("`blastdeck blast new --sender {sender} --from 'list:{list}' {content}`")
}

const fn are(many: usize) -> &'static str {
    if many == 1 { "is" } else { "are" }
}

async fn list(context: &Context) -> Result<()> {
    let lists = context.app.saved_lists().await?;
    if context.is_json {
        return lists.iter().try_for_each(print_json);
    }
    if lists.is_empty() {
        talk(&context.pasteable("no lists: `blastdeck list save NAME FILE.csv` keeps one"));
        return Ok(());
    }
    let header =
        [("name", TextAlign::Left), ("people", TextAlign::Right), ("read", TextAlign::Left), ("by", TextAlign::Left)];
    let cells = lists
        .into_iter()
        .map(|list| vec![list.name, list.people.to_string(), context.when(Some(list.updated_at)), list.saved_by]);
    text(&render(&header, &cells.collect::<Vec<_>>()))
}

async fn show(context: &Context, name: &str, limit: u32) -> Result<()> {
    let list = context.app.saved_list(name).await?;
    let mut people = context.app.list_people(list.id, 0, one_more(limit)).await?;
    let end = ListEnd::cut(&mut people, limit);
    if context.is_json {
        people.iter().try_for_each(print_json)?;
    } else {
        let header = [("phone", TextAlign::Left), ("name", TextAlign::Left)];
        let cells = people.into_iter().map(|person| vec![person.phone_number, person.name.unwrap_or_default()]);
        text(&render(&header, &cells.collect::<Vec<_>>()))?;
    }
    end.say();
    Ok(())
}

async fn remove(context: &Context, name: &str, sure: bool) -> Result<()> {
    let list = context.app.saved_list(name).await?;
    confirm(&format!("Remove list {} with {}?", list.name, count_of(list.people, "person", "people")), sure)?;
    let removed = context.app.remove_list(&list.name).await?;
    if context.is_json { print_json(&removed) } else { line(&format!("list {} is removed", removed.name)) }
}
