//! What is asked of GitHub's GraphQL API, and what it answers: queries are written, answers are types.
//!
//! Source: the schema that GitHub publishes, as `schema.json` of `@octokit/graphql-schema`.

use super::{host::GitHubRepository, refusal::GraphqlError};
use crate::{
    git::{Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
    plan::FileEdit,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write as _};

/// What comes back.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) data: Option<T>,
    #[serde(default)]
    pub(super) errors: Vec<GraphqlError>,
}

/// Of a repository.
#[derive(Debug, Deserialize)]
pub(super) struct OfRepository<T> {
    pub(super) repository: Option<T>,
}

/// Asks something of one repository.
pub(super) fn of_repository(
    repository: &GitHubRepository,
    more: &str,
    body: &str,
    mut variables: Map<String, Value>,
) -> Value {
    variables.insert("owner".into(), repository.owner().into());
    variables.insert("name".into(), repository.name().into());
    let query = format!(
        "query($owner: String!, $name: String!{more}) {{ repository(owner: $owner, name: $name) {{ {body} }} }}"
    );
    json!({ "query": query, "variables": variables })
}

/// Who asks.
pub(super) fn viewer() -> Value {
    json!({ "query": "query { viewer { login databaseId } }" })
}

#[derive(Debug, Deserialize)]
pub(super) struct OfViewer {
    pub(super) viewer: Viewer,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Viewer {
    pub(super) login: String,
    pub(super) database_id: Option<u64>,
}

/// Where a ref stands.
pub(super) fn head(repository: &GitHubRepository, full_name: &str) -> Value {
    let variables = Map::from_iter([("ref".into(), full_name.into())]);
    of_repository(repository, ", $ref: String!", "ref(qualifiedName: $ref) { target { oid } }", variables)
}

#[derive(Debug, Deserialize)]
pub(super) struct Head {
    #[serde(rename = "ref")]
    pub(super) found: Option<Ref>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Ref {
    pub(super) target: Option<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    pub(super) oid: Oid,
}

/// Files, by commit: `c0 { f0 f1 } c1 { f0 }`, in the order of the wishes.
pub(super) fn files(repository: &GitHubRepository, wanted: &[(Oid, &[&RepoPath])]) -> Value {
    let (mut more, mut body, mut variables) = (String::new(), String::new(), Map::new());
    for (c, (oid, paths)) in wanted.iter().enumerate() {
        write!(body, "c{c}: object(oid: \"{oid}\") {{ __typename ... on Commit {{ ").ok();
        for (f, path) in paths.iter().enumerate() {
            write!(more, ", $c{c}f{f}: String!").ok();
            write!(
                body,
                "f{f}: file(path: $c{c}f{f}) {{ mode oid object {{ ... on Blob {{ byteSize isTruncated text }} }} }} "
            )
            .ok();
            variables.insert(format!("c{c}f{f}"), path.as_str().into());
        }
        body.push_str("} } ");
    }
    of_repository(repository, &more, body.trim_end(), variables)
}

/// What there is, by the aliases of the question.
pub(super) type Objects<T> = BTreeMap<String, Option<T>>;

/// A commit with files of it; another object has none.
#[derive(Debug, Deserialize)]
pub(super) struct Files {
    #[serde(rename = "__typename")]
    pub(super) kind: String,
    #[serde(flatten)]
    pub(super) files: BTreeMap<String, Option<File>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct File {
    /// Decimal of an octal.
    pub(super) mode: u32,
    pub(super) oid: Oid,
    /// None of a submodule's.
    pub(super) object: Option<Blob>,
}

/// Empty, where it is none.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Blob {
    pub(super) byte_size: Option<u64>,
    pub(super) is_truncated: Option<bool>,
    pub(super) text: Option<String>,
}

/// Trees, by alias: `t0 t1`; a commit stands for its own.
pub(super) fn trees(repository: &GitHubRepository, oids: &[Oid]) -> Value {
    const ENTRIES: &str = "entries { nameRaw mode oid }";
    let mut body = String::new();
    for (t, oid) in oids.iter().enumerate() {
        write!(
            body,
            "t{t}: object(oid: \"{oid}\") {{ ... on Tree {{ {ENTRIES} }} ... on Commit {{ tree {{ {ENTRIES} }} }} }} "
        )
        .ok();
    }
    of_repository(repository, "", body.trim_end(), Map::new())
}

#[derive(Debug, Deserialize)]
pub(super) struct Tree {
    entries: Option<Vec<Entry>>,
    tree: Option<Box<Self>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    /// In base64: a name need not be text.
    name_raw: String,
    mode: u32,
    oid: Oid,
}

impl Tree {
    /// The entries; none where it is no tree, or a name cannot be read.
    pub(super) fn entries(self) -> Option<Vec<TreeEntry>> {
        let entry = |entry: Entry| {
            let name = STANDARD.decode(entry.name_raw.split_whitespace().collect::<String>()).ok()?;
            Some(TreeEntry { name, mode: entry.mode.into(), oid: entry.oid })
        };
        match (self.entries, self.tree) {
            (Some(entries), _) => entries.into_iter().map(entry).collect(),
            (None, Some(tree)) => tree.entries(),
            (None, None) => None,
        }
    }
}

/// The compare-and-swap. What it must not say it does not: an empty list of deletions is an error.
pub(super) fn commit(repository: &GitHubRepository, commit: &GuardedCommit) -> Value {
    let message = commit.message();
    let (headline, body) = message.split_once('\n').unwrap_or((&message, ""));
    let addition =
        |edit: &FileEdit| json!({ "path": edit.path().as_str(), "contents": STANDARD.encode(edit.bytes()) });
    let additions: Vec<_> = commit.edits().iter().map(addition).collect();
    json!({
        "query": "mutation($input: CreateCommitOnBranchInput!) { createCommitOnBranch(input: $input) { \
                  commit { oid parents(first: 2) { nodes { oid } } } } }",
        "variables": { "input": {
            "branch": { "repositoryNameWithOwner": repository.to_string(), "branchName": commit.branch().to_string() },
            "expectedHeadOid": commit.expected_head(),
            "message": { "headline": headline, "body": body.trim_start_matches('\n') },
            "fileChanges": { "additions": additions },
        } },
    })
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Mutation {
    pub(super) create_commit_on_branch: Option<Payload>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Payload {
    pub(super) commit: Option<Made>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Made {
    pub(super) oid: Oid,
    parents: Nodes,
}

#[derive(Debug, Deserialize)]
struct Nodes {
    nodes: Vec<Target>,
}

impl Made {
    /// Its parents, as far as two of them.
    pub(super) fn parents(&self) -> Vec<Oid> {
        self.parents.nodes.iter().map(|node| node.oid).collect()
    }
}
