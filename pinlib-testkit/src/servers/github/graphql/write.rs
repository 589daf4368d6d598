//! The mutations: each compares and swaps, under one lock.

use super::{
    super::{
        BOT_ID, REPOSITORY_NODE, SLUG, USER_ID,
        access::Actor,
        objects::{Commit, is_oid, sign},
        rules::{Move, refusal},
        settings::{Selection, Settings},
    },
    Failure, Field, Held, OPAQUE, Run,
    nodes::Node,
    refused, unknown,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::{io, sync::PoisonError};

/// A file's new bytes; none: it goes.
type Change<'a> = (&'a str, Option<Vec<u8>>);

impl Run<'_> {
    pub(super) fn mutate(&self, field: &Field) -> Result<Held, Failure> {
        let input = field.arguments.get("input").cloned().unwrap_or_default();
        match field.name.as_str() {
            "createCommitOnBranch" => self.create(&input),
            "updateRefs" => self.update_refs(&input),
            name @ ("createPullRequest"
            | "updatePullRequest"
            | "addComment"
            | "enablePullRequestAutoMerge") => self.change_pulls(name, &input),
            _ => Err(unknown(field)),
        }
    }
    /// Whether the caller may write here at all.
    fn may_write(&self, settings: &Settings) -> Result<(), Failure> {
        let shut_out =
            matches!(self.actor, Actor::Installation(_)) && settings.selection == Selection::Others;
        if shut_out || !self.actor.may("contents", "write") {
            return Err(refused("FORBIDDEN", "Resource not accessible by integration"));
        }
        if settings.archived {
            return Err(refused("FORBIDDEN", "Repository was archived so is read-only."));
        }
        Ok(())
    }
    fn create(&self, input: &Value) -> Result<Held, Failure> {
        let settings = self.hub.settings();
        let full = self.branch(&input["branch"])?;
        self.may_write(&settings)?;
        let changes = self.changes(&input["fileChanges"])?;
        let _one = self.hub.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let head = self.hub.git.head(&full)?.ok_or_else(|| refused("NOT_FOUND", "Branch not found"))?;
        let expected = input["expectedHeadOid"].as_str().unwrap_or_default();
        if head != expected {
            let message =
                format!("Expected branch to point to \"{expected}\" but it did not.  Pull and try again.");
            return Err(refused("STALE_DATA", message));
        }
        if let Some((kind, message)) = refusal(&settings, &full, Move::Forward) {
            return Err(Failure::Refused(kind, message));
        }
        let parent = self.hub.git.commit(&head)?.unwrap_or_default();
        let tree = self.tree(&parent, &changes)?;
        let message = &input["message"];
        let oid = self.write(&settings, &tree, &head, message)?;
        if self.hub.git.run(&["update-ref", &full, &oid, &head]).is_err() {
            let now = self.hub.git.head(&full)?.unwrap_or_default();
            return Err(refused("STALE_DATA", format!("{full} is at {now} but expected {head}")));
        }
        let commit = self.hub.git.commit(&oid)?.unwrap_or_default();
        Ok(Held::one(Node::Written { branch: full, commit, ticket: input["clientMutationId"].clone() }))
    }
    /// The full name of the branch that is meant.
    fn branch(&self, branch: &Value) -> Result<String, Failure> {
        let name = match (branch["repositoryNameWithOwner"].as_str(), branch["branchName"].as_str()) {
            (Some(repository), Some(name)) => {
                let (owner, repository) = repository.split_once('/').unwrap_or((repository, ""));
                self.repository(owner, repository)?;
                name
            }
            _ => {
                return Err(refused(
                    "UNPROCESSABLE",
                    "A branch must be specified by its repository and its name",
                ));
            }
        };
        Ok(format!("refs/heads/{name}"))
    }
    fn changes<'a>(&self, changes: &'a Value) -> Result<Vec<Change<'a>>, Failure> {
        let mut made: Vec<Change<'a>> = Vec::new();
        if !changes.is_null() && (changes["additions"].is_null() || changes["deletions"].is_null()) {
            return Err(Failure::Refused(None, OPAQUE.into()));
        }
        let listed = |name: &str| changes[name].as_array().into_iter().flatten();
        for one in listed("deletions") {
            made.push((one["path"].as_str().unwrap_or_default(), None));
        }
        for one in listed("additions") {
            let contents = STANDARD.decode(one["contents"].as_str().unwrap_or_default());
            let contents = contents.map_err(|error| {
                refused("UNPROCESSABLE", format!("Variable $input was provided invalid value: {error}"))
            })?;
            made.push((one["path"].as_str().unwrap_or_default(), Some(contents)));
        }
        let workflow = made.iter().find(|(path, _)| path.starts_with(".github/workflows/"));
        if let Some((path, _)) = workflow.filter(|_| !self.actor.may("workflows", "write")) {
            let message = format!(
                "refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
            );
            return Err(refused("FORBIDDEN", message));
        }
        Ok(made)
    }
    /// The parent's tree with the changes: whatever a file was, it is a regular file now.
    fn tree(&self, parent: &Commit, changes: &[Change<'_>]) -> Result<String, Failure> {
        let git = &self.hub.git;
        let mut lines = Vec::new();
        for (path, contents) in changes {
            let line = match contents {
                Some(contents) => {
                    let oid = git.feed(&["hash-object", "-w", "--stdin"], contents)?;
                    format!("100644 {oid}\t{path}\0")
                }
                None if git.entry(&parent.tree, path)?.is_none() => {
                    let message = format!(
                        "A path was requested for deletion which does not exist as of commit oid `{}`",
                        parent.oid
                    );
                    return Err(refused("UNPROCESSABLE", message));
                }
                None => format!("0 {}\t{path}\0", "0".repeat(parent.oid.len())),
            };
            lines.extend(line.into_bytes());
        }
        let folder = tempfile::TempDir::new()?;
        let run = |words: &[&str], input: &[u8]| {
            let mut command = git.command();
            command.env("GIT_INDEX_FILE", folder.path().join("index"));
            crate::repository::feed(command.args(words), input)
        };
        run(&["read-tree", &parent.tree], b"")?;
        let taken = run(&["update-index", "-z", "--index-info"], &lines);
        taken.map_err(|error| refused("UNPROCESSABLE", format!("A path is malformed: {error}")))?;
        Ok(run(&["write-tree"], b"")?)
    }
    fn write(&self, settings: &Settings, tree: &str, parent: &str, message: &Value) -> io::Result<String> {
        let now = self.hub.now();
        let (name, id) = match self.actor {
            Actor::User => ("octocat".to_owned(), USER_ID),
            _ => (format!("{SLUG}[bot]"), BOT_ID),
        };
        let mut text = message["headline"].as_str().unwrap_or_default().to_owned();
        if let Some(body) = message["body"].as_str().filter(|body| !body.is_empty()) {
            text.extend(["\n\n", body]);
        }
        let head = format!(
            "tree {tree}\nparent {parent}\nauthor {name} <{id}+{name}@users.noreply.github.com> {now} +0000\ncommitter GitHub <noreply@github.com> {now} +0000\n"
        );
        let signature = if settings.unsigned {
            String::new()
        } else {
            format!("gpgsig {}\n", sign(&format!("{head}\n{text}")).replace('\n', "\n "))
        };
        let bytes = format!("{head}{signature}\n{text}").into_bytes();
        self.hub.git.feed(&["hash-object", "-t", "commit", "-w", "--stdin"], &bytes)
    }
    fn update_refs(&self, input: &Value) -> Result<Held, Failure> {
        let settings = self.hub.settings();
        let repository = input["repositoryId"].as_str().unwrap_or_default();
        if repository != REPOSITORY_NODE || !self.hub.visible(&self.actor) {
            let message = format!("Could not resolve to a node with the global id of '{repository}'");
            return Err(refused("NOT_FOUND", message));
        }
        self.may_write(&settings)?;
        let _one = self.hub.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines = String::from("start\n");
        for update in input["refUpdates"].as_array().into_iter().flatten() {
            lines.push_str(&self.ref_update(&settings, update)?);
        }
        lines.push_str("prepare\ncommit\n");
        let done = self.hub.git.feed(&["update-ref", "--stdin"], lines.as_bytes());
        done.map_err(|error| refused("UNPROCESSABLE", format!("Reference update failed: {error}")))?;
        // At once: what is put to its base and then elsewhere is closed all the same.
        self.hub.follow()?;
        Ok(Held::one(Node::Moved(input["clientMutationId"].clone())))
    }
    /// One update as `git update-ref` reads it.
    fn ref_update(&self, settings: &Settings, update: &Value) -> Result<String, Failure> {
        let git = &self.hub.git;
        let text = |name: &str| update[name].as_str().unwrap_or_default();
        let (name, before, after) = (text("name"), text("beforeOid"), text("afterOid"));
        let none = |oid: &str| oid.bytes().all(|byte| byte == b'0');
        let now = git.head(name)?;
        let stands = now.as_deref().unwrap_or_default();
        if update["beforeOid"].is_string() && !(before == stands || (none(before) && now.is_none())) {
            return Err(refused("STALE_DATA", format!("{name} is at {stands} but expected {before}")));
        }
        if !name.starts_with("refs/") || (!none(after) && (!is_oid(after) || git.by_oid(after)?.is_none())) {
            return Err(refused("UNPROCESSABLE", format!("{name} cannot be updated to {after}")));
        }
        let step = if none(after) {
            Move::Delete
        } else if now.is_none() {
            Move::Create
        } else if git.run(&["merge-base", "--is-ancestor", stands, after]).is_ok() {
            Move::Forward
        } else {
            Move::Force
        };
        if step == Move::Force && update["force"] != true {
            return Err(refused("UNPROCESSABLE", "Update is not a fast forward"));
        }
        if let Some((kind, message)) = refusal(settings, name, step) {
            return Err(Failure::Refused(kind, message));
        }
        let zeros = "0".repeat(after.len());
        let old = now.as_ref().unwrap_or(&zeros);
        Ok(if step == Move::Delete {
            format!("delete {name} {old}\n")
        } else {
            format!("update {name} {after} {old}\n")
        })
    }
}
