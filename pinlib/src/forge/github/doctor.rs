//! Whether a pin could work here: everything that can be asked without writing, each with what to change where it is not
//! right.
//!
//! It cannot prove the write. Some of what stands in its way is shown to administrators alone.

use super::{
    GitHubForge,
    api::{Failure, Reply, To},
    login::{self, Permissions, apart},
    refusal::{Act, date},
};
use crate::{
    backend::BackendError,
    forge::GitForge as _,
    git::{BranchName, Mode, Oid, RepoPath},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fmt};

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As a pin needs it.
    Ok,
    /// A pin would fail of it.
    NotOk,
    /// Nobody but an administrator can see it, or it could not be asked.
    Unknown,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Row {
    Key,
    Clock,
    App,
    Installation,
    Permissions,
    Repositories,
    Rulesets,
    Protection,
    Head,
    Targets,
    Rate,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Clock => "clock",
            Self::App => "app",
            Self::Installation => "installation",
            Self::Permissions => "permissions",
            Self::Repositories => "repositories",
            Self::Rulesets => "rulesets",
            Self::Protection => "protection",
            Self::Head => "head",
            Self::Targets => "targets",
            Self::Rate => "rate",
        })
    }
}

/// One row: what was looked at, how it stands, what was seen, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Finding {
    pub row: Row,
    pub health: Health,
    pub seen: String,
    pub cure: Option<String>,
}

