//! Where data goes: standard output, as text or JSON.

use std::io::Write;

use color_eyre::Result;
use serde::Serialize;

/// Writes a line of data.
pub(super) fn line(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(())
}

/// Writes text as it is.
pub(super) fn text(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Writes one JSON value on a line of its own.
pub(super) fn json(value: &impl Serialize) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// Talk for the person at the terminal, on standard error. Whoever closed it does not want it.
pub(super) fn talk(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
