//! `doctor`: checks the configuration, the database, the senders, the clock and the terminal, and says how to fix what
//! is wrong.

use std::fmt::Write;
use std::io::IsTerminal;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use chrono::Utc;
use color_eyre::Result;
use serde::Serialize;

use super::Global;
use super::context::{Context, load, program};
use super::dashboard::keymap;
use super::exit::sentence;
use super::output::{json, text};
use super::zone::{sender_zone_doubts, zone_doubt};
use crate::app::{App, ENGINE_CONNECTIONS, HealthVerdict, ProcessKind, skew_words};
use crate::config::{Config, HookConfig, SenderConfig, TokenSource};
use crate::domain::text::{clean, count_of, pasteable};
use crate::domain::waiting::DatabaseTrouble;
use crate::engine::SKEW_MAX;

/// The result of one check.
#[derive(Debug, Serialize)]
struct DoctorCheck {
    what: String,
    verdict: &'static str,
    detail: String,
}

const GOOD: &str = "good";
const DOUBTFUL: &str = "doubtful";
const UNKNOWN: &str = "unknown";
const BAD: &str = "bad";

/// Between two lines of one check's detail: the second begins below the first.
const NEXT_LINE: &str = "\n                           ";

impl DoctorCheck {
    fn new(what: impl Into<String>, verdict: &'static str, detail: impl Into<String>) -> Self {
        Self { what: what.into(), verdict, detail: detail.into() }
    }

    fn shown(&self) -> String {
        let lines: Vec<_> = self.detail.lines().map(|line| clean(line).into_owned()).collect();
        format!("{:<9} {:<16} {}", self.verdict, self.what, lines.join(NEXT_LINE))
    }
}

/// Runs every check. Exit code 1 when one is bad.
pub(super) async fn run(global: &Global) -> Result<ExitCode> {
    let config = match load(global) {
        Ok(config) => config,
        Err(error) => return report(global, None, &[DoctorCheck::new("config", BAD, error.to_string())]),
    };
    let mut checks = vec![config_check(&config)];
    if let Err(error) = keymap(&config) {
        checks.extend(error.problems.iter().map(|problem| DoctorCheck::new("keys", BAD, problem.to_string())));
    }
    match Context::open_with(global, config.clone(), ProcessKind::Command, tokio_util::sync::CancellationToken::new())
        .await
    {
        Err(error) => checks.push(DoctorCheck::new("database", BAD, sentence(&error))),
        Ok(context) => checks.extend(live_checks(&context).await),
    }
    checks.extend(disk_checks(&config));
    checks.extend(config.senders.iter().flat_map(sender_secrets));
    checks.extend(config.hooks.iter().flat_map(hook_secrets));
    checks.extend(loopback_check(&config));
    checks.extend(config.pricing.card.doubt().map(|why| DoctorCheck::new("pricing", DOUBTFUL, why)));
    checks.push(terminal_check());
    checks.extend(zone_doubt(&config).map(|why| DoctorCheck::new("time zone", DOUBTFUL, why)));
    let doubts = sender_zone_doubts(&config, Utc::now()).into_iter();
    checks.extend(doubts.map(|(name, why)| DoctorCheck::new(format!("zone {name}"), DOUBTFUL, why)));
    checks.push(logout_check());
    report(global, Some(&config), &checks)
}

fn config_check(config: &Config) -> DoctorCheck {
    match config.path() {
        Some(path) => DoctorCheck::new("config", GOOD, path.display().to_string()),
        None => DoctorCheck::new(
            "config",
            DOUBTFUL,
            "no file: only defaults, and no sender; see assets/config.example.toml",
        ),
    }
}

