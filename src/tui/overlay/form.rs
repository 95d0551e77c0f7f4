//! The form of a blast: its lines, what somebody in it will read, and how it is sent.

mod hints;
mod how;
mod pages;
mod preview;

pub(super) use pages::cell as left_out_cell;

use super::{OverlayContent, clock, column_of, page_rows, wrapped};
use crate::app::view::{BlastView, SenderView};
use crate::app::{ByHand, DraftList, Imported, NOT_FOR};
use crate::domain::text::{clean, escaped};
use crate::tui::format::{count_of, counted, filter_words, number};
use crate::tui::model::{BlastForm, FormLine, FormPage, FormWrites, LineEdit, Model, template_source};
use crate::tui::theme::TextRole;
use crate::tui::update::form::{editor_key, who_was_quicker};
use crate::tui::widget::{TextLine, width};

/// Columns of the labels, the cursor included.
const LABELS: u16 = 13;

/// The most lines of a message that is not being typed.
const MESSAGE_MAX: usize = 6;

/// The most reasons why rows were left out, where there is no room for all.
const REASONS_MAX: usize = 4;

pub fn content(model: &Model, width: u16) -> OverlayContent {
    let Some(form) = model.form.as_deref() else { return OverlayContent::default() };
    match form.page {
        FormPage::Columns { row, ref typed } => pages::columns(form, row, typed),
        FormPage::Templates(ref page) => pages::templates(form, page, width),
        FormPage::ListColumns { row, ref phone } => pages::list_columns(form, row, phone.as_deref(), width),
        FormPage::LeftOut { row, ref edit } => pages::left_out(form, row, edit.as_ref(), width),
        FormPage::Lines => lines(model, form, width),
    }
}

fn lines(model: &Model, form: &BlastForm, width: u16) -> OverlayContent {
    let beside = column_of(width).map(|column| (column, preview::previews(model, form, column)));
    let (width, beside) = beside.filter(|(_, beside)| !beside.is_empty()).unwrap_or((width, Vec::new()));
    let painter = |reasons| FormPainter { reasons, ..FormPainter::new(model, form, width) };
    let all = painter(usize::MAX).draw(beside.is_empty()).folded(width);
    let has_room = form.left_out.reasons.len() <= REASONS_MAX || all.lines.len() <= page_rows(model);
    if has_room { all } else { painter(REASONS_MAX).draw(beside.is_empty()).folded(width) }.beside(beside)
}

fn title(model: &Model, form: &BlastForm) -> Vec<String> {
    let noun = form.noun();
    let state = match (form.id(), form.writes, form.saved_at) {
        (None, FormWrites::Idle, _) => "not saved yet".to_owned(),
        (None, ..) => "is being saved".to_owned(),
        (Some(id), FormWrites::Idle, Some(at)) => format!("{noun} {id}, saved {}", clock(model).minute(at)),
        (Some(id), FormWrites::Idle, None) => format!("{noun} {id}"),
        (Some(id), ..) => format!("{noun} {id}, is being saved"),
    };
    let name = match form.id() {
        Some(_) if form.is_scheduled() => "Scheduled",
        Some(_) => "Draft",
        None => "New blast",
    };
    vec![name.to_owned(), state]
}

/// Draws the lines of a form one after the other.
struct FormPainter<'a> {
    model: &'a Model,
    form: &'a BlastForm,
    width: u16,
    /// So many reasons why rows were left out are said.
    reasons: usize,
    lines: Vec<TextLine>,
    focus: Option<usize>,
}

impl<'a> FormPainter<'a> {
    fn new(model: &'a Model, form: &'a BlastForm, width: u16) -> Self {
        Self { model, form, width, reasons: usize::MAX, lines: Vec::new(), focus: None }
    }

    /// All its lines, with what somebody reads among them where that does not stand beside them.
    fn draw(mut self, has_preview: bool) -> OverlayContent {
        for line in self.model.form_lines() {
            if line == FormLine::Pace {
                if has_preview {
                    self.preview();
                }
                self.lines.push(TextLine::rule("How"));
            }
            self.line(line);
        }
        OverlayContent {
            title: super::title(title(self.model, self.form), Some("nothing is sent from here".to_owned())),
            lines: self.lines,
            focus: self.focus,
        }
    }

    fn room(&self) -> u16 {
        self.width.saturating_sub(LABELS + 2).max(8)
    }

