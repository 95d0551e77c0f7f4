//! Templates of Meta's, compared with what a blast is to send: before a draft is made, and again before it is launched.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::{App, AppError, UnusableSender};
use crate::domain::content::{BlastContent, MessageContent};
use crate::domain::ids::SenderId;
use crate::domain::template::{HeaderMedia, MediaSource, ParameterValue, TemplateError, TemplateMessage, as_read};
use crate::engine::ConfiguredSender;
use crate::provider::meta::GraphError;
use crate::provider::meta::limit::MessagingLimit;
use crate::provider::meta::preflight::{
    FetchedTemplate, MediaFile, NumberHealth, QualityRating, TemplateList, TemplateMismatch, check,
};
use crate::store::StoreError;
use crate::store::business::{self, PeopleLimit};

mod account;

pub(super) use account::AccountReport;

/// The number's limits are waited for this long.
const NUMBER_TIMEOUT: Duration = Duration::from_secs(5);
/// The list of templates is waited for this long, in all.
const LIST_TIMEOUT: Duration = Duration::from_secs(20);

/// Why a template cannot be sent, or cannot be checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateRefusal {
    #[error(transparent)]
    Mismatch(#[from] TemplateMismatch),
    #[error("sender {sender} sends texts only: a template needs a sender with provider = \"meta\"")]
    OtherProvider { sender: String },
    #[error("{0}")]
    NoSender(String),
    /// It is configured, and this process cannot use it.
    #[error("sender {sender} cannot be used here: {why}")]
    Unusable { sender: String, why: String },
    #[error("{0}")]
    Invalid(String),
    /// Says nothing about the template.
    #[error("the templates of sender {sender} could not be read: {why}")]
    Unreadable { sender: String, why: String },
}

impl TemplateRefusal {
    /// Whether other values, or more of them, would mend it.
    pub const fn is_about_values(&self) -> bool {
        matches!(self, Self::Mismatch(TemplateMismatch::Variables { .. }))
    }
}

/// A message that fits its template.
#[derive(Debug, Clone)]
pub struct FittedTemplate {
    pub message: TemplateMessage,
    /// By Meta's category.
    pub is_marketing: bool,
}

/// What Meta says of a blast's template.
#[derive(Debug, Default)]
pub(super) struct TemplateCheck {
    /// Why it cannot be sent now.
    pub obstacle: Option<String>,
    /// Why Meta could not be asked: it is sent unchecked.
    unread: Option<String>,
    /// With the text that people read.
    template: Option<FetchedTemplate>,
}

impl TemplateCheck {
    /// The template as it is kept with the blast.
    pub(super) fn stored(&self) -> Option<String> {
        self.template.as_ref().map(|template| template.page.stored())
    }

    /// Whether it is marketing, as far as it is known.
    pub(super) fn is_marketing(&self) -> bool {
        self.template.as_ref().is_some_and(FetchedTemplate::is_marketing)
    }

    /// What Meta charges its messages as, in words, or why that is not known; and that its status is a word which is not known here.
    pub(super) fn notes(&self) -> Vec<String> {
        if let Some(why) = &self.unread {
            return vec![format!("the template is not checked: {why}")];
        }
        let Some(template) = &self.template else { return Vec::new() };
        let FetchedTemplate { name, category, status, .. } = template;
        let (class, state) = (category.to_lowercase(), status.to_lowercase());
        let mut notes = vec![format!("template {name}, {state}: Meta charges each delivered message as {class}")];
        if !template.has_known_status() {
            notes
                .push(format!("template {name}: its status `{status}` is not known here, and it is sent all the same"));
        }
        notes
    }

    /// What one person reads, and below it where the buttons lead that have something of theirs, as far as it is known.
    pub(super) fn preview(&self, content: MessageContent) -> String {
        match (&content, &self.template) {
            (MessageContent::Template(message), Some(template)) => {
                let message = message.rendered();
                let buttons = template.preview_of_buttons(&message);
                std::iter::once(template.preview(&message)).chain(buttons).collect::<Vec<_>>().join("\n")
            }
            (MessageContent::Template(_), None) => {
                format!("{} (what this template says is not known)", as_read(&content.into_text(), None))
            }
            _ => content.into_text(),
        }
    }
}

impl App {
    /// Fills variables that have no value from the columns of their names, and checks the result against the
    /// template that Meta has.
    ///
    /// # Errors
    /// [`TemplateRefusal::Unreadable`] where Meta does not answer: the draft can be made, and is checked again at launch.
    pub async fn fit_template(
        &self,
        sender: &str,
        message: &TemplateMessage,
    ) -> Result<FittedTemplate, TemplateRefusal> {
        let sender = self.template_sender(sender)?;
        let list = templates_named(sender, message.name()).await?;
        let is_ours =
            |template: &&FetchedTemplate| template.name == message.name() && template.language == message.language();
        let filled = match list.templates.iter().find(is_ours) {
            Some(template) => message
                .clone()
                .fill_header(template.header_variables())
                .and_then(|message| message.fill_body(&template.variables))
                .and_then(|message| with_header_text(message, template))
                .map_err(|error| TemplateRefusal::Invalid(error.to_string()))?,
            None => message.clone(),
        };
        let is_marketing = compare(sender, &filled, &list)?.is_marketing();
        Ok(FittedTemplate { message: filled, is_marketing })
    }

