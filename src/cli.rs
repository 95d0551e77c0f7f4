//! The command tree: arguments are parsed into what they mean, one verb per file. Data goes to stdout, messages to
//! stderr.

mod audit;
mod bench;
mod blast;
mod cart;
mod catalog;
mod column_args;
#[cfg(test)]
mod commands_page;
mod confirm;
mod context;
mod customer;
mod dashboard;
mod db;
mod demo;
mod doctor;
#[cfg(test)]
mod documented;
mod engine;
mod exit;
mod export;
mod find;
mod hook;
mod inbox;
mod list;
mod listed;
mod manual;
mod mark;
mod minus_sku;
mod notices;
mod once;
mod order;
mod output;
mod plain;
mod postgres;
mod replies;
mod reply;
mod sender;
mod serve;
mod share;
mod sim;
mod simulator;
mod suppress;
mod table;
mod token;
mod uncertain;
mod zone;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use color_eyre::Result;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;

pub use exit::{ErrorStyle, fail};

use crate::shutdown::{self, SecondInterrupt, Shutdown};
use crate::telemetry::{self, Verbosity};

/// WhatsApp blasts from a terminal, followed from sent to closed.
///
/// Without a command, it opens the dashboard.
#[derive(Debug, Parser)]
#[command(name = "blastdeck", version, max_term_width = 100, propagate_version = true)]
pub struct Arguments {
    #[command(flatten)]
    global: Global,
    /// Instead of the dashboard, print events as lines of text, for screen readers and logs.
    #[arg(long)]
    plain: bool,
    #[command(subcommand)]
    verb: Option<CliVerb>,
}

/// Under which every `--help` lists what every command takes, after its own options.
const GLOBAL: &str = "Global options";

/// Options that every command takes.
#[derive(Debug, Clone, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct Global {
    /// The configuration file [env: BLASTDECK_CONFIG].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The database; defaults to a private local Postgres [env: DATABASE_URL].
    #[arg(long, global = true, help_heading = GLOBAL, value_name = "URL")]
    database_url: Option<String>,
    /// Print JSON.
    #[arg(long, global = true, help_heading = GLOBAL)]
    json: bool,
    /// Read only: change nothing.
    #[arg(long, global = true, help_heading = GLOBAL)]
    read_only: bool,
    /// Draw with ASCII characters alone, as `[ui] ascii = true` does.
    #[arg(long, global = true, help_heading = GLOBAL)]
    ascii: bool,
    /// Log more on stderr; repeat for more detail.
    #[arg(short, long, global = true, help_heading = GLOBAL, action = clap::ArgAction::Count)]
    verbose: u8,
    /// Install PostgreSQL with the system's package manager if it is missing [env: BLASTDECK_INSTALL_POSTGRES=1].
    #[arg(long, global = true, help_heading = GLOBAL)]
    install_postgres: bool,
    /// What the command has changed.
    #[arg(skip)]
    changes: output::CommandChanges,
}

