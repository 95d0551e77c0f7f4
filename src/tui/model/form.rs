//! The form that a blast is written in: its lines, the one being edited, the list of people, what was saved.

mod opened;
pub mod template;

pub use opened::WantedDraft;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::app::{
    ByHand, DraftAt, DraftForm, DraftList, DraftPerson, Imported, ListColumn, ListToTake, SenderTemplate,
    variable_names,
};
use crate::domain::blast::{BlastState, PersonClocks};
use crate::domain::ids::BlastId;
use crate::domain::list_columns::{ChosenColumns, ListColumns};
use crate::domain::rejected_rows::{CellMend, RejectedRows};
use crate::tui::effect::EffectError;
use crate::tui::widget::{TextArea, TextField};

/// A line of the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormLine {
    Sender,
    Tag,
    Stage,
    People,
    /// Which columns of the list are the phones and the names.
    Columns,
    /// Whose country its numbers without a country code are of.
    Country,
    Message,
    Template,
    /// A variable of the template, by its place.
    Variable(usize),
    /// The template's picture, video or document, or the variable of its text.
    Header,
    /// What a button of the template needs, by its place among those that need a text.
    Button(usize),
    Pace,
    Window,
    Start,
    /// By which rule it repeats.
    Repeat,
    /// When it stops to repeat: only of a blast that does.
    Ends,
    /// What of it goes by each person's own clock.
    OwnTime,
    First,
}

/// What is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LineEdit {
    Field(TextField),
    Message(TextArea),
    /// The path of a list, and the files that may be meant.
    Path {
        field: TextField,
        offers: Vec<String>,
    },
}

/// The list of templates.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplatesPage {
    /// Which of those that are listed the cursor is on.
    pub row: usize,
    /// Words that each of them has.
    pub filter: TextField,
    /// Whether the words are being typed: letters are text then.
    pub is_typing: bool,
}

/// What covers the form's lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormPage {
    Lines,
    /// The columns to choose from for the text being typed, and what was typed of a name behind the brace.
    Columns {
        row: usize,
        typed: String,
    },
    /// The templates to choose from.
    Templates(TemplatesPage),
    /// The rows that were left out, and the cell being mended.
    LeftOut {
        row: usize,
        edit: Option<TextField>,
    },
    /// The columns of the list to choose from: for the phones, and then for the names beside this column of phones.
    ListColumns {
        row: usize,
        phone: Option<String>,
    },
}

/// Whether the form is being written to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FormWrites {
    #[default]
    Idle,
    /// A write is on its way.
    InFlight,
    /// And something was typed since.
    Again,
}

/// What of a form is not on its way to the database.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FormBacklog {
    /// A text was typed since the last save began.
    pub is_typed_on: bool,
    /// Why the last save was refused.
    pub refused: Option<EffectError>,
    /// It was shown once more after a save was refused.
    pub was_reopened: bool,
    /// Somebody deleted the draft.
    pub is_deleted: bool,
    pub message: MessagePlace,
}

/// Where the message is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MessagePlace {
    #[default]
    Form,
    /// In the operator's own editor: what comes back is of the text that was handed out.
    Editor,
}

/// What becomes of a path whose file cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadablePath {
    /// The field was left by `esc`: what was there stays.
    Dropped,
    /// It was typed with `enter`: it is in the field again.
    Offered,
}

/// What `esc` leaves where something is not taken and no line is typed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EscLeaves {
    /// What is said of it; only the next one the form.
    Trouble,
    /// It was said as its field was left, or of the form as a whole.
    Form,
}

/// How far the list is that is being taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ListProgress {
    pub rows: u64,
    /// It was asked to stop.
    pub is_stopping: bool,
}

/// What the log has of a form.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FormLog {
    /// The draft that its line begins from; `None`: it was made here.
    pub opened: Option<DraftForm>,
    /// As it was when that line was written.
    pub written: Option<DraftForm>,
    /// The command line of it.
    pub line: Option<String>,
}

