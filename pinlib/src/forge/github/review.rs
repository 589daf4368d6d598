//! Pull requests, by GraphQL: branches move by `updateRefs`, which compares each with its `beforeOid`, all or none.
//!
//! Source: <https://docs.github.com/en/graphql/reference/mutations>.

use super::{
    GitHubForge,
    api::To,
    queries::{Answer, of_repository},
    refusal::{CONTENTS, PULLS, Write},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        CommitError,
        review::{BranchMove, MergeMethod, Review, ReviewForge, ReviewState, ReviewText},
    },
    git::{BranchName, Oid},
};
use async_trait::async_trait;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// What is asked of each pull request.
const ASKED: &str = "id number url state title body headRefName headRefOid isCrossRepository autoMergeRequest { mergeMethod }";
/// So many pull requests of one branch are looked through for an open one.
const LOOKED_AT: usize = 20;

#[derive(Deserialize)]
struct Named {
    id: String,
}

#[derive(Deserialize)]
struct OfRef {
    #[serde(rename = "ref")]
    found: Option<Ref>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ref {
    associated_pull_requests: Nodes,
}

#[derive(Deserialize)]
struct Nodes {
    nodes: Vec<Option<Pull>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Pull {
    id: String,
    number: u64,
    url: String,
    state: String,
    title: String,
    body: String,
    head_ref_name: BranchName,
    head_ref_oid: Oid,
    is_cross_repository: bool,
    auto_merge_request: Option<Merging>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merging {
    merge_method: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "GitHub's own switches")]
struct Ways {
    auto_merge_allowed: bool,
    merge_commit_allowed: bool,
    squash_merge_allowed: bool,
    rebase_merge_allowed: bool,
}

/// A payload with the pull request that it is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    pull_request: Option<Pull>,
}

/// A payload of which only that it is there is asked.
#[derive(Deserialize)]
struct Taken {}

impl From<Pull> for Review {
    fn from(pull: Pull) -> Self {
        let method = |merging: Merging| match &*merging.merge_method {
            "SQUASH" => MergeMethod::Squash,
            "REBASE" => MergeMethod::Rebase,
            _ => MergeMethod::Merge,
        };
        Self {
            id: pull.id,
            number: pull.number,
            url: pull.url,
            state: match &*pull.state {
                "OPEN" => ReviewState::Open,
                "MERGED" => ReviewState::Merged,
                _ => ReviewState::Closed,
            },
            branch: pull.head_ref_name,
            head: pull.head_ref_oid,
            text: ReviewText { title: pull.title, body: pull.body },
            auto_merge: pull.auto_merge_request.map(method),
        }
    }
}

/// The value of an oid that must not be there, or shall not.
fn oid(oid: Option<Oid>) -> String {
    oid.map_or_else(|| "0".repeat(40), |oid| oid.to_string())
}

impl GitHubForge {
    /// The repository's id in GraphQL.
    async fn node(&self) -> Result<String, BackendError> {
        let query = of_repository(&self.repository, "", "id", Map::new());
        Ok(self.query_repository::<Named>(&query, "find the repository").await?.id)
    }

    /// Carries out one mutation, and takes nothing but its whole answer for a yes.
    async fn mutate<T: DeserializeOwned>(
        &self,
        name: &str,
        asked: &str,
        input: Value,
        write: &Write,
    ) -> Result<T, CommitError> {
        let kind = format!("{}{}Input", name[..1].to_ascii_uppercase(), &name[1..]);
        let query = format!("mutation($input: {kind}!) {{ done: {name}(input: $input) {{ {asked} }} }}");
        let mutation = json!({ "query": query, "variables": { "input": input } });
        let token = self.login.token(&self.api).await.map_err(CommitError::NotLanded)?;
        let reply = match self.api.send(&token.secret, To::Graphql(&mutation)).await {
            Ok(reply) => reply,
            Err(failure) => return Err(write.failed(failure)),
        };
        let answer: Answer<Done<T>> = reply.json(&write.act).map_err(CommitError::Ambiguous)?;
        match answer.data.and_then(|data| data.done) {
            Some(done) if answer.errors.is_empty() => Ok(done),
            _ => Err(write.refused(&answer.errors, &reply.headers)),
        }
    }

