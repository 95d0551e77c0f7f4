//! Reads the bodies of requests, on a thread that may block and outside of any transaction.

use chrono::{DateTime, Utc};

use super::item::{self, InboxItem, ItemNews, ReadItem};
use super::part::RequestPart;
use crate::domain::sender::ProviderKind;
use crate::engine::catch_panic::catch;
use crate::provider::meta::webhook as meta;
use crate::provider::wsapme::webhook as wsapme;
use crate::store::inbox::InboxRow;

/// A body with more values than this is not read: it would take seconds and a thousand times its memory. Bodies of Meta's have at
/// most 3 MB, and so a third of them.
const VALUES_MAX: usize = 300_000;

/// What is open in these requests, in their order.
pub(super) async fn read(rows: Vec<InboxRow>, now: DateTime<Utc>) -> Vec<RequestPart> {
    let reading = move || rows.into_iter().map(|row| request(row, now)).collect();
    // It does not panic, and nobody aborts it: it ends with the runtime only.
    tokio::task::spawn_blocking(reading).await.unwrap_or_default()
}

fn request(row: InboxRow, now: DateTime<Utc>) -> RequestPart {
    let read = if row.body.split(|byte| *byte == b',').nth(VALUES_MAX).is_some() {
        unreadable(format!("it has more than {VALUES_MAX} values, which no webhook has"))
    } else {
        // A parser that fails here would fail at each try.
        catch("reading a webhook", || parse(&row, now))
            .unwrap_or_else(|| unreadable("this version fails at reading it".to_owned()))
    };
    let count = i32::try_from(read.len()).unwrap_or(i32::MAX);
    RequestPart::new(items(&row, read), row, count)
}

fn unreadable(why: String) -> Vec<ReadItem> {
    vec![ReadItem { device: None, account: None, news: ItemNews::Unreadable(why) }]
}

/// The table knows no third word.
fn provider_of(row: &InboxRow) -> ProviderKind {
    if row.provider == "meta" { ProviderKind::Meta } else { ProviderKind::Wsapme }
}

/// What is in a request. Its items have the same positions whenever it is read.
fn parse(row: &InboxRow, now: DateTime<Utc>) -> Vec<ReadItem> {
    match provider_of(row) {
        ProviderKind::Meta => meta::parse(&row.body, now).into_iter().map(item::of_meta).collect(),
        ProviderKind::Wsapme => {
            let origin =
                |position: usize| item::WsapmeOrigin { digest: &row.digest, position, received_at: row.received_at };
            let events = wsapme::parse(&row.body, now).into_iter().enumerate();
            events.map(|(position, event)| item::of_wsapme(event, &origin(position))).collect()
        }
    }
}

fn items(row: &InboxRow, read: Vec<ReadItem>) -> Vec<InboxItem> {
    let (provider, proven) = (provider_of(row), row.senders.clone().unwrap_or_default());
    // A webhook of WSAPME's is about whoever's secret its address has; one of Meta's names its number.
    let senders = if provider == ProviderKind::Wsapme { proven.clone() } else { Vec::new() };
    let items = (0..).zip(read).map(|(position, read)| InboxItem {
        row: 0,
        position,
        received_at: row.received_at,
        provider,
        senders: senders.clone(),
        proven: proven.clone(),
        device: read.device,
        account: read.account,
        news: read.news,
    });
    items.collect()
}
