//! Scenes that are set in this process, by the use cases that `blast new` and `blast send` call: starting the program for each takes
//! several times as long, and tests of those verbs run them by name.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use blastdeck::app::{Access, App, Launch, NewDraft, ProcessKind, Setup};
use blastdeck::config::{Config, Environment, Flags, TokenSource};
use blastdeck::domain::blast::PersonClocks;
use blastdeck::domain::content::BlastContent;
use blastdeck::domain::ids::BlastId;
use blastdeck::domain::message::Message;
use blastdeck::import::{RejectedTo, TableSource};
use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::Shop;

impl Shop {
    /// An app as the shop's operator has it in a command. It sends nothing: its token is none.
    pub(super) async fn app(&self) -> App {
        blastdeck::provider::init();
        let (data, state) = (self.path("data"), self.path("state"));
        let environment = Environment::with([
            ("BLASTDECK_DATA_DIR", data.to_str().unwrap()),
            ("BLASTDECK_STATE_DIR", state.to_str().unwrap()),
            ("BLASTDECK_OPERATOR", "aina"),
        ]);
        let flags = Flags { config: Some(self.path("config.toml")), ..Flags::default() };
        let mut config = Config::load_in(&flags, &environment).unwrap();
        for sender in &mut config.senders {
            sender.token = TokenSource::File("/proc/sys/kernel/ostype".into());
        }
        let setup = Setup {
            config,
            url: self.database.url.clone(),
            program: "blastdeck".to_owned(),
            access: Access::ReadWrite,
            process: ProcessKind::Command,
            stop: CancellationToken::new(),
        };
        App::open(setup).await.unwrap()
    }
}

/// As `blast new` makes it of a list.
pub(super) async fn draft(app: &App, sender: &str, list: &Path) -> BlastId {
    let draft = NewDraft {
        sender: sender.to_owned(),
        tag: "people".to_owned(),
        follow_up_stage: "Initial".to_owned(),
        content: BlastContent::Text(Message::parse("Hi {name}").unwrap()),
        is_marketing: false,
        rate: None,
        gap: None,
        window: None,
        weekdays: None,
        timezone: None,
        retry_next_day: false,
        first: None,
        external_id: None,
        description: None,
        start: None,
        segment: None,
        repeat: None,
        clocks: PersonClocks::default(),
    };
    let source: Box<dyn Read + Send> = Box::new(File::open(list).unwrap());
    app.create(draft, TableSource::from(source), RejectedTo::beside(list)).await.unwrap().blast
}

/// As `blast send --yes --no-engine` does.
pub(super) async fn launch(app: &App, blast: BlastId) {
    let plan = app.plan(blast).await.unwrap();
    assert!(plan.obstacles.is_empty(), "{:?}", plan.obstacles);
    let launch = Launch { blast, version: plan.blast.version, people: plan.people, armed_for: TimeDelta::zero() };
    app.launch(launch).await.unwrap();
}
