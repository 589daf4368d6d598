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
    /// What the source commit is of.
    pub(crate) source_repository: Option<Told>,
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
            source_repository: told("CI_PROJECT_URL"),
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
    let forge = plain(forge);
    Build { source_commit: commit, branch, source_repository: forge.clone(), forge, note: None }
}

/// `GITHUB_SHA` is the commit that was built only for some events: for `workflow_run` it is whatever the default branch
/// held, for `pull_request` a merge that no branch has.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows>.
fn github(around: &Surroundings, told: impl Fn(&'static str) -> Option<Told>, branch: Option<Told>) -> Build {
    let event = around.variable("GITHUB_EVENT_NAME").unwrap_or("push");
    let built = matches!(event, "push" | "workflow_dispatch" | "schedule" | "release");
    let forge = told("GITHUB_REPOSITORY")
        .map(|repository| Told { value: format!("github:{}", repository.value), ..repository });
    let source_repository =
        told("GITHUB_REPOSITORY").zip(told("GITHUB_SERVER_URL")).map(|(repository, server)| Told {
            value: format!("{}/{}", server.value.trim_end_matches('/'), repository.value),
            ..repository
        });
    Build {
        source_repository,
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

#[cfg(test)]
mod tests {
    use super::{Surroundings, build};
    use std::path::Path;

    /// Source commit, branch and repository of these variables, written `NAME=VALUE NAME=VALUE`.
    fn told(variables: &str) -> [Option<String>; 3] {
        let set = |around: Surroundings, text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            around.with(name, value)
        };
        let build = build(&variables.split(' ').fold(Surroundings::bare(Path::new("/")), set));
        [build.source_commit, build.branch, build.forge].map(|told| told.map(|told| told.value))
    }

    #[test]
    fn each_system_tells_in_its_own_words() {
        let github = "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=push GITHUB_SHA=a GITHUB_REPOSITORY=o/r";
        let hub = Some("github:o/r".to_owned());
        let (a, main, url) =
            (Some("a".to_owned()), Some("main".to_owned()), Some("https://git.test/r".to_owned()));
        for (variables, wanted) in [
            (format!("{github} GITHUB_REF=refs/heads/main"), [a.clone(), main.clone(), hub.clone()]),
            (format!("{github} GITHUB_REF=refs/tags/v1"), [a.clone(), None, hub]),
            (
                "GITLAB_CI=true CI_COMMIT_SHA=a CI_COMMIT_BRANCH=main CI_PROJECT_URL=https://git.test/r \
                 CI_REPOSITORY_URL=https://gitlab-ci-token:hush@git.test/r.git"
                    .into(),
                [a.clone(), main.clone(), Some("https://git.test/r.git".into())],
            ),
            (
                "JENKINS_URL=x GIT_COMMIT=a GIT_BRANCH=origin/main GIT_URL=https://me:hush@git.test/r".into(),
                [a.clone(), main.clone(), url.clone()],
            ),
            (
                "BUILDKITE=true BUILDKITE_COMMIT=a BUILDKITE_BRANCH=main BUILDKITE_REPO=https://git.test/r \
                 BUILDKITE_PULL_REQUEST=false"
                    .into(),
                [a.clone(), main.clone(), url.clone()],
            ),
            (
                "CIRCLECI=true CIRCLE_SHA1=a CIRCLE_BRANCH=main CIRCLE_REPOSITORY_URL=git@git.test:r".into(),
                [a.clone(), main.clone(), Some("git@git.test:r".into())],
            ),
            (
                "TF_BUILD=True BUILD_SOURCEVERSION=a BUILD_SOURCEBRANCH=refs/heads/main \
                 BUILD_REPOSITORY_URI=https://o@git.test/r BUILD_REASON=IndividualCI"
                    .into(),
                [a.clone(), main.clone(), url.clone()],
            ),
            (
                "BITBUCKET_BUILD_NUMBER=1 BITBUCKET_COMMIT=a BITBUCKET_BRANCH=main \
                 BITBUCKET_GIT_HTTP_ORIGIN=https://git.test/r"
                    .into(),
                [a, main, url],
            ),
            ("GIT_COMMIT=a GITHUB_SHA=a".into(), [None, None, None]),
        ] {
            assert_eq!(told(&variables), wanted, "{variables}");
        }
    }

    #[test]
    fn a_proposed_change_has_no_commit_of_the_branch() {
        for variables in [
            "BUILDKITE=true BUILDKITE_COMMIT=a BUILDKITE_PULL_REQUEST=7",
            "CIRCLECI=true CIRCLE_SHA1=a CIRCLE_PULL_REQUEST=x",
            "TF_BUILD=True BUILD_SOURCEVERSION=a BUILD_REASON=PullRequest",
            "BITBUCKET_BUILD_NUMBER=1 BITBUCKET_COMMIT=a BITBUCKET_PR_ID=7",
            "GITHUB_ACTIONS=true GITHUB_EVENT_NAME=workflow_run GITHUB_SHA=a GITHUB_REF=refs/heads/main",
        ] {
            let [source, branch, _] = told(variables);
            assert_eq!((source, branch), (None, None), "{variables}");
        }
    }
}
