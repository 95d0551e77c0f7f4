//! People of a blast as a workbook of its own, for whoever sits at the dashboard.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::{Export, ExportEncoder, ExportFormat, PeopleExport};
use crate::app::report_file::{NewFile, refused};
use crate::app::{App, AppError};
use crate::domain::filter::Filter;
use crate::domain::ids::BlastId;

/// Where people were written to, and how many they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeopleFile {
    pub path: PathBuf,
    pub people: u64,
}

impl App {
    /// Writes the people of a blast whom the filter finds, as a workbook, into a new file in the working directory that only its owner
    /// may read. What went wrong half-way leaves no file.
    pub async fn write_people(&self, blast: BlastId, filter: Filter) -> Result<PeopleFile, AppError> {
        let zone = self.export_zone(&[self.blast_without_unasked(blast).await?]);
        let export = Export::People { blasts: vec![blast], all: false, filter, what: PeopleExport::Recipients };
        let new = NewFile { stem: format!("blast-{blast}-people"), extension: "xlsx", mode: 0o600 };
        let (file, path) = new.create()?;
        let written = match self.write_rows((export, zone), (file, &path)).await {
            Ok(0) => Err(AppError::Refused("nobody is listed, so nothing is exported".to_owned())),
            written => written,
        };
        if written.is_err() {
            // It is half a workbook; that it is still there would say less than what went wrong.
            let _ = fs::remove_file(&path);
        }
        Ok(PeopleFile { people: written?, path })
    }

    async fn write_rows(&self, (export, zone): (Export, Tz), (mut file, path): (File, &Path)) -> Result<u64, AppError> {
        let failed = |error| refused(path, &error);
        let mut pages = self.export(export).await?;
        let mut encoder = ExportEncoder::new(ExportFormat::Xlsx, &pages, zone);
        file.write_all(&encoder.head().map_err(failed)?).map_err(failed)?;
        while let Some(page) = pages.next().await? {
            file.write_all(&encoder.encode(&page.rows).map_err(failed)?).map_err(failed)?;
        }
        let people = encoder.rows();
        file.write_all(&encoder.finish().map_err(failed)?).map_err(failed)?;
        Ok(people)
    }
}
