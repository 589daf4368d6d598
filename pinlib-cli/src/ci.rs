//! What the CI system tells about the build: source commit, branch, repository. The weakest word of all.

use crate::surroundings::Surroundings;

/// A value, and the variable that it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) value: String,
    pub(crate) by: &'static str,
}

/// What is known of the build.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Build {
    pub(crate) source_commit: Option<Told>,
    pub(crate) branch: Option<Told>,
    pub(crate) forge: Option<Told>,
    /// Why something that CI says was not taken.
    pub(crate) note: Option<String>,
}

/// Asks the CI system that is running, if one is.
pub(crate) fn build(around: &Surroundings) -> Build {
    let told = |by| around.variable(by).map(|value| Told { value: value.to_owned(), by });
    let is = |name, value| around.variable(name) == Some(value);
    let plain = |told: Option<Told>| told.map(|told| Told { value: without_login(&told.value), ..told });
    let branch_of_ref = |told: Option<Told>| {
        let told = told?;
        let value = told.value.strip_prefix("refs/heads/")?.to_owned();
        Some(Told { value, ..told })
    };

    if is("GITHUB_ACTIONS", "true") {
        return github(around, told, branch_of_ref(told("GITHUB_REF")));
    }
    // A merge request's pipeline has neither branch nor tag: its commit is not one of the branch's.
    if is("GITLAB_CI", "true") {
        let on_branch = told("CI_COMMIT_BRANCH").or_else(|| told("CI_COMMIT_TAG")).is_some();
        return Build {
            source_commit: told("CI_COMMIT_SHA").filter(|_| on_branch),
            branch: told("CI_COMMIT_BRANCH"),
            // Not CI_REPOSITORY_URL: that one holds a token.
            forge: told("CI_PROJECT_URL").map(|url| Told { value: format!("{}.git", url.value), ..url }),
            note: (!on_branch).then(|| "CI_COMMIT_SHA of a merge request is not taken".into()),
        };
    }
    let (commit, branch, forge, proposed) = if told("JENKINS_URL").is_some() {
        let branch = told("BRANCH_NAME").or_else(|| {
            let told = told("GIT_BRANCH")?;
            Some(Told { value: told.value.trim_start_matches("origin/").to_owned(), ..told })
        });
        (told("GIT_COMMIT"), branch, told("GIT_URL"), told("CHANGE_ID"))
    } else if is("BUILDKITE", "true") {
        let pull = told("BUILDKITE_PULL_REQUEST").filter(|told| told.value != "false");
        (told("BUILDKITE_COMMIT"), told("BUILDKITE_BRANCH"), told("BUILDKITE_REPO"), pull)
    } else if is("CIRCLECI", "true") {
        let (branch, forge) = (told("CIRCLE_BRANCH"), told("CIRCLE_REPOSITORY_URL"));
        (told("CIRCLE_SHA1"), branch, forge, told("CIRCLE_PULL_REQUEST"))
    } else if is("TF_BUILD", "True") {
        let branch = branch_of_ref(told("BUILD_SOURCEBRANCH"));
        let pull = told("BUILD_REASON").filter(|told| told.value == "PullRequest");
        (told("BUILD_SOURCEVERSION"), branch, told("BUILD_REPOSITORY_URI"), pull)
    } else if told("BITBUCKET_BUILD_NUMBER").is_some() {
        let (branch, forge) = (told("BITBUCKET_BRANCH"), told("BITBUCKET_GIT_HTTP_ORIGIN"));
        (told("BITBUCKET_COMMIT"), branch, forge, told("BITBUCKET_PR_ID"))
    } else {
        return Build::default();
    };
    if let Some(proposed) = proposed {
        let note = Some(format!("the commit of a proposed change is not taken ({} is set)", proposed.by));
        return Build { forge: plain(forge), note, ..Build::default() };
    }
    Build { source_commit: commit, branch, forge: plain(forge), note: None }
}

/// `GITHUB_SHA` is the commit that was built only for some events: for `workflow_run` it is whatever the default branch
/// held, for `pull_request` a merge that no branch has.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>.
fn github(around: &Surroundings, told: impl Fn(&'static str) -> Option<Told>, branch: Option<Told>) -> Build {
    let event = around.variable("GITHUB_EVENT_NAME").unwrap_or("push");
    let built = matches!(event, "push" | "workflow_dispatch" | "schedule" | "release");
    let forge = told("GITHUB_REPOSITORY").map(|repository| {
        let server = around.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com");
        Told { value: format!("{server}/{}.git", repository.value), ..repository }
    });
    Build {
        source_commit: told("GITHUB_SHA").filter(|_| built),
        branch: branch.filter(|_| built),
        forge,
        note: (!built)
            .then(|| format!("GITHUB_SHA of the event {event} need not be what was built: not taken")),
    }
}

/// Some systems put a login into the URL: it is not theirs to give.
fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme @ ("http" | "https"), rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}/{path}")
        }
        _ => url.to_owned(),
    }
}
