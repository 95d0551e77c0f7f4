//! The template of a form: which of the provider's it is, and what its values are filled from.

use crate::app::{ButtonKind, HeaderFormat, SenderTemplate};
use crate::tui::model::template_source::ButtonText;
use crate::tui::model::{BlastForm, TemplatesPage, template_source};

impl TemplatesPage {
    /// Whether a template has each of the words in its name, language, category, status or text.
    pub fn lists(&self, template: &SenderTemplate) -> bool {
        let SenderTemplate { name, language, category, status, body, .. } = template;
        let text = [name.as_str(), language, category, status, body].join(" ").to_lowercase();
        self.filter.text().to_lowercase().split_whitespace().all(|word| text.contains(word))
    }
}

/// What a file that Meta has begins with, where the place of one is shown.
pub const UPLOADED: &str = "uploaded, ";

impl BlastForm {
    /// The provider's templates that the page lists, where they were read.
    pub fn listed_templates(&self, page: &TemplatesPage) -> Vec<&SenderTemplate> {
        let all = self.templates.as_ref().and_then(|list| list.as_ref().ok());
        all.into_iter().flatten().filter(|template| page.lists(template)).collect()
    }

    /// The template that is chosen, as the provider describes it, where that was read.
    pub fn template(&self) -> Option<&SenderTemplate> {
        let source = self.values.template.as_ref()?;
        let (name, language) = (source.get("name")?.as_str()?, template_source::language(source));
        let listed = self.templates.as_ref()?.as_ref().ok()?;
        listed.iter().find(|template| template.name == name && template.language == language)
    }

    /// The variables of the chosen template, each with what it is filled from.
    pub fn variables(&self) -> Vec<(String, String)> {
        let given = self.values.template.as_ref().and_then(|template| template.get("variables")?.as_object());
        let body = self.values.template.as_ref().map(template_source::body_values).unwrap_or_default();
        let in_body = |name: &str| body.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let own = |name: &str| given.and_then(|given| given.get(name)?.as_str());
        let value = |name: &str| own(name).or_else(|| in_body(name)).unwrap_or_default().to_owned();
        let names: Vec<&String> = match (self.template(), given) {
            (Some(template), _) => template.variables.iter().collect(),
            (None, Some(given)) if body.is_empty() => given.keys().collect(),
            (None, _) => body.iter().map(|(name, _)| name).collect(),
        };
        names.into_iter().map(|name| (name.clone(), value(name))).collect()
    }

    /// The kind of medium that the template's header wants, and where it is; of a text, `text` and its variable's value.
    pub fn header(&self) -> Option<(&'static str, String)> {
        let given = self.values.template.as_ref().and_then(template_source::header);
        let kind = match self.template().map(|template| &template.header) {
            Some(Some(HeaderFormat::Media(kind))) => kind.as_str(),
            Some(Some(HeaderFormat::Text { variables })) if !variables.is_empty() => "text",
            Some(_) => return None,
            None => ["image", "video", "document", "text"]
                .into_iter()
                .find(|kind| given.is_some_and(|has| has.contains_key(*kind)))?,
        };
        if kind == "text" {
            let text = given.and_then(|given| given.get(kind)?.as_str());
            return Some((kind, text.unwrap_or_default().to_owned()));
        }
        let medium = given.and_then(|given| given.get(kind));
        let word = |name: &str| medium.and_then(|medium| medium.get(name)?.as_str());
        let place = word("link").map(str::to_owned).or_else(|| Some(format!("{UPLOADED}{}", word("id")?)));
        Some((kind, place.unwrap_or_default()))
    }

    /// What the template's buttons need, where that is a text, each with what it is filled from.
    pub fn buttons(&self) -> Vec<ButtonText> {
        let given = self.values.template.as_ref().map(template_source::buttons).unwrap_or_default();
        let Some(template) = self.template() else { return given };
        let text = |index: usize| given.iter().find(|button| button.index == index).map(|button| button.text.clone());
        let needed = |(index, kind): (usize, &ButtonKind)| {
            Some(ButtonText { index, kind: kind.text_type()?, text: text(index).unwrap_or_default() })
        };
        template.buttons.iter().enumerate().filter_map(needed).collect()
    }

    /// What a button needs, as a plan says it.
    pub fn button_needs(&self, button: &ButtonText) -> &'static str {
        let kind = self.template().and_then(|template| template.buttons.get(button.index));
        let of_type = if button.kind == "copy_code" { "a code" } else { "the end of its address" };
        kind.and_then(ButtonKind::needs).unwrap_or(of_type)
    }
}