    fn line(&mut self, line: FormLine) {
        let is_here = line == self.form.line;
        let texts = match self.form.edit.as_ref().filter(|_| is_here) {
            Some(edit) => self.typed(edit),
            None => self.value(line),
        };
        let label = self.label(line);
        let cursor = if is_here { ">" } else { " " };
        for (n, text) in texts.into_iter().enumerate() {
            let label = if n == 0 { label.as_str() } else { "" };
            let role = if is_here { TextRole::Accent } else { TextRole::Dim };
            let before = format!("{} {label:<10} ", if n == 0 { cursor } else { " " });
            let head = TextLine::of(before, role);
            self.lines.push(TextLine { pieces: head.pieces.into_iter().chain(text.pieces).collect(), ..text });
        }
        if is_here {
            self.focus.get_or_insert(self.lines.len().saturating_sub(1));
            self.below();
        }
    }

    /// What is wrong with the line at the cursor, and what its keys are.
    fn below(&mut self) {
        let room = self.room();
        let words = match &self.form.trouble {
            Some(trouble) => Some((trouble.clone(), TextRole::Trouble)),
            None if let Some(quicker) = who_was_quicker(self.model, self.form) => Some((quicker, TextRole::Trouble)),
            None => hints::hint(self.model, self.form).map(|hint| (hint, TextRole::Dim)),
        };
        let Some((words, role)) = words else { return };
        for text in wrapped(&words, room) {
            self.lines.push(TextLine::plain(" ".repeat(usize::from(LABELS))).and(text, role));
        }
        self.focus = Some(self.lines.len() - 1);
    }

    fn label(&self, line: FormLine) -> String {
        match line {
            FormLine::Sender => "Sender".to_owned(),
            FormLine::Tag => "Tag".to_owned(),
            FormLine::Stage => "Stage".to_owned(),
            FormLine::People => "People".to_owned(),
            FormLine::Columns => "Columns".to_owned(),
            FormLine::Country => "Country".to_owned(),
            FormLine::Message => "Message".to_owned(),
            FormLine::Template => "Template".to_owned(),
            FormLine::Variable(n) => {
                let name = self.form.variables().get(n).map(|(name, _)| name.clone()).unwrap_or_default();
                super::super::format::brief(&format!(" {{{{{name}}}}}")).chars().take(10).collect()
            }
            FormLine::Header => " header".to_owned(),
            FormLine::Button(n) => {
                self.form.buttons().get(n).map(|button| format!(" button {}", button.index)).unwrap_or_default()
            }
            FormLine::Pace => "Pace".to_owned(),
            FormLine::Window => "Window".to_owned(),
            FormLine::Start => "Start".to_owned(),
            FormLine::Repeat => "Repeat".to_owned(),
            FormLine::Ends => "Ends".to_owned(),
            FormLine::OwnTime => "Own time".to_owned(),
            FormLine::First => "First".to_owned(),
        }
    }

    fn typed(&mut self, edit: &LineEdit) -> Vec<TextLine> {
        let room = self.room();
        match edit {
            LineEdit::Field(field) => vec![field.line(TextLine::default())],
            LineEdit::Path { field, offers } => {
                let shown = offers.iter().take(8).map(|path| TextLine::dim(escaped(path)));
                let more = (offers.len() > 8).then(|| TextLine::dim(format!("and {} more", offers.len() - 8)));
                std::iter::once(field.line(TextLine::default())).chain(shown).chain(more).collect()
            }
            LineEdit::Message(area) => {
                let (lines, cursor) = area.lines(|text| wrapped(text, room));
                self.focus = Some(self.lines.len() + cursor);
                lines
            }
        }
    }

    fn value(&self, line: FormLine) -> Vec<TextLine> {
        let values = &self.form.values;
        match line {
            FormLine::Sender => self.sender(),
            FormLine::Tag => vec![given(&values.tag, "none yet")],
            FormLine::Stage => vec![given(&values.follow_up_stage, "Initial")],
            FormLine::People => self.people(),
            FormLine::Columns => how::columns(self.form, self.room()),
            FormLine::Country => vec![how::country(self.form, self.configured())],
            FormLine::Message => self.message().into_iter().chain(self.not_for_everybody()).collect(),
            FormLine::Template => std::iter::once(self.template()).chain(self.not_for_everybody()).collect(),
            FormLine::Variable(n) => {
                let value = self.form.variables().get(n).map(|(_, value)| value.clone()).unwrap_or_default();
                vec![given(&value, "empty: write a text, or {column}")]
            }
            FormLine::Header => {
                let (kind, place) = self.form.header().unwrap_or_default();
                vec![given(&place, &no_header(kind))]
            }
            FormLine::Button(n) => {
                let Some(button) = self.form.buttons().into_iter().nth(n) else { return Vec::new() };
                let needs = self.form.button_needs(&button);
                vec![given(&button.text, &format!("empty: write {needs}, or {{column}}"))]
            }
            FormLine::Pace => how::pace(values, self.configured(), self.room()),
            FormLine::Window => vec![how::window(values, self.model.form_zone())],
            FormLine::Start if values.repeat.is_some() => vec![how::start_of_times(self.form.is_scheduled())],
            FormLine::Start => vec![how::start(values, self.model.form_zone(), self.form.is_scheduled())],
            FormLine::Repeat => {
                how::repeat(values, self.running(), (self.model.form_zone(), clock(self.model)), self.room())
            }
            FormLine::Ends => vec![how::ends(values)],
            FormLine::OwnTime => vec![how::own_time(values)],
            FormLine::First => vec![match values.first {
                None => TextLine::dim("everybody, without stopping"),
                Some(first) => TextLine::plain(format!("{}, then wait for me", number(i64::from(first.get())))),
            }],
        }
    }

