//! Fetches what people sent: pictures and documents, by their id.

use bytes::Bytes;
use reqwest::header::CONTENT_TYPE;
use serde_json::Value;

use super::graph::valid_id;
use super::{GraphError, Meta};
use crate::provider::lenient::{integer, short};

/// A file that somebody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedMedia {
    pub mime_type: Option<String>,
    pub bytes: Bytes,
}

impl Meta {
    /// Fetches a file of at most `limit` bytes. Meta keeps files for some days, and each address for minutes.
    pub async fn media(&self, id: &str, limit: usize) -> Result<FetchedMedia, GraphError> {
        let id = valid_id(id).map_err(|_| GraphError::NotAMediaId(short(id)))?;
        let place = self.graph.get(id, &[("phone_number_id", &self.phone_number_id)]).await?;
        let size = place.get("file_size").and_then(integer);
        if size.and_then(|size| usize::try_from(size).ok()).is_some_and(|size| size > limit) {
            return Err(GraphError::TooLarge { limit });
        }
        let address = place.get("url").and_then(Value::as_str);
        let address = address.ok_or_else(|| GraphError::Unreadable("a file without an address".to_owned()))?;
        let file = self.graph.file(address, limit).await?;
        let named = place.get("mime_type").and_then(Value::as_str).map(short);
        let sent = || file.headers.get(CONTENT_TYPE)?.to_str().ok().map(short);
        Ok(FetchedMedia { mime_type: named.or_else(sent), bytes: file.body })
    }
}
