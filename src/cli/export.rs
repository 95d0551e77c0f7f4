//! What every export has: its format, where it goes, how far it is, and an interrupt that leaves nothing half-written.

mod destination;
mod progress;
mod shop;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::ValueEnum;
use color_eyre::Result;

use super::context::Context;
use super::exit::{RefusedError, UsageError};
use super::output::talk;
use crate::app::view::BlastView;
use crate::app::{Export, ExportEncoder, ExportFormat, ExportPages};
use crate::domain::ids::BlastId;
use crate::shutdown::{SecondInterrupt, Shutdown};
use destination::Destination;
use progress::Progress;
pub(super) use shop::ShopExportArgs;

/// How files of spreadsheets end that are not written here.
const SPREADSHEETS: [&str; 6] = ["xls", "xlsm", "xlsb", "xltx", "ods", "numbers"];

/// The same of documents, pages, pictures and archives.
const DOCUMENTS: [&str; 18] = [
    "pdf", "doc", "docx", "odt", "rtf", "pages", "ppt", "pptx", "html", "htm", "xml", "md", "png", "jpg", "zip", "gz",
    "zst", "parquet",
];

#[derive(Debug, clap::Args)]
pub(super) struct ExportOutput {
    /// CSV in which a spreadsheet runs nothing (Excel wants xlsx for accents), one JSON object a line, or an Excel workbook. As the file's name
    /// ends, by default; else csv.
    #[arg(long, value_enum)]
    format: Option<FormatWord>,
    /// The file to write; it must not exist. Standard output by default, or where it is -.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatWord {
    Csv,
    #[value(alias = "jsonl", alias = "ndjson")]
    Json,
    Xlsx,
}

impl From<FormatWord> for ExportFormat {
    fn from(word: FormatWord) -> Self {
        match word {
            FormatWord::Csv => Self::Csv,
            FormatWord::Json => Self::JsonLines,
            FormatWord::Xlsx => Self::Xlsx,
        }
    }
}

impl ExportOutput {
    /// Writes an export. A workbook has times by the clocks of `zone`; `whole` is how many rows are looked at, where that is known.
    pub(super) async fn write(&self, context: &Context, export: Export, zone: Tz, whole: Option<i64>) -> Result<()> {
        let output = self.output.as_deref().filter(|name| *name != Path::new("-"));
        let format = self.format(context, output)?;
        if format == ExportFormat::Xlsx && output.is_none() && io::stdout().is_terminal() {
            return Err(UsageError("a workbook is no text for a terminal: add --output FILE.xlsx".to_owned()).into());
        }
        let pages = context.app.export(export).await?;
        let mut encoder = ExportEncoder::new(format, &pages, zone);
        let export = pages.export().clone();
        let mut to = Destination::open(output)?;
        let stop = Shutdown::new();
        if output.is_some() {
            // Without a file there is nothing to clean up, and an interrupt may end the process where it stands.
            stop.on_signals(SecondInterrupt::Exit)?;
        }
        let progress = Progress::new(export.table().name, whole);
        let rows = ExportRun { pages, progress, stop }.run(&mut encoder, &mut to).await?;
        to.write(&encoder.finish()?)?;
        to.finish()?;
        talk(&match output {
            Some(file) => format!("{} exported to {}", export.counted(rows), file.display()),
            None => format!("{} exported", export.counted(rows)),
        });
        Ok(())
    }

    /// As it is asked for, else as the file's name ends, which must not say something else.
    fn format(&self, context: &Context, output: Option<&Path>) -> Result<ExportFormat> {
        let asked = match (context.is_json, self.format) {
            (true, Some(other @ (FormatWord::Csv | FormatWord::Xlsx))) => {
                return Err(UsageError(both_formats(ExportFormat::from(other).extension())).into());
            }
            (true, _) => Some(ExportFormat::JsonLines),
            (false, format) => format.map(ExportFormat::from),
        };
        let ending = output.and_then(Path::extension).and_then(|ending| ending.to_str()).unwrap_or_default();
        let by_name = ExportFormat::from_word(ending);
        let is_one_of = |endings: &[&str]| endings.iter().any(|other| ending.eq_ignore_ascii_case(other));
        if let (Some(name), true) = (output, is_one_of(&DOCUMENTS)) {
            let why = format!("{}: the export is written as .csv, .jsonl or .xlsx; name the file so", name.display());
            return Err(UsageError(why).into());
        }
        let is_other_spreadsheet = is_one_of(&SPREADSHEETS);
        match (output, asked.or(by_name)) {
            (Some(name), format) if is_other_spreadsheet || by_name.is_some() && by_name != format => {
                let own = format.unwrap_or(ExportFormat::Xlsx).extension();
                let mended = name.with_extension(own);
                Err(UsageError(format!(
                    "{} does not end as its format does: name it {}",
                    name.display(),
                    mended.file_name().unwrap_or_default().display()
                ))
                .into())
            }
            (_, format) => Ok(format.unwrap_or(ExportFormat::Csv)),
        }
    }
}

/// Why `--json` does not go with another format.
pub(super) fn both_formats(other: &str) -> String {
    format!("--json and --format {other} name two formats: leave one of them out")
}

/// The blasts with these ids, each once.
pub(super) async fn blasts_of(context: &Context, ids: &[BlastId]) -> Result<Vec<BlastView>> {
    let mut blasts: Vec<BlastView> = Vec::new();
    for id in ids {
        if !blasts.iter().any(|blast| blast.id == *id) {
            blasts.push(context.app.blast_without_unasked(*id).await?);
        }
    }
    Ok(blasts)
}

/// An export under way.
struct ExportRun {
    pages: ExportPages,
    progress: Progress,
    /// Requested by an interrupt.
    stop: Shutdown,
}

impl ExportRun {
    /// How many rows were written.
    async fn run(mut self, encoder: &mut ExportEncoder, to: &mut Destination) -> Result<u64> {
        to.write(&encoder.head()?)?;
        while let Some(page) = self.pages.next().await? {
            if self.stop.is_cancelled() {
                self.progress.finish();
                return Err(RefusedError("cancelled: nothing was kept".to_owned()).into());
            }
            to.write(&encoder.encode(&page.rows)?)?;
            self.progress.advance(page.looked_at);
        }
        self.progress.finish();
        Ok(encoder.rows())
    }
}
