//! What queries can reach.

use super::{
    super::{
        NAME, OWNER, REPOSITORY_ID, REPOSITORY_NODE, clock,
        objects::{Commit, Entry, Object, Person, is_oid},
        pulls::Pull,
        shapes::{html, node as id},
    },
    Failure, Field, Held, Run, refused, unknown,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::io;

/// How much of a blob's text is shown.
const SHOWN: usize = 512_000;

/// A value with fields.
#[derive(Debug)]
pub(super) enum Node {
    Root,
    Viewer,
    RateLimit,
    Repository,
    Owner,
    Ref { name: String, oid: String },
    Commit(Commit),
    Tree(String),
    Blob(Object),
    Tag(String),
    Entry { path: String, entry: Entry },
    Parents { oids: Vec<String>, all: usize },
    Signature(Commit),
    Person(Person),
    Written { branch: String, commit: Commit, ticket: Value },
    Moved(Value),
    Pulls(Vec<Pull>),
    Pull(Pull),
    Merging(String),
    Changed { payload: &'static str, pull: Pull, ticket: Value },
}

impl Node {
    /// Its type in the schema; none for the root.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Root => "",
            Self::Viewer => "User",
            Self::RateLimit => "RateLimit",
            Self::Repository => "Repository",
            Self::Owner => "Organization",
            Self::Ref { .. } => "Ref",
            Self::Commit(_) => "Commit",
            Self::Tree(_) => "Tree",
            Self::Blob(_) => "Blob",
            Self::Tag(_) => "Tag",
            Self::Entry { .. } => "TreeEntry",
            Self::Parents { .. } => "CommitConnection",
            Self::Signature(_) => "GpgSignature",
            Self::Person(_) => "GitActor",
            Self::Written { .. } => "CreateCommitOnBranchPayload",
            Self::Moved(_) => "UpdateRefsPayload",
            Self::Pulls(_) => "PullRequestConnection",
            Self::Pull(_) => "PullRequest",
            Self::Merging(_) => "AutoMergeRequest",
            Self::Changed { payload, .. } => payload,
        }
    }
    pub(super) fn field(&self, run: &Run<'_>, field: &Field) -> Result<Held, Failure> {
        let name = field.name.as_str();
        match self {
            Self::Root => Err(unknown(field)),
            Self::Viewer => run.viewer(field),
            Self::RateLimit => run.rate_limit(field),
            Self::Repository => run.repository_field(field),
            Self::Owner => match name {
                "login" => Ok(Held::leaf(OWNER)),
                "id" => Ok(Held::leaf(id("O", OWNER))),
                "url" => Ok(Held::leaf(format!("https://github.com/{OWNER}"))),
                _ => Err(unknown(field)),
            },
            Self::Ref { name: full, oid } => match name {
                "id" => Ok(Held::leaf(id("REF", full))),
                "name" => Ok(Held::leaf(full.splitn(3, '/').last().unwrap_or_default())),
                "prefix" => {
                    Ok(Held::leaf(full.splitn(3, '/').take(2).fold(String::new(), |a, b| a + b + "/")))
                }
                "target" => Ok(Held::maybe(run.by_oid(oid)?)),
                "repository" => Ok(Held::one(Self::Repository)),
                "associatedPullRequests" => run.pulls_from(full, field),
                _ => Err(unknown(field)),
            },
            Self::Commit(commit) => run.commit(commit, field),
            Self::Tree(oid) => match name {
                "entries" => Ok(Held::Many(run.entries("", oid)?)),
                _ => git_object(oid, field),
            },
            Self::Blob(blob) => blob_field(blob, field),
            Self::Tag(oid) => git_object(oid, field),
            Self::Entry { path, entry } => run.entry(path, entry, field),
            Self::Parents { oids, all } => match name {
                "totalCount" => Ok(Held::leaf(*all)),
                "nodes" => {
                    let nodes = oids.iter().filter_map(|oid| run.by_oid(oid).transpose());
                    Ok(Held::Many(nodes.collect::<io::Result<_>>()?))
                }
                _ => Err(unknown(field)),
            },
            Self::Signature(commit) => signature(commit, field),
            Self::Person(person) => match name {
                "name" => Ok(Held::leaf(person.name.as_str())),
                "email" => Ok(Held::leaf(person.email.as_str())),
                "date" => Ok(Held::leaf(person.zoned())),
                _ => Err(unknown(field)),
            },
            Self::Written { branch, commit, ticket } => match name {
                "clientMutationId" => Ok(Held::Leaf(ticket.clone())),
                "commit" => Ok(Held::one(Self::Commit(commit.clone()))),
                "ref" => Ok(Held::one(Self::Ref { name: branch.clone(), oid: commit.oid.clone() })),
                _ => Err(unknown(field)),
            },
            Self::Moved(ticket) => match name {
                "clientMutationId" => Ok(Held::Leaf(ticket.clone())),
                _ => Err(unknown(field)),
            },
            Self::Pulls(pulls) => match name {
                "totalCount" => Ok(Held::leaf(pulls.len())),
                "nodes" => Ok(Held::Many(pulls.iter().cloned().map(Self::Pull).collect())),
                _ => Err(unknown(field)),
            },
            Self::Pull(pull) => super::pulls::field(pull, field),
            Self::Merging(method) => match name {
                "mergeMethod" => Ok(Held::leaf(method.as_str())),
                _ => Err(unknown(field)),
            },
            Self::Changed { pull, ticket, .. } => match name {
                "clientMutationId" => Ok(Held::Leaf(ticket.clone())),
                "pullRequest" => Ok(Held::one(Self::Pull(pull.clone()))),
                _ => Err(unknown(field)),
            },
        }
    }
}

