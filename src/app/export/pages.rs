//! Reads what an export asks for, a page at a time behind the one before: with flat memory, however much it is.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};

use super::shop_table;
use super::table::{self, ExportColumns, ExportRow};
use super::{App, AppError, CartExport, Export, ExportCell, OrderExport, PeopleExport};
use crate::app::view::{RecipientRow, ReplyPosition, ReplyQuery, ReplyRow};
use crate::app::{CartQuery, CartRow, CustomerQuery, OrderQuery, OrderRow};
use crate::domain::filter::Filter;
use crate::domain::ids::{BlastId, RecipientId, ReplyId};

/// How many rows a page is made of; of customers, each of whom is counted from all that happened, fewer.
const PAGE: u32 = 1_000;
const CUSTOMERS: i64 = 500;

/// A list has two hundred columns at most; of blasts with more different ones these many are exported.
const LIST_COLUMNS_MAX: usize = 1_000;

/// Some rows of an export.
#[derive(Debug)]
pub struct ExportPage {
    /// None, perhaps, although more follow.
    pub rows: Vec<ExportRow>,
    /// How many were looked at to find them.
    pub looked_at: usize,
}

/// An export that is read page by page.
pub struct ExportPages {
    app: App,
    export: Export,
    /// The columns of the lists that people came with.
    of_list: Vec<String>,
    place: ExportPlace,
}

/// Behind what the next page begins.
#[derive(Debug, Clone)]
enum ExportPlace {
    Start,
    /// Behind this person or reply of the blast at this place of the list; `None`: at its start.
    Person(usize, Option<RecipientId>),
    Reply(usize, ReplyPosition),
    /// Behind this row of a list that is kept.
    Listed(i64),
    /// In the query itself.
    InQuery,
    End,
}

impl App {
    /// Begins to read an export, of what this app may see.
    pub async fn export(&self, export: Export) -> Result<ExportPages, AppError> {
        let blasts: Vec<BlastId> = match &export {
            Export::People { blasts, .. } | Export::Replies { blasts: Some(blasts), .. } => blasts.clone(),
            Export::Orders { query, .. } => query.blast.into_iter().collect(),
            Export::Carts { query, .. } => query.blast.into_iter().collect(),
            Export::Replies { blasts: None, .. } if self.only_sender().is_some() => {
                return Err(AppError::Refused("name the blasts whose replies are meant".to_owned()));
            }
            Export::Replies { blasts: None, .. } | Export::Customers { .. } | Export::SavedList { .. } => Vec::new(),
        };
        let is_people = matches!(export, Export::People { what: PeopleExport::Recipients, .. });
        let mut of_list = BTreeSet::new();
        for blast in blasts {
            self.require_blast(blast).await?;
            if is_people && of_list.len() < LIST_COLUMNS_MAX {
                of_list.extend(self.list_columns(blast).await?);
            }
        }
        if let Export::SavedList { list } = &export {
            of_list.extend(self.saved_list_columns(*list).await?);
        }
        let of_list = of_list.into_iter().take(LIST_COLUMNS_MAX).collect();
        Ok(ExportPages { app: self.clone(), export, of_list, place: ExportPlace::Start })
    }
}

impl ExportPages {
    pub const fn export(&self) -> &Export {
        &self.export
    }

    pub(super) fn columns(&self) -> ExportColumns {
        self.export.columns(&self.of_list)
    }

    /// The next rows; `None` behind the last.
    pub async fn next(&mut self) -> Result<Option<ExportPage>, AppError> {
        if matches!(self.place, ExportPlace::End) {
            return Ok(None);
        }
        let names_blast = self.export.names_blast();
        match &mut self.export {
            Export::People { blasts, filter, what, .. } => {
                let of = PeopleOf { app: &self.app, blasts, filter, what: *what, of_list: &self.of_list, names_blast };
                of.next(&mut self.place).await
            }
            Export::Replies { blasts: Some(blasts), filter, .. } => {
                replies_of(&self.app, (blasts, filter, names_blast), &mut self.place).await
            }
            Export::Replies { blasts: None, since, filter, .. } => {
                all_replies(&self.app, (*since, filter), &mut self.place).await
            }
            Export::Orders { query, filter, what } => orders(&self.app, (query, filter, *what), &mut self.place).await,
            Export::Carts { query, filter, what } => carts(&self.app, (query, filter, *what), &mut self.place).await,
            Export::Customers { query } => customers(&self.app, query, &mut self.place).await,
            Export::SavedList { list } => listed(&self.app, (*list, &self.of_list), &mut self.place).await,
        }
    }
}

