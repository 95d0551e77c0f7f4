//! The document: OpenAPI 3.1, from the routes' descriptions.

use serde_json::{Map, Value, json};
use utoipa::{PartialSchema, ToSchema};

use super::super::spelling::ApiSpelling;
use super::DocumentedRoute;
use super::example;
use super::operation::{CallAccess, Operation};
use super::problems::{self, PROBLEMS, ProblemAnswer};
use super::schemas::{BlastTemplate, DoneAnswer, DoneCampaign, GivenPerson, StatusCheckResult};

const ABOUT: &str = "Makes, sends and follows blasts of WhatsApp messages.

Send `Authorization: Bearer TOKEN` with a token that `blastdeck token new` made. Every answer has `X-Request-Id`; those behind a \
token have `Api-Version`, `RateLimit` and `RateLimit-Policy`. Fields are written in snake_case; camelCase is read as well. Lists are \
paged by `cursor`, which is `next_cursor` of the page before. Within a version fields, values and calls are only added: ignore what you \
do not know. Errors are `application/problem+json`; a method that an address does not take is a 405 with `Allow`.";

pub(super) fn build(routes: &[DocumentedRoute]) -> Value {
    let mut schemas = schemas(routes);
    let mut paths = Map::new();
    for route in routes {
        let operation = operation(route, &schemas);
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[route.method] = operation;
    }
    // Whoever reads the schemas alone sees what they mean, too.
    let examples: Vec<(String, Value)> =
        schemas.iter().map(|(name, schema)| (name.clone(), example::of(schema, &schemas))).collect();
    for (name, example) in examples {
        if example.is_object() && schemas[&name].get("examples").is_none() {
            schemas[&name]["examples"] = json!([example]);
        }
    }
    let responses: Map<String, Value> =
        PROBLEMS.iter().map(|problem| (problem.name.to_owned(), problem.response())).collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Blastdeck", "description": ABOUT, "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/" }],
        "tags": tags(routes),
        "paths": paths,
        "components": {
            "schemas": schemas, "responses": responses,
            "securitySchemes": { "token": {
                "type": "http", "scheme": "bearer", "description": "A token of `blastdeck token new`",
            } },
        },
    })
}

fn schemas(routes: &[DocumentedRoute]) -> Map<String, Value> {
    let mut own = Vec::new();
    ProblemAnswer::schemas(&mut own);
    DoneAnswer::schemas(&mut own);
    DoneCampaign::schemas(&mut own);
    own.push((ProblemAnswer::name().into_owned(), ProblemAnswer::schema()));
    own.push((GivenPerson::name().into_owned(), GivenPerson::schema()));
    own.push((BlastTemplate::name().into_owned(), BlastTemplate::schema()));
    own.push((StatusCheckResult::name().into_owned(), StatusCheckResult::schema()));
    own.push((DoneAnswer::name().into_owned(), DoneAnswer::schema()));
    own.push((DoneCampaign::name().into_owned(), DoneCampaign::schema()));
    routes.iter().flat_map(|route| &route.operation.schemas).for_each(|add| add(&mut own));
    own.into_iter().map(|(name, schema)| (name, json!(schema))).collect()
}

fn tags(routes: &[DocumentedRoute]) -> Value {
    let mut tags: Vec<&str> = Vec::new();
    for route in routes {
        if !tags.contains(&route.tag) {
            tags.push(route.tag);
        }
    }
    tags.into_iter().map(|tag| json!({ "name": tag })).collect()
}

fn operation(route: &DocumentedRoute, schemas: &Map<String, Value>) -> Value {
    let DocumentedRoute { method, path, tag, operation } = route;
    let mut described = json!({
        "operationId": id(method, path), "tags": [tag], "summary": operation.summary,
        "parameters": parameters(path, operation), "responses": responses(path, operation, schemas),
        "security": match operation.access {
            CallAccess::Open => json!([]),
            CallAccess::Read => json!([{ "token": ["read"] }]),
            CallAccess::Write => json!([{ "token": ["write"] }]),
            CallAccess::Admin => json!([{ "token": ["admin"] }]),
        },
    });
    if let Some(description) = operation.description {
        described["description"] = json!(description);
    }
    if let Some(body) = &operation.body {
        let mut body = body.clone();
        with_examples(&mut body, schemas);
        described["requestBody"] = body;
    }
    described
}

/// `get_blasts_id_recipients`.
fn id(method: &str, path: &str) -> String {
    let parts = path.split(['/', '{', '}', '.', '-']).filter(|part| !part.is_empty() && *part != "api");
    [method].into_iter().chain(parts).collect::<Vec<_>>().join("_")
}

fn parameters(path: &str, operation: &Operation) -> Vec<Value> {
    let in_path = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path.map(|name| {
        let schema = match name {
            "id" => json!({ "type": "integer", "format": "int64" }),
            "number" => json!({ "type": "integer", "format": "int32" }),
            _ => json!({ "type": "string" }),
        };
        let example = match name {
            "id" => json!(7),
            "number" => json!(1),
            _ => json!("sales"),
        };
        json!({ "name": name, "in": "path", "required": true, "schema": schema, "example": example })
    });
    let of_query = operation.query.map(|describe| describe()).unwrap_or_default();
    let mut parameters: Vec<Value> = in_path.chain(of_query).chain(operation.parameters.iter().cloned()).collect();
    if operation.is_repeatable {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "description": "However often the same request comes with this key within two days, it has one effect",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
            "example": "order-7",
        }));
    }
    parameters
}

fn responses(path: &str, operation: &Operation, schemas: &Map<String, Value>) -> Value {
    let mut responses = Map::new();
    for (status, answer) in &operation.answers {
        let mut answer = answer.clone();
        with_examples(&mut answer, schemas);
        if operation.is_repeatable && *status == 200 {
            or_done(path, &mut answer);
        }
        responses.insert(status.to_string(), answer);
    }
    if operation.is_repeatable && !operation.answers.contains_key(&200) {
        let mut done = json!({
            "description": "It was done before, and its answer was lost in a crash: what became of it",
            "content": { "application/json": { "schema": done_schema(path) } },
        });
        with_examples(&mut done, schemas);
        responses.insert("200".to_owned(), done);
    }
    for status in operation.statuses(path) {
        if let Some(name) = problems::name(status) {
            responses.insert(status.to_string(), json!({ "$ref": format!("#/components/responses/{name}") }));
        }
    }
    Value::Object(responses)
}

/// A request that comes again after its answer was lost in a crash is answered that it was done.
fn or_done(path: &str, answer: &mut Value) {
    if let Some(content) = answer.pointer_mut("/content/application~1json") {
        let schema = content["schema"].take();
        content["schema"] = json!({ "anyOf": [schema, done_schema(path)] });
    }
}

fn done_schema(path: &str) -> Value {
    let name = match ApiSpelling::of(path) {
        ApiSpelling::Blasts => "DoneAnswer",
        ApiSpelling::Campaigns => "DoneCampaign",
    };
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Adds an example to whatever has none.
fn with_examples(described: &mut Value, schemas: &Map<String, Value>) {
    let contents = described.get_mut("content").and_then(Value::as_object_mut).into_iter().flatten();
    for (_, content) in contents {
        if content.get("example").is_none() {
            content["example"] = example::of(&content["schema"], schemas);
        }
    }
}
