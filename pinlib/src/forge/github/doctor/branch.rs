//! Where the pin goes: the rules of the branch, and how much may still be asked.

use super::{Finding, Health, Row, unknown};
use crate::{forge::github::GitHubForge, git::BranchName};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Rules that a pin keeps by itself: it is one signed commit on the head.
pub(super) const KEPT: [&str; 5] =
    ["creation", "deletion", "non_fast_forward", "required_linear_history", "required_signatures"];
/// Rules that a proposal keeps on its own branch, which comes and goes, and is put from one head to the next.
pub(super) const KEPT_BY_PROPOSALS: [&str; 2] = ["required_linear_history", "required_signatures"];
/// With fewer requests left than this a pin may have to wait.
const SPARE: u64 = 50;

#[derive(Deserialize)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    ruleset_id: Option<u64>,
    #[serde(default)]
    ruleset_source: String,
}

#[derive(Deserialize)]
struct Ruleset {
    name: String,
    current_user_can_bypass: Option<String>,
}

#[derive(Deserialize)]
struct Branch {
    protected: bool,
}

#[derive(Deserialize)]
struct Rates {
    resources: BTreeMap<String, Rate>,
}

#[derive(Deserialize)]
struct Rate {
    remaining: u64,
    limit: u64,
}

impl GitHubForge {
    pub(super) async fn rulesets(&self, branch: &BranchName, kept: &[&str]) -> Vec<Finding> {
        const PAGE: usize = 100;
        let mut rules = Vec::new();
        for page in 1.. {
            let path = format!(
                "/repos/{}/rules/branches/{}?per_page={PAGE}&page={page}",
                self.repository,
                escaped(branch)
            );
            match self.get::<Vec<Rule>>(&path, "read the rules of the branch").await {
                Ok(found) => {
                    let last = found.len() < PAGE;
                    rules.extend(found);
                    if last {
                        break;
                    }
                }
                Err(error) => {
                    let plan = error.to_string().contains("Upgrade to GitHub");
                    let finding = unknown(Row::Rulesets, &error);
                    return vec![if plan {
                        finding.cured_by(
                            "private repositories of this plan have no rulesets: nothing here can block",
                        )
                    } else {
                        finding
                    }];
                }
            }
        }
        let mut sets = BTreeMap::<u64, (String, Vec<String>)>::new();
        for rule in rules {
            let set = sets.entry(rule.ruleset_id.unwrap_or_default()).or_default();
            set.0 = rule.ruleset_source;
            set.1.push(rule.kind);
        }
        if sets.is_empty() {
            return vec![Finding::new(Row::Rulesets, Health::Ok, "none is active on the branch")];
        }
        let mut found = Vec::new();
        for (id, (source, kinds)) in sets {
            found.push(self.ruleset(id, &source, &kinds, kept).await);
        }
        found
    }

    async fn ruleset(&self, id: u64, source: &str, kinds: &[String], kept: &[&str]) -> Finding {
        let path = format!("/repos/{}/rulesets/{id}?includes_parents=true", self.repository);
        let set = self.get::<Ruleset>(&path, "read a ruleset").await;
        let (name, bypass) = match &set {
            Ok(set) => (set.name.as_str(), set.current_user_can_bypass.as_deref()),
            Err(_) => ("", None),
        };
        let name = if name.is_empty() {
            format!("ruleset {id} of {source}")
        } else {
            format!("{name:?} of {source}")
        };
        let blocking: Vec<_> = kinds.iter().map(String::as_str).filter(|kind| !kept.contains(kind)).collect();
        let list = blocking.join(", ");
        if blocking.is_empty() {
            return Finding::new(
                Row::Rulesets,
                Health::Ok,
                format!("{name}: a pin keeps its rules ({})", kinds.join(", ")),
            );
        }
        match bypass {
            Some(how @ ("always" | "exempt")) => {
                Finding::new(Row::Rulesets, Health::Ok, format!("{name} ({list}): may be bypassed ({how})"))
            }
            Some(how) => {
                Finding::new(Row::Rulesets, Health::NotOk, format!("{name} ({list}): bypass is {how:?}")).cured_by(
                    "add the App to the ruleset's bypass list, with \"Always allow\": the repository's or the organization's \
                     settings, Rules, Rulesets",
                )
            }
            None => Finding::new(Row::Rulesets, Health::Unknown, format!("{name} ({list}): GitHub does not say who may bypass it"))
                .cured_by("see that the App is in its bypass list, with \"Always allow\""),
        }
    }

    pub(super) async fn protection(&self, branch: &BranchName) -> Finding {
        let path = format!("/repos/{}/branches/{}", self.repository, escaped(branch));
        match self.get::<Branch>(&path, "read the branch").await {
            Ok(Branch { protected: false }) => Finding::new(Row::Protection, Health::Ok, "no classic protection"),
            Ok(Branch { protected: true }) => {
                Finding::new(Row::Protection, Health::Unknown, "the branch is protected; by which settings only administrators see")
                    .cured_by(
                        "classic protection cannot let an App past required checks: use a ruleset with a bypass in its place \
                         (settings, Branches)",
                    )
            }
            Err(error) => unknown(Row::Protection, &error),
        }
    }

    pub(super) async fn rate(&self) -> Finding {
        match self.get::<Rates>("/rate_limit", "read the rate limit").await {
            Ok(rates) => {
                let left = |name: &str| rates.resources.get(name).map(|rate| (rate.remaining, rate.limit));
                match (left("core"), left("graphql")) {
                    (Some((core, of)), Some((graphql, of_graphql))) => {
                        let seen = format!(
                            "{core} of {of} REST requests and {graphql} of {of_graphql} GraphQL points are left"
                        );
                        if core.min(graphql) < SPARE {
                            Finding::new(Row::Rate, Health::NotOk, seen)
                                .cured_by("wait for the hour to end, or give pins an App of their own")
                        } else {
                            Finding::new(Row::Rate, Health::Ok, seen)
                        }
                    }
                    _ => Finding::new(Row::Rate, Health::Unknown, "GitHub does not tell"),
                }
            }
            // A server of one's own may have no limit, and says so.
            Err(error) if error.to_string().contains("Rate limiting is not enabled") => {
                Finding::new(Row::Rate, Health::Ok, "this server has no limit")
            }
            Err(error) => unknown(Row::Rate, &error),
        }
    }
}

/// A branch's name as one part of a path: its slashes are not the path's.
fn escaped(branch: &BranchName) -> String {
    let mut url = reqwest::Url::parse("https://part.invalid/").ok();
    if let Some(mut parts) = url.as_mut().and_then(|url| url.path_segments_mut().ok()) {
        parts.pop_if_empty().push(&branch.to_string());
    }
    url.map_or_else(String::new, |url| url.path().trim_start_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn a_branch_is_one_part_of_a_path() {
        let escape = |name: &str| name.parse().map(|branch| escaped(&branch)).ok();
        assert_eq!(escape("main").as_deref(), Some("main"));
        assert_eq!(escape("release/1.2#x").as_deref(), Some("release%2F1.2%23x"));
    }
}