    /// The same for a draft: where Meta does not answer, it is taken as it is.
    pub async fn fit_or_take(&self, sender: &str, message: TemplateMessage) -> Result<FittedTemplate, AppError> {
        match self.fit_template(sender, &message).await {
            Ok(fitted) => Ok(fitted),
            Err(error @ TemplateRefusal::Unreadable { .. }) => {
                tracing::warn!(%error, "the template is checked again at launch");
                Ok(FittedTemplate { message, is_marketing: false })
            }
            Err(TemplateRefusal::NoSender(why)) => Err(AppError::NotFound(why)),
            Err(error @ TemplateRefusal::Unusable { .. }) => Err(AppError::Refused(error.to_string())),
            Err(error) => Err(AppError::invalid("template", error.to_string())),
        }
    }

    /// Every template of a sender's account, where this app may act for the sender.
    pub async fn templates_of(&self, name: &str) -> Result<TemplateList, TemplateRefusal> {
        let name = self.own_sender_name(name).map_err(|error| TemplateRefusal::NoSender(error.to_string()))?;
        templates(self.template_sender(name)?).await
    }

    /// Compares a blast's template with Meta's. Nothing for a text.
    pub(super) async fn template_check(&self, sender: &ConfiguredSender, content: &BlastContent) -> TemplateCheck {
        let BlastContent::Template(message) = content else { return TemplateCheck::default() };
        let list = templates_named(sender, message.name()).await;
        let checked = list.and_then(|list| Ok(compare(sender, message, &list)?.clone()));
        match checked {
            Ok(template) => TemplateCheck { template: Some(template), ..TemplateCheck::default() },
            Err(error @ TemplateRefusal::Unreadable { .. }) => {
                tracing::warn!(%error, "the template is sent without having been checked");
                TemplateCheck { unread: Some(error.to_string()), ..TemplateCheck::default() }
            }
            Err(error) => TemplateCheck { obstacle: Some(error.to_string()), ..TemplateCheck::default() },
        }
    }

    /// Uploads a picture, video or document, as the header takes it, to Meta, once for a whole blast, and returns the header's value.
    pub async fn upload_header(
        &self,
        sender: &str,
        kind: HeaderMedia,
        (path, bytes): (&Path, Vec<u8>),
    ) -> Result<MediaSource, TemplateRefusal> {
        let sender = self.template_sender(sender)?;
        let Some(meta) = &sender.meta else { return Err(other_provider(sender)) };
        let file =
            MediaFile::for_header(kind, path, bytes).map_err(|error| TemplateRefusal::Invalid(error.to_string()))?;
        let id = meta.upload(&file).await.map_err(|error| TemplateRefusal::Invalid(error.to_string()))?;
        let id = ParameterValue::parse(&id).map_err(|error| TemplateRefusal::Invalid(error.to_string()))?;
        Ok(MediaSource::Id(id))
    }

    /// Asks Meta how many people the business may write to, and how fast the number may send, and keeps it; whatever it does not
    /// say stays as it was. Nothing for other providers.
    pub(super) async fn learn_limits(&self, sender: SenderId) {
        let Some(configured) = self.sender(sender) else { return };
        if let Some(number) = number_of(configured).await {
            self.learn_limits_of(sender, &number).await;
        }
    }

    /// The same of what Meta has said already.
    pub(super) async fn learn_limits_of(&self, sender: SenderId, number: &NumberHealth) {
        if let Err(error) = self.keep_limits(sender, number).await {
            tracing::warn!(%error, "Meta's limits could not be kept");
        }
    }

    async fn keep_limits(&self, sender: SenderId, number: &NumberHealth) -> Result<(), StoreError> {
        if let Some(limit) = number.limit {
            let limit = match limit {
                MessagingLimit::People(people) => PeopleLimit::People(people),
                MessagingLimit::Unlimited => PeopleLimit::Unlimited,
            };
            business::set_limit(self.pool(), &[sender], limit, self.engine().clock.now()).await?;
        }
        let quality = Some(number.quality.as_str()).filter(|_| number.quality != QualityRating::Unknown);
        business::set_quality(self.pool(), sender, quality).await?;
        match number.per_second() {
            Some(per_second) => business::set_throughput(self.pool(), sender, per_second).await,
            None => Ok(()),
        }
    }

    fn template_sender(&self, name: &str) -> Result<&ConfiguredSender, TemplateRefusal> {
        let found = self.engine().senders.iter().find(|sender| sender.name == name);
        found.ok_or_else(|| self.no_template_sender(name))
    }

    fn no_template_sender(&self, name: &str) -> TemplateRefusal {
        let is_own = |id: SenderId| self.only_sender().is_none_or(|own| own == id);
        match self.unusable_senders().iter().find(|unusable| unusable.name == name && is_own(unusable.sender)) {
            Some(UnusableSender { name, why, .. }) => {
                TemplateRefusal::Unusable { sender: name.clone(), why: why.clone() }
            }
            None => TemplateRefusal::NoSender(self.no_sender(name)),
        }
    }
}

