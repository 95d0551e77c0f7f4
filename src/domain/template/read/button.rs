//! Reads the values of a template's buttons.

use serde_json::{Map, Value};

use super::{TemplateComponent, TemplateError, TemplateFault, array, fault, first, object, value};
use crate::domain::template::length::{PAYLOAD_MAX, within};
use crate::domain::template::{
    ButtonAction, ButtonSpelling, IndexSpelling, ParameterValue, ProductSection, TemplateButton,
};
use crate::domain::text::clean;

/// The short form: `{"type":"url","text":"…"}`; without an index, its place in the list.
pub(super) fn short(list: &[Value]) -> Result<Vec<TemplateComponent>, TemplateError> {
    (0..).zip(list).map(|(at, json)| one_short(at, json)).collect()
}

fn one_short(at: u64, json: &Value) -> Result<TemplateComponent, TemplateError> {
    let fields = object(&format!("button {at}"), json)?;
    let kind = fields.get("sub_type").or_else(|| fields.get("type")).and_then(Value::as_str).unwrap_or_default();
    if kind.eq_ignore_ascii_case("button") {
        return super::component(json);
    }
    let index = index(fields.get("index"), at)?;
    let place = format!("button {index}");
    let known = values_of(kind).ok_or_else(|| fault(&place, TemplateFault::Expected(KINDS)))?;
    if let Some(key) = fields.keys().find(|key| !PLACING.contains(&key.as_str()) && !known.contains(&key.as_str())) {
        let key = clean(key).into_owned();
        return Err(fault(place, TemplateFault::UnknownButtonKey { key, known }));
    }
    let action = action(index, kind, fields)?.ok_or_else(|| fault(place, TemplateFault::Expected(KINDS)))?;
    let spelling = action.spelling();
    Ok(TemplateComponent::Button(TemplateButton { index, action, spelling }))
}

/// What every button has.
const PLACING: [&str; 3] = ["type", "sub_type", "index"];

/// The keys of a button's value, Meta's own first. `None` for a kind that is not known.
fn values_of(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind.to_ascii_lowercase().as_str() {
        "quick_reply" => &["payload"],
        "url" => &["text", "suffix"],
        "copy_code" => &["coupon_code", "code", "text"],
        "catalog" => &["thumbnail_product_retailer_id", "thumbnail"],
        "mpm" => &["sections", "thumbnail_product_retailer_id", "thumbnail"],
        _ => return None,
    })
}

const KINDS: &str = "one of quick_reply, url, copy_code, catalog or mpm as its type";

/// Meta's form. `None` for a kind of button that is not known.
pub(super) fn component(fields: &Map<String, Value>) -> Result<Option<TemplateButton>, TemplateError> {
    let index = index(fields.get("index"), 0)?;
    let place = format!("button {index}");
    let kind = fields.get("sub_type").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| fault(&place, TemplateFault::Missing("sub_type")))?;
    let parameters = fields.get("parameters").map_or(Ok(&[][..]), |list| array(&place, list))?;
    let empty = Map::new();
    let parameter = parameters.first().map_or(Ok(&empty), |json| object(&place, json))?;
    // A catalog's and several products' values stand one deeper.
    let parameter = parameter.get("action").and_then(Value::as_object).unwrap_or(parameter);
    let known = values_of(kind).unwrap_or_default();
    // With more than that it is sent as it was written.
    if parameters.len() > 1 || parameter.keys().any(|key| key != "type" && !known.contains(&key.as_str())) {
        return Ok(None);
    }
    Ok(action(index, kind, parameter)?.map(|action| {
        let spelling = written(kind, fields.get("index"), &action);
        TemplateButton { index, action, spelling }
    }))
}

fn written(kind: &str, index: Option<&Value>, action: &ButtonAction) -> ButtonSpelling {
    let index = match index {
        Some(Value::String(_)) => IndexSpelling::Text,
        Some(Value::Number(_)) => IndexSpelling::Number,
        _ => action.spelling().index,
    };
    ButtonSpelling { kind: kind.to_owned().into(), index }
}

/// Text or a number, from 0 to 9.
fn index(json: Option<&Value>, at: u64) -> Result<u8, TemplateError> {
    let index = match json {
        None | Some(Value::Null) => Some(at),
        Some(Value::Number(number)) => number.as_u64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let index = index.and_then(|index| u8::try_from(index).ok()).filter(|index| *index <= 9);
    index.ok_or_else(|| fault("button", TemplateFault::Expected("an index from 0 to 9")))
}

fn action(index: u8, kind: &str, fields: &Map<String, Value>) -> Result<Option<ButtonAction>, TemplateError> {
    let text = || value(format!("button {index}"), first(fields, values_of(kind).unwrap_or_default()));
    let thumbnail = || match first(fields, &["thumbnail_product_retailer_id", "thumbnail"]) {
        None => Ok(None),
        product => value(format!("button {index}"), product).map(Some),
    };
    Ok(Some(match kind.to_ascii_lowercase().as_str() {
        "quick_reply" => ButtonAction::QuickReply { payload: payload(index, text()?)? },
        "url" => ButtonAction::Url { suffix: text()? },
        "copy_code" => ButtonAction::CopyCode { code: text()? },
        "catalog" => ButtonAction::Catalog { thumbnail: thumbnail()? },
        "mpm" => ButtonAction::Products { thumbnail: thumbnail()?, sections: sections(index, fields)? },
        _ => return Ok(None),
    }))
}

/// One with columns is looked at row by row.
fn payload(index: u8, value: ParameterValue) -> Result<ParameterValue, TemplateError> {
    let everybodys = value.everybodys().map_or(Ok(String::new()), |text| within(text, PAYLOAD_MAX));
    everybodys.map(|_| value).map_err(|error| fault(format!("button {index}"), error.into()))
}

fn sections(index: u8, fields: &Map<String, Value>) -> Result<Vec<ProductSection>, TemplateError> {
    let place = format!("button {index}");
    let list = fields.get("sections").ok_or_else(|| fault(&place, TemplateFault::Missing("sections")))?;
    array(&place, list)?.iter().map(|json| section(&place, json)).collect()
}

fn section(place: &str, json: &Value) -> Result<ProductSection, TemplateError> {
    let fields = object(place, json)?;
    refuse_others(place, fields, &["title", "product_items", "products"])?;
    let items = first(fields, &["product_items", "products"]);
    let items = array(place, items.ok_or_else(|| fault(place, TemplateFault::Missing("product_items")))?)?;
    let products = items.iter().map(|item| product(place, item));
    Ok(ProductSection { title: value(place, fields.get("title"))?, products: products.collect::<Result<_, _>>()? })
}

fn refuse_others(place: &str, fields: &Map<String, Value>, known: &[&str]) -> Result<(), TemplateError> {
    match fields.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(fault(place, TemplateFault::UnknownKey(key.clone()))),
        None => Ok(()),
    }
}

/// `{"product_retailer_id":"sku"}` or the id alone.
fn product(place: &str, item: &Value) -> Result<ParameterValue, TemplateError> {
    if let Some(fields) = item.as_object() {
        refuse_others(place, fields, &["product_retailer_id"])?;
    }
    value(place, item.get("product_retailer_id").or(Some(item)))
}