/// A blast being written.
#[derive(Debug, Clone, PartialEq)]
pub struct BlastForm {
    /// Numbers the forms of this window; of a draft that is opened again it stays the same.
    pub number: u64,
    /// `None` until it is saved for the first time.
    pub draft: Option<DraftAt>,
    pub state: BlastState,
    pub saved_at: Option<DateTime<Utc>>,
    pub values: DraftForm,
    pub line: FormLine,
    pub edit: Option<LineEdit>,
    pub page: FormPage,
    /// The list that was given, once there is one.
    pub list: Option<DraftList>,
    /// The name that the blast has from its list: empty before there is one, and where it was typed.
    pub tag_of_list: String,
    /// The list that the draft's people are from: what stays where another one is refused.
    pub kept_list: Option<DraftList>,
    /// A list that was read and not taken, and why: its columns can be chosen.
    pub refused_list: Option<(DraftList, String)>,
    /// The list is to be taken as soon as nothing is being written.
    pub wants_list: bool,
    /// A list is being taken.
    pub is_taking: bool,
    pub taking: ListProgress,
    pub unreadable_path: UnreadablePath,
    pub mends: Vec<CellMend>,
    /// Those of the list before, until the one that is to take its place can be read.
    pub mends_before: Vec<CellMend>,
    /// The columns that were chosen of the list.
    pub columns: ChosenColumns,
    /// Those that the draft's people were read by: what stays where others are refused.
    pub read_columns: Option<ListColumns>,
    /// All that the list has, once they were asked for.
    pub list_columns: Option<Result<Vec<ListColumn>, String>>,
    /// What the list came to.
    pub taken: Option<Imported>,
    /// The rows of it that were left out: of this list, or of the one that the draft was made from.
    pub left_out: RejectedRows,
    /// How many are in the draft.
    pub people: i64,
    pub by_hand: ByHand,
    /// Who of them gets nothing, as it stood when they were read.
    pub left_out_since: i64,
    pub first_people: Vec<DraftPerson>,
    /// Which of them the preview is for.
    pub shown: usize,
    /// Why the draft cannot be sent yet, by the last save.
    pub unfinished: Option<String>,
    pub writes: FormWrites,
    pub backlog: FormBacklog,
    /// Why the last thing that was typed is not taken.
    pub trouble: Option<String>,
    pub esc_leaves: EscLeaves,
    /// The provider's templates, once they were asked for.
    pub templates: Option<Result<Vec<SenderTemplate>, String>>,
    /// Templates that others were chosen in place of, each as it was filled in: whoever comes back to one finds it so.
    pub templates_left: Vec<Value>,
    /// The template that was chosen before a sender that sends none.
    pub template_before: Option<Value>,
    /// The plan is opened as soon as everything is saved, unless a line is begun before that.
    pub wants_plan: bool,
    pub log: FormLog,
}

/// The name of a draft that was given none.
pub const NAMELESS: &str = "New blast";

impl BlastForm {
    /// Nothing written yet.
    /// Whether it was never saved, and nothing beside its sender was chosen.
    pub fn is_untouched(&self) -> bool {
        let is_blank = self.list.is_none() && self.edit.is_none() && self.writes == FormWrites::Idle;
        self.draft.is_none() && is_blank && self.values == Self::new(self.values.sender.clone()).values
    }

    pub fn new(sender: String) -> Self {
        let values = DraftForm {
            sender,
            tag: String::new(),
            follow_up_stage: "Initial".to_owned(),
            message: String::new(),
            template: None,
            is_marketing: false,
            rate: None,
            gap: None,
            window: None,
            weekdays: None,
            timezone: None,
            start: None,
            first: None,
            repeat: None,
            clocks: PersonClocks::default(),
        };
        Self {
            number: 0,
            draft: None,
            state: BlastState::Draft,
            saved_at: None,
            values,
            line: FormLine::Sender,
            edit: None,
            page: FormPage::Lines,
            list: None,
            tag_of_list: String::new(),
            kept_list: None,
            refused_list: None,
            wants_list: false,
            is_taking: false,
            taking: ListProgress::default(),
            unreadable_path: UnreadablePath::Dropped,
            mends: Vec::new(),
            mends_before: Vec::new(),
            columns: ChosenColumns::default(),
            read_columns: None,
            list_columns: None,
            taken: None,
            left_out: RejectedRows::default(),
            people: 0,
            by_hand: ByHand::default(),
            left_out_since: 0,
            first_people: Vec::new(),
            shown: 0,
            unfinished: None,
            writes: FormWrites::Idle,
            backlog: FormBacklog::default(),
            trouble: None,
            esc_leaves: EscLeaves::Trouble,
            templates: None,
            templates_left: Vec::new(),
            template_before: None,
            wants_plan: false,
            log: FormLog::default(),
        }
    }

