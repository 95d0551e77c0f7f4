//! `suppress`: people who asked not to be messaged.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use color_eyre::{Report, Result};
use serde_json::json;

use super::Global;
use super::blast::new::{open, refusal_of};
use super::blast::people::limit;
use super::blast::taken::rejected;
use super::column_args::{ColumnArgs, say_local};
use super::confirm::confirm;
use super::context::{Context, Intent};
use super::exit::{RefusedError, UsageError};
use super::listed::{ListEnd, one_more};
use super::output::{json, talk, text};
use super::table::{TextAlign, render};
use crate::app::{AppError, EVERY_BUSINESS, MissedOptOuts, SuppressOutcome, SuppressedList};
use crate::domain::forgotten;
use crate::domain::list_columns::names_business;
use crate::domain::phone::{Phone, Region};
use crate::domain::text::{clean, count_of, people, shell_quoted};
use crate::import::{ReadList, RejectedTo, TableSource, read_opt_outs};

#[derive(Debug, Subcommand)]
pub(super) enum SuppressVerb {
    /// Never message this number again, effective now.
    Add {
        /// The number, in any spelling.
        phone: String,
        /// Only for this business; defaults to all.
        #[arg(long)]
        business: Option<String>,
        /// Why, for the list.
        #[arg(long)]
        reason: Option<String>,
    },
    /// Never message anybody in a list again: a CSV file or an Excel workbook, read as that of a blast is. A column `reason` says why. Rows
    /// that cannot be used are reported, and written to a file beside the list.
    Import {
        /// The CSV file or Excel workbook (.xlsx), or - for standard input.
        file: PathBuf,
        /// The sheet of the workbook; by default the first that is not hidden.
        #[arg(long, value_name = "NAME")]
        sheet: Option<String>,
        #[command(flatten)]
        columns: ColumnArgs,
        /// Only for this business; defaults to all.
        #[arg(long)]
        business: Option<String>,
    },
    /// Allow this number again: in future blasts, and in those not over that it was taken out of.
    Remove {
        /// The number, in any spelling.
        phone: String,
        /// The business of the opt-out; without one, the opt-out from every business.
        #[arg(long)]
        business: Option<String>,
        /// Do not ask, even if they get a message of a running blast at once.
        #[arg(long)]
        yes: bool,
    },
    /// List suppressed numbers, newest first.
    List {
        /// At most this many.
        #[arg(long, default_value_t = 1000, value_parser = limit, allow_hyphen_values = true)]
        limit: u32,
    },
}

impl SuppressVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::Import { file, sheet, columns, business } => {
                let source = TableSource::from(open(&file)?).of_sheet(sheet).by_columns(columns.chosen());
                import(global, (&file, source), business).await?;
            }
            Self::Add { phone, business, reason } => add(global, &phone, business, reason).await?,
            Self::Remove { phone, business, yes } => remove(global, &phone, business, yes).await?,
            Self::List { limit } => list(global, limit).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn read(context: &Context, phone: &str) -> Result<Phone> {
    let region = context.app.config().senders.first().map_or(Region::MALAYSIA, |sender| sender.region);
    Phone::parse(phone, region).map_err(|error| UsageError(format!("`{phone}`: {error}")).into())
}

async fn add(global: &Global, phone: &str, business: Option<String>, reason: Option<String>) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let phone = read(&context, phone)?;
    let business = business.as_deref().unwrap_or(EVERY_BUSINESS);
    let SuppressOutcome { is_new, unremembered } = context.app.suppress(business, &phone, reason.as_deref()).await?;
    if let Some(why) = unremembered {
        talk(&unremembered_words(&why));
    }
    if context.is_json {
        return json(&json!({ "phone_number": phone, "business": business, "added": is_new }));
    }
    talk(&if is_new {
        format!("{phone} will not be messaged any more by {}", in_words(business))
    } else {
        format!("{phone} is already suppressed for {}", in_words(business))
    });
    Ok(())
}

async fn import(global: &Global, (file, source): (&Path, TableSource), business: Option<String>) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let (region, forgotten) = (context.app.own_region(), context.app.known_forgotten().await?);
    let to = RejectedTo::beside(file);
    context.app.expect_rejected_file(&to).await;
    let list = read_opt_outs(source, region, to, forgotten).await.map_err(refusal_of(file))?;
    rejected(&list.rejected, list.rejected_file.as_deref());
    if let Some(file) = &list.rejected_file {
        context.app.note_rejected_file(file).await.unwrap_or_else(|why| talk(&why));
    }
    refuse_businesses_of_rows(&list, business.as_deref())?;
    if list.people.is_empty() {
        return Err(RefusedError("nobody in the list can be suppressed: nothing changed".to_owned()).into());
    }
    let done = context.app.suppress_list(business.as_deref(), &list.people).await?;
    say_imported(&context, &list, &done)?;
    match done.missed {
        None => Ok(()),
        Some(missed) => Err(missed_report(missed)),
    }
}

