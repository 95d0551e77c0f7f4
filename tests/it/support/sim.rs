//! The fake WhatsApp in a process of its own: what came to its door, and what its next answers shall be.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, Utc};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use serde_json::{Value, json};

use super::blastdeck;

/// The token that the simulator asks for.
pub const TOKEN: &str = "a-token-for-nobody";

/// A running simulator. It ends with its input: when this is dropped, and when the test run dies.
pub struct Sim {
    process: Child,
    base_url: String,
    client: reqwest::Client,
}

/// One POST as the simulator had it.
#[derive(Debug, Clone, Deserialize)]
pub struct Post {
    pub at: DateTime<Utc>,
    /// Digits only.
    pub phone: String,
    pub token_ok: bool,
    pub accepted: bool,
    /// `ok`, `hangup`, `throttle` and the like.
    pub answered: String,
    pub message_id: Option<String>,
    pub body: String,
    pub content_type: String,
    pub async_failed: bool,
    pub stage: Option<String>,
}

/// What the simulator counts.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Stats {
    pub posts: usize,
    pub max_in_flight: usize,
    pub status_calls: u64,
}

#[derive(Deserialize)]
struct Truth {
    posts: Vec<Post>,
}

impl Sim {
    /// Starts one with these arguments beside the usual ones; it takes [`TOKEN`] only.
    pub fn start(arguments: &[&str]) -> Self {
        blastdeck::provider::init();
        let mut process = Command::new(blastdeck())
            .args(["sim", "--json", "--while-stdin", "--token-env", "SIM_TOKEN"])
            .args(arguments)
            .env("SIM_TOKEN", TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let base_url = ready["base_url"].as_str().unwrap().to_owned();
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        Self { process, base_url, client }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Every POST to the send call so far, accepted or not.
    pub async fn posts(&self) -> Vec<Post> {
        let truth: Truth = self.ask("/sim/truth").await;
        truth.posts
    }

    /// The whole truth, as the simulator writes it.
    pub async fn truth(&self) -> Value {
        self.ask("/sim/truth").await
    }

    /// Sends Meta's webhooks there from now on.
    pub async fn meta_webhooks_to(&self, url: &str) {
        self.post("/sim/webhooks", &json!({ "meta": url })).await;
    }

    pub async fn stats(&self) -> Stats {
        self.ask("/sim/stats").await
    }

    /// The next sends to this phone (digits) are answered like this.
    pub async fn answer_send(&self, digits: &str, answers: Value) {
        self.post("/sim/script", &json!({ "call": "send", "phone": digits, "answers": answers })).await;
    }

    /// The next questions about this message are answered like this.
    pub async fn answer_status(&self, message_id: &str, answers: Value) {
        self.post("/sim/script", &json!({ "call": "status", "message_id": message_id, "answers": answers })).await;
    }

    /// The next questions, about whatever message, are answered like this.
    pub async fn answer_any_status(&self, answers: Value) {
        self.post("/sim/script", &json!({ "call": "status", "answers": answers })).await;
    }

    /// The next sends, to whomever, are answered like this.
    pub async fn answer_any_send(&self, answers: Value) {
        self.post("/sim/script", &json!({ "call": "send", "answers": answers })).await;
    }

    /// These faults, and no others, from now on.
    pub async fn faults(&self, faults: &[&str]) {
        self.post("/sim/faults", &json!(faults)).await;
    }

    /// Answers nothing until [`let_go`](Self::let_go): what is in flight stays there, however busy the machine is.
    pub fn hold(&self) {
        self.signal(Signal::STOP);
    }

    pub fn let_go(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }

    async fn ask<T: serde::de::DeserializeOwned>(&self, path: &str) -> T {
        let reply = self.client.get(format!("{}{path}", self.base_url)).send().await.unwrap();
        serde_json::from_slice(&reply.error_for_status().unwrap().bytes().await.unwrap()).unwrap()
    }

    async fn post(&self, path: &str, what: &Value) {
        let reply = self.client.post(format!("{}{path}", self.base_url)).body(what.to_string()).send().await.unwrap();
        reply.error_for_status().unwrap();
    }
}

impl Drop for Sim {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It lets calls in flight end first; nobody waits for those any more.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
