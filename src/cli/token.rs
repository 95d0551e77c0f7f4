//! `token`: who may use the HTTP API.

use std::process::ExitCode;
use std::time::Duration;

use chrono::Utc;
use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::output::{json, line, refuse_unread_secret, talk, text};
use super::table::{TextAlign, render};
use crate::app::{TokenRequest, TokenRow};
use crate::domain::api_token::{TokenName, TokenScope};
use crate::domain::pace::parse_span;

#[derive(Debug, Subcommand)]
pub(super) enum TokenVerb {
    /// Make a token and print it, once: only its hash is stored.
    New(NewTokenArgs),
    /// List tokens, without their secrets.
    List,
    /// End a token; the server knows within a second.
    Revoke {
        /// The token's name, as in `token list`.
        name: String,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct NewTokenArgs {
    /// What it is called in the log of acts.
    name: TokenName,
    /// What it may do: read, write (which includes read) or admin (which includes both).
    #[arg(long)]
    scope: TokenScope,
    /// The only sender whose blasts it sees and makes.
    #[arg(long)]
    sender: Option<String>,
    /// How long it is valid, such as 90d; for ever by default.
    #[arg(long, value_name = "SPAN", value_parser = span, allow_hyphen_values = true)]
    expires: Option<Duration>,
}

impl TokenVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match self {
            Self::New(new) => new.run(global).await?,
            Self::List => list(global).await?,
            Self::Revoke { name } => revoke(global, &name).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl NewTokenArgs {
    async fn run(self, global: &Global) -> Result<()> {
        refuse_unread_secret()?;
        let expires_at = match self.expires {
            None => None,
            Some(span) => Some(Utc::now() + chrono::TimeDelta::from_std(span).map_err(|_| too_long())?),
        };
        let context = Context::open(global, Intent::Writes).await?;
        let name = self.name.as_str().to_owned();
        let request = TokenRequest { name: self.name, scope: self.scope, sender: self.sender, expires_at };
        let secret = context.app.create_token(request).await?.secret;
        context.done(format!(
            "token {name} is made, but could not be printed, so that nobody has it: `blastdeck token revoke {name}`, then make another"
        ));
        if context.is_json {
            return json(&json!({ "name": name, "token": secret }));
        }
        talk("keep it now: it is shown once, and only its hash is stored");
        line(&secret)
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|error| error.to_string())?;
    let longest = Duration::from_secs(366 * 24 * 60 * 60);
    if span.is_zero() || span > longest { Err(too_long().to_string()) } else { Ok(span) }
}

fn too_long() -> UsageError {
    UsageError("write a time such as 90d, at most 366d".to_owned())
}

async fn list(global: &Global) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let tokens = context.app.tokens().await?;
    if context.is_json {
        return tokens.iter().try_for_each(json);
    }
    let header = ["name", "scope", "sender", "made", "by", "last used", "valid"].map(|title| (title, TextAlign::Left));
    let cells = |token: &TokenRow| {
        let valid = match (token.revoked_at, token.is_valid) {
            (Some(at), _) => format!("revoked {}", context.when(Some(at))),
            (None, true) => {
                token.expires_at.map_or_else(|| "yes".to_owned(), |at| format!("until {}", context.when(Some(at))))
            }
            (None, false) => "expired".to_owned(),
        };
        let sender = token.sender.clone().unwrap_or_else(|| "any".to_owned());
        let (made, used) = (context.when(Some(token.created_at)), context.when(token.last_used_at));
        vec![token.name.clone(), token.scope.to_string(), sender, made, token.created_by.clone(), used, valid]
    };
    text(&render(&header, &tokens.iter().map(cells).collect::<Vec<_>>()))
}

async fn revoke(global: &Global, name: &str) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    context.app.revoke_token(name).await?;
    if context.is_json {
        return json(&json!({ "name": name, "revoked": true }));
    }
    talk(&format!("token {name} is revoked"));
    Ok(())
}
