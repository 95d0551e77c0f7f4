//! `blastdeck serve` in a process of its own, and webhooks that are signed for it.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::StatusCode;
use rustix::process::{Pid, Signal, kill_process};
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::sim::TOKEN;
use super::{PATIENCE, Shop};

pub const APP_SECRET: &str = "an-app-secret";
pub const VERIFY_TOKEN: &str = "a-verify-token";
pub const WEBHOOK_SECRET: &str = "a-webhook-secret";
/// The phone_number_id of the shop's sender `cloud`.
pub const NUMBER: &str = "106853218861309";
/// Its WhatsApp business account.
pub const ACCOUNT: &str = "102290129340398";

/// The secrets of [`senders`], in the environment of whatever a shop runs.
pub const SECRETS: [(&str, &str); 4] = [
    ("META_TOKEN", TOKEN),
    ("META_APP_SECRET", APP_SECRET),
    ("META_VERIFY_TOKEN", VERIFY_TOKEN),
    ("WSAPME_WEBHOOK_SECRET", WEBHOOK_SECRET),
];

/// A running server; killed when dropped.
pub struct Serve {
    process: Child,
    pub base_url: String,
    pub client: reqwest::Client,
    log: PathBuf,
}

impl Serve {
    /// Of a shop whose configuration has [`senders`].
    pub async fn start(shop: &Shop, arguments: &[&str]) -> Self {
        blastdeck::provider::init();
        let anywhere: &[&str] = if arguments.contains(&"--listen") { &[] } else { &["--listen", "127.0.0.1:0"] };
        let arguments = [&["serve", "--json"], anywhere, arguments].concat();
        let log = shop.path("serve.log");
        let stderr = std::fs::File::options().create(true).append(true).open(&log).unwrap();
        let mut process = shop.command(&arguments).stdout(Stdio::piped()).stderr(stderr).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).await.unwrap();
        let Ok(ready) = serde_json::from_str::<serde_json::Value>(&line) else {
            let ended = process.wait().await.unwrap();
            panic!(
                "it said {line:?}, ended with {ended}, and logged {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
        };
        let base_url = format!("http://{}", ready["listen"].as_str().unwrap());
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        Self { process, base_url, client, log }
    }

    /// A signed webhook of Meta's; the status of the answer.
    pub async fn meta(&self, body: impl Into<Vec<u8>>) -> StatusCode {
        let body = body.into();
        let signature = signature(APP_SECRET, &body);
        self.meta_with(body, &[("X-Hub-Signature-256", &signature)]).await
    }

    /// The same with these headers.
    pub async fn meta_with(&self, body: Vec<u8>, headers: &[(&str, &str)]) -> StatusCode {
        let mut request = self.client.post(format!("{}/api/webhook/meta", self.base_url)).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap().status()
    }

    /// A webhook to this path and query; the status of the answer.
    pub async fn post(&self, path: &str, body: impl Into<reqwest::Body>) -> StatusCode {
        self.client.post(format!("{}{path}", self.base_url)).body(body).send().await.unwrap().status()
    }

    /// The status and the text at this path and query.
    pub async fn get(&self, path: &str) -> (StatusCode, String) {
        let response = self.client.get(format!("{}{path}", self.base_url)).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    }

    /// Kills it as `kill -9` does.
    pub async fn kill(mut self) {
        self.process.kill().await.unwrap();
    }

    /// Asks it to end, and waits until it has.
    pub async fn stop(self) {
        let log = self.log.clone();
        let status = self.end().await;
        assert!(status.success(), "{status}: {}", std::fs::read_to_string(log).unwrap());
    }

    /// The same; how it ended.
    pub async fn end(mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.process.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let ended = tokio::time::timeout(PATIENCE, self.process.wait()).await;
        ended.expect("it ends when asked").unwrap()
    }
}

/// A command with these secrets in its environment, wherever it came from.
pub fn with_secrets(mut command: Command) -> Command {
    command.envs(SECRETS);
    command
}

/// `X-Hub-Signature-256` of a body.
pub fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    let mut text = "sha256=".to_owned();
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// The TOML of two senders that take webhooks: `sales` of WSAPME's and `cloud` of Meta's, both at `base_url`.
pub fn senders(base_url: &str) -> String {
    format!(
        "[[senders]]\nname = \"sales\"\nprovider = \"wsapme\"\ndevice = \"5850\"\nbusiness = \"kedai\"\n\
         base_url = \"{base_url}\"\ntoken = {{ env = \"WSAPME_TOKEN\" }}\ndaily_cap = \"none\"\nrate = \"unlimited\"\n\
         webhook_secret = {{ env = \"WSAPME_WEBHOOK_SECRET\" }}\n\
         [[senders]]\nname = \"cloud\"\nprovider = \"meta\"\nphone_number_id = \"{NUMBER}\"\nwaba_id = \"{ACCOUNT}\"\n\
         business = \"kedai\"\nbase_url = \"{base_url}\"\ntoken = {{ env = \"META_TOKEN\" }}\n\
         app_secret = {{ env = \"META_APP_SECRET\" }}\nverify_token = {{ env = \"META_VERIFY_TOKEN\" }}\n"
    )
}
