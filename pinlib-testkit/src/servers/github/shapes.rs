//! The shapes of REST answers, as whole as GitHub's.

use super::{
    APP_ID, BOT_ID, CLIENT_ID, Hub, INSTALLATION, NAME, OWNER, REPOSITORY_ID, REPOSITORY_NODE, SLUG, USER_ID,
    objects::{Commit, Person},
    settings::{Selection, Settings},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

/// When all that has no date of its own was made.
const BORN: &str = "2024-11-02T09:30:00Z";

/// An id as GraphQL would have it.
pub(super) fn node(kind: &str, name: &str) -> String {
    format!("{kind}_{}", STANDARD.encode(name))
}

impl Hub {
    pub(super) fn url(&self, rest: &str) -> String {
        format!("{}/repos/{OWNER}/{NAME}{rest}", self.base())
    }
    /// A user, an organization or a bot.
    pub(super) fn account(&self, login: &str, id: u64, kind: &str) -> Value {
        let api = format!("{}/users/{}", self.base(), login.replace('[', "%5B").replace(']', "%5D"));
        let mut made = json!({
            "login": login, "id": id, "node_id": node("U", login), "type": kind, "site_admin": false, "url": api,
            "avatar_url": format!("https://avatars.githubusercontent.com/u/{id}?v=4"), "gravatar_id": "",
            "html_url": format!("https://github.com/{}", login.replace("[bot]", "")), "user_view_type": "public",
        });
        for (name, rest) in [
            ("events_url", "events{/privacy}"),
            ("followers_url", "followers"),
            ("following_url", "following{/other_user}"),
            ("gists_url", "gists{/gist_id}"),
            ("organizations_url", "orgs"),
            ("received_events_url", "received_events"),
            ("repos_url", "repos"),
            ("starred_url", "starred{/owner}{/repo}"),
            ("subscriptions_url", "subscriptions"),
        ] {
            made[name] = format!("{api}/{rest}").into();
        }
        made
    }
    fn owner(&self) -> Value {
        self.account(OWNER, 9_919_001, "Organization")
    }
    /// The account that a commit's person has, by the address; none for a stranger.
    pub(super) fn account_of(&self, person: &Person) -> Value {
        let address = |id: u64, login: &str| format!("{id}+{login}@users.noreply.github.com");
        let email = &person.email;
        let bot = format!("{SLUG}[bot]");
        if *email == address(BOT_ID, &bot) {
            self.account(&bot, BOT_ID, "Bot")
        } else if *email == address(USER_ID, "octocat") {
            self.account("octocat", USER_ID, "User")
        } else if email == "noreply@github.com" {
            self.account("web-flow", 19_864_447, "User")
        } else {
            Value::Null
        }
    }
    /// The repository; the full shape is that of `GET /repos/…`.
    pub(super) fn repository_shape(&self, settings: &Settings, full: bool) -> Value {
        let html = format!("https://github.com/{OWNER}/{NAME}");
        let mut made = json!({
            "id": REPOSITORY_ID, "node_id": REPOSITORY_NODE, "name": NAME, "full_name": format!("{OWNER}/{NAME}"),
            "owner": self.owner(), "private": settings.private, "html_url": html, "url": self.url(""),
            "visibility": if settings.private { "private" } else { "public" }, "archived": settings.archived,
            "default_branch": "main", "description": null, "fork": false, "homepage": null, "language": null,
            "license": null, "mirror_url": null, "disabled": false, "is_template": false, "topics": [],
            "size": 12, "pushed_at": BORN, "created_at": BORN, "updated_at": BORN, "web_commit_signoff_required": false,
            "clone_url": format!("{html}.git"), "svn_url": html, "git_url": format!("git://github.com/{OWNER}/{NAME}.git"),
            "ssh_url": format!("git@github.com:{OWNER}/{NAME}.git"),
        });
        for name in ["issues", "projects", "wiki", "pages", "discussions", "downloads"] {
            made[format!("has_{name}")] = false.into();
        }
        for name in [
            "forks",
            "forks_count",
            "open_issues",
            "open_issues_count",
            "stargazers_count",
            "watchers",
            "watchers_count",
        ] {
            made[name] = 0.into();
        }
        for (name, rest) in [
            ("archive", "{archive_format}{/ref}"),
            ("assignees", "assignees{/user}"),
            ("blobs", "git/blobs{/sha}"),
            ("branches", "branches{/branch}"),
            ("collaborators", "collaborators{/collaborator}"),
            ("comments", "comments{/number}"),
            ("commits", "commits{/sha}"),
            ("compare", "compare/{base}...{head}"),
            ("contents", "contents/{+path}"),
            ("contributors", "contributors"),
            ("deployments", "deployments"),
            ("downloads", "downloads"),
            ("events", "events"),
            ("forks", "forks"),
            ("git_commits", "git/commits{/sha}"),
            ("git_refs", "git/refs{/sha}"),
            ("git_tags", "git/tags{/sha}"),
            ("hooks", "hooks"),
            ("issue_comment", "issues/comments{/number}"),
            ("issue_events", "issues/events{/number}"),
            ("issues", "issues{/number}"),
            ("keys", "keys{/key_id}"),
            ("labels", "labels{/name}"),
            ("languages", "languages"),
            ("merges", "merges"),
            ("milestones", "milestones{/number}"),
            ("notifications", "notifications{?since,all,participating}"),
            ("pulls", "pulls{/number}"),
            ("releases", "releases{/id}"),
            ("stargazers", "stargazers"),
            ("statuses", "statuses/{sha}"),
            ("subscribers", "subscribers"),
            ("subscription", "subscription"),
            ("tags", "tags"),
            ("teams", "teams"),
            ("trees", "git/trees{/sha}"),
        ] {
            made[format!("{name}_url")] = self.url(&format!("/{rest}")).into();
        }
        if full {
            made["network_count"] = 0.into();
            made["subscribers_count"] = 1.into();
        }
        made
    }
    pub(super) fn app_shape(&self, settings: &Settings) -> Value {
        json!({
            "id": APP_ID, "slug": SLUG, "client_id": CLIENT_ID, "node_id": node("A", SLUG), "owner": self.owner(),
            "name": SLUG, "description": "", "external_url": "https://example.com",
            "html_url": format!("https://github.com/apps/{SLUG}"), "created_at": BORN, "updated_at": BORN,
            "permissions": settings.permissions, "events": [], "installations_count": 1,
        })
    }
    pub(super) fn installation_shape(&self, settings: &Settings) -> Value {
        let suspended = settings.suspended.then_some(BORN);
        json!({
            "id": INSTALLATION, "account": self.owner(), "app_id": APP_ID, "client_id": CLIENT_ID, "app_slug": SLUG,
            "repository_selection": if settings.selection == Selection::All { "all" } else { "selected" },
            "access_tokens_url": format!("{}/app/installations/{INSTALLATION}/access_tokens", self.base()),
            "repositories_url": format!("{}/installation/repositories", self.base()),
            "html_url": format!("https://github.com/organizations/{OWNER}/settings/installations/{INSTALLATION}"),
            "target_id": 9_919_001, "target_type": "Organization", "permissions": settings.permissions, "events": [],
            "created_at": BORN, "updated_at": BORN, "single_file_name": null, "has_multiple_single_files": false,
            "single_file_paths": [], "suspended_at": suspended,
            "suspended_by": suspended.map(|_| self.account("octocat", USER_ID, "User")),
        })
    }
    /// What is thought of a commit's signature.
    pub(super) fn verification(commit: &Commit) -> Value {
        let verified = commit.verified();
        let reason = match verified {
            None => "unsigned",
            Some(true) => "valid",
            Some(false) => "unknown_key",
        };
        let good = verified == Some(true);
        json!({
            "verified": good, "reason": reason, "signature": commit.signature,
            "payload": verified.map(|_| &commit.payload), "verified_at": good.then(|| commit.committer.utc()),
        })
    }
    /// A commit of the Git database.
    pub(super) fn git_commit(&self, commit: &Commit) -> Value {
        let url = |oid: &str| self.url(&format!("/git/commits/{oid}"));
        let parents =
            commit.parents.iter().map(|oid| json!({"sha": oid, "url": url(oid), "html_url": html(oid)}));
        json!({
            "sha": commit.oid, "node_id": node("C", &commit.oid), "url": url(&commit.oid), "html_url": html(&commit.oid),
            "author": person(&commit.author), "committer": person(&commit.committer), "message": commit.message,
            "tree": {"sha": commit.tree, "url": self.url(&format!("/git/trees/{}", commit.tree))},
            "parents": parents.collect::<Vec<_>>(), "verification": Self::verification(commit),
        })
    }
    /// A commit with the accounts of who made it.
    pub(super) fn commit_shape(&self, commit: &Commit) -> Value {
        let (oid, git) = (&commit.oid, self.git_commit(commit));
        let url = |oid: &str| self.url(&format!("/commits/{oid}"));
        let mut inner = Map::new();
        for name in ["author", "committer", "message", "tree", "url", "verification"] {
            inner.insert(name.into(), git[name].clone());
        }
        inner.insert("comment_count".into(), 0.into());
        let parents =
            commit.parents.iter().map(|oid| json!({"sha": oid, "url": url(oid), "html_url": html(oid)}));
        json!({
            "sha": oid, "node_id": node("C", oid), "commit": inner, "url": url(oid), "html_url": html(oid),
            "comments_url": format!("{}/comments", url(oid)), "author": self.account_of(&commit.author),
            "committer": self.account_of(&commit.committer), "parents": parents.collect::<Vec<_>>(),
        })
    }
}

fn person(person: &Person) -> Value {
    json!({"name": person.name, "email": person.email, "date": person.utc()})
}

/// The page of a commit.
pub(super) fn html(oid: &str) -> String {
    format!("https://github.com/{OWNER}/{NAME}/commit/{oid}")
}
