//! Reads the values of a template's buttons.

use serde_json::{Map, Value};

use super::{TemplateComponent, TemplateError, TemplateFault, array, fault, first, object, value};
use crate::domain::template::{
    ButtonAction, ButtonSpelling, IndexSpelling, ParameterValue, ProductSection, TemplateButton,
};

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
    let action = action(index, kind, fields)?;
    let action = action.ok_or_else(|| fault(format!("button {index}"), TemplateFault::Expected(KINDS)))?;
    let spelling = action.spelling();
    Ok(TemplateComponent::Button(TemplateButton { index, action, spelling }))
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
    if parameters.len() > 1 || parameter.keys().any(|key| !PARAMETER_KEYS.contains(&key.as_str())) {
        return Ok(None);
    }
    Ok(action(index, kind, parameter)?.map(|action| {
        let spelling = written(kind, fields.get("index"), &action);
        TemplateButton { index, action, spelling }
    }))
}

/// What a button's parameter may hold; one with more is sent as it was written.
const PARAMETER_KEYS: [&str; 6] =
    ["type", "payload", "text", "coupon_code", "thumbnail_product_retailer_id", "sections"];

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
    let text = |keys: &[&str]| value(format!("button {index}"), first(fields, keys));
    let thumbnail = || match first(fields, &["thumbnail_product_retailer_id", "thumbnail"]) {
        None => Ok(None),
        product => value(format!("button {index}"), product).map(Some),
    };
    Ok(Some(match kind.to_ascii_lowercase().as_str() {
        "quick_reply" => ButtonAction::QuickReply { payload: text(&["payload"])? },
        "url" => ButtonAction::Url { suffix: text(&["text", "suffix"])? },
        "copy_code" => ButtonAction::CopyCode { code: text(&["coupon_code", "code", "text"])? },
        "catalog" => ButtonAction::Catalog { thumbnail: thumbnail()? },
        "mpm" => ButtonAction::Products { thumbnail: thumbnail()?, sections: sections(index, fields)? },
        _ => return Ok(None),
    }))
}

fn sections(index: u8, fields: &Map<String, Value>) -> Result<Vec<ProductSection>, TemplateError> {
    let place = format!("button {index}");
    let list = fields.get("sections").ok_or_else(|| fault(&place, TemplateFault::Missing("sections")))?;
    array(&place, list)?.iter().map(|json| section(&place, json)).collect()
}

fn section(place: &str, json: &Value) -> Result<ProductSection, TemplateError> {
    let fields = object(place, json)?;
    let items = first(fields, &["product_items", "products"]);
    let items = array(place, items.ok_or_else(|| fault(place, TemplateFault::Missing("product_items")))?)?;
    let products = items.iter().map(|item| product(place, item));
    Ok(ProductSection { title: value(place, fields.get("title"))?, products: products.collect::<Result<_, _>>()? })
}

/// `{"product_retailer_id":"sku"}` or the id alone.
fn product(place: &str, item: &Value) -> Result<ParameterValue, TemplateError> {
    value(place, item.get("product_retailer_id").or(Some(item)))
}