/// A list that names a business with each number would opt everybody out of every one.
fn refuse_businesses_of_rows(list: &ReadList, business: Option<&str>) -> Result<()> {
    let of_rows = list.columns.iter().find(|column| names_business(column));
    match (of_rows, business) {
        (Some(column), None) => Err(UsageError(format!(
            "the column `{column}` does not name whose opt-outs these are: give `--business`, or `--business '*'` for every business"
        ))
        .into()),
        _ => Ok(()),
    }
}

/// Says who of a list is suppressed now, also where others of it could not be.
fn say_imported(context: &Context, list: &ReadList, SuppressedList { all, missed }: &SuppressedList) -> Result<()> {
    if let Some(why) = &all.unremembered {
        talk(&unremembered_words(why));
    }
    if context.is_json {
        let rows = missed.as_ref().map(|missed| missed.rows.as_slice()).unwrap_or_default();
        return json(&json!({
            "business": all.business, "added": all.added, "already": all.already,
            "not_suppressed": missed.as_ref().map_or(0, |missed| missed.people), "not_suppressed_rows": rows,
            "rejected": list.rejected.total, "rejected_file": list.rejected_file, "local": list.local,
        }));
    }
    say_local(list.local.as_ref());
    if missed.is_none() || all.added + all.already > 0 {
        let said = imported_words((all.added, all.already), &in_words(&all.business));
        talk(&format!("{said} (phones from {}{})", clean(&list.phone_column), list.sheet_words));
    }
    Ok(())
}

/// A failure of the database, behind who may still be messaged for it.
fn missed_report(MissedOptOuts { people, rows, error }: MissedOptOuts) -> Report {
    Report::from(AppError::Store(error)).wrap_err(missed_words(people, &rows))
}

/// Who of a list could not be suppressed, by the rows of the first of them.
fn missed_words(missed: usize, rows: &[u64]) -> String {
    let named: Vec<_> = rows.iter().map(u64::to_string).collect();
    let place = match &named[..] {
        [] => String::new(),
        [one] if missed == 1 => format!(" (row {one})"),
        several if several.len() == missed => format!(" (rows {})", several.join(", ")),
        first => format!(" (the first in rows {})", first.join(", ")),
    };
    format!(
        "{} in the list{place} could not be suppressed and may still be messaged: give the list again",
        people(missed)
    )
}

/// What came of a list: how many are new, and how many were suppressed already.
fn imported_words((added, already): (u64, u64), by: &str) -> String {
    match (added, already) {
        (0, 1..) => {
            format!("nobody is new: {} suppressed for {by} already", count_of(already, "person is", "people are"))
        }
        (_, 0) => format!("{} will not be messaged any more by {by}", people(added)),
        (_, 1..) => {
            let were = count_of(already, "was", "were");
            format!("{} will not be messaged any more by {by}; {were} suppressed already", people(added))
        }
    }
}

fn unremembered_words(why: &str) -> String {
    format!("the database has it, but this machine cannot remember it, and sends nothing until it can: {why}")
}

/// What no command takes back.
const FORGOTTEN: &str = "no list and no blast takes them again";

/// A business as a person reads it.
fn in_words(business: &str) -> String {
    if business == EVERY_BUSINESS { "any business".to_owned() } else { format!("`{business}`") }
}

fn all_in_words(businesses: &[String]) -> String {
    businesses.iter().map(|business| in_words(business)).collect::<Vec<_>>().join(", ")
}