/// What all objects of git have.
fn git_object(oid: &str, field: &Field) -> Result<Held, Failure> {
    Ok(match field.name.as_str() {
        "oid" => Held::leaf(oid),
        "abbreviatedOid" => Held::leaf(&oid[..7]),
        "id" => Held::leaf(id("O", oid)),
        "commitUrl" | "url" => Held::leaf(html(oid)),
        "repository" => Held::one(Node::Repository),
        _ => return Err(unknown(field)),
    })
}

fn blob_field(blob: &Object, field: &Field) -> Result<Held, Failure> {
    let binary = blob.bytes.iter().take(8000).any(|byte| *byte == 0);
    Ok(match field.name.as_str() {
        "byteSize" => Held::leaf(blob.bytes.len()),
        "isBinary" => Held::leaf(binary),
        "isTruncated" => Held::leaf(blob.bytes.len() > SHOWN),
        "text" if binary => Held::Leaf(Value::Null),
        "text" => {
            let shown = &blob.bytes[..blob.bytes.len().min(SHOWN)];
            let cut = shown.len() < blob.bytes.len();
            // No half of a letter at the cut.
            let whole = std::str::from_utf8(shown).map_or_else(
                |error| if cut && error.error_len().is_none() { error.valid_up_to() } else { shown.len() },
                str::len,
            );
            Held::leaf(String::from_utf8_lossy(&shown[..whole]))
        }
        _ => git_object(&blob.oid, field)?,
    })
}

fn signature(commit: &Commit, field: &Field) -> Result<Held, Failure> {
    let good = commit.verified() == Some(true);
    Ok(match field.name.as_str() {
        "isValid" | "wasSignedByGitHub" => Held::leaf(good),
        "state" => Held::leaf(if good { "VALID" } else { "UNKNOWN_KEY" }),
        "email" => Held::leaf(commit.committer.email.as_str()),
        "signature" => Held::leaf(commit.signature.clone()),
        "payload" => Held::leaf(commit.payload.as_str()),
        _ => return Err(unknown(field)),
    })
}

