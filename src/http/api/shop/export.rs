//! Orders and carts as files.

use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::super::openapi::{Operation, Routes};
use super::super::super::problem::Problem;
use super::super::authentication::ApiReader;
use super::super::body::Params;
use super::super::export::{ClientConnection, Download, described, filter, format};
use super::carts::CartParams;
use super::orders::OrderParams;
use crate::app::view::BlastView;
use crate::app::{App, CartExport, Export, OrderExport};
use crate::domain::ids::BlastId;

pub(super) fn routes() -> Routes {
    let file = |summary| described(Operation::read(summary).query::<ShopExportParams>().refuses(&[404]));
    Routes::of("Shop").get("/api/whatsapp/orders/export", orders, file("Orders, or their items, as a file")).get(
        "/api/whatsapp/carts/export",
        carts,
        file("Carts, or their items, as a file"),
    )
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
struct ShopExportParams {
    /// What is a row: a whole one (where nothing is said), or with `items` an item.
    what: Option<String>,
    /// `csv` (where nothing is said), `jsonl` or `xlsx`.
    format: Option<String>,
    /// Only those of this blast.
    #[serde(alias = "blast_id", alias = "campaign_id", alias = "blastId")]
    campaign_id: Option<String>,
    /// Only those in this state.
    #[serde(alias = "state")]
    status: Option<String>,
    /// Only this number's, in any spelling.
    #[serde(alias = "phone_number", alias = "phone")]
    phone_number: Option<String>,
    /// Only those of people whom the dashboard's filter finds, such as `older:48h`.
    q: Option<String>,
}

impl ShopExportParams {
    /// Whether each item is a row.
    fn asks_for_items(&self, whole: &str) -> Result<bool, Problem> {
        match self.what.as_deref() {
            Some("items") => Ok(true),
            None | Some("") => Ok(false),
            Some(word) if word == whole => Ok(false),
            Some(_) => Err(Problem::field("what", format!("write {whole} or items"))),
        }
    }
}

async fn blast_of(app: &App, id: Option<BlastId>) -> Result<Option<BlastView>, Problem> {
    match id {
        Some(id) => Ok(Some(app.blast_without_unasked(id).await?)),
        None => Ok(None),
    }
}

async fn orders(
    ApiReader(caller): ApiReader,
    connection: ClientConnection,
    Params(asked): Params<ShopExportParams>,
) -> Result<Response, Problem> {
    let app = caller.app();
    let what = if asked.asks_for_items("orders")? { OrderExport::Items } else { OrderExport::Orders };
    let (filter, format) = (filter(&app, asked.q.as_deref())?, format(asked.format.as_deref())?);
    let ShopExportParams { campaign_id, status, phone_number, .. } = asked;
    let query = OrderParams { campaign_id, status, phone_number, ..OrderParams::default() }.query(&app)?;
    let of = blast_of(&app, query.blast).await?;
    Download { export: Export::Orders { query, filter, what }, format, of }.answer(&app, connection).await
}

async fn carts(
    ApiReader(caller): ApiReader,
    connection: ClientConnection,
    Params(asked): Params<ShopExportParams>,
) -> Result<Response, Problem> {
    let app = caller.app();
    let what = if asked.asks_for_items("carts")? { CartExport::Items } else { CartExport::Carts };
    let (filter, format) = (filter(&app, asked.q.as_deref())?, format(asked.format.as_deref())?);
    let ShopExportParams { campaign_id, status, phone_number, .. } = asked;
    let query = CartParams { campaign_id, status, phone_number, ..CartParams::default() }.query(&app)?;
    let of = blast_of(&app, query.blast).await?;
    Download { export: Export::Carts { query, filter, what }, format, of }.answer(&app, connection).await
}