/// A number as Meta describes it; `None` for other providers, and where Meta does not say.
pub(super) async fn number_of(sender: &ConfiguredSender) -> Option<NumberHealth> {
    match timeout(NUMBER_TIMEOUT, sender.meta.as_ref()?.number()).await {
        Ok(Ok(number)) => return Some(number),
        Ok(Err(error)) => tracing::info!(%error, "the number's health and limits could not be read again"),
        Err(_) => tracing::info!("the number's health and limits could not be read again: Meta did not answer in time"),
    }
    None
}

/// Keeps the text of its header, so that nobody's value makes it longer than Meta takes.
fn with_header_text(message: TemplateMessage, template: &FetchedTemplate) -> Result<TemplateMessage, TemplateError> {
    match &template.page.header {
        Some(text) if !template.header_variables().is_empty() => message.with_header_text(text),
        _ => Ok(message),
    }
}

/// A template that is not in a list of which some could not be read may exist.
fn compare<'a>(
    sender: &ConfiguredSender,
    message: &TemplateMessage,
    list: &'a TemplateList,
) -> Result<&'a FetchedTemplate, TemplateRefusal> {
    match check(message, &list.templates) {
        Err(TemplateMismatch::Missing { name, .. } | TemplateMismatch::OtherLanguage { name, .. })
            if list.is_cut || list.unreadable > 0 =>
        {
            let why = format!("`{name}` in {} is not among those that could be read", message.language());
            Err(TemplateRefusal::Unreadable { sender: sender.name.clone(), why })
        }
        other => {
            let template = other?;
            with_header_text(message.clone(), template)
                .map_err(|error| TemplateRefusal::Invalid(format!("template {}: {error}", template.name)))?;
            let is_for_marketing = sender.meta.as_ref().is_some_and(|meta| meta.is_for_marketing());
            // Meta refuses it for everybody (134100).
            if is_for_marketing && !template.category.is_empty() && !template.is_marketing() {
                return Err(TemplateRefusal::Invalid(format!(
                    "template {} is {}, and sender {} sends marketing only (`send_call = \"marketing_messages\"`): use a sender \
                     without that setting",
                    template.name,
                    template.category.to_lowercase(),
                    sender.name
                )));
            }
            Ok(template)
        }
    }
}

async fn templates(sender: &ConfiguredSender) -> Result<TemplateList, TemplateRefusal> {
    let Some(meta) = &sender.meta else { return Err(other_provider(sender)) };
    in_time(sender, meta.templates()).await
}

/// Those of one name; where there are none, all of them, so that the one that was meant can be named.
async fn templates_named(sender: &ConfiguredSender, name: &str) -> Result<TemplateList, TemplateRefusal> {
    let Some(meta) = &sender.meta else { return Err(other_provider(sender)) };
    let read = async {
        let named = meta.templates_named(name).await?;
        if named.templates.iter().any(|template| template.name == name) { Ok(named) } else { meta.templates().await }
    };
    in_time(sender, read).await
}

async fn in_time(
    sender: &ConfiguredSender,
    read: impl Future<Output = Result<TemplateList, GraphError>>,
) -> Result<TemplateList, TemplateRefusal> {
    let unreadable = |why: String| TemplateRefusal::Unreadable { sender: sender.name.clone(), why };
    match timeout(LIST_TIMEOUT, read).await {
        Ok(Ok(list)) => Ok(list),
        Ok(Err(error)) => Err(unreadable(error.to_string())),
        Err(_) => Err(unreadable("Meta did not answer in time".to_owned())),
    }
}

fn other_provider(sender: &ConfiguredSender) -> TemplateRefusal {
    TemplateRefusal::OtherProvider { sender: sender.name.clone() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{FetchedTemplate, TemplateCheck};
    use crate::domain::content::BlastContent;
    use crate::domain::message::Variables;

    #[test]
    fn a_status_that_is_not_known_is_a_note_of_the_plan() {
        let notes = |status: &str| {
            let item = json!({ "name": "raya", "language": "ms", "status": status, "category": "UTILITY" });
            let template = FetchedTemplate::read(&item);
            TemplateCheck { template, ..TemplateCheck::default() }.notes()
        };

        let note = "template raya: its status `SPARKLING` is not known here, and it is sent all the same";
        assert_eq!(notes("sparkling")[1..], [note]);
        assert_eq!(notes("APPROVED"), ["template raya, approved: Meta charges each delivered message as utility"]);
    }

    #[test]
    fn a_sample_of_a_template_whose_text_is_not_known_is_said_in_words() {
        let template = json!({ "name": "offer", "language": "ms", "variables": { "1": "{bandar}" } });
        let content = BlastContent::parse("", Some(&template)).unwrap();
        let variables: Variables = [("bandar", "Ipoh")].into_iter().collect();

        let read = TemplateCheck::default().preview(content.render(&variables).unwrap());

        assert_eq!(read, "template offer (ms): Ipoh (what this template says is not known)");
    }
}
