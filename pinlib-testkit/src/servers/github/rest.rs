//! The REST routes.

use super::{
    Hub, NAME, OWNER,
    access::Actor,
    http::Answer,
    objects::{Commit, Object, is_oid},
    settings::{Selection, Settings},
    shapes::node,
};
use crate::servers::script::Request;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::io;

/// Answers a request, and holds both against what is published.
pub(super) fn serve(hub: &Hub, request: &Request) -> Answer {
    let asked = Asked::parse(&request.target);
    let answer = hub.actor(request).and_then(|actor| hub.limited(&asked, &actor).map_or(Ok(actor), Err));
    let answer = answer.map_or_else(
        |refused| refused,
        |actor| {
            let done = hub.route(request, &asked, &actor);
            done.unwrap_or_else(|error| Answer::refused(500, &error.to_string()))
        },
    );
    let said = Some((answer.status, answer.body.as_str()));
    hub.complain(hub.published.rest(&request.method, &request.target, &request.body, said));
    answer
}

/// A target, taken apart.
#[derive(Debug)]
pub(super) struct Asked {
    /// Between the slashes, decoded.
    parts: Vec<String>,
    query: Vec<(String, String)>,
}

impl Asked {
    fn parse(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self {
            parts: path.split('/').skip(1).map(decoded).collect(),
            query: pairs.map(|(name, value)| (decoded(name), decoded(&value.replace('+', " ")))).collect(),
        }
    }
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
    fn number(&self, name: &str) -> Option<usize> {
        self.value(name)?.parse().ok().filter(|number| *number > 0)
    }
    /// Size and number of the page that is wanted.
    pub(super) fn page(&self) -> (usize, usize) {
        (self.number("per_page").unwrap_or(30).min(100), self.number("page").unwrap_or(1))
    }
    /// One page of a list, and the header that tells of the others.
    pub(super) fn paged<T: Clone>(&self, hub: &Hub, all: &[T]) -> (Vec<T>, Option<String>) {
        let (size, page) = self.page();
        let last = all.len().div_ceil(size).max(1);
        let path = self.parts.join("/");
        let link = |page: usize, name: &str| {
            format!("<{}/{path}?per_page={size}&page={page}>; rel=\"{name}\"", hub.base())
        };
        let mut links = Vec::new();
        if page > 1 {
            links.extend([link(page - 1, "prev"), link(1, "first")]);
        }
        if page < last {
            links.extend([link(page + 1, "next"), link(last, "last")]);
        }
        let shown = all.iter().skip((page - 1).saturating_mul(size)).take(size).cloned().collect();
        (shown, (!links.is_empty()).then(|| links.join(", ")))
    }
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut made, mut place) = (Vec::new(), 0);
    while let Some(byte) = bytes.get(place) {
        let hex = text.get(place + 1..place + 3).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (value, width) = hex.filter(|_| *byte == b'%').map_or((*byte, 1), |value| (value, 3));
        made.push(value);
        place += width;
    }
    String::from_utf8_lossy(&made).into_owned()
}

/// A list's page with its header.
pub(super) fn with_link(answer: Answer, link: Option<String>) -> Answer {
    match link {
        Some(link) => answer.header("link", link),
        None => answer,
    }
}

