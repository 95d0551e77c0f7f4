//! Schemas of what several calls take, where a field's type does not say it.

use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{ArrayBuilder, Object, ObjectBuilder, OneOfBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, Schema};

use crate::app::view::BlastView;
use crate::domain::blast::BlastState;
use crate::domain::campaign::CampaignState;
use crate::domain::ids::BlastId;
use crate::domain::waiting::Waiting;

/// What became of a request that is answered again although its answer was lost.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct DoneAnswer {
    #[schema(example = true)]
    pub done: bool,
    #[schema(example = 7)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[schema(example = 7)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blast_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<BlastState>,
    #[schema(example = 250)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total_recipients: Option<i64>,
}

impl DoneAnswer {
    /// `None`: the blast is deleted.
    pub(in crate::http) fn of(id: BlastId, blast: Option<&BlastView>) -> Self {
        let (state, total_recipients) = blast.map(|blast| (blast.state, blast.total_recipients)).unzip();
        Self { done: true, id: Some(id.0), blast_id: Some(id.0), state, total_recipients }
    }
}

impl Default for DoneAnswer {
    fn default() -> Self {
        Self { done: true, id: None, blast_id: None, state: None, total_recipients: None }
    }
}

/// The same in the campaigns' words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::http) struct DoneCampaign {
    #[schema(example = true)]
    success: bool,
    #[schema(example = true)]
    done: bool,
    #[schema(example = "7")]
    id: String,
    #[schema(example = "7")]
    campaign_id: String,
    #[schema(example = "draft")]
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[schema(example = 250)]
    #[serde(skip_serializing_if = "Option::is_none")]
    total_recipients: Option<i64>,
}

impl DoneCampaign {
    /// `None`: the campaign is deleted.
    pub(in crate::http) fn of(id: BlastId, blast: Option<&BlastView>) -> Self {
        let word = |blast: &BlastView| CampaignState::of(blast.state, blast.counts.nobody_reached()).word();
        let (status, total_recipients) = blast.map(|blast| (word(blast), blast.total_recipients)).unzip();
        Self { success: true, done: true, id: id.to_string(), campaign_id: id.to_string(), status, total_recipients }
    }
}

fn of_types<const N: usize>(types: [Type; N]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::from_iter(types))
}

/// `20`, or `"80/s"`.
pub(in crate::http) fn rate() -> Object {
    of_types([Type::Number, Type::String, Type::Null])
        .description(Some("A number of messages a minute, or a text such as `80/s`, `20/min` or `unlimited`"))
        .examples([json!("20/min")])
        .build()
}

/// A number or a text.
pub(in crate::http) fn amount() -> Object {
    of_types([Type::Number, Type::String, Type::Null])
        .description(Some("Of a sale: `120.50`, as a text or a number"))
        .examples([json!("120.50")])
        .build()
}

/// An hour of the day.
pub(in crate::http) fn hour() -> Object {
    of_types([Type::Integer, Type::String, Type::Null])
        .description(Some("An hour, such as `9` or `\"09:00\"`"))
        .examples([json!(9)])
        .build()
}

/// The hour at which it ends.
pub(in crate::http) fn last_hour() -> Object {
    let mut hour = hour();
    hour.examples = vec![json!(21)];
    hour
}

/// A template, and what its sender's provider makes of it.
pub(in crate::http) fn template() -> Object {
    of_types([Type::Object, Type::Null])
        .description(Some(
            "`name`, `language`, and `variables` (by number or name, `{column}` in them is a person's own value), `header` or `components`",
        ))
        .examples([json!({ "name": "order_ready", "language": "en_US", "variables": { "1": "{name}" } })])
        .build()
}

/// The same where the example has a message, which excludes a template.
pub(in crate::http) fn template_or_message() -> Object {
    let mut template = template();
    template.examples = vec![json!(null)];
    template
}

