//! The pages' addresses: who sees which of them, signing in and out, and links.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::super::HttpState;
use super::super::api::{is_local_caller, params};
use super::super::body::read;
use super::super::client::Client;
use super::super::live::{Frame, Topic, ViewerAccess, ViewerKind, Watch, stream};
use super::super::openapi::Routes;
use super::super::problem::Problem;
use super::assets::asset;
use super::blast::Audience;
use super::html::{AddressSecrecy, Page, escaped, notice};
use super::session;
use crate::domain::ids::{BlastId, SenderId};

/// A form is shorter than this, in bytes.
const FORM_MAX: usize = 8 * 1024;

pub(in crate::http) fn routes() -> Routes {
    Routes::of("Pages")
        .page("/", list)
        .page("/events", list_events)
        .page("/blasts/{id}", blast)
        .page("/blasts/{id}/events", blast_events)
        .form("/sign-in", sign_in)
        .page("/sign-in", to_list)
        .form("/sign-out", sign_out)
        .page("/share/{secret}", share)
        .page("/share/{secret}/events", share_events)
        .page("/assets/{name}", asset)
}

/// Somebody who signed in, or sits at this machine where that is enough.
struct Visitor {
    access: ViewerAccess,
    sender: Option<SenderId>,
}

/// `None`: they have to sign in first.
struct MaybeVisitor(Option<Visitor>);

impl FromRequestParts<HttpState> for MaybeVisitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &HttpState) -> Result<Self, Response> {
        if let Some(secret) = session::secret(&parts.headers) {
            let token = state.page.session(state, secret).await.map_err(|error| page_of(state, error.into()))?;
            if let Some(token) = token {
                let access = ViewerAccess::Session(secret.to_owned());
                return Ok(Self(Some(Visitor { access, sender: token.sender })));
            }
        }
        let is_local = is_local_caller(state, &parts.headers, &parts.extensions);
        Ok(Self(is_local.then_some(Visitor { access: ViewerAccess::Local, sender: None })))
    }
}

impl Visitor {
    /// Whether a reading is theirs to see.
    fn may_see(&self, frame: &Frame) -> bool {
        match frame {
            Frame::Blast(frame) => !frame.is_answer && self.sender.is_none_or(|own| own == frame.sender),
            Frame::Blasts(_) => true,
        }
    }
}

fn brand(state: &HttpState) -> &str {
    state.app.config().ui.name.as_deref().unwrap_or("Blastdeck")
}

/// A problem as a page: people read these.
fn page_of(state: &HttpState, problem: Problem) -> Response {
    let status = problem.status();
    let (title, sentence) = match status {
        StatusCode::NOT_FOUND => ("Nothing here", "There is no such blast, or you may not see it."),
        StatusCode::UNAUTHORIZED => ("This link has ended", "Ask whoever sent it to you for a new one."),
        StatusCode::SERVICE_UNAVAILABLE => ("One moment", "It cannot be shown now. Try again in a moment."),
        _ => ("That did not work", "Try again in a moment."),
    };
    let mut response = notice(brand(state), status, title, sentence);
    if let Some(after) = problem.into_response().headers().get(header::RETRY_AFTER) {
        response.headers_mut().insert(header::RETRY_AFTER, after.clone());
    }
    response
}

async fn list(State(state): State<HttpState>, MaybeVisitor(visitor): MaybeVisitor) -> Response {
    let Some(visitor) = visitor else { return sign_in_page(&state, "/", None) };
    match state.live.look(Topic::Blasts(visitor.sender)).await {
        Ok(frame) => list_page(&state, &frame),
        Err(problem) => page_of(&state, problem),
    }
}

fn list_page(state: &HttpState, frame: &Frame) -> Response {
    let Frame::Blasts(frame) = frame else { return page_of(state, Problem::not_found("")) };
    let page = Page {
        title: brand(state),
        brand: brand(state),
        events: Some("/events".to_owned()),
        address: AddressSecrecy::Plain,
        is_signed_in: true,
        ids: frame.page.ids(),
        main: frame.page.render(),
    };
    page.answer(StatusCode::OK)
}