impl Hub {
    fn limited(&self, asked: &Asked, actor: &Actor) -> Option<Answer> {
        let free = asked.parts == ["rate_limit"];
        if free || self.spend(1) {
            return None;
        }
        let who = match actor {
            Actor::User => format!("user ID {}", super::USER_ID),
            _ => format!("installation ID {}", super::INSTALLATION),
        };
        Some(Answer::refused(403, &format!("API rate limit exceeded for {who}.")))
    }
    fn route(&self, request: &Request, asked: &Asked, actor: &Actor) -> io::Result<Answer> {
        let settings = self.settings();
        let parts: Vec<&str> = asked.parts.iter().map(String::as_str).collect();
        let app = matches!(actor, Actor::App);
        Ok(match (request.method.as_str(), &parts[..]) {
            ("GET", ["rate_limit"]) => self.rate_limit(&settings),
            (_, ["app", ..] | ["repos", _, _, "installation"]) if !app => {
                Answer::refused(401, "A JSON web token could not be decoded")
            }
            ("GET", ["app"]) => Answer::ok(&self.app_shape(&settings)),
            ("GET", ["repos", owner, name, "installation"]) => {
                if is_ours(owner, name) && settings.installed && settings.selection != Selection::Others {
                    Answer::ok(&self.installation_shape(&settings))
                } else {
                    Answer::not_found()
                }
            }
            ("POST", ["app", "installations", id, "access_tokens"]) => self.mint(id, &request.body),
            _ if app => Answer::refused(401, "Bad credentials"),
            ("DELETE", ["installation", "token"]) => self.revoke(request),
            ("GET", ["installation", "repositories"]) => self.repositories(asked, actor, &settings),
            ("GET", ["repos", owner, name, rest @ ..]) if is_ours(owner, name) => {
                self.repository(asked, rest, actor, &settings)?
            }
            _ => Answer::not_found(),
        })
    }
    fn rate_limit(&self, settings: &Settings) -> Answer {
        let left = settings.rate_remaining;
        let rate = json!({
            "limit": 5000, "remaining": left, "used": 5000_u64.saturating_sub(left), "reset": self.now() + 1800
        });
        let search = json!({"limit": 30, "remaining": 30, "used": 0, "reset": self.now() + 60});
        Answer::ok(&json!({"rate": rate, "resources": {"core": rate, "graphql": rate, "search": search}}))
    }
    fn repositories(&self, asked: &Asked, actor: &Actor, settings: &Settings) -> Answer {
        if !matches!(actor, Actor::Installation(_)) {
            return Answer::refused(403, "You must authenticate with an installation access token");
        }
        let all = if self.visible(actor) { vec![self.repository_shape(settings, false)] } else { Vec::new() };
        let (shown, link) = asked.paged(self, &all);
        let chosen = if settings.selection == Selection::All { "all" } else { "selected" };
        let body = json!({"total_count": all.len(), "repositories": shown, "repository_selection": chosen});
        with_link(Answer::ok(&body), link)
    }
    /// Whether the repository is there for this caller.
    pub(super) fn visible(&self, actor: &Actor) -> bool {
        let settings = self.settings();
        match actor {
            Actor::User => true,
            Actor::App => false,
            Actor::Nobody => !settings.private,
            Actor::Installation(_) => {
                settings.installed && (settings.selection != Selection::Others || !settings.private)
            }
        }
    }
    fn repository(
        &self,
        asked: &Asked,
        rest: &[&str],
        actor: &Actor,
        settings: &Settings,
    ) -> io::Result<Answer> {
        if !self.visible(actor) {
            return Ok(Answer::not_found());
        }
        let stranger = matches!(actor, Actor::Nobody);
        if !rest.is_empty() && !stranger && !actor.may("contents", "read") && !rest[0].starts_with("rule") {
            return Ok(Answer::refused(403, "Resource not accessible by integration"));
        }
        Ok(match rest {
            [] => {
                let mut made = self.repository_shape(settings, true);
                let push = actor.may("contents", "write");
                made["permissions"] =
                    json!({"admin": false, "maintain": false, "push": push, "triage": push, "pull": true});
                Answer::ok(&made)
            }
            ["branches", branch @ .., "protection"] if !branch.is_empty() => self.protection(actor, settings),
            ["branches", branch @ ..] if !branch.is_empty() => self.branch(&branch.join("/"), settings)?,
            ["rules", "branches", branch @ ..] if !branch.is_empty() => self.branch_rules(asked, settings),
            ["rulesets", id] => self.ruleset(id, settings),
            ["compare", basehead @ ..] if !basehead.is_empty() => self.compare(asked, &basehead.join("/"))?,
            ["attestations", digest] => match settings.attestations.get(*digest) {
                Some(bundles) => {
                    let (shown, link) = asked.paged(self, bundles);
                    let url = "https://tmaproduction.blob.core.windows.net/attestations/1.json.sn";
                    let one = |bundle: &Value| json!({"bundle": bundle, "repository_id": super::REPOSITORY_ID, "bundle_url": url});
                    let attestations: Vec<_> = shown.iter().map(one).collect();
                    with_link(Answer::ok(&json!({ "attestations": attestations })), link)
                }
                None => Answer::not_found(),
            },
            ["commits"] => self.commits(asked)?,
            ["git", "ref", name @ ..] => self.git_ref(&format!("refs/{}", name.join("/")))?,
            ["git", "blobs", oid] => self.found(oid, "blob", |blob| {
                let content = STANDARD.encode(&blob.bytes);
                let lines: Vec<_> = content.as_bytes().chunks(60).map(String::from_utf8_lossy).collect();
                let content: String = lines.iter().flat_map(|line| [line.as_ref(), "\n"]).collect();
                let url = self.url(&format!("/git/blobs/{oid}"));
                Ok(json!({
                    "sha": oid, "node_id": node("B", oid), "size": blob.bytes.len(), "url": url, "content": content,
                    "encoding": "base64",
                }))
            })?,
            ["git", "commits", oid] => self.found(oid, "commit", |commit| {
                let found = self.git.commit(&commit.oid)?.unwrap_or_default();
                Ok(self.git_commit(&found))
            })?,
            ["git", "trees", name @ ..] => self.git_tree(&name.join("/"), asked.value("recursive").is_some())?,
            _ => Answer::not_found(),
        })
    }
    fn found(
        &self,
        oid: &str,
        kind: &str,
        shape: impl FnOnce(&Object) -> io::Result<Value>,
    ) -> io::Result<Answer> {
        match self.git.by_oid(oid)?.filter(|found| found.kind == kind) {
            Some(found) => Ok(Answer::ok(&shape(&found)?)),
            None => Ok(Answer::not_found()),
        }
    }
    /// Where a ref seems to stand.
    pub(super) fn read_ref(&self, name: &str) -> io::Result<Option<String>> {
        match self.settings().stale_reads {
            Some(stale) => Ok(Some(stale.to_string())),
            None => self.git.head(name),
        }
    }
    /// What a name stands for, as an oid or as a branch.
    pub(super) fn resolve(&self, name: &str) -> io::Result<Option<Commit>> {
        let oid = if is_oid(name) {
            Some(name.to_owned())
        } else {
            self.git.head(&format!("refs/heads/{name}"))?
        };
        oid.map_or(Ok(None), |oid| self.git.commit(&oid))
    }
    fn git_ref(&self, name: &str) -> io::Result<Answer> {
        let found = self.read_ref(name)?.map(|oid| self.git.by_oid(&oid)).transpose()?.flatten();
        let Some(found) = found else { return Ok(Answer::not_found()) };
        let url = self.url(&format!("/git/{}s/{}", found.kind, found.oid));
        let answer = Answer::ok(&json!({
            "ref": name, "node_id": node("REF", name), "url": self.url(&format!("/git/{name}")),
            "object": {"sha": found.oid, "type": found.kind, "url": url},
        }));
        Ok(answer.header("cache-control", "private, max-age=60, s-maxage=60"))
    }
    fn git_tree(&self, name: &str, recursive: bool) -> io::Result<Answer> {
        let oid = match self.resolve(name)? {
            Some(commit) => commit.tree,
            None => name.to_owned(),
        };
        if self.git.tree(&oid)?.is_none() {
            return Ok(Answer::not_found());
        }
        let mut lines = Vec::new();
        self.tree_lines(&oid, "", recursive, &mut lines)?;
        let url = self.url(&format!("/git/trees/{oid}"));
        Ok(Answer::ok(&json!({"sha": name, "url": url, "tree": lines, "truncated": false})))
    }
    fn tree_lines(&self, oid: &str, at: &str, recursive: bool, lines: &mut Vec<Value>) -> io::Result<()> {
        for entry in self.git.tree(oid)?.unwrap_or_default() {
            let path = format!("{at}{}", String::from_utf8_lossy(&entry.name));
            let mut line = json!({
                "path": path, "mode": format!("{:06o}", entry.mode), "type": entry.kind(), "sha": entry.oid
            });
            if entry.kind() != "commit" {
                line["url"] = self.url(&format!("/git/{}s/{}", entry.kind(), entry.oid)).into();
            }
            if entry.kind() == "blob" {
                line["size"] = self.git.by_oid(&entry.oid)?.map_or(0, |blob| blob.bytes.len()).into();
            }
            lines.push(line);
            if recursive && entry.kind() == "tree" {
                self.tree_lines(&entry.oid, &format!("{path}/"), true, lines)?;
            }
        }
        Ok(())
    }
}

/// Whether this is the one repository: its name is not told apart by case.
pub(super) fn is_ours(owner: &str, name: &str) -> bool {
    owner.eq_ignore_ascii_case(OWNER) && name.eq_ignore_ascii_case(NAME)
}
