//! What one call takes and answers, as far as its handler says: the rest follows from who may call it, from its path, and from
//! whether it has a body.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

/// Who may call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CallAccess {
    /// Anybody, or whoever proves themselves in another way than by a token.
    Open,
    Read,
    Write,
    Admin,
}

/// Schemas by their names.
type NamedSchemas = Vec<(String, RefOr<Schema>)>;

/// A call's description.
pub(in crate::http) struct Operation {
    pub(super) summary: &'static str,
    pub(super) description: Option<&'static str>,
    pub(super) access: CallAccess,
    pub(super) parameters: Vec<Value>,
    pub(super) body: Option<Value>,
    /// By status: what is answered where nothing is wrong.
    pub(super) answers: BTreeMap<u16, Value>,
    /// Statuses of the problems that do not follow from the rest.
    pub(super) problems: Vec<u16>,
    /// The schemas that it refers to. Described when somebody asks: a server starts without them.
    pub(super) schemas: Vec<fn(&mut NamedSchemas)>,
    /// The parameters of its query, described likewise.
    pub(super) query: Option<fn() -> Vec<Value>>,
    /// It takes an `Idempotency-Key`.
    pub(super) is_repeatable: bool,
}

impl Operation {
    /// A call that needs no token.
    pub(in crate::http) const fn open(summary: &'static str) -> Self {
        Self::new(summary, CallAccess::Open)
    }

    /// A call for any token.
    pub(in crate::http) const fn read(summary: &'static str) -> Self {
        Self::new(summary, CallAccess::Read)
    }

    /// A call for a token that may write.
    pub(in crate::http) const fn write(summary: &'static str) -> Self {
        Self::new(summary, CallAccess::Write)
    }

    /// A call for a token that says who else may call.
    pub(in crate::http) const fn admin(summary: &'static str) -> Self {
        Self::new(summary, CallAccess::Admin)
    }

    const fn new(summary: &'static str, access: CallAccess) -> Self {
        Self {
            summary,
            description: None,
            access,
            parameters: Vec::new(),
            body: None,
            answers: BTreeMap::new(),
            problems: Vec::new(),
            schemas: Vec::new(),
            query: None,
            is_repeatable: false,
        }
    }

