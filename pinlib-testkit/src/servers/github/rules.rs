//! Branches, their protection, and the rulesets over them.

use super::{
    Hub, NAME, OWNER,
    access::Actor,
    http::Answer,
    rest::{Asked, with_link},
    settings::{Bypass, Enforcement, Ruleset, Settings, Source},
    shapes::node,
};
use serde_json::{Value, json};
use std::io;

const UPGRADE: &str = "Upgrade to GitHub Pro or make this repository public to enable this feature.";

impl Ruleset {
    fn source(&self) -> (&'static str, String) {
        match self.source {
            Source::Repository => ("Repository", format!("{OWNER}/{NAME}")),
            Source::Organization => ("Organization", OWNER.into()),
        }
    }
    /// Whether it holds for the caller.
    fn binds(&self) -> bool {
        self.enforcement == Enforcement::Active && !matches!(self.can_bypass, Bypass::Always | Bypass::Exempt)
    }
}

/// A rule with the parameters that it must have.
fn rule(kind: &str) -> Value {
    let mut made = json!({"type": kind});
    let parameters = match kind {
        "pull_request" => json!({
            "dismiss_stale_reviews_on_push": false, "require_code_owner_review": false, "allowed_merge_methods": ["merge"],
            "require_last_push_approval": false, "required_approving_review_count": 1,
            "required_review_thread_resolution": false,
        }),
        "required_status_checks" => json!({
            "strict_required_status_checks_policy": false, "required_status_checks": [{"context": "ci"}],
        }),
        "update" => json!({"update_allows_fetch_and_merge": false}),
        _ => return made,
    };
    made["parameters"] = parameters;
    made
}

impl Hub {
    pub(super) fn branch(&self, name: &str, settings: &Settings) -> io::Result<Answer> {
        let oid = self.read_ref(&format!("refs/heads/{name}"))?;
        let commit = oid.map_or(Ok(None), |oid| self.git.commit(&oid))?;
        let Some(commit) = commit else { return Ok(Answer::refused(404, "Branch not found")) };
        let (on, url) = (settings.protected_classic, self.url(&format!("/branches/{name}")));
        Ok(Answer::ok(&json!({
            "name": name, "commit": self.commit_shape(&commit), "protected": on,
            "_links": {"self": url, "html": format!("https://github.com/{OWNER}/{NAME}/tree/{name}")},
            "protection": {
                "enabled": on,
                "required_status_checks": {"enforcement_level": "off", "contexts": [], "checks": []},
            },
            "protection_url": format!("{url}/protection"),
        })))
    }
    pub(super) fn protection(&self, actor: &Actor, settings: &Settings) -> Answer {
        if settings.upgrade_needed {
            return Answer::refused(403, UPGRADE);
        }
        if !actor.may("administration", "read") {
            return Answer::refused(403, "Resource not accessible by integration");
        }
        if !settings.protected_classic {
            return Answer::refused(404, "Branch not protected");
        }
        let url = self.url("/branches/main/protection");
        let mut made = json!({
            "url": url, "enforce_admins": {"url": format!("{url}/enforce_admins"), "enabled": true},
            "allow_force_pushes": {"enabled": false}, "allow_deletions": {"enabled": false},
        });
        if settings.pull_request_required {
            made["required_pull_request_reviews"] = json!({
                "url": format!("{url}/required_pull_request_reviews"), "dismiss_stale_reviews": false,
                "require_code_owner_reviews": false, "required_approving_review_count": 1,
            });
        }
        Answer::ok(&made)
    }
    pub(super) fn branch_rules(&self, asked: &Asked, settings: &Settings) -> Answer {
        if settings.upgrade_needed {
            return Answer::refused(403, UPGRADE);
        }
        let active = settings.rulesets.iter().filter(|set| set.enforcement == Enforcement::Active);
        let all: Vec<_> = active
            .flat_map(|set| {
                set.rules.iter().map(|kind| {
                    let (kind_of_source, source) = set.source();
                    let mut made = rule(kind);
                    made["ruleset_source_type"] = kind_of_source.into();
                    made["ruleset_source"] = source.into();
                    made["ruleset_id"] = set.id.into();
                    made
                })
            })
            .collect();
        let (shown, link) = asked.paged(self, &all);
        with_link(Answer::ok(&shown.into()), link)
    }
    pub(super) fn ruleset(&self, id: &str, settings: &Settings) -> Answer {
        if settings.upgrade_needed {
            return Answer::refused(403, UPGRADE);
        }
        let found = settings.rulesets.iter().find(|set| set.id.to_string() == id);
        let Some(set) = found else { return Answer::not_found() };
        let (kind, source) = set.source();
        let enforcement = match set.enforcement {
            Enforcement::Active => "active",
            Enforcement::Evaluate => "evaluate",
            Enforcement::Disabled => "disabled",
        };
        let bypass = match set.can_bypass {
            Bypass::Always => "always",
            Bypass::Exempt => "exempt",
            Bypass::PullRequestsOnly => "pull_requests_only",
            Bypass::Never => "never",
        };
        let rules: Vec<_> = set.rules.iter().map(|kind| rule(kind)).collect();
        // No `bypass_actors`: they are for those who may edit it.
        Answer::ok(&json!({
            "id": set.id, "name": set.name, "target": "branch", "source_type": kind, "source": source,
            "enforcement": enforcement, "current_user_can_bypass": bypass, "rules": rules, "node_id": node("RRS", id),
            "conditions": {"ref_name": {"include": ["~ALL"], "exclude": []}},
            "_links": {
                "self": {"href": self.url(&format!("/rulesets/{id}"))},
                "html": {"href": format!("https://github.com/{OWNER}/{NAME}/rules/{id}")},
            },
            "created_at": "2024-11-02T09:30:00.000Z", "updated_at": "2024-11-02T09:30:00.000Z",
        }))
    }
}

