//! Parse, telemetry, dispatch, exit code.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use blastdeck::store::local::{GUARD_ARGUMENT, Local, LocalError, guard_main};

fn main() -> color_eyre::Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        [GUARD_ARGUMENT, dir] => Ok(guard_main(Path::new(dir))),
        ["db", verb] => db(verb),
        _ => Ok(ExitCode::from(2)),
    }
}

fn db(verb: &str) -> color_eyre::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match runtime.block_on(answer(verb)) {
        Ok(text) => writeln!(std::io::stdout(), "{text}")?,
        Err(error) => {
            writeln!(std::io::stderr(), "{error}")?;
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn answer(verb: &str) -> Result<String, LocalError> {
    let local = Local::new(std::env::var_os("BLASTDECK_DATA_DIR").map(PathBuf::from))?;
    match verb {
        "stop" => local.stop().await.map(|stopped| format!("{stopped:?}")),
        _ => local.ensure_running().await.map(|address| address.url()),
    }
}
