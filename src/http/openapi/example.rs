//! An example of whatever a schema describes: made of the examples of its fields.

use serde_json::{Map, Value, json};

/// Schemas that refer to one another in a circle end here.
const DEPTH_MAX: usize = 12;

/// An example of a schema. `schemas` are those that it may refer to.
pub(super) fn of(schema: &Value, schemas: &Map<String, Value>) -> Value {
    at_depth(schema, schemas, 0)
}

fn at_depth(schema: &Value, schemas: &Map<String, Value>, depth: usize) -> Value {
    if depth > DEPTH_MAX {
        return Value::Null;
    }
    let deeper = |schema: &Value| at_depth(schema, schemas, depth + 1);
    if let Some(example) = schema.get("example").or_else(|| schema.get("examples")?.get(0)) {
        return example.clone();
    }
    if let Some(name) = schema.get("$ref").and_then(Value::as_str).and_then(|name| name.rsplit('/').next()) {
        return schemas.get(name).map_or(Value::Null, deeper);
    }
    if let Some(constant) = schema.get("const").or_else(|| schema.get("enum")?.get(0)) {
        return constant.clone();
    }
    for key in ["oneOf", "anyOf"] {
        let of = schema.get(key).and_then(Value::as_array);
        if let Some(first) = of.and_then(|of| of.iter().find(|one| one.get("type") != Some(&json!("null")))) {
            return deeper(first);
        }
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let fields = parts.iter().map(deeper).filter_map(|part| part.as_object().cloned()).flatten();
        return Value::Object(fields.collect());
    }
    match kind(schema) {
        "object" => {
            let fields = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
            Value::Object(fields.map(|(name, field)| (name.clone(), deeper(field))).collect())
        }
        "array" => json!([deeper(schema.get("items").unwrap_or(&Value::Null))]),
        "string" => match schema.get("format").and_then(Value::as_str) {
            Some("date-time") => json!("2026-11-21T09:30:00Z"),
            _ => json!("text"),
        },
        "integer" => json!(1),
        "number" => json!(0.5),
        "boolean" => json!(false),
        _ => Value::Null,
    }
}

/// The type that is not null.
fn kind(schema: &Value) -> &str {
    match schema.get("type") {
        Some(Value::String(kind)) => kind,
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "null",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_made_of_what_the_fields_say() {
        let schemas = json!({
            "Person": { "type": "object", "properties": {
                "name": { "type": ["string", "null"], "example": "Aina" },
                "status": { "$ref": "#/components/schemas/Status" },
                "at": { "type": "string", "format": "date-time" },
            } },
            "Status": { "type": "string", "enum": ["sent", "read"] },
            "Loop": { "type": "object", "properties": { "next": { "$ref": "#/components/schemas/Loop" } } },
        });
        let schemas = schemas.as_object().unwrap();
        let person = json!({ "name": "Aina", "status": "sent", "at": "2026-11-21T09:30:00Z" });

        let people = json!({ "type": "array", "items": { "oneOf": [
            { "type": "null" }, { "$ref": "#/components/schemas/Person" },
        ] } });

        assert_eq!(of(&people, schemas), json!([person]));
        let both = json!({ "allOf": [
            { "$ref": "#/components/schemas/Person" }, { "type": "object", "properties": { "id": { "type": "integer" } } },
        ] });
        assert_eq!(of(&both, schemas)["id"], 1);
        assert_eq!(of(&both, schemas)["status"], "sent");
        assert!(of(&json!({ "$ref": "#/components/schemas/Loop" }), schemas).is_object());
    }
}
