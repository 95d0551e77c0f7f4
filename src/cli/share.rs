//! `share`: links to one blast's live page.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use color_eyre::Result;
use serde_json::json;

use super::Global;
use super::context::{Context, Intent};
use super::exit::UsageError;
use super::output::{json, line, refuse_unread_secret, talk, text};
use super::table::{TextAlign, render};
use crate::app::{App, ShareRow};
use crate::domain::ids::{BlastId, ShareId};
use crate::domain::pace::{parse_span, show_span};

/// How long a link lasts by default.
const USUAL: &str = "7d";

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct ShareVerb {
    /// The blast whose page the link opens.
    blast: Option<BlastId>,
    /// How long the link lasts, at most 366d.
    #[arg(long = "for", value_name = "SPAN", default_value = USUAL, value_parser = span, allow_hyphen_values = true)]
    span: Duration,
    #[command(subcommand)]
    verb: Option<ShareListVerb>,
}

#[derive(Debug, Subcommand)]
enum ShareListVerb {
    /// List links, without their secrets.
    List {
        /// Only those to this blast.
        blast: Option<BlastId>,
    },
    /// End a link; the server knows within a second.
    Revoke {
        /// The link's number, as in `share list`.
        id: ShareId,
    },
}

impl ShareVerb {
    pub(super) async fn run(self, global: &Global) -> Result<ExitCode> {
        match (self.verb, self.blast) {
            (Some(ShareListVerb::List { blast }), _) => list(global, blast).await?,
            (Some(ShareListVerb::Revoke { id }), _) => revoke(global, id).await?,
            (None, Some(blast)) => create(global, blast, self.span).await?,
            (None, None) => {
                let mend = "name the blast, as in `share 7 --for 7d`: `blastdeck blast list` lists them, `blastdeck share list` the \
                            links that there are";
                return Err(UsageError(mend.to_owned()).into());
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn span(text: &str) -> Result<Duration, String> {
    let span = parse_span(text).map_err(|error| error.to_string())?;
    let longest = show_span(App::SHARE_MAX);
    if span.is_zero() || span > App::SHARE_MAX { Err(format!("write a time up to {longest}")) } else { Ok(span) }
}

async fn create(global: &Global, blast: BlastId, span: Duration) -> Result<()> {
    refuse_unread_secret()?;
    let context = Context::open(global, Intent::Writes).await?;
    let link = context.app.create_share(blast, span).await?;
    context.done(format!(
        "link {0} is made, but could not be printed, so that nobody has it: `blastdeck share revoke {0}`, then make another",
        link.id
    ));
    let http = &context.app.config().http;
    let server = http.public_url.clone().unwrap_or_else(|| format!("http://{}", http.listen));
    let url = format!("{server}{}", link.path);
    if context.is_json {
        let link = json!({ "id": link.id, "blast_id": blast, "url": url, "expires_at": link.expires_at });
        return json(&link);
    }
    let until = context.when(Some(link.expires_at));
    talk(&format!(
        "whoever has this link sees blast {blast} until {until}, its numbers and nobody's name; it is shown once"
    ));
    if http.public_url.is_none() {
        talk("it names this machine's own address: set [http] public_url to what others reach it by");
    }
    line(&url)
}

async fn list(global: &Global, blast: Option<BlastId>) -> Result<()> {
    let context = Context::open(global, Intent::Reads).await?;
    let shares = context.app.shares(blast).await?;
    if context.is_json {
        return shares.iter().try_for_each(json);
    }
    let header = ["id", "blast", "made", "by", "last used", "valid"].map(|title| (title, TextAlign::Left));
    let cells = |share: &ShareRow| {
        let valid = match (share.revoked_at, share.is_valid) {
            (Some(at), _) => format!("revoked {}", context.when(Some(at))),
            (None, true) => format!("until {}", context.when(Some(share.expires_at))),
            (None, false) => "expired".to_owned(),
        };
        let blast = format!("{} {}", share.blast_id, share.blast_tag);
        let (made, used) = (context.when(Some(share.created_at)), context.when(share.last_used_at));
        vec![share.id.to_string(), blast, made, share.created_by.clone(), used, valid]
    };
    text(&render(&header, &shares.iter().map(cells).collect::<Vec<_>>()))
}

async fn revoke(global: &Global, id: ShareId) -> Result<()> {
    let context = Context::open(global, Intent::Writes).await?;
    context.app.revoke_share(id).await?;
    if context.is_json {
        return json(&json!({ "id": id, "revoked": true }));
    }
    talk(&format!("link {id} is revoked"));
    Ok(())
}