#[derive(Debug, Subcommand)]
enum CliVerb {
    /// Try everything with made-up people and a simulated phone; nothing leaves this machine.
    Demo(demo::DemoArgs),
    /// Create, send, follow and report blasts.
    #[command(subcommand)]
    Blast(blast::BlastVerb),
    /// Find a person in every blast, by digits of the number or words of the name.
    Find(find::FindVerb),
    /// Blasts that repeat, as `blast schedule`: list, show, pause, resume, skip and end them.
    #[command(subcommand)]
    Schedule(blast::schedule::ScheduleVerb),
    /// Mark a person: replied, closed, opt-out, note, or undo the last mark.
    Mark(mark::MarkVerb),
    /// List what people wrote, the last to arrive first. `when` is when they wrote it, which may be earlier.
    Replies(replies::RepliesVerb),
    /// List what providers say of accounts, numbers and templates, newest first.
    Notices(notices::NoticesVerb),
    /// Answer somebody who wrote within the last 24 hours (Meta's Cloud API).
    Reply(reply::ReplyVerb),
    /// Products and their prices: read a file, list, show.
    #[command(subcommand)]
    Catalog(catalog::CatalogVerb),
    /// Carts, before they become orders: list, add, order, abandon.
    #[command(subcommand)]
    Cart(cart::CartVerb),
    /// Orders: list, add, confirm, cancel.
    #[command(subcommand)]
    Order(order::OrderVerb),
    /// Resolve people whose message may or may not have been sent.
    #[command(subcommand)]
    Uncertain(uncertain::UncertainVerb),
    /// Manage the people who asked not to be messaged.
    #[command(subcommand)]
    Suppress(suppress::SuppressVerb),
    /// Show, tag, merge and forget people, each one person over all blasts.
    #[command(subcommand)]
    Customer(customer::CustomerVerb),
    /// Keep lists of people under a name, as an audience of blasts.
    #[command(subcommand)]
    List(list::ListVerb),
    /// List, check, confirm and move senders.
    #[command(subcommand)]
    Sender(sender::SenderVerb),
    /// Send and poll without a terminal.
    Engine(engine::EngineVerb),
    /// Make, list and revoke tokens of the HTTP API.
    #[command(subcommand)]
    Token(token::TokenVerb),
    /// Make, list and revoke links to one blast's live page, for whoever has no token.
    Share(share::ShareVerb),
    /// Test, follow and repair the webhooks that other systems get.
    #[command(subcommand)]
    Hook(hook::HookVerb),
    /// Receive webhooks and serve the HTTP API, with the engine inside.
    Serve(serve::ServeVerb),
    /// Show webhooks as they came, and apply them again.
    #[command(subcommand)]
    Inbox(inbox::InboxVerb),
    /// Run a fake WhatsApp on this machine, for rehearsals.
    Sim(sim::SimVerb),
    /// Manage the private local Postgres, and run migrations.
    #[command(subcommand)]
    Db(db::DbVerb),
    /// Measure what this machine and this database can do.
    #[command(subcommand)]
    Bench(bench::BenchVerb),
    /// Check the installation: what is wrong, and how to fix it. Sends nothing. Makes and starts the private Postgres where no other
    /// database is named, and notes there which number each sender is, as other commands do.
    Doctor,
    /// Recount everything and compare with the counters; exit code 4 on a difference.
    Audit(audit::AuditArgs),
    /// Print completions for a shell: `blastdeck completions bash > ~/.local/share/bash-completion/completions/blastdeck`.
    Completions(manual::CompletionsArgs),
    /// Print the manual page, or write a page for each command.
    Man(manual::ManArgs),
}

impl Arguments {
    /// The format for a failure.
    pub fn error_style(&self) -> ErrorStyle {
        let format = if self.global.json { exit::ErrorFormat::Json } else { exit::ErrorFormat::Text };
        ErrorStyle::new(format, context::program(&self.global))
    }
}

/// Parses the command line. Exits with code 2 on wrong usage.
pub fn parse() -> Arguments {
    let words = minus_sku::words(std::env::args_os());
    let read = words.map_err(|why| Arguments::command().error(ErrorKind::InvalidValue, why));
    let wrong = match read.and_then(Arguments::try_parse_from) {
        Ok(arguments) => return arguments,
        Err(wrong) => wrong,
    };
    let matches = Arguments::command().ignore_errors(true).try_get_matches();
    let global = matches.ok().and_then(|matches| Global::from_arg_matches(&matches).ok());
    output::call_as(global.map_or_else(|| context::PROGRAM.to_owned(), |global| context::program(&global)));
    if wrong.use_stderr() && std::env::args_os().any(|word| word == "--json") {
        exit::print_json("usage", 2, &output::as_called(&in_one_sentence(&wrong)));
        std::process::exit(wrong.exit_code());
    }
    if !wrong.use_stderr() {
        show(&wrong);
    }
    let text = wrong.render().to_string();
    if output::as_called(&text) != text {
        output::talk(text.trim_end());
        std::process::exit(wrong.exit_code());
    }
    wrong.exit()
}

/// Prints help or the version, which are data: fails where standard output cannot be written.
fn show(shown: &clap::Error) -> ! {
    let format = if std::env::args_os().any(|word| word == "--json") {
        exit::ErrorFormat::Json
    } else {
        exit::ErrorFormat::Text
    };
    let style = ErrorStyle::new(format, context::PROGRAM.to_owned());
    let written = shown.print().and_then(|()| std::io::stdout().flush());
    let code = written.map_or_else(|error| exit::failed(&output::unwritten(error), &style), |()| 0);
    std::process::exit(i32::from(code));
}

