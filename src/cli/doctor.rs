//! `doctor`: configuration, database, senders, clock, terminal: what is wrong, and what to do.

use std::fmt::Write;
use std::io::IsTerminal;
use std::process::ExitCode;

use color_eyre::Result;
use serde::Serialize;

use super::Global;
use super::context::{Context, load};
use super::output::{json, text};
use crate::config::Config;
use crate::domain::text::clean;
use crate::engine::{App, Listening, Verdict};

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    what: String,
    verdict: &'static str,
    detail: String,
}

const GOOD: &str = "good";
const DOUBTFUL: &str = "doubtful";
const BAD: &str = "bad";

impl Check {
    fn new(what: impl Into<String>, verdict: &'static str, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, detail: detail.into() }
    }
}

/// Looks at everything; exit code 1 when something is bad.
pub(super) async fn run(global: &Global) -> Result<ExitCode> {
    let config = match load(global) {
        Ok(config) => config,
        Err(error) => return report(global, None, &[Check::new("config", BAD, error.to_string())]),
    };
    let mut checks = vec![config_check(&config)];
    match Context::open_with(global, config.clone(), Listening::No, tokio_util::sync::CancellationToken::new()).await {
        Err(error) => checks.push(Check::new("database", BAD, format!("{error:#}"))),
        Ok(context) => checks.extend(live_checks(&context).await),
    }
    checks.push(terminal_check());
    checks.push(logout_check());
    report(global, Some(&config), &checks)
}

fn config_check(config: &Config) -> Check {
    match config.path() {
        Some(path) => Check::new("config", GOOD, path.display().to_string()),
        None => Check::new("config", DOUBTFUL, "no file: defaults, and no sender; see assets/config.example.toml"),
    }
}

async fn live_checks(context: &Context) -> Vec<Check> {
    let app = &context.app;
    let mut checks = Vec::new();
    match app.clock_skew().await {
        Err(error) => checks.push(Check::new("database", BAD, error.to_string())),
        Ok(skew) => {
            checks.push(Check::new("database", GOOD, database(context)));
            let seconds = skew.num_seconds();
            let verdict = if seconds.abs() > 60 { BAD } else { GOOD };
            checks.push(Check::new("clock", verdict, format!("the database's clock is {seconds} s ahead of this one")));
            checks.extend(failover_check(app).await);
        }
    }
    if !app.is_read_only() {
        checks.push(memory_check(app));
    }
    if app.config().senders.is_empty() {
        checks.push(Check::new("senders", DOUBTFUL, "none: add one under [[senders]]"));
    }
    match app.check_senders(None).await {
        Err(error) => checks.push(Check::new("senders", BAD, error.to_string())),
        Ok(healths) => checks.extend(healths.into_iter().map(|(name, health)| {
            let verdict = match health.verdict {
                Verdict::Good => GOOD,
                Verdict::Doubtful => DOUBTFUL,
                Verdict::Bad => BAD,
            };
            Check::new(format!("sender {name}"), verdict, health.detail)
        })),
    }
    checks
}

/// Nothing where the server has no replicas that it tells of.
async fn failover_check(app: &App) -> Option<Check> {
    let replication = app.replication().await.ok()?;
    let detail = match (replication.replicas, replication.is_synchronous) {
        (0, false) => return None,
        (_, true) => {
            return Some(Check::new("failover", GOOD, "a commit waits for a replica: a failover loses nothing"));
        }
        (replicas, false) => format!(
            "{replicas} replicated to without waiting (synchronous_standby_names is empty): a failover may lose the last \
             seconds, opt-outs and marks among them; nothing is sent after one until you confirm"
        ),
    };
    Some(Check::new("failover", DOUBTFUL, detail))
}

/// Where this machine remembers what it sent.
fn memory_check(app: &App) -> Check {
    match app.check_memory() {
        Ok(()) => Check::new("memory", GOOD, format!("in {}", app.config().database.state_dir.display())),
        Err(error) => Check::new("memory", BAD, format!("{error}: nothing can be sent from this machine")),
    }
}

fn database(context: &Context) -> String {
    match &context.app.config().database.url {
        Some(url) => format!("{url}, schema up to date"),
        None => format!("private, in {}, schema up to date", context.app.config().database.data_dir.display()),
    }
}

fn terminal_check() -> Check {
    let term = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdout().is_terminal() {
        return Check::new("terminal", GOOD, "none on standard output here");
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).map_or((0, 0), |size| (size.ws_col, size.ws_row));
    Check::new("terminal", if term.is_empty() { DOUBTFUL } else { GOOD }, format!("{term}, {}x{}", size.0, size.1))
}

/// systemd-logind may end what a session leaves behind: the standby would not outlive a logout.
fn logout_check() -> Check {
    let settings = std::fs::read_to_string("/etc/systemd/logind.conf").unwrap_or_default();
    let kills = settings.lines().any(|line| line.trim().eq_ignore_ascii_case("KillUserProcesses=yes"));
    if kills {
        let mend = "run `loginctl enable-linger`, or `blastdeck engine` as a service";
        return Check::new("logout", DOUBTFUL, format!("this machine ends what a logout leaves behind: {mend}"));
    }
    Check::new("logout", GOOD, "a blast goes on after you log out")
}

fn report(global: &Global, config: Option<&Config>, checks: &[Check]) -> Result<ExitCode> {
    let is_bad = checks.iter().any(|check| check.verdict == BAD);
    let origins = config.map(Config::origins).unwrap_or_default();
    if global.json {
        let values: Vec<_> = origins
            .iter()
            .map(|origin| serde_json::json!({ "key": origin.key, "value": origin.value, "source": origin.source.to_string() }))
            .collect();
        json(&serde_json::json!({ "checks": checks, "values": values }))?;
    } else {
        let mut out = String::new();
        for check in checks {
            let _ = writeln!(out, "{:<9} {:<16} {}", check.verdict, check.what, clean(&check.detail));
        }
        out.push_str("\nvalues in force:\n");
        for origin in origins {
            let _ = writeln!(out, "  {} = {}  ({})", origin.key, clean(&origin.value), origin.source);
        }
        text(&out)?;
    }
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