    /// Its blast, where that is scheduled.
    fn running(&self) -> Option<&BlastView> {
        self.model.blasts.get(self.form.id()?).filter(|_| self.form.is_scheduled())
    }

    /// The sender, where it is configured here.
    fn configured(&self) -> Option<&SenderView> {
        self.model.senders.iter().find(|sender| sender.name == self.form.values.sender)
    }

    fn sender(&self) -> Vec<TextLine> {
        let name = &self.form.values.sender;
        let line = TextLine::plain(format!("{name:<16} "));
        match self.configured() {
            None => vec![line.and("is not configured here", TextRole::Trouble)],
            Some(SenderView { stopped: Some(stop), .. }) => how::stopped(self.model, line, &stop.reason, self.room()),
            Some(sender) => {
                let line = line.and(described(sender), TextRole::Dim);
                let place = sender.usage.daily_cap.map(|_| "  config: daily_cap").unwrap_or_default();
                let has_room = line.width() + width(place) <= self.room();
                vec![if has_room { line.and(place, TextRole::Dim) } else { line }]
            }
        }
    }

    fn people(&self) -> Vec<TextLine> {
        let form = self.form;
        let found_by = self.found_by();
        let source = match form.source() {
            None if form.left_out.is_pasted => "pasted".to_owned(),
            None if form.people > 0 => format!("{} in it{found_by}", counted(form.people)),
            None if !found_by.is_empty() => format!("nobody yet{found_by}"),
            None => return vec![TextLine::dim("nobody yet: a CSV or Excel file, or paste cells here")],
            Some(DraftList::File(path)) => escaped(&path.to_string_lossy()),
            Some(DraftList::Pasted(text)) => {
                format!("pasted, {}", count_of(i64::try_from(text.lines().count()).unwrap_or(0), "line", "lines"))
            }
        };
        let mut lines = vec![TextLine::plain(source)];
        if form.is_taking || form.wants_list && form.backlog.refused.is_none() {
            lines.push(TextLine::dim(reading(form)));
            return lines;
        }
        let has_list = form.taken.is_some() || form.read_columns.is_some() || !form.mends.is_empty();
        if !has_list && form.left_out.total == 0 {
            lines.extend(self.left_out_since());
            return lines;
        }
        let left_out = i64::try_from(form.left_out.total).unwrap_or(i64::MAX);
        let ByHand { added, taken_out } = form.by_hand;
        let by_hand = [(added, "added by hand"), (taken_out, "taken out by hand")];
        let by_hand = by_hand.into_iter().filter(|(people, _)| *people > 0);
        let counts = by_hand
            .fold(TextLine::plain(format!("{} taken", number(form.people - added))), |line, (people, how)| {
                line.and(format!(", {} {how}", number(people)), TextRole::Dim)
            });
        lines.push(if left_out == 0 && form.mends.is_empty() {
            counts
        } else if left_out == 0 {
            let corrected = i64::try_from(form.mends.len()).unwrap_or(i64::MAX);
            counts.and(format!(", {}", count_of(corrected, "cell corrected", "cells corrected")), TextRole::Dim)
        } else {
            counts.and(format!(", {} left out", number(left_out)), TextRole::Strong).and(
                format!(" (enter{}: why, correct)", if form.line == FormLine::People { "" } else { " here" }),
                TextRole::Dim,
            )
        });
        lines.extend(
            wrapped(&form.left_out.in_words(self.reasons), self.room())
                .into_iter()
                .filter(|line| !line.is_empty())
                .map(TextLine::dim),
        );
        lines.extend(self.left_out_since());
        let changes = form.taken.as_ref().and_then(|taken| taken.changes.as_ref()?.in_words());
        let changes = changes.map(|changes| format!("since it was read before: {}", clean(&changes)));
        lines.extend(changes.iter().flat_map(|words| wrapped(words, self.room())).map(TextLine::plain));
        let without_name = form.taken.as_ref().and_then(Imported::without_name_words);
        lines.extend(without_name.iter().flat_map(|words| wrapped(words, self.room())).map(TextLine::dim));
        lines
    }