/// What becomes of a ref.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    Create,
    Forward,
    Force,
    Delete,
}

/// The branch that classic protection is of.
const PROTECTED: &str = "refs/heads/main";

/// Whether any rule holds for this ref.
pub(super) fn is_bound(settings: &Settings, name: &str) -> bool {
    (settings.protected_classic && name == PROTECTED) || settings.rulesets.iter().any(Ruleset::binds)
}

/// Why the rules of the repository refuse it, if they do: the type of the error, and its message.
pub(super) fn refusal(settings: &Settings, name: &str, step: Move) -> Option<(Option<&'static str>, String)> {
    let protected = settings.protected_classic && name == PROTECTED;
    if protected && (settings.pull_request_required || step != Move::Forward) {
        let message = "protected branch 'main' check failed:\n  Changes must be made through a pull request.";
        return Some((Some("BRANCH_PROTECTION_RULE_VIOLATION"), message.into()));
    }
    let binding = settings.rulesets.iter().filter(|set| set.binds());
    let mut reasons: Vec<_> = binding
        .flat_map(|set| &set.rules)
        .filter_map(|kind| match (kind.as_str(), step) {
            ("pull_request", _) => Some("Changes must be made through a pull request."),
            ("required_status_checks", _) => Some("Required status check \"ci\" is expected."),
            ("update", Move::Forward | Move::Force) => Some("Cannot update this protected ref."),
            ("merge_queue", _) => Some("Changes must be made through the merge queue"),
            ("creation", Move::Create) => Some("Cannot create ref due to creations being restricted."),
            ("deletion", Move::Delete) => Some("Cannot delete this protected ref."),
            ("non_fast_forward", Move::Force) => Some("Cannot force-push to this branch"),
            _ => None,
        })
        .collect();
    reasons.dedup();
    if reasons.is_empty() {
        return None;
    }
    let listed: String = reasons.iter().flat_map(|reason| [reason, "\n\n"]).collect();
    Some((None, format!("Repository rule violations found\n\n{listed}")))
}
