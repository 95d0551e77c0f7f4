//! What somebody in the draft will read, and what is wrong with it.

use super::super::wrapped;
use super::{FormPainter, how};
use crate::app::DraftPerson;
use crate::domain::content::{BlastContent, MessageContent};
use crate::domain::message::Variables;
use crate::domain::text::characters;
use crate::tui::theme::TextRole;
use crate::tui::widget::TextLine;

/// The most lines of a preview.
const PREVIEW_MAX: usize = 12;

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
            return;
        }
        let mut rule = TextLine::rule(who);
        // A template's is drawn with its buttons and its header, which are no text of the message.
        let is_text = role == TextRole::Plain && self.form.values.template.is_none();
        if is_text && (!person.phone.is_empty() || self.is_the_same_for_all()) {
            rule = rule.and(characters(&text), TextRole::Plain);
        }
        if self.form.first_people.len() > 1 && self.form.edit.is_none() {
            rule = rule.right(self.model.with_keys("⟨[⟩ ⟨]⟩ other rows"));
        }
        self.lines.push(rule);
        self.lines.extend(self.missing_header());
        let lines = wrapped(&text, self.width.saturating_sub(4));
        let is_cut = lines.len() > PREVIEW_MAX;
        self.lines.extend(lines.into_iter().take(PREVIEW_MAX).map(|line| TextLine::of(format!("  {line}"), role)));
        if is_cut {
            self.lines.push(TextLine::dim("  ~"));
        }
        self.lines.extend(self.buttons(person));
        let unknown = self.form.values.content().ok().filter(|_| role == TextRole::Plain);
        let unknown = unknown.and_then(|content| how::no_column(self.form, &content));
        for line in
            unknown.or_else(|| self.mismatch()).iter().flat_map(|why| wrapped(why, self.width.saturating_sub(4)))
        {
            self.lines.push(TextLine::of(format!("  {line}"), TextRole::Trouble));
        }
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