impl Run<'_> {
    fn viewer(&self, field: &Field) -> Result<Held, Failure> {
        let (login, number) = self.actor.login();
        Ok(match field.name.as_str() {
            "login" => Held::leaf(login),
            "databaseId" => Held::leaf(number),
            "id" => Held::leaf(id("U", login)),
            _ => return Err(unknown(field)),
        })
    }
    fn rate_limit(&self, field: &Field) -> Result<Held, Failure> {
        let left = self.hub.settings().rate_remaining;
        Ok(match field.name.as_str() {
            "limit" => Held::leaf(5000),
            "cost" | "nodeCount" => Held::leaf(1),
            "remaining" => Held::leaf(left),
            "used" => Held::leaf(5000_u64.saturating_sub(left)),
            "resetAt" => Held::leaf(clock::utc(self.hub.now() + 1800)),
            _ => return Err(unknown(field)),
        })
    }
    fn repository_field(&self, field: &Field) -> Result<Held, Failure> {
        let settings = self.hub.settings();
        Ok(match field.name.as_str() {
            "id" => Held::leaf(REPOSITORY_NODE),
            "databaseId" => Held::leaf(REPOSITORY_ID),
            "name" => Held::leaf(NAME),
            "nameWithOwner" => Held::leaf(format!("{OWNER}/{NAME}")),
            "owner" => Held::one(Node::Owner),
            "url" => Held::leaf(format!("https://github.com/{OWNER}/{NAME}")),
            "isArchived" => Held::leaf(settings.archived),
            "isPrivate" => Held::leaf(settings.private),
            "isDisabled" | "isLocked" | "isEmpty" | "isFork" | "isMirror" => Held::leaf(false),
            "autoMergeAllowed" => Held::leaf(settings.auto_merge_allowed),
            "mergeCommitAllowed" => Held::leaf(settings.merge_methods.iter().any(|one| one == "MERGE")),
            "squashMergeAllowed" => Held::leaf(settings.merge_methods.iter().any(|one| one == "SQUASH")),
            "rebaseMergeAllowed" => Held::leaf(settings.merge_methods.iter().any(|one| one == "REBASE")),
            "visibility" => Held::leaf(if settings.private { "PRIVATE" } else { "PUBLIC" }),
            "viewerPermission" => {
                Held::leaf(if self.actor.may("contents", "write") { "WRITE" } else { "READ" })
            }
            "defaultBranchRef" => Held::maybe(self.reference("refs/heads/main")?),
            "ref" => {
                let name = field.text("qualifiedName").unwrap_or_default();
                let mut found = None;
                for full in [name.to_owned(), format!("refs/heads/{name}"), format!("refs/tags/{name}")] {
                    if found.is_none() && full.starts_with("refs/") {
                        found = self.reference(&full)?;
                    }
                }
                Held::maybe(found)
            }
            "object" => {
                self.may_read()?;
                match (field.text("oid"), field.text("expression")) {
                    (Some(oid), _) if is_oid(oid) => Held::maybe(self.by_oid(oid)?),
                    (None, Some(expression)) => Held::maybe(self.hub.git.object(expression)?.map(whole)),
                    _ => Held::Leaf(Value::Null),
                }
            }
            _ => return Err(unknown(field)),
        })
    }
    fn may_read(&self) -> Result<(), Failure> {
        let may = self.actor.may("contents", "read") || !self.hub.settings().private;
        if may { Ok(()) } else { Err(refused("FORBIDDEN", "Resource not accessible by integration")) }
    }
    fn reference(&self, name: &str) -> Result<Option<Node>, Failure> {
        self.may_read()?;
        Ok(self.hub.read_ref(name)?.map(|oid| Node::Ref { name: name.into(), oid }))
    }
    fn by_oid(&self, oid: &str) -> io::Result<Option<Node>> {
        Ok(self.hub.git.by_oid(oid)?.map(whole))
    }
    fn entries(&self, at: &str, oid: &str) -> io::Result<Vec<Node>> {
        let listed = self.hub.git.tree(oid)?.unwrap_or_default().into_iter();
        let path = |entry: &Entry| format!("{at}{}", String::from_utf8_lossy(&entry.name));
        Ok(listed.map(|entry| Node::Entry { path: path(&entry), entry }).collect())
    }
    fn commit(&self, commit: &Commit, field: &Field) -> Result<Held, Failure> {
        let (headline, body) = commit.message.split_once('\n').unwrap_or((&commit.message, ""));
        Ok(match field.name.as_str() {
            "tree" => Held::one(Node::Tree(commit.tree.clone())),
            "author" => Held::one(Node::Person(commit.author.clone())),
            "committer" => Held::one(Node::Person(commit.committer.clone())),
            "authoredDate" => Held::leaf(commit.author.utc()),
            "committedDate" => Held::leaf(commit.committer.utc()),
            "message" => Held::leaf(commit.message.as_str()),
            "messageHeadline" => Held::leaf(headline),
            "messageBody" => Held::leaf(body.trim_start_matches('\n')),
            "committedViaWeb" => Held::leaf(commit.committer.email == "noreply@github.com"),
            "signature" => Held::maybe(commit.verified().map(|_| Node::Signature(commit.clone()))),
            "file" => {
                let path = field.text("path").unwrap_or_default();
                let found = self.hub.git.entry(&commit.tree, path)?;
                Held::maybe(found.map(|entry| Node::Entry { path: path.into(), entry }))
            }
            "parents" => {
                let count = |name: &str| field.arguments.get(name).and_then(Value::as_u64);
                let Some(count) = count("first").or_else(|| count("last")) else {
                    let message = "You must provide a `first` or `last` value to properly paginate the `parents` connection.";
                    return Err(refused("MISSING_PAGINATION_BOUNDARIES", message));
                };
                if count > 100 {
                    let message = format!(
                        "Requesting {count} records on the `parents` connection exceeds the `first` limit of 100 records."
                    );
                    return Err(refused("EXCESSIVE_PAGINATION", message));
                }
                let kept = usize::try_from(count).unwrap_or(usize::MAX);
                let oids = commit.parents.iter().take(kept).cloned().collect();
                Held::one(Node::Parents { oids, all: commit.parents.len() })
            }
            _ => git_object(&commit.oid, field)?,
        })
    }
    fn entry(&self, path: &str, entry: &Entry, field: &Field) -> Result<Held, Failure> {
        let name = String::from_utf8_lossy(&entry.name);
        Ok(match field.name.as_str() {
            "name" => Held::leaf(name),
            "nameRaw" => Held::leaf(STANDARD.encode(&entry.name)),
            "path" => Held::leaf(path),
            "pathRaw" => Held::leaf(STANDARD.encode(path)),
            "mode" => Held::leaf(entry.mode),
            "type" => Held::leaf(entry.kind()),
            "oid" => Held::leaf(entry.oid.as_str()),
            "extension" => {
                Held::leaf(name.rsplit_once('.').map(|(_, end)| format!(".{end}")).unwrap_or_default())
            }
            "isGenerated" => Held::leaf(false),
            "size" => {
                let blob = self.hub.git.by_oid(&entry.oid)?.filter(|found| found.kind == "blob");
                Held::leaf(blob.map_or(0, |blob| blob.bytes.len()))
            }
            "object" => Held::maybe(self.by_oid(&entry.oid)?),
            "repository" => Held::one(Node::Repository),
            _ => return Err(unknown(field)),
        })
    }
}

fn whole(object: Object) -> Node {
    match object.kind.as_str() {
        "commit" => Node::Commit(Commit::parse(&object)),
        "tree" => Node::Tree(object.oid),
        "blob" => Node::Blob(object),
        _ => Node::Tag(object.oid),
    }
}