async fn live_checks(context: &Context) -> Vec<DoctorCheck> {
    let app = &context.app;
    let mut checks = Vec::new();
    match app.clock_skew().await {
        Err(error) => checks.push(DoctorCheck::new("database", BAD, error.to_string())),
        Ok(skew) => {
            checks.push(database_check(context).await);
            checks.extend(rights_check(app).await);
            let verdict = if skew.abs() > SKEW_MAX { BAD } else { GOOD };
            checks.push(DoctorCheck::new("clock", verdict, skew_words(skew)));
            checks.extend(failover_check(app).await);
        }
    }
    if !app.is_read_only() {
        checks.push(memory_check(app).await);
        checks.extend(key_check(app).await);
    }
    if app.config().senders.is_empty() {
        checks.push(DoctorCheck::new("senders", DOUBTFUL, "none: add one under [[senders]]"));
    }
    match app.examine_senders(None).await {
        Err(error) => checks.push(DoctorCheck::new("senders", BAD, error.to_string())),
        Ok(found) => checks.extend(found.into_iter().map(|found| {
            let detail = context.pasteable(&found.detail());
            DoctorCheck::new(format!("sender {}", found.name), word(found.verdict()), detail)
        })),
    }
    checks.extend(hook_checks(context).await);
    checks.extend(repeat_checks(context).await);
    checks
}

async fn hook_checks(context: &Context) -> Vec<DoctorCheck> {
    match context.app.examine_hooks().await {
        Err(error) => vec![DoctorCheck::new("hooks", BAD, error.to_string())],
        Ok(found) => found
            .into_iter()
            .map(|found| {
                DoctorCheck::new(format!("hook {}", found.name), word(found.verdict), context.pasteable(&found.detail))
            })
            .collect(),
    }
}

const fn word(verdict: HealthVerdict) -> &'static str {
    match verdict {
        HealthVerdict::Good => GOOD,
        HealthVerdict::Doubtful => DOUBTFUL,
        HealthVerdict::Unknown => UNKNOWN,
        HealthVerdict::Bad | HealthVerdict::TokenRefused => BAD,
    }
}

/// `None` where the server reports no replicas.
async fn failover_check(app: &App) -> Option<DoctorCheck> {
    let replication = app.replication().await.ok()?;
    let detail = match (replication.replicas, replication.is_synchronous) {
        (0, false) => return None,
        (_, true) => {
            return Some(DoctorCheck::new("failover", GOOD, "a commit waits for a replica: a failover loses nothing"));
        }
        (replicas, false) => format!(
            "replicas: {replicas}, and no commit waits for one (synchronous_standby_names is empty): a failover may lose the \
             last seconds, including opt-outs and marks; nothing is sent after one until you confirm"
        ),
    };
    Some(DoctorCheck::new("failover", DOUBTFUL, detail))
}

/// Whether this machine can remember what it sent, and the database has all of that.
async fn memory_check(app: &App) -> DoctorCheck {
    if let Err(error) = app.check_memory() {
        return DoctorCheck::new("memory", BAD, format!("{error}: nothing can be sent from this machine"));
    }
    match app.unremembered_senders().await.as_deref() {
        Ok([]) => DoctorCheck::new("memory", GOOD, format!("in {}", app.config().database.state_dir.display())),
        Ok(senders @ [(_, why), ..]) => {
            let names: Vec<_> = senders.iter().map(|(name, _)| clean(name)).collect();
            let of = names.join(", ");
            DoctorCheck::new(
                "memory",
                DOUBTFUL,
                format!("{why}: an engine that takes {of} stops where somebody has to confirm first"),
            )
        }
        Err(error) => DoctorCheck::new("memory", UNKNOWN, error.to_string()),
    }
}

/// Nothing where this machine recognizes everybody who was forgotten.
async fn key_check(app: &App) -> Option<DoctorCheck> {
    let state = match app.forget_key_state().await {
        Err(error) => return Some(DoctorCheck::new("forget.key", BAD, error.to_string())),
        Ok(state) => state,
    };
    let missing = state.missing?;
    let refuses = "this machine takes no lists, and its engine makes no blasts of what repeats";
    Some(DoctorCheck::new("forget.key", DOUBTFUL, format!("{missing}: {refuses}; {}", app.bring_key())))
}

/// What repeats and could not make a blast of the time that has come.
async fn repeat_checks(context: &Context) -> Vec<DoctorCheck> {
    let schedules = match context.app.schedules().await {
        Err(error) => return vec![DoctorCheck::new("what repeats", UNKNOWN, error.to_string())],
        Ok(schedules) => schedules,
    };
    let not_made = schedules.iter().map(|schedule| &schedule.blast).filter(|blast| blast.is_not_made());
    not_made
        .filter_map(|blast| {
            let mend = blast.mend.as_ref().map(|mend| format!("; {mend}")).unwrap_or_default();
            let detail = format!("{}: {}{mend}", blast.clean_name(), blast.waiting.as_ref()?);
            Some(DoctorCheck::new(format!("blast {}", blast.id), BAD, context.pasteable(&detail)))
        })
        .collect()
}

