//! Pull requests in GraphQL: what is told of them, and what is done to them.

use super::{
    super::{NAME, OWNER, REPOSITORY_NODE, pulls::Pull, rules::is_bound, shapes::node as id},
    Failure, Field, Held, Run,
    nodes::Node,
    refused, unknown,
};
use serde_json::Value;
use std::sync::PoisonError;

fn unprocessable(message: impl Into<String>) -> Failure {
    refused("UNPROCESSABLE", message)
}

/// What a pull request tells.
pub(super) fn field(pull: &Pull, field: &Field) -> Result<Held, Failure> {
    Ok(match field.name.as_str() {
        "id" => Held::leaf(node(pull)),
        "number" => Held::leaf(pull.number),
        "url" => Held::leaf(format!("https://github.com/{OWNER}/{NAME}/pull/{}", pull.number)),
        "state" => Held::leaf(pull.state.as_str()),
        "title" => Held::leaf(pull.title.as_str()),
        "body" => Held::leaf(pull.body.as_str()),
        "headRefOid" => Held::leaf(pull.head.as_str()),
        "headRefName" => Held::leaf(pull.branch.as_str()),
        "baseRefName" => Held::leaf(pull.base.as_str()),
        "isCrossRepository" => Held::leaf(pull.foreign),
        "autoMergeRequest" => Held::maybe(pull.auto_merge.clone().map(Node::Merging)),
        _ => return Err(unknown(field)),
    })
}

fn node(pull: &Pull) -> String {
    id("PR", &pull.number.to_string())
}

impl Run<'_> {
    /// Those that come from a branch of this name, whoever's it is: the newest first.
    pub(super) fn pulls_from(&self, full: &str, field: &Field) -> Result<Held, Failure> {
        let branch = full.trim_start_matches("refs/heads/");
        if !self.actor.may("pull_requests", "read") && self.hub.settings().private {
            return Err(refused("FORBIDDEN", "Resource not accessible by integration"));
        }
        let base = field.text("baseRefName");
        let wanted = |pull: &Pull| pull.branch == branch && base.is_none_or(|base| pull.base == base);
        let mut found: Vec<_> = self.hub.follow()?.into_iter().filter(wanted).collect();
        found.reverse();
        let first = field.arguments.get("first").and_then(Value::as_u64).unwrap_or_default();
        found.truncate(usize::try_from(first).unwrap_or(usize::MAX));
        Ok(Held::one(Node::Pulls(found)))
    }
    fn may_propose(&self) -> Result<(), Failure> {
        if self.actor.may("pull_requests", "write") {
            return Ok(());
        }
        Err(refused("FORBIDDEN", "Resource not accessible by integration"))
    }
    pub(super) fn change_pulls(&self, name: &str, input: &Value) -> Result<Held, Failure> {
        self.may_propose()?;
        let _one = self.hub.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let text = |name: &str| input[name].as_str().unwrap_or_default();
        let ticket = input["clientMutationId"].clone();
        if name == "createPullRequest" {
            let pull = self.open(input)?;
            return Ok(Held::one(Node::Changed { payload: "CreatePullRequestPayload", pull, ticket }));
        }
        let asked = if name == "addComment" { text("subjectId") } else { text("pullRequestId") };
        let pulls = self.hub.follow()?;
        let Some(pull) = pulls.into_iter().find(|pull| node(pull) == asked) else {
            let message = format!("Could not resolve to a node with the global id of '{asked}'");
            return Err(refused("NOT_FOUND", message));
        };
        let (payload, changed) = match name {
            "updatePullRequest" => {
                let changed = self.hub.alter(pull.number, |pull| {
                    pull.title = input["title"].as_str().unwrap_or(&pull.title).to_owned();
                    pull.body = input["body"].as_str().unwrap_or(&pull.body).to_owned();
                });
                ("UpdatePullRequestPayload", changed)
            }
            "addComment" => {
                let changed = self.hub.alter(pull.number, |pull| pull.comments.push(text("body").to_owned()));
                ("AddCommentPayload", changed)
            }
            _ => {
                self.may_merge(&pull, input)?;
                let method = input["mergeMethod"].as_str().unwrap_or("MERGE").to_owned();
                let changed = self.hub.alter(pull.number, |pull| pull.auto_merge = Some(method));
                ("EnablePullRequestAutoMergePayload", changed)
            }
        };
        Ok(Held::one(Node::Changed { payload, pull: changed.unwrap_or(pull), ticket }))
    }
    fn open(&self, input: &Value) -> Result<Pull, Failure> {
        let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
        let (branch, base) = (text("headRefName"), text("baseRefName"));
        if text("repositoryId") != REPOSITORY_NODE {
            let message =
                format!("Could not resolve to a node with the global id of '{}'", text("repositoryId"));
            return Err(refused("NOT_FOUND", message));
        }
        let head = |name: &str| self.hub.git.head(&format!("refs/heads/{name}"));
        let (Some(head), Some(onto)) = (head(&branch)?, head(&base)?) else {
            return Err(unprocessable(
                "Head sha can't be blank, Base sha can't be blank, Head ref must be a branch",
            ));
        };
        let same =
            |pull: &Pull| pull.state == "OPEN" && !pull.foreign && pull.branch == branch && pull.base == base;
        if self.hub.follow()?.iter().any(same) {
            return Err(unprocessable(format!("A pull request already exists for {OWNER}:{branch}.")));
        }
        if self.hub.git.run(&["merge-base", "--is-ancestor", &head, &onto]).is_ok() {
            return Err(unprocessable(format!("No commits between {base} and {branch}")));
        }
        let pull = Pull { title: text("title"), body: text("body"), branch, base, head, ..Pull::default() };
        Ok(self.hub.open(pull))
    }
    /// GitHub waits only for what it does not have yet, and only where the settings let it.
    fn may_merge(&self, pull: &Pull, input: &Value) -> Result<(), Failure> {
        let settings = self.hub.settings();
        if !settings.auto_merge_allowed {
            return Err(unprocessable("Pull request Auto merge is not allowed for this repository"));
        }
        if !is_bound(&settings, &format!("refs/heads/{}", pull.base)) {
            return Err(unprocessable("Pull request Pull request is in clean status"));
        }
        let method = input["mergeMethod"].as_str().unwrap_or("MERGE");
        if !settings.merge_methods.iter().any(|one| one == method) {
            return Err(unprocessable(format!(
                "Merge method {} merging is not allowed on this repository",
                method.to_lowercase()
            )));
        }
        if input["expectedHeadOid"].as_str().is_some_and(|head| head != pull.head) {
            return Err(unprocessable("Head branch was modified. Review and try the merge again."));
        }
        Ok(())
    }
}
