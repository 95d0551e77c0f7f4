//! The simulated phone beside the operator: it delivers what the made-up people reply.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use color_eyre::Result;
use color_eyre::eyre::eyre;
use rust_decimal::Decimal;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::environment::{COUNTER, DemoEnvironment, SALES};
use crate::app::{App, AppError, Incoming, IncomingOutcome};
use crate::domain::ids::{RecipientId, SenderId};
use crate::domain::phone::{Phone, Region};
use crate::domain::recipient::Mark;

/// How often the simulator is polled for replies.
const POLL_INTERVAL: Duration = Duration::from_millis(300);

/// How many people's replies wait in the activity to be marked.
const LEFT_UNMARKED: u32 = 3;

/// Who marks buyers as closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Buyers {
    /// No operator: a buyer is closed with the amount.
    Closed,
    LeftToTheOperator,
}

#[derive(Debug, Deserialize)]
struct ReplyPage {
    replies: Vec<ReceivedReply>,
}

#[derive(Debug, Deserialize)]
struct ReceivedReply {
    seq: u64,
    phone: String,
    text: String,
    at: DateTime<Utc>,
    buys_amount: Option<Decimal>,
}

/// Polls the simulator's replies and records them.
pub(super) struct PretendPhone {
    app: App,
    client: reqwest::Client,
    base_url: String,
    senders: Vec<SenderId>,
    buyers: Buyers,
    /// Replies arrive as webhooks: only sales are delivered here.
    only_sales: bool,
    /// So many of the next people who write are left for the operator to mark.
    unmarked: u32,
    /// Replies that arrived before we knew that their person was reached, or that could not be written yet.
    early: HashMap<u64, ReceivedReply>,
}

impl PretendPhone {
    pub(super) fn new(environment: &DemoEnvironment, app: &App, buyers: Buyers) -> Self {
        let senders = [SALES, COUNTER].iter().filter_map(|name| app.sender_id(name)).collect();
        Self {
            app: app.clone(),
            client: environment.client(),
            base_url: environment.base_url().to_owned(),
            senders,
            buyers,
            only_sales: environment.has_webhooks(),
            unmarked: if buyers == Buyers::LeftToTheOperator { LEFT_UNMARKED } else { 0 },
            early: HashMap::new(),
        }
    }

    /// Polls until stopped.
    pub(super) fn follow(mut self, stop: CancellationToken) -> tokio::task::JoinHandle<()> {
        tokio::spawn(async move {
            let mut last_seq = 0;
            while !stop.is_cancelled() {
                if let Err(error) = self.poll(&mut last_seq).await {
                    tracing::debug!(%error, "the pretend phone is busy");
                }
                tokio::time::sleep(POLL_INTERVAL).await;
            }
        })
    }

    async fn poll(&mut self, last_seq: &mut u64) -> Result<()> {
        let url = format!("{}/sim/replies?after={last_seq}", self.base_url);
        let news: ReplyPage = self.client.get(url).send().await?.error_for_status()?.json().await?;
        for reply in news.replies {
            *last_seq = reply.seq.max(*last_seq);
            if !self.only_sales || reply.buys_amount.is_some() {
                self.early.insert(reply.seq, reply);
            }
        }
        let waiting: Vec<u64> = self.early.keys().copied().collect();
        let mut failed = None;
        for seq in waiting {
            let Some(reply) = self.early.remove(&seq) else { continue };
            let delivered = self.deliver(&reply).await;
            // One that could not be written is delivered again with the next poll: a text that was kept is kept once.
            if !matches!(delivered, Ok(true)) {
                self.early.insert(seq, reply);
            }
            failed = failed.or(delivered.err());
        }
        failed.map_or(Ok(()), Err)
    }

    /// Returns `false` while nobody is known to have been reached under this number.
    async fn deliver(&mut self, reply: &ReceivedReply) -> Result<bool> {
        let from = Phone::parse(&reply.phone, Region::MALAYSIA).map_err(|error| eyre!("{error}"))?;
        let is_left = self.unmarked > 0 && !self.only_sales && reply.text != "STOP";
        for sender in &self.senders {
            let incoming = Incoming { sender: *sender, from: from.clone(), text: reply.text.clone(), at: reply.at };
            let is_kept = !self.only_sales && self.app.keep_unmarked(&incoming).await?.is_some();
            if is_kept && is_left {
                self.unmarked -= 1;
                return Ok(true);
            }
            match self.app.receive(&incoming).await? {
                (IncomingOutcome::Unattributed, _) | (_, None) => {}
                (_, Some(person)) => {
                    self.close(person, reply.buys_amount).await?;
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    async fn close(&self, person: RecipientId, amount: Option<Decimal>) -> Result<()> {
        if self.buyers == Buyers::LeftToTheOperator || amount.is_none() {
            return Ok(());
        }
        match self.app.mark(person, Mark::Closed(amount)).await {
            Ok(_) | Err(AppError::Refused(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