impl Finding {
    fn new(row: Row, health: Health, seen: impl Into<String>) -> Self {
        Self { row, health, seen: seen.into(), cure: None }
    }
    fn cured_by(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

/// Rules that a pin keeps by itself: it is one signed commit on the head.
const KEPT: [&str; 5] =
    ["creation", "deletion", "non_fast_forward", "required_linear_history", "required_signatures"];
/// With fewer requests left than this a pin may have to wait.
const SPARE: u64 = 50;

#[derive(Deserialize)]
struct App {
    slug: String,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
    #[serde(default)]
    permissions: Permissions,
    repository_selection: Option<String>,
    suspended_at: Option<String>,
    html_url: Option<String>,
}

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
    /// Looks at everything that a pin of these files on this branch needs. Never fails: what cannot be asked is a row
    /// that says so.
    ///
    /// # Cancellation
    /// It only reads.
    pub async fn examine(&self, branch: &BranchName, targets: &[RepoPath]) -> Vec<Finding> {
        let mut found = Vec::new();
        if self.login.is_app() {
            self.app(&mut found).await;
        } else {
            found.push(self.plain_token().await);
        }
        // Without a token nothing else can be asked, and one row has said why.
        if found.iter().any(|finding| finding.health == Health::NotOk) {
            return found;
        }
        found.extend(self.rulesets(branch).await);
        found.push(self.protection(branch).await);
        match self.head(branch).await {
            Ok(head) => {
                found.push(Finding::new(Row::Head, Health::Ok, format!("{branch} is at {}", head.short())));
                found.extend(self.targets(head, targets).await);
            }
            Err(error) => found.push(
                Finding::new(Row::Head, Health::NotOk, error.to_string())
                    .cured_by("name the branch that pins go to: --branch, or `branch` in pinlib.yaml"),
            ),
        }
        found.push(self.rate().await);
        found
    }

    /// Key, clock, App, installation, permissions, repositories: each as far as the one before it holds.
    async fn app(&self, found: &mut Vec<Finding>) {
        let Some(key) = self.login.as_app_once(&self.api, To::Get("/app")).await else { return };
        match key {
            Ok(reply) => {
                found.push(Finding::new(Row::Key, Health::Ok, "GitHub takes what the key signs"));
                found.push(self.clock(&reply));
                match reply.json::<App>(Act("read the App")) {
                    Ok(app) => found.push(Finding::new(Row::App, Health::Ok, format!("{}[bot]", app.slug))),
                    Err(error) => found.push(unknown(Row::App, &error)),
                }
            }
            Err(Failure::Refused(refusal)) if refusal.status.as_u16() == 401 => {
                let skew = refusal.date().and_then(|date| apart(self.login.clock().now(), date));
                let said = refusal.words();
                found.push(match skew {
                    Some((ahead, behind)) if said.contains("time") || said.contains("claim") => {
                        Finding::new(Row::Clock, Health::NotOk, skewed(ahead.as_secs(), behind.as_secs()))
                            .cured_by("set this machine's clock, by NTP")
                    }
                    _ => Finding::new(Row::Key, Health::NotOk, said).cured_by(
                        "the key belongs to another App, or was deleted: check the App's id, or make a new private key on \
                         the App's settings page, under General",
                    ),
                });
                return;
            }
            Err(Failure::Refused(refusal)) if refusal.status.as_u16() == 404 => {
                found
                    .push(Finding::new(Row::App, Health::NotOk, "GitHub knows no such App").cured_by(
                        "take the client id or App id from the App's settings page, under General",
                    ));
                return;
            }
            Err(failure) => {
                found.push(unknown(Row::Key, &failure.while_reading(Act("read the App"))));
                return;
            }
        }
        self.installation(found).await;
    }

    fn clock(&self, reply: &Reply) -> Finding {
        match date(&reply.headers).map(|date| apart(self.login.clock().now(), date)) {
            Some(None) => Finding::new(Row::Clock, Health::Ok, "agrees with GitHub's"),
            Some(Some((ahead, behind))) => {
                Finding::new(Row::Clock, Health::Ok, skewed(ahead.as_secs(), behind.as_secs()))
                    .cured_by("pinlib goes by GitHub's clock; set this machine's all the same, by NTP")
            }
            None => Finding::new(Row::Clock, Health::Unknown, "GitHub's answer tells no time"),
        }
    }

    async fn installation(&self, found: &mut Vec<Finding>) {
        let act = Act("read the App's installation");
        let path = format!("/repos/{}/installation", self.repository);
        let Some(reply) = self.login.as_app_once(&self.api, To::Get(&path)).await else { return };
        let installation = match reply.map_err(|failure| failure.while_reading(act)).and_then(|r| r.json(act))
        {
            Ok::<Installation, _>(installation) => installation,
            Err(error) if error.kind() == crate::BackendErrorKind::NotFound => {
                found.push(
                    Finding::new(Row::Installation, Health::NotOk, format!("none on {}", self.repository)).cured_by(
                        "install the App on this repository: its settings page, Install App, Only select repositories",
                    ),
                );
                return;
            }
            Err(error) => return found.push(unknown(Row::Installation, &error)),
        };
        let settings = installation.html_url.unwrap_or_else(|| "the installation's settings page".into());
        if let Some(since) = installation.suspended_at {
            found.push(
                Finding::new(Row::Installation, Health::NotOk, format!("suspended since {since}"))
                    .cured_by(format!("let its owner unsuspend it: {settings}")),
            );
            return;
        }
        found.push(Finding::new(Row::Installation, Health::Ok, format!("number {}", installation.id)));
        found.push(permissions(&installation.permissions, &settings));
        found.push(match installation.repository_selection.as_deref() {
            Some("all") => {
                Finding::new(Row::Repositories, Health::Ok, "all of the account's, also those to come")
                    .cured_by(format!("one would do: Only select repositories, on {settings}"))
            }
            Some(_) => Finding::new(Row::Repositories, Health::Ok, "chosen one by one, this one among them"),
            None => Finding::new(Row::Repositories, Health::Unknown, "GitHub does not say which it may see"),
        });
        if found.iter().all(|finding| finding.health != Health::NotOk)
            && let Err(error) = self.login.token(&self.api).await
        {
            found.push(Finding::new(Row::Permissions, Health::NotOk, error.to_string()));
        }
    }

    /// Of a plain token GitHub tells little.
    async fn plain_token(&self) -> Finding {
        #[derive(Deserialize)]
        struct Repository {
            permissions: Option<BTreeMap<String, bool>>,
            #[serde(default)]
            archived: bool,
        }
        let path = format!("/repos/{}", self.repository);
        match self.get::<Repository>(&path, "see what the token may do").await {
            Ok(Repository { archived: true, .. }) => {
                Finding::new(Row::Permissions, Health::NotOk, "the repository is archived: nobody may write")
                    .cured_by("unarchive it, in its settings")
            }
            Ok(Repository { permissions: Some(may), .. }) if may.get("push") == Some(&false) => {
                Finding::new(Row::Permissions, Health::NotOk, "the token's owner may not push")
                    .cured_by("give the token contents:write on this repository (in a workflow: `permissions: contents: write`)")
            }
            Ok(_) => Finding::new(Row::Permissions, Health::Unknown, "GitHub does not tell what a plain token may write")
                .cured_by("use an App: what it may do can be seen, and it can pass rulesets"),
            Err(error) => Finding::new(Row::Permissions, Health::NotOk, error.to_string())
                .cured_by("the token must be valid, and see this repository"),
        }
    }

    /// One row a ruleset that is active on the branch, inherited ones too.
    async fn rulesets(&self, branch: &BranchName) -> Vec<Finding> {
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
            found.push(self.ruleset(id, &source, &kinds).await);
        }
        found
    }

