//! Parse, telemetry, dispatch, exit code.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use blastdeck::cli;
use blastdeck::private_postgres::{GUARD_ARGUMENT, guard_main};
use color_eyre::config::HookBuilder;

/// A send makes some forty small allocations on one thread and frees them on another, which is what the system's
/// allocator is worst at (a third of the CPU time of a fast blast).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How panics are reported. A report may get lost, on a full disk: a panic of the hook itself would abort the process, also where the
/// first one is caught. Errors are printed as sentences: the hook for them would look up the names in a backtrace that nobody sees, which
/// takes most of a second in a debug build where `RUST_BACKTRACE` is set.
fn install_panic_hook() {
    let (panics, _) = HookBuilder::default().into_hooks();
    std::panic::set_hook(Box::new(move |panic| _ = writeln!(io::stderr(), "{}", panics.panic_report(panic))));
}

fn main() -> ExitCode {
    // The guard of a throwaway Postgres is this program with a special first argument. It must do nothing else first.
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    if let [first, dir] = &args[..]
        && first == GUARD_ARGUMENT
    {
        return guard_main(Path::new(dir));
    }
    install_panic_hook();
    blastdeck::provider::init();
    let arguments = cli::parse();
    let style = arguments.error_style();
    // One worker beside the main thread, which draws: the work consists of small steps between waits, and fast POSTs
    // have their own thread. A second worker is no faster and takes 4 MB more.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let outcome = runtime.map_err(Into::into).and_then(|runtime| {
        let outcome = runtime.block_on(cli::run(arguments));
        // A blocked read of the terminal must not delay the exit.
        runtime.shutdown_timeout(std::time::Duration::from_millis(200));
        outcome
    });
    match outcome {
        Ok(code) => code,
        Err(report) => cli::fail(&report, &style),
    }
}
