//! Who asks: the App, its key and clock, its installation and what that may do; or a plain token.

use super::{Finding, Health, Row, unknown};
use crate::{
    backend::BackendErrorKind,
    forge::github::{
        GitHubForge,
        api::{Failure, Reply, To},
        login::{Permissions, apart, listed},
    },
    http::date,
};
use serde::Deserialize;
use std::collections::BTreeMap;

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

impl GitHubForge {
    pub(super) async fn app(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let Some(key) = self.login.as_app_once(&self.api, To::Get("/app")).await else { return found };
        match key {
            Ok(reply) => {
                found.push(Finding::new(Row::Key, Health::Ok, "GitHub takes what the key signs"));
                found.push(self.clock(&reply));
                match reply.json::<App>("read the App") {
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
                return found;
            }
            Err(Failure::Refused(refusal)) if refusal.status.as_u16() == 404 => {
                found
                    .push(Finding::new(Row::App, Health::NotOk, "GitHub knows no such App").cured_by(
                        "take the client id or App id from the App's settings page, under General",
                    ));
                return found;
            }
            Err(failure) => {
                found.push(unknown(Row::Key, &failure.while_reading("read the App")));
                return found;
            }
        }
        self.installation(&mut found).await;
        found
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
        let act = "read the App's installation";
        let path = format!("/repos/{}/installation", self.repository);
        let Some(reply) = self.login.as_app_once(&self.api, To::Get(&path)).await else { return };
        let installation = match reply.map_err(|failure| failure.while_reading(act)).and_then(|r| r.json(act))
        {
            Ok::<Installation, _>(installation) => installation,
            Err(error) if error.kind() == BackendErrorKind::NotFound => {
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
        self.login.is_installed_as(installation.id).await;
        found.push(Finding::new(Row::Installation, Health::Ok, format!("number {}", installation.id)));
        found.push(permissions(&installation.permissions, self.login.needed(), &settings));
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

    pub(super) async fn plain_token(&self) -> Finding {
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
}

fn skewed(ahead: u64, behind: u64) -> String {
    match ahead {
        0 => format!("this machine's clock is {behind} s ahead of GitHub's"),
        _ => format!("this machine's clock is {ahead} s behind GitHub's"),
    }
}

/// What is granted, against what is needed.
fn permissions(granted: &Permissions, needed: &Permissions, settings: &str) -> Finding {
    let enough = |have: Option<&String>, need: &str| match have.map(String::as_str) {
        Some("admin" | "write") => true,
        Some(have) => have == need,
        None => false,
    };
    let missing: Vec<_> = needed.iter().filter(|(name, need)| !enough(granted.get(*name), need)).collect();
    if !missing.is_empty() {
        return Finding::new(Row::Permissions, Health::NotOk, format!("missing: {}", listed(missing))).cured_by(format!(
            "add them on the App's settings page, Permissions & events, and let the owner accept on {settings}"
        ));
    }
    let more: Vec<_> = granted.iter().filter(|(name, _)| !needed.contains_key(*name)).collect();
    let seen = format!("{} are granted", listed(needed));
    if more.is_empty() {
        return Finding::new(Row::Permissions, Health::Ok, seen);
    }
    Finding::new(Row::Permissions, Health::Ok, format!("{seen}, and more than a pin needs: {}", listed(more)))
        .cured_by(
            "take the others away on the App's settings page; pinlib's own tokens leave them out in any case",
        )
}
