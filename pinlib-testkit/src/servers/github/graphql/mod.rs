//! GraphQL, carried out on plans that the published schema made of requests.

mod nodes;
mod pulls;
mod write;

use super::{Hub, OWNER, access::Actor, http::Answer, published::complaints, rest::is_ours};
use crate::servers::script::Request;
use nodes::Node;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::io;

/// A field that is asked for; its fragments are inlined, its variables filled in.
#[derive(Debug, Deserialize)]
struct Field {
    key: String,
    name: String,
    /// The types that it is asked of; none: of whatever is there.
    on: Option<Vec<String>>,
    parent: String,
    line: u64,
    column: u64,
    #[serde(default)]
    arguments: Map<String, Value>,
    #[serde(default)]
    fields: Vec<Self>,
}

impl Field {
    fn text(&self, name: &str) -> Option<&str> {
        self.arguments.get(name)?.as_str()
    }
}

/// Why a field has no value.
#[derive(Debug)]
enum Failure {
    /// GitHub refuses, with an error of this type.
    Refused(Option<&'static str>, String),
    /// The stub itself cannot answer.
    Broken(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error)
    }
}

fn refused(kind: &'static str, message: impl Into<String>) -> Failure {
    Failure::Refused(Some(kind), message.into())
}

/// What a field holds.
#[derive(Debug)]
enum Held {
    Leaf(Value),
    One(Box<Node>),
    Many(Vec<Node>),
}

impl Held {
    fn leaf(value: impl Into<Value>) -> Self {
        Self::Leaf(value.into())
    }
    fn maybe(node: Option<Node>) -> Self {
        node.map_or(Self::Leaf(Value::Null), Self::one)
    }
    fn one(node: Node) -> Self {
        Self::One(Box::new(node))
    }
}

/// A request under way.
#[derive(Debug)]
struct Run<'a> {
    hub: &'a Hub,
    actor: Actor,
    mutation: bool,
    path: Vec<Value>,
    errors: Vec<Value>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

/// Answers a request, and holds both against what is published.
pub(super) fn serve(hub: &Hub, request: &Request) -> Answer {
    let actor = match hub.actor(request) {
        Ok(actor @ (Actor::User | Actor::Installation(_))) => actor,
        Ok(_) => return Answer::refused(401, "This endpoint requires you to be authenticated."),
        Err(refused) => return refused,
    };
    if request.method != "POST" {
        return Answer::not_found();
    }
    let asked: Value = serde_json::from_str(&request.body).unwrap_or_default();
    if !asked["query"].is_string() {
        hub.complain(vec!["GraphQL: the body has no query".into()]);
        return Answer::refused(400, "Problems parsing JSON");
    }
    let plan = hub.published.ask(&json!({"graphql": asked}));
    hub.complain(complaints(&plan));
    let plan = plan.unwrap_or_default();
    if plan["errors"].as_array().is_none_or(|errors| !errors.is_empty()) {
        return Answer::ok(&json!({"errors": plan["errors"]}));
    }
    let mutation = plan["mutation"] == true;
    if !hub.spend(if mutation { 5 } else { 1 }) {
        let message = format!("API rate limit already exceeded for installation ID {}.", super::INSTALLATION);
        return Answer::ok(&json!({"errors": [{"type": "RATE_LIMITED", "message": message}]}));
    }
    let fields: Vec<Field> = Vec::deserialize(&plan["fields"]).unwrap_or_default();
    let mut run = Run { hub, actor, mutation, path: Vec::new(), errors: Vec::new() };
    let data = run.object(&Node::Root, &fields);
    let said = hub.published.ask(&json!({"graphql": asked, "answer": data}));
    hub.complain(complaints(&said));
    let mut answer = json!({"data": data});
    if !run.errors.is_empty() {
        answer["errors"] = run.errors.into();
    }
    Answer::ok(&answer)
}

/// Puts together what was asked for twice under one name.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(more)) => {
            for (into, more) in into.iter_mut().zip(more) {
                merge(into, more);
            }
        }
        (into, more) => *into = more,
    }
}

impl Run<'_> {
    fn object(&mut self, node: &Node, fields: &[Field]) -> Value {
        let mut made = Value::Object(Map::new());
        let kind = node.kind();
        for field in fields {
            if field.on.as_ref().is_some_and(|on| !on.iter().any(|one| one == kind)) {
                continue;
            }
            self.path.push(field.key.as_str().into());
            let value = if field.name == "__typename" { self.kind(kind) } else { self.field(node, field) };
            self.path.pop();
            merge(&mut made, json!({&field.key: value}));
        }
        made
    }
    fn kind(&self, kind: &str) -> Value {
        match kind {
            "" if self.mutation => "Mutation".into(),
            "" => "Query".into(),
            kind => kind.into(),
        }
    }
    fn field(&mut self, node: &Node, field: &Field) -> Value {
        let held = match node {
            Node::Root if self.mutation => self.mutate(field),
            Node::Root => self.query(field),
            node => node.field(self, field),
        };
        match held {
            Ok(Held::Leaf(value)) => value,
            Ok(Held::One(node)) => self.object(&node, &field.fields),
            Ok(Held::Many(nodes)) => {
                let mut listed = Vec::new();
                for (place, node) in nodes.iter().enumerate() {
                    self.path.push(place.into());
                    listed.push(self.object(node, &field.fields));
                    self.path.pop();
                }
                listed.into()
            }
            Err(failure) => {
                self.fail(field, failure);
                Value::Null
            }
        }
    }
    fn fail(&mut self, field: &Field, failure: Failure) {
        let (kind, message) = match failure {
            Failure::Refused(kind, message) => (kind, message),
            Failure::Broken(error) => {
                self.hub.complain(vec![format!("the stub: {error}")]);
                (None, OPAQUE.into())
            }
        };
        let place = json!([{"line": field.line, "column": field.column}]);
        let mut error = json!({"path": self.path, "locations": place, "message": message});
        if let Some(kind) = kind {
            error["type"] = kind.into();
        }
        if kind == Some("FORBIDDEN") {
            error["extensions"] = json!({"saml_failure": false});
        }
        self.errors.push(error);
    }
    fn query(&self, field: &Field) -> Result<Held, Failure> {
        Ok(match field.name.as_str() {
            "viewer" => Held::one(Node::Viewer),
            "rateLimit" => Held::one(Node::RateLimit),
            "repository" => {
                let (owner, name) =
                    (field.text("owner").unwrap_or_default(), field.text("name").unwrap_or_default());
                self.repository(owner, name)?;
                Held::one(Node::Repository)
            }
            _ => return Err(unknown(field)),
        })
    }
    /// Whether the caller sees a repository of this name.
    fn repository(&self, owner: &str, name: &str) -> Result<(), Failure> {
        if is_ours(owner, name) && self.hub.visible(&self.actor) {
            return Ok(());
        }
        let message = format!("Could not resolve to a Repository with the name '{owner}/{name}'.");
        Err(refused("NOT_FOUND", message))
    }
}

/// What GitHub says when it does not want to say what happened.
const OPAQUE: &str = "Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug. Please include `C0DE:0001:2F5A1B:31D9C4:67E0A1B2` when reporting this issue.";

/// A field that GitHub has and the stub has not.
fn unknown(field: &Field) -> Failure {
    Failure::Broken(io::Error::other(format!("{}.{} is not served for {OWNER}", field.parent, field.name)))
}
