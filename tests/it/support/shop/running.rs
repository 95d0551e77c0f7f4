//! The program, run in a shop: verbs, engines, the dashboard in a terminal.

use std::fs::OpenOptions;
use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use rustix::process::Pid;
use serde_json::Value;
use tokio::process::Command;

use super::Shop;
use crate::support::serve::SECRETS;
use crate::support::sim::TOKEN;
use crate::support::{Engine, PATIENCE, Pty, Size, blastdeck};

/// What a run of the program came to.
#[derive(Debug)]
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Shop {
    /// The program with these arguments, in an environment of the shop's own.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_of(&blastdeck(), arguments)
    }

    /// The same with another program than the one under test, such as a copy of it.
    pub fn command_of(&self, program: &Path, arguments: &[&str]) -> Command {
        self.command_by(program, &self.path("config.toml"), arguments)
    }

    fn command_by(&self, program: &Path, config: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.dir.path())
            .env("DATABASE_URL", &self.database.url)
            .env("BLASTDECK_DATA_DIR", self.path("data"))
            .env("BLASTDECK_STATE_DIR", self.path("state"))
            .env("BLASTDECK_OPERATOR", "aina")
            .env("WSAPME_TOKEN", TOKEN)
            .envs(SECRETS)
            .args(["--config".as_ref(), config.as_os_str()])
            .args(arguments)
            .current_dir(self.dir.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Runs the program to its end, whatever that is.
    pub async fn run(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments)).await
    }

    /// Runs it as a line of a shell does, which calls it `"$0" "$@"`; the configuration is `$2`.
    pub async fn in_shell(&self, arguments: &[&str], line: &str) -> Said {
        let of = self.command(arguments);
        let mut shell = Command::new("sh");
        shell.args(["-c", line]).arg(of.as_std().get_program()).args(of.as_std().get_args());
        shell.env_clear().envs(of.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
        shell.current_dir(self.dir.path()).stdin(Stdio::null()).kill_on_drop(true);
        said(shell).await
    }

    /// Runs a verb that must succeed; its data.
    pub async fn ok(&self, arguments: &[&str]) -> String {
        let said = self.run(arguments).await;
        assert_eq!(said.code, 0, "{arguments:?}: {said:?}");
        said.out
    }

    /// Runs a verb that must succeed with `--json`; the one value it prints.
    pub async fn json(&self, arguments: &[&str]) -> Value {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        serde_json::from_str(&out).unwrap_or_else(|error| panic!("{arguments:?}: {error}: {out}"))
    }

    /// The same of a verb that prints one value per line.
    pub async fn json_lines(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.ok(&[arguments, &["--json"]].concat()).await;
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Runs an engine until nothing is left to do.
    pub async fn until_idle(&self) {
        let said = self.run(&["engine", "--until-idle"]).await;
        assert_eq!(said.code, 0, "{said:?}");
    }

    /// An engine that goes on until it is stopped.
    pub fn engine(&self) -> Engine {
        self.engine_with(&[])
    }

    /// The same with further variables in its environment.
    pub fn engine_with(&self, variables: &[(&str, &str)]) -> Engine {
        let log = OpenOptions::new().create(true).append(true).open(self.path("engine.log")).unwrap();
        let mut command = self.command(&["engine"]);
        command.envs(variables.iter().copied());
        Engine::start(command.stderr(log))
    }

    /// One that goes on by the configuration as it is now, whatever becomes of the file.
    pub fn engine_of_older_config(&self) -> Engine {
        let older = self.path("older.toml");
        std::fs::copy(self.path("config.toml"), &older).unwrap();
        let log = OpenOptions::new().create(true).append(true).open(self.path("engine.log")).unwrap();
        Engine::start(self.command_by(&blastdeck(), &older, &["engine"]).stderr(log))
    }

    /// The dashboard in a terminal, with its engine, in the shop's own environment.
    pub fn dashboard(&self, size: Size) -> Pty {
        self.in_terminal(&[], size)
    }

    /// The same with further variables in its environment.
    pub fn dashboard_with(&self, variables: &[(&str, &str)], size: Size) -> Pty {
        self.in_terminal_of(&blastdeck(), &[], variables, size)
    }

    /// The same over a link on which keys, and what is drawn, take so long.
    pub fn dashboard_over(&self, lag: Duration, size: Size) -> Pty {
        self.in_terminal_over(&blastdeck(), &[], &[], (size, lag))
    }

    /// The same of a copy of the program.
    pub fn dashboard_of(&self, program: &Path, size: Size) -> Pty {
        self.in_terminal_of(program, &[], &[], size)
    }

    /// A verb in a terminal, where it may ask.
    pub fn in_terminal(&self, verb: &[&str], size: Size) -> Pty {
        self.in_terminal_of(&blastdeck(), verb, &[], size)
    }

    fn in_terminal_of(&self, program: &Path, verb: &[&str], variables: &[(&str, &str)], size: Size) -> Pty {
        self.in_terminal_over(program, verb, variables, (size, Duration::ZERO))
    }

    fn in_terminal_over(
        &self,
        program: &Path,
        verb: &[&str],
        variables: &[(&str, &str)],
        link: (Size, Duration),
    ) -> Pty {
        let (home, data, config) = (self.dir.path(), self.path("data"), self.path("config.toml"));
        let state = self.path("state");
        let own = [
            ("HOME", home.to_str().unwrap()),
            ("DATABASE_URL", &self.database.url),
            ("BLASTDECK_DATA_DIR", data.to_str().unwrap()),
            ("BLASTDECK_STATE_DIR", state.to_str().unwrap()),
            ("BLASTDECK_OPERATOR", "aina"),
            ("WSAPME_TOKEN", TOKEN),
            ("LANG", "C.UTF-8"),
        ];
        let environment = [&own[..], &SECRETS, variables].concat();
        let arguments = [&["--config", config.to_str().unwrap()], verb].concat();
        Pty::run_over(program, &arguments, &environment, link)
    }

    /// The engines of this shop that live now, detached ones too.
    pub fn engines(&self) -> Vec<Pid> {
        let wanted = self.dir.path().to_string_lossy().into_owned();
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = entries.filter_map(|entry| {
            let line = std::fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).replace('\0', " ");
            let ours = line.contains(&wanted) && line.split(' ').any(|word| word == "engine");
            let pid = entry.file_name().to_str()?.parse().ok()?;
            ours.then(|| Pid::from_raw(pid)).flatten()
        });
        pids.collect()
    }
}

/// Runs a command to its end.
pub async fn said(mut command: Command) -> Said {
    let output = tokio::time::timeout(2 * PATIENCE, command.output()).await;
    let Output { status, stdout, stderr } = output.expect("it comes to an end").unwrap();
    Said {
        code: status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&stdout).into_owned(),
        err: String::from_utf8_lossy(&stderr).into_owned(),
    }
}
