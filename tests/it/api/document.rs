//! What `/openapi.json` says, and whether an answer is as it says.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::Value;
use tokio::sync::OnceCell;

use super::client::ApiAnswer;

/// The document of the servers that these tests start.
static DOCUMENT: OnceCell<Document> = OnceCell::const_new();

pub struct Document(Value);

/// One call.
#[derive(Debug, Clone)]
pub struct Operation {
    pub method: Method,
    pub path: String,
    pub value: Value,
}

impl Operation {
    /// `None`: it needs no token.
    pub fn scope(&self) -> Option<&str> {
        self.value["security"][0]["token"][0].as_str()
    }

    pub fn reads_json(&self) -> bool {
        self.value["requestBody"]["content"]["application/json"].is_object()
    }

    pub fn example(&self) -> Value {
        self.value["requestBody"]["content"]["application/json"]["example"].clone()
    }

    pub fn parameters(&self, place: &str) -> impl Iterator<Item = &Value> {
        self.value["parameters"].as_array().unwrap().iter().filter(move |parameter| parameter["in"] == place)
    }

    /// The path with these values.
    pub fn with(&self, values: &[(&str, &str)]) -> String {
        let filled =
            values.iter().fold(self.path.clone(), |path, (name, value)| path.replace(&format!("{{{name}}}"), value));
        assert!(!filled.contains('{'), "{filled}: say what stands there");
        filled
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// That of the server at this address.
pub async fn document(base_url: &str) -> &'static Document {
    let read = async || {
        let client = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().unwrap();
        let text = client.get(format!("{base_url}/openapi.json")).send().await.unwrap().text().await.unwrap();
        Document(serde_json::from_str(&text).unwrap())
    };
    DOCUMENT.get_or_init(read).await
}

impl Document {
    pub fn operations(&self) -> Vec<Operation> {
        let paths = self.0["paths"].as_object().unwrap();
        let all = paths.iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().iter().map(move |(method, value)| Operation {
                method: method.to_uppercase().parse().unwrap(),
                path: path.clone(),
                value: value.clone(),
            })
        });
        all.collect()
    }

    /// The methods of each address.
    pub fn methods(&self) -> BTreeMap<String, Vec<Method>> {
        let mut methods = BTreeMap::<String, Vec<Method>>::new();
        for operation in self.operations() {
            methods.entry(operation.path).or_default().push(operation.method);
        }
        methods
    }

    /// The call that an address belongs to.
    fn operation(&self, method: &Method, path: &str) -> Option<&Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |template: &str| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(wanted, part)| wanted.starts_with('{') || wanted == part)
        };
        let paths = self.0["paths"].as_object().unwrap();
        let found = paths.get_key_value(path).or_else(|| paths.iter().find(|(template, _)| fits(template)));
        found?.1.get(method.as_str().to_lowercase())
    }

    /// What of an answer is not as the document says. `None`: everything is.
    pub fn complaint(&self, method: &Method, path: &str, answer: &ApiAnswer) -> Option<String> {
        let Some(operation) = self.operation(method, path) else {
            return (!matches!(answer.status, 404 | 405)).then(|| "there is no such call".to_owned());
        };
        let said = &operation["responses"][answer.status.to_string()];
        let said = self.resolved(said);
        if said.is_null() {
            return Some(format!("it may not answer {}", answer.status));
        }
        let kind = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
        let content = &said["content"];
        if content.is_null() {
            return answer.body.is_object().then(|| "it has no body".to_owned());
        }
        if content[&kind].is_null() {
            return Some(format!("it may not answer {kind}"));
        }
        if !kind.ends_with("json") {
            return None;
        }
        self.misfit(&content[&kind]["schema"], &answer.body, "body")
    }

    fn resolved<'a>(&'a self, value: &'a Value) -> &'a Value {
        match value["$ref"].as_str() {
            Some(reference) => self.0.pointer(&reference[1..]).unwrap(),
            None => value,
        }
    }

    /// Where a value is not as its schema says.
    fn misfit(&self, schema: &Value, value: &Value, at: &str) -> Option<String> {
        let schema = self.resolved(schema);
        for part in schema["allOf"].as_array().into_iter().flatten() {
            if let Some(misfit) = self.misfit(part, value, at) {
                return Some(misfit);
            }
        }
        for key in ["oneOf", "anyOf"] {
            let Some(choices) = schema[key].as_array() else { continue };
            let misfits: Vec<_> = choices.iter().map(|choice| self.misfit(choice, value, at)).collect();
            if misfits.iter().all(Option::is_some) {
                return Some(format!("{at}: none of {misfits:?}"));
            }
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return Some(format!("{at}: {value} is none of {words:?}"));
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        if !kinds.is_empty() && !kinds.iter().any(|kind| is_of(kind, value)) {
            return Some(format!("{at}: {value} is not {kinds:?}"));
        }
        if let Value::Array(items) = value {
            let mut each = items.iter().enumerate();
            return each.find_map(|(n, item)| self.misfit(&schema["items"], item, &format!("{at}[{n}]")));
        }
        let fields = value.as_object()?;
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if !fields.contains_key(required) {
                return Some(format!("{at}: `{required}` is missing"));
            }
        }
        let properties = schema["properties"].as_object()?;
        fields.iter().find_map(|(name, field)| self.misfit(properties.get(name)?, field, &format!("{at}.{name}")))
    }
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}