    pub fn id(&self) -> Option<BlastId> {
        self.draft.map(|draft| draft.id)
    }

    /// Whether the line at the cursor is a text, and empty.
    pub fn is_unwritten(&self) -> bool {
        match self.line {
            FormLine::Tag => self.values.tag.is_empty(),
            FormLine::Stage => self.values.follow_up_stage.is_empty(),
            FormLine::Message => self.values.message.is_empty(),
            FormLine::People => self.list.is_none() && self.people == 0 && self.left_out.total == 0,
            FormLine::Header => self.header().is_some_and(|(_, place)| place.is_empty()),
            FormLine::Variable(n) => self.variables().get(n).is_some_and(|(_, value)| value.is_empty()),
            FormLine::Button(n) => self.buttons().get(n).is_some_and(|button| button.text.is_empty()),
            _ => false,
        }
    }

    /// Whether it starts by itself: what is saved of it is complete at every moment.
    pub fn is_scheduled(&self) -> bool {
        self.state == BlastState::Scheduled
    }

    /// Whether a save would send what is half-typed.
    pub fn is_half_typed(&self) -> bool {
        self.is_scheduled() && self.edit.is_some()
    }

    /// What people call it: `draft 7`, or `blast 7` once it is scheduled.
    pub fn noun(&self) -> &'static str {
        if self.is_scheduled() { "blast" } else { "draft" }
    }

    /// Whether something of it is not in the database.
    pub fn is_behind(&self) -> bool {
        self.writes != FormWrites::Idle || self.backlog.is_typed_on || self.backlog.refused.is_some()
    }

    /// Whether the list that is taken is the one that was taken before: other words or columns may take and leave out others of it.
    pub fn is_list_again(&self) -> bool {
        self.kept_list.is_some() && self.kept_list == self.list
    }

    /// What is saved: a draft has a name.
    pub fn to_save(&self) -> DraftForm {
        let tag = if self.values.tag.trim().is_empty() { NAMELESS } else { self.values.tag.trim() };
        DraftForm { tag: tag.to_owned(), ..self.values.clone() }
    }

    /// The list that its people are from, also of a draft that was opened again; cells that were pasted then are not kept.
    pub fn source(&self) -> Option<DraftList> {
        let file = || self.left_out.file.clone().map(|path| DraftList::File(path.into()));
        self.list.clone().or_else(file)
    }

    /// The list whose columns are chosen: one that was not taken, else the one that its people are from.
    pub fn list_of_columns(&self) -> Option<DraftList> {
        self.refused_list.as_ref().map(|(list, _)| list.clone()).or_else(|| self.source())
    }

    /// The columns that it was read by, while they are chosen anew: none of a list that was not taken.
    pub fn columns_before(&self) -> Option<&ListColumns> {
        self.read_columns.as_ref().filter(|_| self.refused_list.is_none())
    }

    /// Whether its country is shown: one was chosen, or numbers that were left out may be of another one. Of any list it is named from the
    /// page of its columns.
    pub fn asks_country(&self) -> bool {
        let is_typed = self.line == FormLine::Country && self.edit.is_some();
        // It does not go away under whoever corrects rows.
        is_typed || self.columns.country.is_some() || !self.mends.is_empty() || self.left_out.is_foreign()
    }

    /// The list as it is taken next.
    pub fn to_take(&self) -> Option<Box<ListToTake>> {
        let list = self.list.clone()?;
        Some(Box::new(ListToTake { list, columns: self.columns.clone(), mends: self.mends.clone() }))
    }

    /// Those of the columns whose names begin so.
    pub fn columns_beginning(&self, typed: &str) -> Vec<String> {
        let begins = |column: &String| column.to_lowercase().starts_with(&typed.to_lowercase());
        self.columns().into_iter().filter(begins).collect()
    }

    /// The columns that a text may name, the one that most texts name first.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = variable_names(&self.first_people);
        columns.sort_by_key(|column| column != "name");
        columns
    }
}
