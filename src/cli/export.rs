//! What every export has: its format, where it goes, how far it is, and an interrupt that leaves nothing half-written.

mod destination;
mod progress;
mod shop;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use clap::ValueEnum;
use clap::builder::PossibleValue;
use color_eyre::Result;
use serde_json::json;

use super::context::Context;
use super::exit::{RefusedError, UsageError};
use super::output::{json, talk};
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
    /// ends, by default, also with --json; else csv, or with --json one JSON object a line.
    #[arg(long, value_enum)]
    format: Option<FormatWord>,
    /// The file to write; it must not exist. Standard output by default, or where it is -. With --json and a file, one object
    /// there says what was exported.
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

impl From<ExportFormat> for FormatWord {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Csv => Self::Csv,
            ExportFormat::JsonLines => Self::Json,
            ExportFormat::Xlsx => Self::Xlsx,
        }
    }
}

impl ExportOutput {
    /// Writes an export. A workbook has times by the clocks of `zone`; `whole` is how many rows are looked at, where that is known.
    pub(super) async fn write(&self, context: &Context, export: Export, zone: Tz, whole: Option<i64>) -> Result<()> {
        let output = self.output.as_deref().filter(|name| *name != Path::new("-"));
        let format = self.format(context.is_json, output)?;
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
        match output {
            Some(file) if context.is_json => {
                let format = FormatWord::from(format).to_possible_value();
                let format = format.as_ref().map_or("", PossibleValue::get_name);
                let (what, file) = (export.table().name, file.display().to_string());
                return json(&json!({ "what": what, "rows": rows, "format": format, "file": file }));
            }
            Some(file) => talk(&format!("{} exported to {}", export.counted(rows), file.display())),
            None => talk(&format!("{} exported", export.counted(rows))),
        }
        Ok(())
    }

    /// As it is asked for, else as the file's name ends, which must not say something else. `--json` is about standard output: with it
    /// the rows are JSON there, and in a file whose name says nothing.
    fn format(&self, is_json: bool, output: Option<&Path>) -> Result<ExportFormat> {
        let asked = self.format.map(ExportFormat::from);
        if let (true, None, Some(other @ (ExportFormat::Csv | ExportFormat::Xlsx))) = (is_json, output, asked) {
            return Err(UsageError(both_formats(other.extension())).into());
        }
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
            (_, None) if is_json => Ok(ExportFormat::JsonLines),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ExportFormat, ExportOutput, FormatWord};

    /// The format of an export with `--json` to a file, or to standard output.
    fn format(file: Option<&str>, format: Option<FormatWord>) -> Result<ExportFormat, String> {
        let output = ExportOutput { format, output: None };
        output.format(true, file.map(Path::new)).map_err(|error| error.to_string())
    }

    #[test]
    fn with_json_a_file_still_goes_by_its_ending_and_standard_output_is_json() {
        assert_eq!(format(Some("x1.csv"), None), Ok(ExportFormat::Csv));
        assert_eq!(format(Some("x1.xlsx"), None), Ok(ExportFormat::Xlsx));
        assert_eq!(format(Some("x1.json"), None), Ok(ExportFormat::JsonLines));
        assert_eq!(format(Some("x1.csv"), Some(FormatWord::Csv)), Ok(ExportFormat::Csv));
        assert_eq!(format(Some("x1"), None), Ok(ExportFormat::JsonLines), "its name says nothing");
        assert_eq!(format(None, None), Ok(ExportFormat::JsonLines));
        assert_eq!(format(None, Some(FormatWord::Json)), Ok(ExportFormat::JsonLines));
        assert!(format(None, Some(FormatWord::Csv)).unwrap_err().contains("name two formats"));
        assert!(format(Some("x1.csv"), Some(FormatWord::Xlsx)).unwrap_err().contains("name it x1.xlsx"));
    }
}