async fn database_check(context: &Context) -> DoctorCheck {
    let app = &context.app;
    let place = app.config().database.place();
    let trouble = DatabaseTrouble::ReadOnly;
    match (app.takes_changes().await, app.few_connections().await) {
        (Err(error), _) | (_, Err(error)) => DoctorCheck::new("database", BAD, error.to_string()),
        (Ok(false), _) => {
            DoctorCheck::new("database", BAD, format!("{place}: {}: {}", trouble.words(), trouble.mend()))
        }
        (Ok(true), Ok(Some(few))) => DoctorCheck::new(
            "database",
            DOUBTFUL,
            format!(
                "{place}: it allows {}, and an engine needs up to {ENGINE_CONNECTIONS}: raise the limit of the role, of the \
                 database, or max_connections",
                count_of(few, "connection", "connections")
            ),
        ),
        (Ok(true), Ok(None)) => DoctorCheck::new("database", GOOD, format!("{place}, schema up to date")),
    }
}

/// Nothing where the role may do all that an engine does.
async fn rights_check(app: &App) -> Option<DoctorCheck> {
    let missing = match app.missing_rights().await {
        Err(error) => return Some(DoctorCheck::new("rights", UNKNOWN, error.to_string())),
        Ok(missing) => missing?,
    };
    let role = clean(&missing.role);
    let owner = missing.owner.as_deref().map(clean);
    let mend = owner
        .as_ref()
        .map_or_else(String::new, |owner| format!(": connect as {owner}, or run `grant {owner} to {role}` there"));
    let (verdict, detail) = match &missing.closed[..] {
        [] => (
            DOUBTFUL,
            format!("{role} does not own the tables, so that it can neither make a new month's nor migrate them{mend}"),
        ),
        [first, rest @ ..] => {
            let more = if rest.is_empty() { String::new() } else { format!(" and {} more", rest.len()) };
            (BAD, format!("{role} may not read and write {}{more}: nothing can be sent{mend}", clean(first)))
        }
    };
    Some(DoctorCheck::new("rights", verdict, detail))
}

/// Free bytes on the disk of the private database: with fewer than these a day's blasts may fill it.
const FREE_WANTED: u64 = 200 << 20;
/// With fewer than these the server soon fails to write, one segment of its log being as large.
const FREE_NEEDED: u64 = 16 << 20;

/// Free bytes that the memory of what was sent needs.
const FREE_FOR_STATE: u64 = 1 << 20;

/// Nothing where the disks of the private database, if there is one, and of what this machine remembers have room.
fn disk_checks(config: &Config) -> impl Iterator<Item = DoctorCheck> {
    let database = config.database.private_dir().map(|dir| (dir, FREE_NEEDED, FREE_WANTED));
    let state = (config.database.state_dir.clone(), FREE_FOR_STATE, FREE_FOR_STATE);
    database.into_iter().chain([state]).filter_map(|(dir, needed, wanted)| {
        let disk = rustix::fs::statvfs(&dir).ok()?;
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let verdict = if free < needed { BAD } else { DOUBTFUL };
        let detail = format!("{} MB are free on the disk that holds {}: make room there", free >> 20, dir.display());
        (free < wanted).then(|| DoctorCheck::new("disk", verdict, detail))
    })
}

/// Nothing where its secrets are not files, or readable by their owner only; an unreadable token is reported with its sender.
fn sender_secrets(sender: &SenderConfig) -> impl Iterator<Item = DoctorCheck> {
    let meta = sender.meta.as_ref();
    let secrets = [
        ("token", Some(&sender.token)),
        ("webhook_secret", sender.webhook_secret.as_ref()),
        ("app_secret", meta.and_then(|meta| meta.app_secret.as_ref())),
        ("verify_token", meta.and_then(|meta| meta.verify_token.as_ref())),
    ];
    secrets.into_iter().filter_map(move |(what, secret)| open_to_others(secret?.file()?, what, &sender.name))
}