    /// More than fits into the summary.
    pub(in crate::http) fn details(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    /// The query's parameters. It refuses one that it does not know.
    pub(in crate::http) fn query<P: IntoParams>(mut self) -> Self {
        self.query = Some(parameters_of::<P>);
        self
    }

    /// A parameter of the query that a handler reads by itself, and leaves the others to whoever sends them.
    pub(in crate::http) fn with_parameter(mut self, name: &str, description: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": true, "description": description, "schema": { "type": "string" },
        }));
        self
    }

    /// Whether it reads any parameter of the query.
    pub(super) fn reads_query(&self) -> bool {
        self.query.is_some() || self.parameters.iter().any(|parameter| parameter["in"] == "query")
    }

    /// A body of JSON, which may come again with the same `Idempotency-Key`.
    pub(in crate::http) fn body<T: ToSchema>(mut self) -> Self {
        let schema = self.reference::<T>();
        self.is_repeatable = true;
        // An empty body is an object without fields: what it lacks is named.
        self.body = Some(json!({ "content": { "application/json": { "schema": schema } } }));
        self
    }

    /// The body's example, where that is not made of the fields' own.
    pub(in crate::http) fn example(mut self, example: Value) -> Self {
        if let Some(body) = &mut self.body {
            body["content"]["application/json"]["example"] = example;
        }
        self
    }

    /// It may come again with the same `Idempotency-Key`, as every call with a body may.
    pub(in crate::http) fn repeatable(mut self) -> Self {
        self.is_repeatable = true;
        self
    }

    /// Its answer is stored nowhere: it takes no `Idempotency-Key`.
    pub(in crate::http) fn unrepeatable(mut self) -> Self {
        self.is_repeatable = false;
        self
    }

    /// A header that it reads.
    pub(in crate::http) fn header(mut self, name: &str, description: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "header", "required": false, "description": description,
            "schema": { "type": "string" }, "example": example,
        }));
        self
    }

    /// A body that is no JSON beside, or instead of, one that is.
    pub(in crate::http) fn body_as(mut self, kind: &str, description: &str, example: &str) -> Self {
        let body = self.body.get_or_insert_with(|| json!({ "content": {} }));
        let schema = json!({ "type": "string", "description": description });
        body["content"][kind] = json!({ "schema": schema, "example": example });
        self
    }

    /// An answer that is this, as JSON.
    pub(in crate::http) fn answer<T: ToSchema>(mut self, status: u16, description: &str) -> Self {
        let schema = self.reference::<T>();
        let content = json!({ "application/json": { "schema": schema } });
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// An answer of some JSON.
    pub(in crate::http) fn json(mut self, status: u16, description: &str) -> Self {
        let content = json!({ "application/json": { "schema": { "type": "object" }, "example": {} } });
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// An answer of text.
    pub(in crate::http) fn text(mut self, status: u16, kind: &str, description: &str) -> Self {
        let mut content = Map::new();
        content.insert(kind.to_owned(), json!({ "schema": { "type": "string" }, "example": "" }));
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// The same answer as a file of another kind, with the schema's `format` where it has one.
    pub(in crate::http) fn or_file(mut self, status: u16, kind: &str, format: Option<&str>) -> Self {
        if let Some(answer) = self.answers.get_mut(&status) {
            let mut schema = json!({ "type": "string" });
            if let Some(format) = format {
                schema["format"] = json!(format);
            }
            answer["content"][kind] = json!({ "schema": schema, "example": "" });
        }
        self
    }

    /// A stream of server-sent events, each of which is as the schema says.
    pub(in crate::http) fn events(mut self, status: u16, description: &str) -> Self {
        let text = json!({ "type": "string" });
        let schema = json!({
            "type": "object", "required": ["event", "data"],
            "properties": { "id": text, "event": text, "data": { "type": "string", "description": "JSON" }, "retry": { "type": "integer" } },
        });
        let example = json!({ "id": "7", "event": "blast", "data": "{\"blast_id\":1,\"state\":\"sending\"}" });
        let content = json!({ "text/event-stream": { "schema": schema, "example": example } });
        self.answers.insert(status, json!({ "description": description, "content": content }));
        self
    }

    /// An answer without a body.
    pub(in crate::http) fn empty(mut self, status: u16, description: &str) -> Self {
        self.answers.insert(status, json!({ "description": description }));
        self
    }

    /// Answers that have an `ETag`.
    pub(in crate::http) fn with_etag(mut self) -> Self {
        for answer in self.answers.values_mut() {
            answer["headers"]["ETag"] = json!({
                "description": "The blast's version: send it in `If-Match`",
                "schema": { "type": "string" }, "example": "\"3\"",
            });
        }
        self
    }

    /// It does nothing where the caller saw another version, and its answers have the present one.
    pub(in crate::http) fn if_match(mut self) -> Self {
        self.parameters.push(json!({
            "name": "If-Match", "in": "header", "required": false,
            "description": "Do it only if the blast still has this `ETag`", "schema": { "type": "string" },
        }));
        self.refuses(&[412])
    }

    /// It is answered before the work is done where the caller prefers that.
    pub(in crate::http) fn may_be_async<T: ToSchema>(mut self) -> Self {
        self.parameters.push(json!({
            "name": "Prefer", "in": "header", "required": false,
            "description": "`respond-async`: answer at once with a job, and do the work then",
            "schema": { "type": "string" }, "example": "respond-async",
        }));
        self.answer::<T>(202, "The job, where `Prefer: respond-async` asked for one")
    }

    /// Problems that do not follow from its access, path, query and body.
    pub(in crate::http) fn refuses(mut self, statuses: &[u16]) -> Self {
        self.problems.extend(statuses);
        self
    }

    /// A reference to a type's schema, which the document will have.
    fn reference<T: ToSchema>(&mut self) -> Value {
        self.schemas.push(schemas_of::<T>);
        json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
    }

    /// Every problem that it answers.
    pub(super) fn statuses(&self, path: &str) -> Vec<u16> {
        let mut statuses = self.problems.clone();
        if self.access != CallAccess::Open {
            statuses.extend([400, 401, 429, 500, 503]);
        }
        if matches!(self.access, CallAccess::Write | CallAccess::Admin) {
            statuses.extend([403, 422]);
        }
        if path.contains('{') {
            statuses.push(404);
        }
        if self.query.is_some() {
            statuses.push(422);
        }
        if self.body.is_some() {
            statuses.extend([400, 408, 413, 415, 422]);
        }
        if self.is_repeatable {
            statuses.extend([408, 409, 413, 422]);
        }
        statuses.sort_unstable();
        statuses.dedup();
        statuses
    }
}

fn schemas_of<T: ToSchema>(all: &mut NamedSchemas) {
    T::schemas(all);
    all.push((T::name().into_owned(), T::schema()));
}

fn parameters_of<P: IntoParams>() -> Vec<Value> {
    let mut parameters = P::into_params(|| Some(ParameterIn::Query));
    for parameter in parameters.iter_mut().filter(|parameter| parameter.schema.is_none()) {
        parameter.required = Required::False;
    }
    parameters.into_iter().map(|parameter| json!(parameter)).collect()
}