/// What is wrong, without the help that a person gets beside it.
fn in_one_sentence(wrong: &clap::Error) -> String {
    if wrong.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return "a command is missing: `blastdeck help` lists them".to_owned();
    }
    let text = wrong.render().to_string();
    let what = text.split("\n\nUsage:").next().and_then(|text| text.split("\n\nFor more").next()).unwrap_or_default();
    let what = what.trim().trim_start_matches("error: ");
    what.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Runs the verb, or the dashboard without one.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments { global, plain: is_plain, verb } = arguments;
    shutdown::survive_file_limit()?;
    output::call_as(context::program(&global));
    match verb {
        // On the heap and without their types: they are large, and their layouts nest deeper than the compiler follows.
        None if global.json => Err(exit::UsageError(WITHOUT_JSON.to_owned()).into()),
        None if is_plain => plain::run(&global).boxed_local().await,
        None => dashboard::run(&global).boxed_local().await,
        Some(_) if is_plain => Err(exit::UsageError(WITHOUT_PLAIN.to_owned()).into()),
        Some(CliVerb::Demo(verb)) => verb.run(&global).boxed_local().await,
        Some(verb) => {
            telemetry::to_stderr(Verbosity::from_count(global.verbose));
            run_verb(verb, &global).boxed_local().await.map_err(|failure| global.changes.explain(failure))
        }
    }
}

const WITHOUT_PLAIN: &str = "--plain takes the dashboard's place and goes without a command; `blastdeck demo --plain` is the demo's, \
                             and every command prints lines anyway";

const WITHOUT_JSON: &str =
    "--json goes with a command, such as `blastdeck blast list --json`: the dashboard is for people";

async fn run_verb(verb: CliVerb, global: &Global) -> Result<ExitCode> {
    match verb {
        CliVerb::Blast(verb) => verb.run(global).boxed_local().await,
        CliVerb::Find(verb) => verb.run(global).await,
        CliVerb::Schedule(verb) => verb.run(global).boxed_local().await.map(|()| ExitCode::SUCCESS),
        CliVerb::Mark(verb) => verb.run(global).await,
        CliVerb::Replies(verb) => verb.run(global).await,
        CliVerb::Notices(verb) => verb.run(global).await,
        CliVerb::Reply(verb) => verb.run(global).await,
        CliVerb::Catalog(verb) => verb.run(global).await,
        CliVerb::Cart(verb) => verb.run(global).await,
        CliVerb::Order(verb) => verb.run(global).await,
        CliVerb::Uncertain(verb) => verb.run(global).await,
        CliVerb::Suppress(verb) => verb.run(global).await,
        CliVerb::Customer(verb) => verb.run(global).await,
        CliVerb::List(verb) => verb.run(global).await,
        CliVerb::Sender(verb) => verb.run(global).await,
        CliVerb::Engine(verb) => verb.run(global).await,
        CliVerb::Token(verb) => verb.run(global).await,
        CliVerb::Share(verb) => verb.run(global).await,
        CliVerb::Hook(verb) => verb.run(global).await,
        CliVerb::Serve(verb) => verb.run(global).await,
        CliVerb::Inbox(verb) => verb.run(global).await,
        CliVerb::Sim(verb) => verb.run(global).await,
        CliVerb::Db(verb) => verb.run(global).await,
        CliVerb::Bench(verb) => verb.run(global, stop_on_signals).await,
        CliVerb::Doctor => doctor::run(global).await,
        CliVerb::Audit(verb) => verb.run(global).await,
        CliVerb::Completions(verb) => verb.run(),
        CliVerb::Man(verb) => verb.run(),
        CliVerb::Demo(_) => Ok(ExitCode::SUCCESS),
    }
}

/// For a verb that knows nothing of signals.
fn stop_on_signals() -> Result<CancellationToken> {
    let shutdown = Shutdown::new();
    shutdown.on_signals(SecondInterrupt::Exit)?;
    Ok(shutdown.token())
}
