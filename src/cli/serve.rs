//! `serve`: webhooks and the API over HTTP, and the engine beside them unless it runs elsewhere.

use std::net::SocketAddr;
use std::process::ExitCode;

use color_eyre::Result;
use color_eyre::eyre::WrapErr;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::Global;
use super::context::{Context, load};
use super::engine::{EngineVerb, ServerAround, after};
use super::exit::RefusedError;
use super::output::{json as print_json, talk};
use crate::app::{App, ProcessKind};
use crate::config::Config;
use crate::engine::EngineChange;
use crate::http;
use crate::shutdown::{SecondInterrupt, Shutdown};

#[derive(Debug, clap::Args)]
pub(super) struct ServeVerb {
    /// Where to listen, such as 127.0.0.1:8080; defaults to `listen` under [http].
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = address)]
    listen: Option<SocketAddr>,
    /// Listen on an address that other machines can reach.
    #[arg(long)]
    public: bool,
    /// Only receive, and record opt-outs: an engine runs elsewhere and applies what is received.
    #[arg(long)]
    no_engine: bool,
}

/// Logged where webhooks were wanted and none can be proven.
const NOTHING_ACCEPTED: &str = "no webhook could be accepted: give a sender of Meta's its app_secret, or one of WSAPME's a \
                                webhook_secret, and see that they can be read here";

fn address(text: &str) -> Result<SocketAddr, String> {
    text.trim().parse().map_err(|_| "write an address and a port, such as 127.0.0.1:8080 or [::1]:8080".to_owned())
}

impl ServeVerb {
    /// One that listens there, with the engine inside.
    pub(super) const fn on(listen: SocketAddr) -> Self {
        Self { listen: Some(listen), public: false, no_engine: false }
    }

    /// The same without an engine.
    pub(super) const fn without_engine(self) -> Self {
        Self { no_engine: true, ..self }
    }

    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        if global.read_only {
            return Err(RefusedError("this receives and sends, and --read-only was given".to_owned()).into());
        }
        let shutdown = Shutdown::new();
        shutdown.on_signals(SecondInterrupt::Exit)?;
        loop {
            let config = load(global)?;
            let listener = self.bind(&config).await?;
            let context = Context::open_with(global, config, ProcessKind::Server, CancellationToken::new()).await?;
            let intake = context.app.webhook_intake();
            if self.no_engine && intake.is_closed() {
                talk(NOTHING_ACCEPTED);
            }
            // Nobody may be reading, or not any more where it has started itself again: it serves all the same.
            if let Err(error) = announce(&context, listener.local_addr()?) {
                tracing::warn!(error = format!("{error:#}"), "where it listens could not be printed");
            }
            let stop = CancellationToken::new();
            let serving = tokio::spawn(http::serve(listener, context.app.clone(), intake, stop.clone()));
            let mut engine = Box::pin(self.apply_or_wait(global, &context.app, &shutdown));
            // Both end at once. What was received is durable; whatever is not answered yet is sent again.
            let ended = tokio::select! {
                ended = engine.as_mut() => ended,
                () = shutdown.cancelled() => {
                    stop.cancel();
                    engine.await
                }
            };
            stop.cancel();
            serving.await?;
            context.app.close().await;
            if let Some(code) = after(ended?)? {
                return Ok(code);
            }
        }
    }

    /// Runs the engine until the stop. Where it runs elsewhere, opt-outs alone are recorded here.
    async fn apply_or_wait(&self, global: &Global, app: &App, shutdown: &Shutdown) -> Result<Option<EngineChange>> {
        if self.no_engine {
            app.record_opt_outs(shutdown.token()).await;
            return Ok(None);
        }
        let server = if self.listen.is_some() { ServerAround::AtFlag } else { ServerAround::AtSetting };
        EngineVerb::of_server(server).serve(global, shutdown).await
    }

    async fn bind(&self, config: &Config) -> Result<TcpListener> {
        let listen = self.listen.unwrap_or(config.http.listen);
        let is_on_purpose = self.public || self.listen.is_none();
        if !listen.ip().is_loopback() && !is_on_purpose {
            let mend = "put a reverse proxy with TLS in front of a loopback address, or give --public";
            let why = format!("{listen} can be reached from other machines, and speaks plain HTTP: {mend}");
            return Err(RefusedError(why).into());
        }
        TcpListener::bind(listen).await.wrap_err_with(|| {
            format!("cannot listen on {listen}: end what listens there, or give another address (--listen, or listen under [http])")
        })
    }
}

/// Says where it listens: with port 0 nobody knows before.
fn announce(context: &Context, address: SocketAddr) -> Result<()> {
    if context.is_json {
        print_json(&json!({ "listen": address.to_string() }))?;
    } else {
        talk(&format!(
            "listening on http://{address}: the API at /api, webhooks at /api/webhook/meta and /api/webhook/wsapme/SECRET"
        ));
    }
    Ok(())
}
