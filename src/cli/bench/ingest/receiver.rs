//! `serve` as a child process. It ends with the bench, however that ends.

use std::net::SocketAddr;
use std::process::Stdio;

use color_eyre::Result;
use color_eyre::eyre::{WrapErr, eyre};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::super::environment::BenchEnvironment;

/// A running server.
pub(in crate::cli::bench) struct Receiver {
    child: Child,
    address: SocketAddr,
    pid: u32,
}

impl Receiver {
    /// Starts one on the bench's database, by this hidden verb; returns once it listens.
    pub(in crate::cli::bench) async fn start(environment: &BenchEnvironment, verb: &str) -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("--config")
            .arg(environment.config_file())
            .args(["--json", "bench", verb])
            // Not among the arguments, which every user of this machine can read.
            .env("DATABASE_URL", environment.url())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let output = child.stdout.take().ok_or_else(|| eyre!("the serving process has no output"))?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line).await?;
        let ready: Value = serde_json::from_str(&line).wrap_err("the serving process did not start")?;
        let address = ready.get("listen").and_then(Value::as_str).unwrap_or_default().parse()?;
        let pid = child.id().ok_or_else(|| eyre!("the serving process has ended"))?;
        Ok(Self { child, address, pid })
    }

    pub(in crate::cli::bench) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(in crate::cli::bench) fn pid(&self) -> String {
        self.pid.to_string()
    }

    pub(in crate::cli::bench) async fn end(mut self) -> Result<()> {
        drop(self.child.stdin.take());
        self.child.wait().await?;
        Ok(())
    }
}
