//! Exports as files, sent while they are read: a million rows take no more memory here than a hundred.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use chrono::Utc;
use futures_util::stream::unfold;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::client::{Client, StreamTurn};
use super::super::openapi::{Operation, Routes};
use super::super::problem::Problem;
use super::authentication::ApiReader;
use super::body::{Params, PathId};
use super::people::statuses;
use crate::app::view::BlastView;
use crate::app::{
    App, AppError, CustomerQuery, Export, ExportEncoder, ExportFormat, ExportPage, ExportPages, PeopleExport,
};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;

/// What every export says of its formats.
pub(super) const FORMATS: &str = "As CSV in which a spreadsheet runs nothing, as JSON lines, or as an Excel workbook, \
     with the columns of the command line's exports. It is sent while it is read: where something fails on the way, the connection is \
     closed before the end.";

pub(super) fn routes() -> Routes {
    let blast = Operation::read("People, replies or status changes of a blast, as a file").query::<BlastExportParams>();
    let customers = Operation::read("Customers, as a file").query::<CustomerExportParams>().refuses(&[409]);
    Routes::of("People").get("/api/blasts/{id}/export", of_blast, described(blast)).merge(Routes::of("Customers").get(
        "/api/whatsapp/customers/export",
        of_customers,
        described(customers),
    ))
}

/// An export's call, with the kinds of file that it answers with.
pub(super) fn described(operation: Operation) -> Operation {
    operation
        .details(FORMATS)
        .text(200, "text/csv", "The file, of the type that `format` says")
        .or_file(200, ExportFormat::JsonLines.media_type(), None)
        .or_file(200, ExportFormat::Xlsx.media_type(), Some("binary"))
}

/// `csv`, `jsonl` or `xlsx`; the first where nothing is said.
pub(super) fn format(asked: Option<&str>) -> Result<ExportFormat, Problem> {
    let word = asked.filter(|word| !word.is_empty()).unwrap_or("csv");
    ExportFormat::from_word(word).ok_or_else(|| Problem::field("format", "write csv, jsonl or xlsx"))
}

/// People by the filter language, of all where nothing is said.
pub(super) fn filter(app: &App, text: Option<&str>) -> Result<Filter, Problem> {
    let wrong = |why: String| Problem::field("q", why);
    let filter = Filter::parse(text.unwrap_or_default(), Utc::now(), app.config().ui.timezone);
    let filter = filter.map_err(|error| wrong(error.to_string()))?;
    app.refuse_customers_of_all(&filter).map_err(wrong)?;
    Ok(filter)
}

/// Whoever is at the other end of the connection, where that is known.
pub(super) struct ClientConnection(Option<Arc<Client>>);

impl<S: Sync> FromRequestParts<S> for ClientConnection {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Arc<Client>>().cloned()))
    }
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
struct BlastExportParams {
    /// `recipients` (where nothing is said), `replies` or `history`.
    what: Option<String>,
    /// `csv` (where nothing is said), `jsonl` or `xlsx`.
    format: Option<String>,
    /// One status, or several with commas between them.
    status: Option<String>,
    /// In the filter language of the dashboard, such as `stuck:read older:48h`.
    q: Option<String>,
}

async fn of_blast(
    ApiReader(caller): ApiReader,
    PathId(id): PathId<BlastId>,
    connection: ClientConnection,
    Params(asked): Params<BlastExportParams>,
) -> Result<Response, Problem> {
    let app = caller.app();
    let blast = app.blast_without_unasked(id).await?;
    // The same people as a page of them has.
    let mut filter = app.ending_first(id, filter(&app, asked.q.as_deref())?).await?;
    let among = asked.status.as_deref().map(statuses).transpose()?.map(|statuses| Filter::one_of(&statuses));
    filter.terms.extend(among.into_iter().flat_map(|among| among.terms));
    let blasts = vec![id];
    let export = match asked.what.as_deref() {
        None | Some("" | "recipients") => Export::People { blasts, all: false, filter, what: PeopleExport::Recipients },
        Some("history") => Export::People { blasts, all: false, filter, what: PeopleExport::History },
        Some("replies") => Export::Replies { blasts: Some(blasts), all: false, since: None, filter },
        Some(_) => return Err(Problem::field("what", "write recipients, replies or history")),
    };
    let format = format(asked.format.as_deref())?;
    Download { export, format, of: Some(blast) }.answer(&app, connection).await
}