/// A template as it is answered, where the example has a message, which excludes one.
pub(in crate::http) fn kept_template() -> Schema {
    OneOfBuilder::new()
        .description(Some("What a sender of Meta's sends, in place of `message`"))
        .item(of_types([Type::Null]))
        .item(Ref::from_schema_name("BlastTemplate"))
        .examples([json!(null)])
        .build()
        .into()
}

/// A template as a blast keeps it, in Meta's form: columns of a list stand in its values as `{column}`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a template writes itself as JSON; this describes it")]
pub(in crate::http) struct BlastTemplate {
    #[schema(example = "order_ready")]
    name: String,
    #[schema(schema_with = template_language)]
    language: serde_json::Value,
    /// Its header, body and buttons with their values; missing where it has none.
    #[schema(schema_with = template_components, required = false)]
    components: serde_json::Value,
}

fn template_language() -> Object {
    of_types([Type::Object])
        .property("code", of_types([Type::String]).examples([json!("en_US")]))
        .required("code")
        .build()
}

fn template_components() -> Schema {
    let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "{name}" }] });
    ArrayBuilder::new().items(of_types([Type::Object])).examples([json!([body])]).build().into()
}

/// Any object.
pub(in crate::http) fn object() -> Object {
    of_types([Type::Object]).examples([json!({})]).build()
}

/// The word of what a blast waits for.
pub(in crate::http) fn waiting_reason() -> Object {
    let words = Waiting::REASONS.map(|word| format!("`{word}`")).join(", ");
    of_types([Type::String])
        .description(Some(format!("The reason's word, which does not change: {words}; more may come")))
        .examples([json!("window")])
        .build()
}

/// What came of a job: it depends on which call made it.
pub(in crate::http) fn job_result() -> Schema {
    OneOfBuilder::new()
        .description(Some(
            "Of a list that was added: the answer that a call would have got that waits for it; null if it was lost in a crash, or could \
             not be read. Of a status check: how many people were asked about, and of how many of them the provider answered.",
        ))
        .item(of_types([Type::Null]))
        .item(Ref::from_schema_name("AddedPeople"))
        .item(Ref::from_schema_name("AddedToCampaign"))
        .item(Ref::from_schema_name("StatusCheckResult"))
        .build()
        .into()
}

/// What came of a status check.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the database writes it as JSON; this describes it")]
pub(in crate::http) struct StatusCheckResult {
    /// So many people were asked about.
    #[schema(example = 250)]
    asked: i64,
    /// Of so many of them the provider answered.
    #[schema(example = 240)]
    answered: i64,
}

/// Values by name.
pub(in crate::http) fn variables() -> Object {
    of_types([Type::Object, Type::Null]).examples([json!({ "1": "{name}" })]).build()
}

/// Any JSON.
pub(in crate::http) fn anything() -> Schema {
    Schema::Object(ObjectBuilder::new().schema_type(SchemaType::AnyValue).build())
}

/// One person: a number, or an object.
fn person() -> OneOfBuilder {
    let number = of_types([Type::String, Type::Integer]).examples([json!("60123456789")]);
    OneOfBuilder::new().item(number).item(Ref::from_schema_name("GivenPerson"))
}

/// People to be added.
pub(in crate::http) fn people() -> Schema {
    let example = json!(["60123456789", { "phone_number": "60123456790", "name": "Aina" }]);
    ArrayBuilder::new().items(person()).examples([example]).build().into()
}

/// Somebody who is to get a message. Further fields are their variables.
#[derive(ToSchema)]
#[expect(dead_code, reason = "what people look like is read value by value; this describes it")]
pub(in crate::http) struct GivenPerson {
    #[schema(example = "60123456789")]
    phone_number: String,
    #[schema(example = "Aina")]
    name: Option<String>,
    #[schema(schema_with = variables_of_person, required = false)]
    variables: serde_json::Value,
    #[schema(example = "customer-17")]
    external_id: Option<String>,
}

fn variables_of_person() -> Object {
    of_types([Type::Object, Type::Null]).examples([json!({ "city": "Ipoh" })]).build()
}
