//! The simulator as a child process. It ends with this process, however that ends.

use std::process::Stdio;
use std::time::Duration;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long it may take to exit before it is killed.
const PATIENCE: Duration = Duration::from_secs(3);

/// A running simulator.
pub(super) struct Simulator {
    child: Child,
    base_url: String,
}

impl Simulator {
    /// Starts one with more arguments of `blastdeck sim`; returns once it listens.
    pub(super) async fn start(arguments: &[&str]) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["sim", "--json", "--while-stdin"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .wrap_err("cannot start the simulator")?;
        let base_url = address(&mut child).await?;
        Ok(Self { child, base_url })
    }

    pub(super) fn base_url(&self) -> &str {
        &self.base_url
    }

    pub(super) async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        if tokio::time::timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        Ok(())
    }
}

/// Reads the address from the first line that the simulator prints.
async fn address(child: &mut Child) -> Result<String> {
    let output = child.stdout.take().ok_or_else(|| eyre!("the simulator has no output"))?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).await?;
    let ready: Value = serde_json::from_str(&line).wrap_err("the simulator did not report its address")?;
    let url = ready.get("base_url").and_then(Value::as_str);
    url.map(str::to_owned).ok_or_else(|| eyre!("the simulator did not report its address"))
}
