//! The pages' own files, in the binary. Their addresses change with their contents, so that browsers keep them.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use super::super::problem::Problem;
use crate::domain::text::hex;

struct Asset {
    name: &'static str,
    kind: &'static str,
    text: &'static str,
}

const CSS: Asset =
    Asset { name: "page.css", kind: "text/css; charset=utf-8", text: include_str!("../../../assets/page/page.css") };
const JS: Asset = Asset {
    name: "page.js",
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../../assets/page/page.js"),
};
const ICON: Asset =
    Asset { name: "icon.svg", kind: "image/svg+xml", text: include_str!("../../../assets/page/icon.svg") };

pub(super) fn css() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| CSS.address());
    &ADDRESS
}

pub(super) fn js() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| JS.address());
    &ADDRESS
}

pub(super) fn icon() -> &'static str {
    static ADDRESS: LazyLock<String> = LazyLock::new(|| ICON.address());
    &ADDRESS
}

impl Asset {
    fn address(&self) -> String {
        format!("/assets/{}?v={}", self.name, hex(&Sha256::digest(self.text.as_bytes())[..6]))
    }
}

pub(super) async fn asset(Path(name): Path<String>) -> Response {
    let Some(found) = [CSS, JS, ICON].into_iter().find(|asset| asset.name == name) else {
        return Problem::not_found("there is no such file").into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, found.kind),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (StatusCode::OK, headers, found.text).into_response()
}
