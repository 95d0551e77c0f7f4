//! The document as a page: plain HTML without a script, of the document and nothing else.

use std::fmt::Write as _;

use serde_json::{Map, Value};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub(super) fn render(document: &Value) -> String {
    let mut page = ReferencePage { text: String::new(), schemas: &document["components"]["schemas"] };
    page.head(document);
    let tags = names(&document["tags"]);
    page.contents(document, &tags);
    for tag in &tags {
        page.raw(&format!("<h2 id=\"{}\">{}</h2>\n", anchor(tag), escaped(tag)));
        for (path, method, operation) in operations(document).filter(|(_, _, operation)| operation["tags"][0] == *tag) {
            page.operation(path, method, operation);
        }
    }
    page.problems(&document["components"]["responses"]);
    page.types();
    page.raw("</main>\n");
    page.text
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|one| one["name"].as_str()).collect()
}

/// Each call with its path and method.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    document["paths"].as_object().into_iter().flatten().flat_map(|(path, methods)| {
        let methods = methods.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// The end of a reference into the document.
fn referred(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.rsplit('/').next()
}

struct ReferencePage<'a> {
    text: String,
    schemas: &'a Value,
}

impl ReferencePage<'_> {
    fn raw(&mut self, html: &str) {
        self.text.push_str(html);
    }

    fn head(&mut self, document: &Value) {
        let (title, version) = (text(&document["info"]["title"]), text(&document["info"]["version"]));
        self.raw(&format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title} API</title>\n<style>{STYLE}</style>\n<main>\n<h1>{title} API <small>{version}</small></h1>\n"
        ));
        for part in document["info"]["description"].as_str().unwrap_or_default().split("\n\n") {
            self.raw(&format!("<p>{}</p>\n", prose(part)));
        }
        self.raw("<p>For programs: <a href=\"/openapi.json\">openapi.json</a>, OpenAPI 3.1.</p>\n");
    }

    fn contents(&mut self, document: &Value, tags: &[&str]) {
        self.raw("<nav><ul>\n");
        for tag in tags {
            let calls = operations(document).filter(|(_, _, operation)| operation["tags"][0] == **tag).count();
            let line = format!("<li><a href=\"#{}\">{}</a> <small>{calls}</small>\n", anchor(tag), escaped(tag));
            self.raw(&line);
        }
        self.raw("<li><a href=\"#problems\">Errors</a>\n<li><a href=\"#types\">Types</a>\n</ul></nav>\n");
    }

    fn operation(&mut self, path: &str, method: &str, operation: &Value) {
        let id = text(&operation["operationId"]);
        self.raw(&format!(
            "<details id=\"{id}\"><summary><b class=\"{method}\">{}</b> <code>{}</code> <span>{}</span></summary>\n",
            method.to_uppercase(),
            escaped(path).replace('/', "/<wbr>"),
            prose(operation["summary"].as_str().unwrap_or_default()),
        ));
        if let Some(more) = operation["description"].as_str() {
            self.raw(&format!("<p>{}</p>\n", prose(more)));
        }
        let access = match operation["security"][0]["token"][0].as_str() {
            None => "Needs no token.",
            Some("read") => "For any token.",
            Some("write") => "For a token that may write.",
            Some(_) => "For a token with scope admin.",
        };
        self.raw(&format!("<p>{access}</p>\n"));
        self.parameters(&operation["parameters"]);
        if let Some(content) = operation["requestBody"]["content"].as_object() {
            self.raw("<h3>Body</h3>\n");
            self.content(content);
        }
        self.responses(&operation["responses"]);
        self.raw("</details>\n");
    }

    fn parameters(&mut self, parameters: &Value) {
        let Some(parameters) = parameters.as_array().filter(|parameters| !parameters.is_empty()) else { return };
        self.raw("<h3>Parameters</h3>\n<dl>\n");
        for parameter in parameters {
            let need = if parameter["required"] == true { ", needed" } else { "" };
            self.raw(&format!(
                "<dt><code>{}</code> <small>{}{need}, {}</small>\n",
                text(&parameter["name"]),
                text(&parameter["in"]),
                kind(&parameter["schema"]),
            ));
            if let Some(what) = parameter["description"].as_str() {
                self.raw(&format!("<dd>{}\n", prose(what)));
            }
        }
        self.raw("</dl>\n");
    }

    fn content(&mut self, content: &Map<String, Value>) {
        for (media, described) in content {
            let of = kind(&described["schema"]);
            self.raw(&format!("<p><code>{}</code> <small>{of}</small></p>\n", escaped(media)));
            self.example(&described["example"]);
        }
    }

    fn example(&mut self, example: &Value) {
        let shown = match example {
            Value::String(text) => text.clone(),
            other => serde_json::to_string_pretty(other).unwrap_or_default(),
        };
        if !shown.is_empty() {
            self.raw(&format!("<pre tabindex=\"0\">{}</pre>\n", escaped(&shown)));
        }
    }

    fn responses(&mut self, responses: &Value) {
        let mut problems = Vec::new();
        for (status, response) in responses.as_object().into_iter().flatten() {
            if let Some(name) = referred(response) {
                problems.push(format!("<a href=\"#{name}\">{status}</a>"));
                continue;
            }
            self.raw(&format!(
                "<h3>{status}</h3>\n<p>{}</p>\n",
                prose(response["description"].as_str().unwrap_or_default())
            ));
            if let Some(content) = response["content"].as_object() {
                self.content(content);
            }
        }
        if !problems.is_empty() {
            self.raw(&format!("<p>Errors: {}</p>\n", problems.join(" ")));
        }
    }

    fn problems(&mut self, responses: &Value) {
        self.raw("<h2 id=\"problems\">Errors</h2>\n");
        let mut listed: Vec<(u64, &String, &Value)> = Vec::new();
        for (name, response) in responses.as_object().into_iter().flatten() {
            let example = &response["content"]["application/problem+json"]["example"];
            listed.push((example["status"].as_u64().unwrap_or_default(), name, response));
        }
        listed.sort_by_key(|(status, name, _)| (*status, name.as_str()));
        for (status, name, response) in listed {
            let what = prose(response["description"].as_str().unwrap_or_default());
            self.raw(&format!("<details id=\"{name}\"><summary><b>{status}</b> <span>{what}</span></summary>\n"));
            self.example(&response["content"]["application/problem+json"]["example"]);
            self.raw("</details>\n");
        }
    }

    fn types(&mut self) {
        self.raw("<h2 id=\"types\">Types</h2>\n");
        for (name, schema) in self.schemas.as_object().into_iter().flatten() {
            self.raw(&format!("<details id=\"type-{name}\"><summary><code>{name}</code></summary>\n"));
            if let Some(what) = schema["description"].as_str() {
                self.raw(&format!("<p>{}</p>\n", prose(what)));
            }
            self.fields(schema);
            self.raw("</details>\n");
        }
    }

    fn fields(&mut self, schema: &Value) {
        for part in schema["allOf"].as_array().into_iter().flatten() {
            match referred(part) {
                Some(_) => self.raw(&format!("<p>All of {}, and:</p>\n", kind(part))),
                None => self.fields(part),
            }
        }
        if schema["enum"].is_array() {
            let line = format!("<p>{}</p>\n", words(&schema["enum"]));
            self.raw(&line);
        }
        let Some(fields) = schema["properties"].as_object() else { return };
        self.raw("<dl>\n");
        for (name, field) in fields {
            self.raw(&format!("<dt><code>{}</code> <small>{}</small>\n", escaped(name), kind(field)));
            if let Some(what) = field["description"].as_str() {
                self.raw(&format!("<dd>{}\n", prose(what)));
            }
        }
        self.raw("</dl>\n");
    }
}