async fn remove(global: &Global, phone: &str, business: Option<String>, sure: bool) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    let phone = read(&context, phone)?;
    let business = business.as_deref().unwrap_or(EVERY_BUSINESS);
    let back = if sure {
        context.app.unsuppress(business, &phone).await?
    } else {
        let asked = context.app.ask_about_unsuppress(business, &phone).await?;
        if let Some(question) = &asked.question {
            confirm(question, sure)?;
        }
        context.app.unsuppress_as_asked(business, &phone, &asked).await?
    };
    let Some(back) = back else {
        return Err(AppError::NotFound(not_suppressed(&context, (&phone, business)).await?).into());
    };
    let left = context.app.suppressed_for(&phone).await?;
    if context.is_json {
        return json(&json!({
            "phone_number": phone, "business": business, "removed": true, "still_for": left,
            "queued_in": back.queued().collect::<Vec<_>>(), "left_out_of": back.left_out().collect::<Vec<_>>(),
            "over": back.over().collect::<Vec<_>>(),
        }));
    }
    let said = if left.is_empty() && context.app.was_forgotten(&phone).await? {
        format!("{phone} is no longer suppressed, but asked to be forgotten: {FORGOTTEN}")
    } else if left.is_empty() {
        let others = context.app.suppressed_other_numbers(business, &phone).await?;
        format!("{phone} may be messaged again in future blasts{}", left_out_in_words(&others))
    } else {
        format!("{phone} is no longer suppressed for {}, but still for {}", in_words(business), all_in_words(&left))
    };
    talk(&context.pasteable(&format!("{said}{}", back.in_words())));
    Ok(())
}

/// Which blasts leave somebody out still, since other numbers of theirs are suppressed.
fn left_out_in_words(others: &[Phone]) -> String {
    let others: Vec<_> = others.iter().map(ToString::to_string).collect();
    let since = match &others[..] {
        [] => return String::new(),
        [one] => format!("{one} of theirs is"),
        several => format!("{} of theirs are", several.join(", ")),
    };
    format!("; a filter and a follow-up still leave them out, since {since} suppressed")
}

/// With the businesses that the number is suppressed for, and the command line that lifts that.
async fn not_suppressed(context: &Context, (phone, business): (&Phone, &str)) -> Result<String> {
    let places = context.app.suppressed_for(phone).await?;
    let Some(first) = places.first() else {
        let is_forgotten = context.app.was_forgotten(phone).await?;
        let but = if is_forgotten { format!(", and asked to be forgotten: {FORGOTTEN}") } else { String::new() };
        return Ok(format!("{phone} is not suppressed{but}"));
    };
    let line = format!("`blastdeck suppress remove {}", phone.as_str());
    let mend = if first == EVERY_BUSINESS {
        format!("{line}`")
    } else {
        format!("{line} --business {}`", shell_quoted(first))
    };
    let not = if business == EVERY_BUSINESS {
        "not for every business".to_owned()
    } else {
        format!("not for {}", in_words(business))
    };
    let why = format!("{phone} is suppressed for {}, {not}", all_in_words(&places));
    Ok(format!("{why}: {}", context.pasteable(&mend)))
}

async fn list(global: &Global, limit: u32) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let mut rows = context.app.suppressions(one_more(limit)).await?;
    let end = ListEnd::cut(&mut rows, limit);
    if context.is_json {
        rows.iter().try_for_each(json)?;
        end.say();
        return Ok(());
    }
    let header = [
        ("phone", TextAlign::Left),
        ("business", TextAlign::Left),
        ("since", TextAlign::Left),
        ("by", TextAlign::Left),
        ("reason", TextAlign::Left),
    ];
    let cells = rows.iter().map(|row| {
        let by = row.created_by.clone().unwrap_or_else(|| row.source.clone());
        let reason = row.reason.clone().unwrap_or_default();
        let who = forgotten::in_words(row.phone_number.as_str()).unwrap_or_else(|| row.phone_number.to_string());
        vec![who, row.business.clone(), context.when(Some(row.created_at)), by, reason]
    });
    text(&render(&header, &cells.collect::<Vec<_>>()))?;
    end.say();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{imported_words, missed_words};

    #[test]
    fn a_list_of_people_who_are_all_suppressed_already_says_that_nobody_is_new() {
        let said = |added, already| imported_words((added, already), "any business");

        assert_eq!(said(0, 2), "nobody is new: 2 people are suppressed for any business already");
        assert_eq!(said(0, 1), "nobody is new: 1 person is suppressed for any business already");
        assert_eq!(said(3, 0), "3 people will not be messaged any more by any business");
        assert_eq!(said(1, 2), "1 person will not be messaged any more by any business; 2 were suppressed already");
    }

    #[test]
    fn whoever_of_a_list_could_not_be_suppressed_is_named_by_their_rows() {
        let rest = "could not be suppressed and may still be messaged: give the list again";

        assert_eq!(missed_words(1, &[8]), format!("1 person in the list (row 8) {rest}"));
        assert_eq!(missed_words(2, &[8, 12]), format!("2 people in the list (rows 8, 12) {rest}"));
        assert_eq!(missed_words(3, &[8, 12]), format!("3 people in the list (the first in rows 8, 12) {rest}"));
    }
}
