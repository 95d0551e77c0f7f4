//! Routes together with what they take and answer. Every route of the server is added here, so that `/openapi.json` describes
//! all of them but the pages for people, and nothing else; `docs/ARCHITECTURE.md` says how to add one.

mod document;
mod example;
mod operation;
mod page;
mod problems;
pub(super) mod schemas;

use std::sync::{Arc, LazyLock};

use axum::handler::Handler;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::{MethodRouter, delete, get, patch, post, put};
use axum::{Extension, Router};
use bytes::Bytes;

use super::HttpState;
pub(super) use operation::Operation;

/// A route as the document has it.
struct DocumentedRoute {
    method: &'static str,
    path: &'static str,
    tag: &'static str,
    operation: Operation,
}

/// Of a request: its route takes no parameter of the query.
#[derive(Clone)]
pub(super) struct TakesNoQuery;

/// Routes, each with its description.
pub(super) struct Routes {
    router: Router<HttpState>,
    tag: &'static str,
    documented: Vec<DocumentedRoute>,
}

impl Routes {
    /// None yet. `tag` is the heading that they are listed under.
    pub(super) fn of(tag: &'static str) -> Self {
        Self { router: Router::new(), tag, documented: Vec::new() }
    }

    pub(super) fn get<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, HttpState>,
        operation: Operation,
    ) -> Self {
        self.add("get", path, get(handler), operation)
    }

    pub(super) fn post<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, HttpState>,
        operation: Operation,
    ) -> Self {
        self.add("post", path, post(handler), operation)
    }

    pub(super) fn put<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, HttpState>,
        operation: Operation,
    ) -> Self {
        self.add("put", path, put(handler), operation)
    }

    pub(super) fn patch<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, HttpState>,
        operation: Operation,
    ) -> Self {
        self.add("patch", path, patch(handler), operation)
    }

    pub(super) fn delete<T: 'static>(
        self,
        path: &'static str,
        handler: impl Handler<T, HttpState>,
        operation: Operation,
    ) -> Self {
        self.add("delete", path, delete(handler), operation)
    }

    /// A page for people, or what belongs to one: the document is for programs.
    pub(super) fn page<T: 'static>(self, path: &'static str, handler: impl Handler<T, HttpState>) -> Self {
        Self { router: self.router.route(path, get(handler)), ..self }
    }

    /// Where a page's form is sent.
    pub(super) fn form<T: 'static>(self, path: &'static str, handler: impl Handler<T, HttpState>) -> Self {
        Self { router: self.router.route(path, post(handler)), ..self }
    }

    fn add(
        mut self,
        method: &'static str,
        path: &'static str,
        route: MethodRouter<HttpState>,
        operation: Operation,
    ) -> Self {
        // Whoever changes something counts on what they ask for; a list without pages may be asked for one.
        let route =
            if method == "get" || operation.reads_query() { route } else { route.layer(Extension(TakesNoQuery)) };
        self.documented.push(DocumentedRoute { method, path, tag: self.tag, operation });
        Self { router: self.router.route(path, route), ..self }
    }

    pub(super) fn merge(mut self, other: Self) -> Self {
        self.documented.extend(other.documented);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// The same routes with something around their handlers.
    pub(super) fn layered(self, layer: impl FnOnce(Router<HttpState>) -> Router<HttpState>) -> Self {
        Self { router: layer(self.router), ..self }
    }

    /// With the addresses of the document itself, which [`Self::into_router`] answers.
    pub(super) fn with_document(mut self) -> Self {
        let page =
            Operation::open("The same as a page for people").text(200, "text/html", "A page that fetches nothing");
        let document = Operation::open("This description of the API, as OpenAPI 3.1").json(200, "The document");
        for (path, operation) in [(DOCUMENT, document), (PAGE, page)] {
            self.documented.push(DocumentedRoute { method: "get", path, tag: "About the server", operation });
        }
        self
    }

    /// What the document says of these routes.
    #[cfg(test)]
    pub(super) fn document(&self) -> serde_json::Value {
        document::build(&self.documented)
    }

    /// The router, with the document and its page, which are written when somebody first asks for them.
    pub(super) fn into_router(self) -> Router<HttpState> {
        let routes = Arc::new(self.documented);
        let (of_page, of_document) = (Arc::clone(&routes), routes);
        self.router
            .route(PAGE, served("text/html; charset=utf-8", move || page::render(&document::build(&of_page))))
            .route(DOCUMENT, served("application/json", move || document::build(&of_document).to_string()))
    }
}

const DOCUMENT: &str = "/openapi.json";
const PAGE: &str = "/docs";

/// What the page may load: nothing but its own style.
const CONTENT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; \
                              form-action 'none'; frame-ancestors 'none'";

/// A text that is always the same, written when it is first asked for.
fn served(kind: &'static str, write: impl Fn() -> String + Send + Sync + 'static) -> MethodRouter<HttpState> {
    let text = Arc::new(LazyLock::new(move || Bytes::from(write())));
    get(async move || {
        let headers = [
            (header::CONTENT_TYPE, kind),
            (header::CONTENT_SECURITY_POLICY, CONTENT_POLICY),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::REFERRER_POLICY, "no-referrer"),
            (header::CACHE_CONTROL, "no-cache"),
        ];
        (headers, Bytes::clone(&text)).into_response()
    })
}

#[cfg(test)]
mod tests;