/// People of some blasts, one blast after the other.
struct PeopleOf<'a> {
    app: &'a App,
    blasts: &'a [BlastId],
    filter: &'a Filter,
    what: PeopleExport,
    of_list: &'a [String],
    names_blast: bool,
}

impl PeopleOf<'_> {
    async fn next(&self, place: &mut ExportPlace) -> Result<Option<ExportPage>, AppError> {
        let (at, after) = match place {
            ExportPlace::Person(at, after) => (*at, *after),
            _ => (0, None),
        };
        let Some(&blast) = self.blasts.get(at) else { return Ok(None) };
        let page = self.app.people_page(blast, self.filter, after).await?;
        *place = match page.last {
            Some(last) => ExportPlace::Person(at, Some(last)),
            None => ExportPlace::Person(at + 1, None),
        };
        let people: Vec<RecipientId> = page.rows.iter().map(|row| row.id).collect();
        let rows = match self.what {
            PeopleExport::Recipients => self.recipients(&page.rows, &people).await?,
            PeopleExport::History => self.app.changes_of(&people).await?.iter().map(table::change).collect(),
        };
        let rows = if self.names_blast { named(rows, Some(blast)) } else { rows };
        Ok(Some(ExportPage { rows, looked_at: page.looked_at }))
    }

    async fn recipients(&self, rows: &[RecipientRow], people: &[RecipientId]) -> Result<Vec<ExportRow>, AppError> {
        let own: HashMap<_, _> = self.app.external_ids(people).await?.into_iter().collect();
        let listed: HashMap<_, _> = match self.of_list {
            [] => HashMap::new(),
            _ => self.app.list_values(people).await?.into_iter().collect(),
        };
        let row = |row: &RecipientRow| {
            let mut cells = table::recipient(row, own.get(&row.id));
            cells.extend(table::of_list(listed.get(&row.id), self.of_list));
            cells
        };
        Ok(rows.iter().map(row).collect())
    }
}

/// The rows with the blast that they belong to before them.
fn named(rows: Vec<ExportRow>, blast: Option<BlastId>) -> Vec<ExportRow> {
    let cell = ExportCell::of(&blast);
    rows.into_iter().map(|row| std::iter::once(cell.clone()).chain(row).collect()).collect()
}

/// What was written back to some blasts, in the order in which it came.
async fn replies_of(
    app: &App,
    (blasts, filter, names_blast): (&[BlastId], &Filter, bool),
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    let start = ReplyPosition { received_at: DateTime::<Utc>::UNIX_EPOCH, id: ReplyId(0) };
    let (at, after) = match place {
        ExportPlace::Reply(at, after) => (*at, *after),
        _ => (0, start),
    };
    let Some(&blast) = blasts.get(at) else { return Ok(None) };
    let page = app.replies_after(blast, after, PAGE).await?;
    *place = match page.last() {
        Some(last) => ExportPlace::Reply(at, last.place()),
        None => ExportPlace::Reply(at + 1, start),
    };
    let rows = wanted_replies(app, &page, filter).await?;
    let rows = if names_blast { named(rows, Some(blast)) } else { rows };
    Ok(Some(ExportPage { rows, looked_at: page.len() }))
}

