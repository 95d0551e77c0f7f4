//! Parse, telemetry, dispatch, exit code.

use std::path::Path;
use std::process::ExitCode;

use blastdeck::cli;
use blastdeck::private_postgres::{GUARD_ARGUMENT, guard_main};

/// A send is some forty small allocations, made on one thread and freed on another: what the system's allocator is worst
/// at (a third of the processor time of a fast blast).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The guard of a throwaway Postgres is this program under another first word. It is not for people, and must do
    // nothing else first.
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if let [first, dir] = &words[..]
        && first == GUARD_ARGUMENT
    {
        return guard_main(Path::new(dir));
    }
    if let Err(report) = color_eyre::install() {
        return cli::fail(&report, cli::ErrorFormat::Words);
    }
    blastdeck::provider::init();
    let arguments = cli::parse();
    let voice = arguments.voice();
    // One thread beside the main one, which draws: all that there is to do are small steps between two waits, and fast POSTs
    // have a thread of their own. Two that hand these steps to each other do no more of them, and take 4 MB more.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(cli::run(arguments));
        // A blocked read of the terminal must not hold up the exit.
        runtime.shutdown_timeout(std::time::Duration::from_millis(200));
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(report) => cli::fail(&report, voice),
    }
}
