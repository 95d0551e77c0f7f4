//! What is read before a blast: the number's health, the account's templates, whether webhooks arrive; and the upload
//! of a header's picture or document. Nothing here sends a message.

use serde_json::Value;

use super::super::lenient::short;
use super::{GraphError, Meta};

mod check;
mod media;
mod number;
mod page;
mod parts;
mod template;

pub use check::{TemplateMismatch, VariableMismatch, check};
pub use media::{MediaError, MediaFile};
pub use number::{CanSend, NumberHealth, QualityRating};
pub use template::{ButtonKind, FetchedTemplate, HeaderFormat, TemplateList};

/// The most pages of a list that are read, 100 items each.
const PAGES_MAX: usize = 60;

impl Meta {
    /// The number's health, quality, throughput and limit.
    pub async fn number(&self) -> Result<NumberHealth, GraphError> {
        Ok(NumberHealth::read(&self.graph.get(&self.phone_number_id, &[("fields", number::FIELDS)]).await?))
    }

    /// Every template of the account, up to 6,000.
    pub async fn templates(&self) -> Result<TemplateList, GraphError> {
        self.templates_of(&[]).await
    }

    /// The templates whose name this is, or is like this: Meta does not say which.
    pub async fn templates_named(&self, name: &str) -> Result<TemplateList, GraphError> {
        self.templates_of(&[("name", name)]).await
    }

    async fn templates_of(&self, filter: &[(&str, &str)]) -> Result<TemplateList, GraphError> {
        let path = format!("{}/message_templates", self.waba_id);
        let mut list = TemplateList::default();
        let mut cursors = Cursors::default();
        for _ in 0..PAGES_MAX {
            let mut query = vec![("fields", template::FIELDS), ("limit", "100")];
            query.extend(filter);
            query.extend(cursors.newest().map(|cursor| ("after", cursor)));
            let page = self.graph.get(&path, &query).await?;
            list.add(items(&page)?);
            match cursors.advance(&page) {
                NextPage::None => return Ok(list),
                NextPage::More => {}
                NextPage::Unknown => break,
            }
        }
        list.is_cut = true;
        Ok(list)
    }

    /// The names of the apps that get the account's webhooks; without any, none arrive.
    pub async fn subscribed_apps(&self) -> Result<Vec<String>, GraphError> {
        let answer = self.graph.get(&format!("{}/subscribed_apps", self.waba_id), &[]).await?;
        let name = |app: &Value| {
            let app = app.get("whatsapp_business_api_data").unwrap_or(app);
            let text = |key: &str| app.get(key).and_then(Value::as_str).map(short).filter(|text| !text.is_empty());
            text("name").or_else(|| text("id")).unwrap_or_else(|| "an app without a name".to_owned())
        };
        Ok(items(&answer)?.iter().map(name).collect())
    }

    /// Uploads a header's file and returns its id, which is valid for 30 days.
    pub async fn upload(&self, file: &MediaFile) -> Result<String, GraphError> {
        let (content_type, body) = media::multipart(file);
        let content_type = content_type.map_err(|error| GraphError::Unreadable(error.to_string()))?;
        let url = self.graph.url(&format!("{}/media", self.phone_number_id));
        let mut request = self.graph.post(url, content_type, body);
        *request.timeout_mut() = Some(media::TIMEOUT);
        let answer = self.graph.call(request).await?;
        let id = match answer.get("id") {
            Some(Value::String(id)) => Some(id.clone()),
            Some(Value::Number(id)) => Some(id.to_string()),
            _ => None,
        };
        let id = id.filter(|id| (1..=128).contains(&id.len()));
        id.ok_or_else(|| GraphError::Unreadable("the upload has no id".to_owned()))
    }
}

pub(super) fn items(page: &Value) -> Result<&Vec<Value>, GraphError> {
    let items = page.get("data").and_then(Value::as_array);
    items.ok_or_else(|| GraphError::Unreadable("a list without `data`".to_owned()))
}

/// What follows a page.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextPage {
    None,
    More,
    /// There is one, and nothing to ask for it by, or only what was asked for before: the list would be read forever.
    Unknown,
}

/// The cursors of a list that is read page by page.
#[derive(Debug, Default)]
pub(super) struct Cursors(Vec<String>);

impl Cursors {
    /// By which the next page is asked for; the first page needs none.
    pub(super) fn newest(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Goes on behind a page. The last one has a cursor, but no `next`.
    pub(super) fn advance(&mut self, page: &Value) -> NextPage {
        if page.pointer("/paging/next").and_then(Value::as_str).is_none() {
            return NextPage::None;
        }
        let cursor = page.pointer("/paging/cursors/after").and_then(Value::as_str).unwrap_or_default();
        if cursor.is_empty() || self.0.iter().any(|known| known == cursor) {
            return NextPage::Unknown;
        }
        self.0.push(cursor.to_owned());
        NextPage::More
    }
}
