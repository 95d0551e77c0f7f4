//! What the form of a blast wants read and written, and what came of it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{EffectError, EffectResult};
use crate::app::{
    App, AppError, CopiedPeople, DraftAt, DraftForm, DraftList, ImportProgress, ListColumn, ListToTake, OpenedDraft,
    SavedDraft, SenderTemplate, TakenList,
};
use crate::domain::ids::BlastId;
use crate::domain::template::{HeaderMedia, MediaSource};
use crate::domain::text::{clean, escaped};
use crate::tui::model::PlanCount;

/// The most files that a path is completed from.
const FILES_MAX: usize = 5_000;

/// The largest picture, video or document that is uploaded, in bytes: Meta's limit for documents.
const HEADER_MAX: u64 = 100 * 1024 * 1024;

/// Something to be read for a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DraftRead {
    Open(BlastId),
    /// The draft that is on the screen, which somebody else changed.
    Again(BlastId),
    /// The files that a path may mean.
    Paths(String),
    /// The templates of a sender.
    Templates(String),
    /// The columns of a list, as its sender reads it.
    Columns {
        sender: String,
        list: DraftList,
    },
}

/// What was read.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftAnswer {
    Opened(Box<EffectResult<OpenedDraft>>),
    /// Also by whom.
    ReadAgain(Box<EffectResult<(OpenedDraft, String)>>),
    Paths {
        typed: String,
        found: Vec<String>,
    },
    Templates {
        sender: String,
        list: Result<Vec<SenderTemplate>, String>,
    },
    Columns {
        list: DraftList,
        columns: Result<Vec<ListColumn>, String>,
    },
    /// How many rows of the list that is being taken were read.
    RowsRead(u64),
}

/// Something that changes a draft.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftWrite {
    /// Makes it where there is none yet.
    Save {
        at: Option<DraftAt>,
        form: Box<DraftForm>,
    },
    TakeList {
        at: DraftAt,
        form: Box<DraftForm>,
        list: Box<ListToTake>,
    },
    Duplicate(BlastId),
    /// Hands a template's picture, video or document to the provider.
    Upload {
        of: Box<HeaderOfForm>,
        sender: String,
        kind: &'static str,
        path: PathBuf,
    },
}

/// The header that a file is for: another form may be open, or another template chosen, once it is uploaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderOfForm {
    /// The number of the form in this window.
    pub form: u64,
    pub template: String,
    pub language: String,
}

/// What a change came to.
#[derive(Debug, Clone, PartialEq)]
pub enum DraftOutcome {
    Saved(SavedDraft),
    ListTaken(Box<TakenList>),
    /// A copy, and the hours that its original had before it was made to send at any hour.
    Duplicated {
        copy: DraftAt,
        people: CopiedPeople,
        dropped_hours: Option<String>,
    },
    /// The provider's id of it.
    Uploaded {
        kind: &'static str,
        id: String,
    },
}

pub(super) async fn read(app: &App, request: DraftRead) -> DraftAnswer {
    match request {
        DraftRead::Open(id) => DraftAnswer::Opened(Box::new(app.open_draft_as_found(id).await.map_err(Into::into))),
        DraftRead::Again(id) => {
            DraftAnswer::ReadAgain(Box::new(app.open_draft_of_another(id).await.map_err(Into::into)))
        }
        DraftRead::Paths(typed) => {
            let asked = typed.clone();
            let found = tokio::task::spawn_blocking(move || completions(&asked)).await.unwrap_or_default();
            DraftAnswer::Paths { typed, found }
        }
        DraftRead::Templates(sender) => {
            let list = app.templates_of(&sender).await;
            DraftAnswer::Templates { sender, list: list.map(|list| list.templates).map_err(|why| why.to_string()) }
        }
        DraftRead::Columns { sender, list } => {
            let columns = app.columns_of_list(&sender, &of_home(&list)).await.map_err(|why| why.to_string());
            DraftAnswer::Columns { list, columns }
        }
    }
}

/// A list whose path was typed.
fn of_home(list: &DraftList) -> DraftList {
    match list {
        DraftList::File(path) => DraftList::File(expanded(&path.to_string_lossy())),
        pasted @ DraftList::Pasted(_) => pasted.clone(),
    }
}

pub(super) async fn write(
    app: &App,
    request: &DraftWrite,
    progress: &Arc<ImportProgress>,
) -> EffectResult<DraftOutcome> {
    Ok(match request {
        DraftWrite::Save { at, form } => DraftOutcome::Saved(app.save_draft(*at, form).await?),
        DraftWrite::TakeList { at, form, list } => {
            let list = ListToTake { list: of_home(&list.list), ..ListToTake::clone(list) };
            let taken = app.take_list_watched(*at, form, (&list, progress)).await.map_err(not_taken)?;
            DraftOutcome::ListTaken(Box::new(taken))
        }
        DraftWrite::Duplicate(id) => {
            let dropped_hours = app.dropped_hours(*id).await?;
            let (copy, people) = app.duplicate(*id).await?;
            DraftOutcome::Duplicated { copy, people, dropped_hours }
        }
        DraftWrite::Upload { sender, kind, path, .. } => upload(app, sender, kind, path).await?,
    })
}