    /// The filter that its people are found by.
    fn found_by(&self) -> String {
        let blast = self.form.id().and_then(|id| self.model.blasts.get(id));
        let filter = blast.and_then(|blast| blast.origin.segment.as_deref());
        filter.map(|filter| format!(", found by {}", filter_words(filter, clock(self.model)))).unwrap_or_default()
    }

    /// Whom the plan leaves out, so that its count is no surprise.
    fn left_out_since(&self) -> Vec<TextLine> {
        let people = self.form.left_out_since;
        let get = if people == 1 { "gets" } else { "get" };
        let why = "opted out, answered or bought since, or uncertain";
        let words = (people > 0).then(|| format!("{} of them {get} nothing: {why}", number(people)));
        let lines = words.iter().flat_map(|words| wrapped(words, self.room()));
        lines.map(|line| TextLine::of(line, TextRole::Strong)).collect()
    }

    fn message(&self) -> Vec<TextLine> {
        let text = &self.form.values.message;
        if text.is_empty() {
            let editor = editor_key(self.model).map(|key| format!(", or {key} for your editor")).unwrap_or_default();
            return vec![TextLine::dim(format!("nothing yet: type it{editor}"))];
        }
        let lines = wrapped(text, self.room());
        let is_cut = lines.len() > MESSAGE_MAX;
        let mut lines: Vec<TextLine> = lines.into_iter().take(MESSAGE_MAX).map(TextLine::plain).collect();
        if is_cut {
            lines.push(TextLine::dim("~"));
        }
        lines
    }

    /// For whom what is written cannot be made, where it was saved: it cannot be sent so.
    fn not_for_everybody(&self) -> Vec<TextLine> {
        let why = self.form.unfinished.as_deref().filter(|why| why.contains(NOT_FOR));
        let lines = why.map(|why| wrapped(&clean(why), self.room())).unwrap_or_default();
        lines.into_iter().map(|line| TextLine::of(line, TextRole::Trouble)).collect()
    }

    fn template(&self) -> TextLine {
        let Some(source) = &self.form.values.template else {
            return TextLine::dim("none yet: enter shows those that Meta has");
        };
        let name = source.get("name").and_then(|word| word.as_str()).unwrap_or_default();
        let line = TextLine::plain(format!("{name} ({})", template_source::language(source)));
        match self.form.template() {
            None => line,
            Some(template) => line.and(
                format!("  {}, {}", template.category.to_lowercase(), template.status.to_lowercase()),
                TextRole::Dim,
            ),
        }
    }
}

/// How far the list is that is being taken.
fn reading(form: &BlastForm) -> String {
    // While a line is typed on, esc leaves that one.
    let stops = if form.is_list_again() || form.edit.is_some() { "" } else { "; esc stops it" };
    match (form.is_taking, form.taking.rows, form.taking.is_stopping) {
        (true, _, true) => "is being stopped ...".to_owned(),
        (true, 0, false) => format!("is being read{stops}"),
        (true, rows, false) => {
            let rows = count_of(i64::try_from(rows).unwrap_or(i64::MAX), "row", "rows");
            format!("is being read, {rows} so far{stops}")
        }
        (false, ..) => "is being read ...".to_owned(),
    }
}

fn given(text: &str, otherwise: &str) -> TextLine {
    if text.is_empty() { TextLine::dim(otherwise.to_owned()) } else { TextLine::plain(text.to_owned()) }
}

/// `WSAPME, 354 of 500 left today`.
fn described(sender: &SenderView) -> String {
    let provider = if sender.provider == "meta" { "Meta" } else { "WSAPME" };
    let left = sender.usage.daily_cap.map(|cap| {
        let left = (cap - sender.usage.today).max(0);
        format!(", {} of {} left today", number(left), number(cap))
    });
    format!("{provider}{}", left.unwrap_or_default())
}

/// Of a header that has no value yet.
fn no_header(kind: &str) -> String {
    match kind {
        "text" => "empty: write a text, or {column}".to_owned(),
        kind => format!("no {kind} yet: an https address, a {{column}} of them, or a file"),
    }
}