    /// The same, of a mutation that answers with a pull request.
    async fn change(&self, name: &str, input: Value, act: String) -> Result<Review, CommitError> {
        let (asked, write) =
            (format!("pullRequest {{ {ASKED} }}"), Write { act, needs: PULLS, stands: None });
        let changed: Changed = self.mutate(name, &asked, input, &write).await?;
        changed.pull_request.map(Review::from).ok_or_else(|| {
            let error = BackendError::new(BackendErrorKind::Invalid, &*write.act);
            CommitError::Ambiguous(error.because("GitHub's answer holds no pull request"))
        })
    }
}

#[derive(Deserialize)]
struct Done<T> {
    done: Option<T>,
}

#[async_trait]
impl ReviewForge for GitHubForge {
    async fn move_branches(&self, moves: &[BranchMove]) -> Result<(), CommitError> {
        let repository = self.node().await.map_err(CommitError::NotLanded)?;
        let update = |one: &BranchMove| {
            // The compare is the guard, so the direction is free.
            json!({ "name": one.branch.full(), "beforeOid": oid(one.from), "afterOid": oid(one.to), "force": true })
        };
        let updates: Vec<_> = moves.iter().map(update).collect();
        let input = json!({ "repositoryId": repository, "refUpdates": updates });
        let names: Vec<_> = moves.iter().map(|one| one.branch.to_string()).collect();
        let stands = moves.iter().find_map(|one| Some((one.branch.clone(), one.from?)));
        let write = Write { act: format!("move {}", names.join(" and ")), needs: CONTENTS, stands };
        let Taken {} = self.mutate("updateRefs", "clientMutationId", input, &write).await?;
        Ok(())
    }

    async fn review(&self, from: &BranchName, into: &BranchName) -> Result<Option<Review>, BackendError> {
        let variables =
            Map::from_iter([("from".into(), from.full().into()), ("into".into(), into.to_string().into())]);
        let body = format!(
            "ref(qualifiedName: $from) {{ associatedPullRequests(baseRefName: $into, first: {LOOKED_AT}, \
             orderBy: {{ field: CREATED_AT, direction: DESC }}) {{ nodes {{ {ASKED} }} }} }}"
        );
        let query = of_repository(&self.repository, ", $from: String!, $into: String!", &body, variables);
        let found: OfRef = self.query_repository(&query, &format!("find the pull request of {from}")).await?;
        let pulls = found.found.into_iter().flat_map(|found| found.associated_pull_requests.nodes);
        let mut own: Vec<Review> =
            pulls.flatten().filter(|pull| !pull.is_cross_repository).map(Review::from).collect();
        // Newest first; an open one before those that ended.
        own.sort_by_key(|review| review.state != ReviewState::Open);
        Ok(own.into_iter().next())
    }

    async fn open_review(
        &self,
        from: &BranchName,
        into: &BranchName,
        text: &ReviewText,
    ) -> Result<Review, CommitError> {
        let repository = self.node().await.map_err(CommitError::NotLanded)?;
        let input = json!({
            "repositoryId": repository, "headRefName": from, "baseRefName": into, "title": text.title, "body": text.body,
        });
        self.change("createPullRequest", input, format!("open a pull request from {from}")).await
    }

    async fn amend_review(&self, review: &Review, text: &ReviewText) -> Result<Review, CommitError> {
        let input = json!({ "pullRequestId": review.id, "title": text.title, "body": text.body });
        self.change("updatePullRequest", input, format!("change #{}", review.number)).await
    }

    async fn comment(&self, review: &Review, text: &str) -> Result<(), CommitError> {
        let input = json!({ "subjectId": review.id, "body": text });
        let write = Write { act: format!("comment on #{}", review.number), needs: PULLS, stands: None };
        let Taken {} = self.mutate("addComment", "clientMutationId", input, &write).await?;
        Ok(())
    }

    async fn merge_when_allowed(&self, review: &Review, head: Oid) -> Result<MergeMethod, CommitError> {
        const METHODS: &str = "autoMergeAllowed mergeCommitAllowed squashMergeAllowed rebaseMergeAllowed";
        let act = format!("have #{} merged", review.number);
        let query = of_repository(&self.repository, "", METHODS, Map::new());
        let ways: Ways = self.query_repository(&query, &act).await.map_err(CommitError::NotLanded)?;
        let refused = |message: &str| {
            let rule = Some("auto-merge".to_owned());
            CommitError::Rejected { rule, message: message.to_owned() }
        };
        if !ways.auto_merge_allowed {
            return Err(refused("the repository's settings allow no auto-merge"));
        }
        let (method, word) = match ways {
            Ways { merge_commit_allowed: true, .. } => (MergeMethod::Merge, "MERGE"),
            Ways { squash_merge_allowed: true, .. } => (MergeMethod::Squash, "SQUASH"),
            Ways { rebase_merge_allowed: true, .. } => (MergeMethod::Rebase, "REBASE"),
            _ => return Err(refused("the repository's settings allow no way to merge")),
        };
        let input = json!({ "pullRequestId": review.id, "mergeMethod": word, "expectedHeadOid": head });
        self.change("enablePullRequestAutoMerge", input, act).await.map(|_| method)
    }
}