/// What is wrong in the list itself may be right in other columns.
fn not_taken(error: AppError) -> EffectError {
    match error {
        AppError::InvalidAt { why, .. } => EffectError::List(why),
        other => other.into(),
    }
}

async fn upload(app: &App, sender: &str, kind: &'static str, path: &Path) -> EffectResult<DraftOutcome> {
    let path = expanded(&path.to_string_lossy());
    let unreadable = |why: String| EffectError::Other(format!("{}: {why}", escaped(&path.to_string_lossy())));
    let size = tokio::fs::metadata(&path).await.map_err(|error| unreadable(error.to_string()))?.len();
    if size > HEADER_MAX {
        return Err(unreadable("it is larger than WhatsApp takes (100 MB)".to_owned()));
    }
    let bytes = tokio::fs::read(&path).await.map_err(|error| unreadable(error.to_string()))?;
    let media = HeaderMedia::of_word(kind).unwrap_or(HeaderMedia::Image);
    let uploaded = app.upload_header(sender, media, (&path, bytes)).await;
    match uploaded.map_err(|why| EffectError::Other(why.to_string()))? {
        MediaSource::Id(id) | MediaSource::Link(id) => Ok(DraftOutcome::Uploaded { kind, id: id.source().to_owned() }),
    }
}

/// Writes a plan, or the people of one of its counts, beside where the dashboard was started, under a name that is free.
pub(super) fn save_plan((blast, people): (BlastId, Option<PlanCount>), text: &str) -> EffectResult<String> {
    let people = people.map(|count| format!("-{}", count.of_file().0)).unwrap_or_default();
    let unwritable = |error: io::Error| EffectError::Other(format!("the plan cannot be written here: {error}"));
    for n in 1..1_000 {
        let name = if n == 1 { format!("plan-{blast}{people}.txt") } else { format!("plan-{blast}{people}-{n}.txt") };
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(unwritable(error)),
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(unwritable)?;
                return Ok(shortened(&std::path::absolute(&name).unwrap_or_else(|_| PathBuf::from(&name))));
            }
        }
    }
    Err(unwritable(io::ErrorKind::AlreadyExists.into()))
}

/// A path as people write it: the home directory as `~`.
pub(super) fn shortened(path: &Path) -> String {
    let home = std::env::var_os("HOME").filter(|home| !home.is_empty());
    below_home(path, home.as_ref().map(Path::new))
}

fn below_home(path: &Path, home: Option<&Path>) -> String {
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => Path::new("~").join(rest).display().to_string(),
        None => path.display().to_string(),
    }
}

/// A path as it was typed: `~` is the home directory.
fn expanded(typed: &str) -> PathBuf {
    match (typed.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => Path::new(&home).join(rest),
        _ => PathBuf::from(typed),
    }
}

/// What a path that is being typed may become, as it is typed; directories end with a slash.
fn completions(typed: &str) -> Vec<String> {
    let (folder, beginning) =
        typed.rsplit_once('/').map_or(("", typed), |(folder, rest)| (&typed[..=folder.len()], rest));
    let at = if folder.is_empty() { PathBuf::from(".") } else { expanded(folder) };
    let Ok(entries) = std::fs::read_dir(at) else { return Vec::new() };
    let mut found: Vec<String> = entries
        .take(FILES_MAX)
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let is_meant = name.starts_with(beginning) && (!name.starts_with('.') || beginning.starts_with('.'));
            // A name that cannot be shown as it is cannot be typed either.
            let is_plain = clean(&name) == name;
            let slash = if entry.path().is_dir() { "/" } else { "" };
            (is_meant && is_plain).then(|| format!("{folder}{name}{slash}"))
        })
        .collect();
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{below_home, completions};

    #[test]
    fn a_path_below_the_home_directory_is_shortened() {
        let at = |path: &str, home: Option<&str>| below_home(Path::new(path), home.map(Path::new));

        assert_eq!(at("/home/aina/kedai/plan-8.txt", Some("/home/aina")), "~/kedai/plan-8.txt");
        assert_eq!(at("/home/ainah/plan-8.txt", Some("/home/aina")), "/home/ainah/plan-8.txt");
        assert_eq!(at("/srv/plan-8.txt", None), "/srv/plan-8.txt");
    }

    #[test]
    fn a_path_is_completed_as_it_is_typed_without_hidden_and_hostile_names() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["raya.csv", "raya 2.csv", ".raya", "ra\u{1b}[2J", "other.csv"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("rack")).unwrap();
        let at = |rest: &str| format!("{}/{rest}", dir.path().display());

        assert_eq!(completions(&at("ra")), [at("rack/"), at("raya 2.csv"), at("raya.csv")]);
        assert_eq!(completions(&at(".r")), [at(".raya")]);
        assert!(completions("/nowhere/at/all/x").is_empty());
    }
}
