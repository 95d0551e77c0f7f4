//! A client of the API.

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use super::document::document;
use crate::support::serve::Serve;

/// A client with a token.
pub struct Api {
    pub base_url: String,
    client: reqwest::Client,
    pub token: String,
}

/// What was answered.
#[derive(Debug)]
pub struct ApiAnswer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

impl ApiAnswer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The stable word of a problem.
    pub fn kind(&self) -> &str {
        self.body["type"].as_str().unwrap_or_default().trim_start_matches("urn:blastdeck:")
    }

    /// The fields that a 422 names.
    pub fn fields(&self) -> Vec<&str> {
        self.body["errors"].as_array().into_iter().flatten().map(|error| error["field"].as_str().unwrap()).collect()
    }

    /// Itself, if it has this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    pub fn keys(&self) -> Vec<&str> {
        self.body.as_object().unwrap().keys().map(String::as_str).collect()
    }
}

impl Api {
    pub fn new(serve: &Serve, token: &str) -> Self {
        Self { base_url: serve.base_url.clone(), client: serve.client.clone(), token: token.to_owned() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base_url)).bearer_auth(&self.token)
    }

    pub fn request_url(&self, method: Method, url: reqwest::Url) -> RequestBuilder {
        self.client.request(method, url).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> ApiAnswer {
        said(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> ApiAnswer {
        said(self.request(Method::POST, path).json(&body)).await
    }

    /// The same with a header.
    pub async fn post_with(&self, path: &str, (name, value): (&str, &str), body: Value) -> ApiAnswer {
        said(self.request(Method::POST, path).header(name, value).json(&body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> ApiAnswer {
        said(self.request(Method::PATCH, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> ApiAnswer {
        said(self.request(Method::DELETE, path)).await
    }

    /// A body of another type than JSON.
    pub async fn upload(&self, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> ApiAnswer {
        said(self.request(Method::POST, path).header("Content-Type", kind).body(body)).await
    }
}

/// Sends a request. Whatever is answered must be as the document says.
pub async fn said(request: RequestBuilder) -> ApiAnswer {
    let (client, request) = request.build_split();
    let request = request.unwrap();
    let (method, url) = (request.method().clone(), request.url().clone());
    let response = client.execute(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    // A stream goes on for as long as somebody listens.
    let is_stream = headers.get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let text = if is_stream { String::new() } else { response.text().await.unwrap() };
    let answer = ApiAnswer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null) };
    let document = document(&url.origin().ascii_serialization()).await;
    // A browser asks so before a call, whichever that is.
    let is_preflight = method == Method::OPTIONS;
    if let Some(complaint) = document.complaint(&method, url.path(), &answer).filter(|_| !is_preflight) {
        panic!("{method} {url}: the document says otherwise: {complaint}: {answer:?}");
    }
    answer
}