/// The one before a rotation signs for a day, too.
fn hook_secrets(hook: &HookConfig) -> impl Iterator<Item = DoctorCheck> {
    let file = |secret: &TokenSource| secret.file().map(Path::to_owned);
    let old = hook.old_secret.as_ref().and_then(file);
    let secrets = [("secret", file(&hook.secret)), ("old_secret", old), ("old secret", hook.rotated_file())];
    secrets.into_iter().filter_map(move |(what, file)| open_to_others(&file?, what, hook.name.as_str()))
}

fn open_to_others(path: &Path, what: &str, whose: &str) -> Option<DoctorCheck> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let detail = format!("others may read the {what}: run `chmod 600 {}`", path.display());
    (mode & 0o077 != 0).then(|| DoctorCheck::new(format!("{what} {whose}"), DOUBTFUL, detail))
}

fn terminal_check() -> DoctorCheck {
    let term = std::env::var("TERM").unwrap_or_default();
    if !std::io::stdout().is_terminal() {
        return DoctorCheck::new("terminal", GOOD, "standard output is not a terminal");
    }
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).map_or((0, 0), |size| (size.ws_col, size.ws_row));
    DoctorCheck::new(
        "terminal",
        if term.is_empty() { DOUBTFUL } else { GOOD },
        format!("{term}, {}x{}", size.0, size.1),
    )
}

/// Nothing where everybody who calls the API needs a token.
fn loopback_check(config: &Config) -> Option<DoctorCheck> {
    let detail = "everybody who is logged in on this machine may read and send through `blastdeck serve`: [http] open_on_loopback is on";
    config.http.open_on_loopback.then(|| DoctorCheck::new("api", DOUBTFUL, detail))
}

/// systemd-logind may kill the processes of a user who logs out: the standby, and every user service, would end.
fn logout_check() -> DoctorCheck {
    let settings = std::fs::read_to_string("/etc/systemd/logind.conf").unwrap_or_default();
    let kills = settings.lines().any(|line| line.trim().eq_ignore_ascii_case("KillUserProcesses=yes"));
    if kills {
        let mend = "run `loginctl enable-linger`, which `blastdeck engine` as a user service needs, too";
        return DoctorCheck::new(
            "logout",
            DOUBTFUL,
            format!("this machine ends the processes of users who log out, the standby too: {mend}"),
        );
    }
    DoctorCheck::new("logout", GOOD, "a blast continues after you log out")
}

/// The checks with their command lines as they can be pasted: also what kept the database from being opened is about this very one.
fn pasteable_checks(checks: &[DoctorCheck], program: &str) -> Vec<DoctorCheck> {
    let called =
        |check: &DoctorCheck| DoctorCheck::new(check.what.as_str(), check.verdict, pasteable(&check.detail, program));
    checks.iter().map(called).collect()
}

fn report(global: &Global, config: Option<&Config>, checks: &[DoctorCheck]) -> Result<ExitCode> {
    let checks = pasteable_checks(checks, &program(global));
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
        for check in &checks {
            let _ = writeln!(out, "{}", check.shown());
        }
        if config.is_some() {
            out.push_str("\nvalues in force:\n");
        }
        for origin in origins {
            let _ = writeln!(out, "  {} = {}  ({})", origin.key, clean(&origin.value), origin.source);
        }
        text(&out)?;
    }
    Ok(if is_bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_of_a_check_is_about_the_same_database() {
        let check = DoctorCheck::new("database", BAD, "to begin a new one, run `blastdeck db migrate --allow-empty`");

        let shown = pasteable_checks(&[check], "BLASTDECK_DATA_DIR='/srv/d' blastdeck");

        assert!(shown[0].detail.ends_with("`BLASTDECK_DATA_DIR='/srv/d' blastdeck db migrate --allow-empty`"));
    }

    #[test]
    fn each_problem_of_a_configuration_has_a_line_and_none_moves_the_cursor() {
        let check = DoctorCheck::new("config", BAD, "a.toml:2: first\na.toml:4: \u{1b}[2Jsecond");

        let shown = check.shown();

        let lines: Vec<_> = shown.lines().collect();
        assert_eq!(lines.len(), 2, "{shown}");
        assert_eq!(lines[0].find("a.toml"), lines[1].find("a.toml"), "{shown}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