    async fn ruleset(&self, id: u64, source: &str, kinds: &[String]) -> Finding {
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
        let blocking: Vec<_> = kinds.iter().map(String::as_str).filter(|kind| !KEPT.contains(kind)).collect();
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

    async fn protection(&self, branch: &BranchName) -> Finding {
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

    async fn targets(&self, head: Oid, targets: &[RepoPath]) -> Vec<Finding> {
        if targets.is_empty() {
            return vec![
                Finding::new(Row::Targets, Health::Unknown, "no file is named")
                    .cured_by("name images and their targets in pinlib.yaml, or by --image and --target"),
            ];
        }
        let wanted: Vec<_> = targets.iter().map(|path| (head, path.clone())).collect();
        let files = match self.read(&wanted).await {
            Ok(files) => files,
            Err(error) => return vec![unknown(Row::Targets, &error)],
        };
        let wrong: Vec<_> = targets
            .iter()
            .zip(&files)
            .filter_map(|(path, file)| match file {
                None => Some(
                    Finding::new(Row::Targets, Health::NotOk, format!("{path} is not there"))
                        .cured_by("correct its path in pinlib.yaml or --target"),
                ),
                Some(file) if file.mode != Mode::Regular => Some(
                    Finding::new(Row::Targets, Health::NotOk, format!("{path} is {}", file.mode)).cured_by(format!(
                        "make it a regular file (100644): git update-index --chmod=-x {path}, where it is executable"
                    )),
                ),
                Some(_) => None,
            })
            .collect();
        if wrong.is_empty() {
            let count = match targets.len() {
                1 => "1 file is".into(),
                count => format!("{count} files are"),
            };
            return vec![Finding::new(Row::Targets, Health::Ok, format!("{count} there, and regular"))];
        }
        wrong
    }

    async fn rate(&self) -> Finding {
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

    async fn get<T: DeserializeOwned>(&self, path: &str, act: &str) -> Result<T, BackendError> {
        let act = Act(act);
        self.ask(To::Get(path), act).await?.map_err(|failure| failure.while_reading(act))?.json(act)
    }
}

fn unknown(row: Row, error: &BackendError) -> Finding {
    Finding::new(row, Health::Unknown, error.to_string())
}

fn skewed(ahead: u64, behind: u64) -> String {
    match ahead {
        0 => format!("this machine's clock is {behind} s ahead of GitHub's"),
        _ => format!("this machine's clock is {ahead} s behind GitHub's"),
    }
}

/// What is granted, against what is needed.
fn permissions(granted: &Permissions, settings: &str) -> Finding {
    let enough = |have: Option<&String>, need: &str| match have.map(String::as_str) {
        Some("admin" | "write") => true,
        Some(have) => have == need,
        None => false,
    };
    let needed = login::needed();
    let list = |permissions: Vec<(&String, &String)>| {
        permissions.iter().map(|(name, level)| format!("{name}:{level}")).collect::<Vec<_>>().join(", ")
    };
    let missing: Vec<_> = needed.iter().filter(|(name, need)| !enough(granted.get(*name), need)).collect();
    if !missing.is_empty() {
        return Finding::new(Row::Permissions, Health::NotOk, format!("missing: {}", list(missing))).cured_by(format!(
            "add them on the App's settings page, Permissions & events, and let the owner accept on {settings}"
        ));
    }
    let more: Vec<_> = granted.iter().filter(|(name, _)| !needed.contains_key(*name)).collect();
    let seen = format!("{} are granted", list(needed.iter().collect()));
    if more.is_empty() {
        return Finding::new(Row::Permissions, Health::Ok, seen);
    }
    Finding::new(Row::Permissions, Health::Ok, format!("{seen}, and more than a pin needs: {}", list(more)))
        .cured_by(
            "take the others away on the App's settings page; pinlib's own tokens leave them out in any case",
        )
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