/// What anybody wrote, the newest first.
async fn all_replies(
    app: &App,
    (since, filter): (Option<DateTime<Utc>>, &Filter),
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    let before = match place {
        ExportPlace::Reply(_, before) => Some(*before),
        _ => None,
    };
    let page = app.replies(&ReplyQuery { blast: None, since, before, limit: PAGE }).await?;
    let Some(last) = page.last() else { return Ok(None) };
    *place = ExportPlace::Reply(0, last.place());
    let mut rows = Vec::new();
    for reply in wanted(app, &page, filter, |row: &ReplyRow| row.recipient).await? {
        rows.extend(named(vec![table::reply(app, reply)], reply.blast));
    }
    Ok(Some(ExportPage { rows, looked_at: page.len() }))
}

async fn wanted_replies(app: &App, page: &[ReplyRow], filter: &Filter) -> Result<Vec<ExportRow>, AppError> {
    let wanted = wanted(app, page, filter, |row: &ReplyRow| row.recipient).await?;
    Ok(wanted.into_iter().map(|row| table::reply(app, row)).collect())
}

/// The rows of people who match. Whoever is not in a blast's list matches no filter.
async fn wanted<'p, T>(
    app: &App,
    page: &'p [T],
    filter: &Filter,
    person: impl Fn(&T) -> Option<RecipientId>,
) -> Result<Vec<&'p T>, AppError> {
    if filter.is_everybody() {
        return Ok(page.iter().collect());
    }
    let people: Vec<RecipientId> = page.iter().filter_map(&person).collect();
    let matching: Vec<RecipientId> = app.matching(&people, filter).await?.into_iter().map(|row| row.id).collect();
    let is_wanted = |row: &&T| person(row).is_some_and(|person| matching.binary_search(&person).is_ok());
    Ok(page.iter().filter(is_wanted).collect())
}

async fn orders(
    app: &App,
    (query, filter, what): (&mut OrderQuery, &Filter, OrderExport),
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    query.limit = PAGE;
    let page = app.orders(query).await?;
    let Some(last) = page.last() else { return Ok(None) };
    query.before = Some(last.id);
    *place = behind(page.len());
    let rows = wanted(app, &page, filter, |row: &OrderRow| row.recipient_id).await?.into_iter();
    let rows = match what {
        OrderExport::Orders => rows.map(shop_table::order).collect(),
        OrderExport::Items => rows.flat_map(shop_table::order_items).collect(),
    };
    Ok(Some(ExportPage { rows, looked_at: page.len() }))
}

async fn carts(
    app: &App,
    (query, filter, what): (&mut CartQuery, &Filter, CartExport),
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    query.limit = PAGE;
    let page = app.carts(query).await?;
    let Some(last) = page.last() else { return Ok(None) };
    query.before = Some(last.id);
    *place = behind(page.len());
    let rows = wanted(app, &page, filter, |row: &CartRow| Some(row.recipient_id)).await?.into_iter();
    let rows = match what {
        CartExport::Carts => rows.map(shop_table::cart).collect(),
        CartExport::Items => rows.flat_map(shop_table::cart_items).collect(),
    };
    Ok(Some(ExportPage { rows, looked_at: page.len() }))
}

/// Where a page of so many leads: one that is not full is the last.
const fn behind(rows: usize) -> ExportPlace {
    if rows < PAGE as usize { ExportPlace::End } else { ExportPlace::InQuery }
}

async fn customers(
    app: &App,
    query: &mut CustomerQuery,
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    query.limit = CUSTOMERS;
    let page = app.customers(query).await?;
    *place = if page.next.is_some() { ExportPlace::InQuery } else { ExportPlace::End };
    query.after = page.next;
    let rows: Vec<ExportRow> = page.rows.iter().map(table::customer).collect();
    Ok(Some(ExportPage { looked_at: rows.len(), rows }))
}

async fn listed(
    app: &App,
    (list, of_list): (i64, &[String]),
    place: &mut ExportPlace,
) -> Result<Option<ExportPage>, AppError> {
    let after = if let ExportPlace::Listed(after) = place { *after } else { 0 };
    let people = app.list_people(list, after, PAGE).await?;
    *place = people.last().map_or(ExportPlace::End, |last| ExportPlace::Listed(last.id));
    let rows: Vec<ExportRow> = people.iter().map(|person| table::listed(person, of_list)).collect();
    Ok(Some(ExportPage { looked_at: rows.len(), rows }))
}