async fn blast(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    MaybeVisitor(visitor): MaybeVisitor,
) -> Response {
    let Some(visitor) = visitor else { return sign_in_page(&state, own_path(&format!("/blasts/{id}")), None) };
    let Ok(id) = id.parse::<BlastId>() else { return page_of(&state, Problem::not_found("")) };
    match state.live.look(Topic::Blast(id)).await {
        Ok(frame) if visitor.may_see(&frame) => {
            let page = BlastLook { events: format!("/blasts/{id}/events"), audience: Audience::SignedIn };
            page.answer(&state, &frame)
        }
        Ok(_) => page_of(&state, Problem::not_found("")),
        Err(problem) => page_of(&state, problem),
    }
}

async fn share(State(state): State<HttpState>, Path(secret): Path<String>) -> Response {
    let frame = match shared(&state, &secret).await {
        Ok(blast) => state.live.look(Topic::Blast(blast)).await,
        Err(problem) => Err(problem),
    };
    match frame {
        Ok(frame) => {
            let page = BlastLook { events: format!("/share/{secret}/events"), audience: Audience::Stranger };
            page.answer(&state, &frame)
        }
        Err(problem) => page_of(&state, problem),
    }
}

/// The blast that a link leads to.
async fn shared(state: &HttpState, secret: &str) -> Result<BlastId, Problem> {
    let share = state.page.share(state, secret).await?;
    let ended =
        || Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "this link has ended, or there never was one");
    share.map(|share| share.blast_id).ok_or_else(ended)
}

/// A blast's page for somebody.
struct BlastLook {
    events: String,
    audience: Audience,
}

impl BlastLook {
    fn answer(self, state: &HttpState, frame: &Frame) -> Response {
        let Frame::Blast(frame) = frame else { return page_of(state, Problem::not_found("")) };
        let is_signed_in = self.audience == Audience::SignedIn;
        let page = Page {
            title: frame.page.title(),
            brand: brand(state),
            events: Some(self.events),
            address: if is_signed_in { AddressSecrecy::Plain } else { AddressSecrecy::Secret },
            is_signed_in,
            ids: None,
            main: frame.page.render(self.audience),
        };
        page.answer(StatusCode::OK)
    }
}

type MaybeClient = Option<Extension<Arc<Client>>>;

async fn list_events(
    State(state): State<HttpState>,
    client: MaybeClient,
    MaybeVisitor(visitor): MaybeVisitor,
) -> Result<Response, Problem> {
    let visitor = visitor.ok_or_else(signed_out)?;
    watch(&state, Topic::Blasts(visitor.sender), visitor, client).await
}

async fn blast_events(
    State(state): State<HttpState>,
    Path(id): Path<String>,
    client: MaybeClient,
    MaybeVisitor(visitor): MaybeVisitor,
) -> Result<Response, Problem> {
    let visitor = visitor.ok_or_else(signed_out)?;
    let id = id.parse().map_err(|_| Problem::not_found("there is no such blast"))?;
    watch(&state, Topic::Blast(id), visitor, client).await
}

async fn watch(state: &HttpState, topic: Topic, visitor: Visitor, client: MaybeClient) -> Result<Response, Problem> {
    let (access, client) = (visitor.access.clone(), client.map(|Extension(client)| client));
    let watch = Watch { kind: ViewerKind::Page, access, client };
    stream(state, topic, watch, move |frame| visitor.may_see(frame)).await
}

async fn share_events(
    State(state): State<HttpState>,
    Path(secret): Path<String>,
    client: MaybeClient,
) -> Result<Response, Problem> {
    let blast = shared(&state, &secret).await?;
    let client = client.map(|Extension(client)| client);
    let watch = Watch { kind: ViewerKind::Share, access: ViewerAccess::Share(secret), client };
    stream(&state, Topic::Blast(blast), watch, |_| true).await
}

fn signed_out() -> Problem {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", "sign in at / with a token first")
}