#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
struct CustomerExportParams {
    /// Digits of a number, or a part of a name.
    search: Option<String>,
    /// Only those with this tag.
    tag: Option<String>,
    /// `csv` (where nothing is said), `jsonl` or `xlsx`.
    format: Option<String>,
}

async fn of_customers(
    ApiReader(caller): ApiReader,
    connection: ClientConnection,
    Params(asked): Params<CustomerExportParams>,
) -> Result<Response, Problem> {
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let query = CustomerQuery { search: given(asked.search), tag: given(asked.tag), ..CustomerQuery::default() };
    let format = format(asked.format.as_deref())?;
    Download { export: Export::Customers { query }, format, of: None }.answer(&caller.app(), connection).await
}

/// A file to send.
pub(super) struct Download {
    pub export: Export,
    pub format: ExportFormat,
    /// The blast that it is of, by whose clocks a workbook shows times.
    pub of: Option<BlastView>,
}

impl Download {
    /// Begins to send it. What is refused, is before the first byte.
    pub(super) async fn answer(self, app: &App, connection: ClientConnection) -> Result<Response, Problem> {
        let Self { export, format, of } = self;
        let zone = app.export_zone(of.as_slice());
        let name = export.table().name.replace(' ', "-");
        let blast = of.map_or_else(String::new, |blast| format!("blast-{}-", blast.id));
        let mut pages = app.export(export).await?;
        let mut encoder = ExportEncoder::new(format, &pages, zone);
        let first = pages.next().await?;
        let head = encoder.head().map_err(|_| unwritten())?;
        let sending = Sending {
            app: app.clone(),
            check_at: Instant::now() + TOKEN_EVERY,
            pages,
            encoder: Some(encoder),
            ahead: Some(FirstPage(first)),
            turn: StreamTurn::of(connection.0),
        };
        let rest = unfold(sending, Sending::next);
        let start = futures_util::stream::iter([Ok(Bytes::from(head))]);
        let body = Body::from_stream(futures_util::StreamExt::chain(start, rest));
        let mut response = Response::new(body);
        let disposition = format!("attachment; filename=\"{blast}{name}.{}\"", format.extension());
        let disposition = HeaderValue::try_from(disposition).map_err(|_| unwritten())?;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
        response.headers_mut().insert(header::CONTENT_DISPOSITION, disposition);
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

fn unwritten() -> Problem {
    Problem::new(axum::http::StatusCode::INTERNAL_SERVER_ERROR, "failed", "that failed here: try again")
}

/// The first page; `None`: there is none.
struct FirstPage(Option<ExportPage>);

/// How often it is looked whether a token still holds.
const TOKEN_EVERY: Duration = Duration::from_secs(1);

/// An export on its way.
struct Sending {
    app: App,
    /// When its token is looked at again.
    check_at: Instant,
    pages: ExportPages,
    /// `None` once the end was sent.
    encoder: Option<ExportEncoder>,
    /// What was read before the answer began.
    ahead: Option<FirstPage>,
    turn: StreamTurn,
}

impl Sending {
    async fn next(mut self) -> Option<(io::Result<Bytes>, Self)> {
        self.turn.streams();
        let bytes = self.encoded().await.transpose()?;
        if let Err(error) = &bytes {
            tracing::error!(%error, "an export ended early");
            self.encoder = None;
        }
        Some((bytes, self))
    }

    /// Whoever is sent a million people is sent no more once their token ended.
    async fn check_token(&mut self) -> io::Result<()> {
        if Instant::now() < self.check_at {
            return Ok(());
        }
        self.check_at = Instant::now() + TOKEN_EVERY;
        match self.app.token_holds().await {
            Ok(true) => Ok(()),
            Ok(false) => Err(io::Error::new(io::ErrorKind::PermissionDenied, "its token ended")),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// The next bytes; `None` behind the last.
    async fn encoded(&mut self) -> io::Result<Option<Bytes>> {
        let Some(mut encoder) = self.encoder.take() else { return Ok(None) };
        self.check_token().await?;
        let page = match self.ahead.take() {
            Some(FirstPage(page)) => page,
            None => self.pages.next().await.map_err(|error: AppError| io::Error::other(error))?,
        };
        let Some(page) = page else { return encoder.finish().map(|end| Some(end.into())) };
        let bytes = encoder.encode(&page.rows)?;
        self.encoder = Some(encoder);
        Ok(Some(bytes.into()))
    }
}