/// What a schema is, in a word or a link.
fn kind(schema: &Value) -> String {
    if let Some(name) = referred(schema) {
        return format!("<a href=\"#type-{name}\">{}</a>", escaped(name));
    }
    if schema["enum"].is_array() {
        return words(&schema["enum"]);
    }
    let one_of = ["oneOf", "anyOf", "allOf"].into_iter().find_map(|key| schema[key].as_array());
    if let Some(one_of) = one_of {
        return one_of.iter().map(kind).collect::<Vec<_>>().join(" or ");
    }
    let plain = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        other => other.as_str().unwrap_or("anything").to_owned(),
    };
    match (plain.as_str(), schema["format"].as_str()) {
        ("array", _) => format!("list of {}", kind(&schema["items"])),
        (_, Some("date-time")) => plain.replace("string", "time"),
        _ => escaped(&plain),
    }
}

fn words(list: &Value) -> String {
    let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(|word| format!("<code>{}</code>", escaped(word))).collect::<Vec<_>>().join(" ")
}

fn text(value: &Value) -> String {
    escaped(value.as_str().unwrap_or_default())
}

/// Text with `code` in backticks.
fn prose(text: &str) -> String {
    let mut html = String::new();
    for (at, part) in text.split('`').enumerate() {
        // Writing to memory does not fail.
        _ = if at % 2 == 0 {
            write!(html, "{}", escaped(part))
        } else {
            write!(html, "<code>{}</code>", escaped(part))
        };
    }
    html
}

fn anchor(tag: &str) -> String {
    tag.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_in_the_document_is_text_on_the_page() {
        assert_eq!(prose("write `a<b` & go"), "write <code>a&lt;b</code> &amp; go");
        assert_eq!(escaped("\"<script>"), "&quot;&lt;script&gt;");
    }
}
