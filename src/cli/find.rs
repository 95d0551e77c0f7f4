//! `find`: a person in every blast, by digits of their number or words of their name.

use std::process::ExitCode;

use chrono::Utc;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::blast::people::limit;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::listed::{ListEnd, one_more};
use super::output::{json, talk, text};
use super::table::{TextAlign, render};
use crate::app::view::ElsewhereRow;
use crate::domain::amount::{as_kept, money};
use crate::domain::blast::blast_name;
use crate::domain::filter::Filter;

#[derive(Debug, clap::Args)]
pub(super) struct FindVerb {
    /// Digits of the number, or words of the name. Two to eight digits are the end of a number where somebody's ends so, and else
    /// digits anywhere in it. With a colon or quotes it is a filter as in `blast recipients --search`: `name:ali`, `"Siti 5"`.
    #[arg(required = true)]
    text: Vec<String>,
    /// At most this many.
    #[arg(long, default_value_t = 100, value_parser = limit)]
    limit: u32,
}

const HEADER: [(&str, TextAlign); 7] = [
    ("blast", TextAlign::Right),
    ("of", TextAlign::Left),
    ("phone", TextAlign::Left),
    ("name", TextAlign::Left),
    ("status", TextAlign::Left),
    ("since", TextAlign::Left),
    ("amount", TextAlign::Right),
];

impl FindVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        let sought = self.text.join(" ");
        if sought.trim().is_empty() {
            return Err(UsageError("write digits of the number, or a name".to_owned()).into());
        }
        let context = Context::open(global, Intent::Reads).await?;
        let filter = if sought.contains([':', '"']) {
            Filter::parse(&sought, Utc::now(), context.zone).map_err(|error| UsageError(error.to_string()))?
        } else {
            Filter::person(&sought)
        };
        let mut found = context.app.find_ending_first(&filter, None, one_more(self.limit)).await?;
        let end = ListEnd::cut(&mut found, self.limit);
        if context.is_json {
            found.iter().try_for_each(|row| json(&as_json(row)))?;
        } else if found.is_empty() {
            talk(&format!("nobody is found by {sought}, in any blast"));
        } else {
            let rows: Vec<_> = found.iter().map(|row| cells(&context, row)).collect();
            text(&render(&HEADER, &rows))?;
        }
        end.say();
        Ok(ExitCode::SUCCESS)
    }
}

fn cells(context: &Context, row: &ElsewhereRow) -> Vec<String> {
    let person = &row.person;
    vec![
        person.blast_id.to_string(),
        blast_name(&row.tag, &row.follow_up_stage),
        person.phone.to_string(),
        person.name.clone().unwrap_or_default(),
        person.status.to_string(),
        context.when(Some(person.since())),
        person.amount.map(money).unwrap_or_default(),
    ]
}

fn as_json(row: &ElsewhereRow) -> serde_json::Value {
    let person = &row.person;
    json!({
        "id": person.id, "blast_id": person.blast_id, "blast_tag": row.tag, "phone_number": person.phone,
        "name": person.name, "status": person.status, "updated_at": person.changed_at,
        "amount": person.amount.map(as_kept),
    })
}