/// Asks for a token; `next` is where whoever gives one goes on.
fn sign_in_page(state: &HttpState, next: &str, why: Option<&str>) -> Response {
    let why = why.map(|why| format!("<p class=\"wrong\" role=\"alert\">{}</p>\n", escaped(why))).unwrap_or_default();
    let main = format!(
        "<section class=\"card notice\"><h1>Sign in</h1>\n{why}<form method=\"post\" action=\"/sign-in\">\n\
         <input type=\"hidden\" name=\"next\" value=\"{}\">\n\
         <label for=\"token\">Token</label>\n\
         <input id=\"token\" name=\"token\" type=\"password\" autocomplete=\"current-password\" required autofocus>\n\
         <button>Sign in</button></form>\n\
         <p class=\"sub\">Whoever runs this server makes one for you.</p></section>\n",
        escaped(next)
    );
    let page = Page {
        title: "Sign in",
        brand: brand(state),
        events: None,
        address: AddressSecrecy::Plain,
        is_signed_in: false,
        ids: None,
        main,
    };
    let mut response = page.answer(StatusCode::UNAUTHORIZED);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"blastdeck\""));
    response
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SignInForm {
    token: String,
    next: String,
}

async fn sign_in(State(state): State<HttpState>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if !session::is_own_form(&parts.headers) {
        return foreign(&state);
    }
    let body = match read(&state.bodies, &parts, body).await {
        Ok(body) if body.bytes.len() <= FORM_MAX => body,
        Ok(_) => return sign_in_page(&state, "/", Some("That is too long to be a token.")),
        Err(refused) => return refused,
    };
    let form = read_form(&body.bytes).unwrap_or_default();
    let next = own_path(&form.next);
    match state.app.sign_in(&form.token).await {
        Ok(Some(secret)) => go_to(next, session::begin(&secret, &parts.headers)),
        Ok(None) => sign_in_page(&state, next, Some("That token is not valid, or not any more.")),
        Err(error) => page_of(&state, error.into()),
    }
}

/// Whoever opens the address of the form again, after a token that was refused there.
async fn to_list() -> Response {
    go_to("/", None)
}

async fn sign_out(State(state): State<HttpState>, headers: HeaderMap) -> Response {
    if !session::is_own_form(&headers) {
        return foreign(&state);
    }
    if let Some(secret) = session::secret(&headers) {
        if let Err(error) = state.app.sign_out(secret).await {
            return page_of(&state, error.into());
        }
        state.page.forget_session(secret);
    }
    go_to("/", session::end(&headers))
}

fn foreign(state: &HttpState) -> Response {
    let sentence = "This form was sent by another site. Open the page itself, and sign in there. Behind a proxy, let it pass the \
                    Host header on.";
    notice(brand(state), StatusCode::FORBIDDEN, "Not from here", sentence)
}

/// The fields of `application/x-www-form-urlencoded`, which are spelled as a query is.
fn read_form(body: &[u8]) -> Option<SignInForm> {
    let uri: Uri = format!("/?{}", std::str::from_utf8(body).ok()?.trim()).parse().ok()?;
    params(&uri).ok()
}

/// A page of ours; `/` for anything else.
fn own_path(next: &str) -> &str {
    let id = next.strip_prefix("/blasts/").unwrap_or_default();
    if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) { next } else { "/" }
}

fn go_to(path: &str, cookie: Option<HeaderValue>) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    if let Ok(path) = HeaderValue::from_str(path) {
        response.headers_mut().insert(header::LOCATION, path);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(cookie) = cookie {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{own_path, read_form};

    #[test]
    fn whoever_signs_in_goes_on_to_a_page_of_ours_only() {
        for (next, path) in [
            ("/blasts/7", "/blasts/7"),
            ("/", "/"),
            ("", "/"),
            ("//evil.example", "/"),
            ("https://evil.example", "/"),
            ("/blasts/7/../../x", "/"),
            ("/blasts/", "/"),
        ] {
            assert_eq!(own_path(next), path, "{next}");
        }
        let form = read_form(b"token=bd_1%20&next=%2Fblasts%2F7").unwrap();
        assert_eq!((form.token.as_str(), form.next.as_str()), ("bd_1 ", "/blasts/7"));
    }
}
