//! What somebody in the draft will read, and what is wrong with it.

use super::super::{page_rows, wrapped};
use super::{FormPainter, how};
use crate::app::DraftPerson;
use crate::domain::content::{BlastContent, MessageContent};
use crate::domain::message::Variables;
use crate::domain::text::characters;
use crate::tui::model::{BlastForm, Model};
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The most lines of a preview.
const PREVIEW_MAX: usize = 12;

/// What people in the draft will read, from the one on that is chosen: as many as have room in a column of their own.
pub(super) fn previews(model: &Model, form: &BlastForm, width: u16) -> Vec<TextLine> {
    let mut page = FormPainter::new(model, form, width);
    page.preview();
    let is_read = form.first_people.get(form.shown).is_some_and(|shown| page.rendered(shown).is_ok());
    for person in form.first_people.iter().skip(form.shown + 1).take_while(|_| is_read) {
        let further = page.text_of(person);
        if page.lines.len() + further.len() > page_rows(model) {
            break;
        }
        page.lines.extend(further);
    }
    page.lines
}

impl FormPainter<'_> {
    /// What somebody in the draft will read.
    pub(super) fn preview(&mut self) {
        let Some(person) = self.form.first_people.get(self.form.shown) else {
            return self.preview_of(&DraftPerson {
                row: None,
                phone: String::new(),
                name: None,
                variables: Variables::default(),
            });
        };
        self.preview_of(person);
    }

    fn preview_of(&mut self, person: &DraftPerson) {
        let text = self.text_of(person);
        let Some((rule, text)) = text.split_first() else { return };
        let has_others = self.form.first_people.len() > 1 && self.form.edit.is_none();
        let others = has_others.then(|| self.model.with_keys("⟨[⟩ ⟨]⟩ other rows"));
        self.lines.push(TextLine { right: others, ..rule.clone() });
        self.lines.extend(self.missing_header());
        self.lines.extend_from_slice(text);
        let unknown = self.form.values.content().ok().filter(|_| self.rendered(person).is_ok());
        let unknown = unknown.and_then(|content| how::no_column(self.form, &content));
        for line in
            unknown.or_else(|| self.mismatch()).iter().flat_map(|why| wrapped(why, self.width.saturating_sub(4)))
        {
            self.lines.push(TextLine::of(format!("  {line}"), TextRole::Trouble));
        }
    }

    /// Whose text it is, and below that the text, or why there is none; nothing where none is written yet.
    fn text_of(&self, person: &DraftPerson) -> Vec<TextLine> {
        let who = match (person.row, &person.name) {
            (Some(row), _) => format!("Row {row} reads"),
            (None, Some(name)) => format!("{name} reads"),
            (None, None) if person.phone.is_empty() => "What they read".to_owned(),
            (None, None) => format!("{} reads", person.phone),
        };
        let (text, role) = match self.rendered(person) {
            Ok(text) => (text, TextRole::Plain),
            Err(why) => (why, TextRole::Trouble),
        };
        if text.is_empty() {
            return Vec::new();
        }
        // A template's is drawn with its buttons and its header, which are no text of the message.
        let is_text = role == TextRole::Plain && self.form.values.template.is_none();
        let is_counted = is_text && (!person.phone.is_empty() || self.is_the_same_for_all());
        let length = if is_counted { characters(&text) } else { String::new() };
        let texts = wrapped(&text, self.width.saturating_sub(4));
        let cut = (texts.len() > PREVIEW_MAX).then(|| TextLine::dim("  ~"));
        let texts = texts.into_iter().take(PREVIEW_MAX).map(|line| TextLine::of(format!("  {line}"), role));
        let rule = TextLine::rule(who).and(length, TextRole::Plain);
        std::iter::once(rule).chain(texts).chain(cut).chain(self.buttons(person)).collect()
    }

    /// Whether nobody's values are in the text: it is as long as it is written.
    fn is_the_same_for_all(&self) -> bool {
        self.form.values.content().is_ok_and(|content| content.columns().is_empty())
    }

    /// What stands above the text, where the template wants it and it is not given yet.
    fn missing_header(&self) -> Option<TextLine> {
        let (kind, place) = self.form.header().filter(|(kind, _)| *kind != "text")?;
        place
            .is_empty()
            .then(|| TextLine::of(format!("  (no {kind} yet: enter on header takes one)"), TextRole::Trouble))
    }

    /// Where the buttons lead that have something of this person's, or the codes that they copy.
    fn buttons(&self, person: &DraftPerson) -> Vec<TextLine> {
        let content = self
            .form
            .values
            .content()
            .and_then(|content| content.render(&person.variables).map_err(|error| error.to_string()));
        let (Ok(MessageContent::Template(message)), Some(template)) = (content, self.form.template()) else {
            return Vec::new();
        };
        let room = self.width.saturating_sub(4);
        let words = template.preview_of_buttons(&message.rendered());
        words.iter().flat_map(|words| wrapped(words, room)).map(|line| TextLine::dim(format!("  {line}"))).collect()
    }

    /// Why the template cannot be sent with these values, as the plan would say it.
    fn mismatch(&self) -> Option<String> {
        let content = self.form.values.content().ok()?;
        let BlastContent::Template(message) = &content else { return None };
        self.form.template()?.mismatch(message).map(|why| why.to_string())
    }

    fn rendered(&self, person: &DraftPerson) -> Result<String, String> {
        let values = &self.form.values;
        if values.message.trim().is_empty() && values.template.is_none() {
            return Ok(String::new());
        }
        let content = values.content()?;
        if person.phone.is_empty() {
            return Ok(content.text());
        }
        let rendered = content.render(&person.variables);
        let rendered =
            rendered.map_err(|error| how::no_column(self.form, &content).unwrap_or_else(|| error.to_string()))?;
        match (rendered, self.form.template()) {
            (MessageContent::Template(message), Some(template)) => Ok(template.preview(&message.rendered())),
            (content, _) => Ok(content.into_text()),
        }
    }
}
