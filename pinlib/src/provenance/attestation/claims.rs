//! What is claimed about a build: by the signer's certificate where it says anything, else by the statement.

use super::{super::statement::Statement, Refused};
use crate::{
    error::Field,
    evidence::Claimant,
    git::{Oid, SourceRepository},
};
use sigstore_verify::crypto::FulcioCiClaims;

/// A source, as it is claimed.
struct Claim {
    repository: Option<String>,
    commit: Option<String>,
}

/// What something was built from, and who says so.
pub(super) struct Built {
    by: Claimant,
    claims: Vec<Claim>,
}

impl Built {
    /// The certificate's claims were made by who issued it, from the token of the build itself; so where there are any, the
    /// statement's count for nothing. A person's certificate, or a key, has none.
    pub(super) fn of(certificate: Option<&FulcioCiClaims>, statement: &Statement) -> Self {
        if let Some(claims) = certificate.filter(|claims| !claims.is_empty()) {
            let (repository, commit) =
                (claims.source_repository_uri.clone(), claims.source_repository_digest.clone());
            return Self { by: Claimant::Certificate, claims: vec![Claim { repository, commit }] };
        }
        let claim = |source: super::super::statement::Source| Claim {
            repository: Some(source.uri),
            commit: source.commit,
        };
        Self { by: Claimant::Statement, claims: statement.sources().into_iter().map(claim).collect() }
    }

    /// Wants the repository among the claims, and of it no commit but the source.
    pub(super) fn judge(self, repository: &SourceRepository, source: Oid) -> Result<Claimant, Refused> {
        let who = match self.by {
            Claimant::Certificate => "the certificate",
            Claimant::Statement => "the statement",
        };
        let is_own = |claim: &&Claim| {
            claim.repository.as_deref().and_then(SourceRepository::of_source).as_ref() == Some(repository)
        };
        let own: Vec<_> = self.claims.iter().filter(is_own).collect();
        if own.is_empty() {
            let found: Vec<_> = self
                .claims
                .iter()
                .filter_map(|claim| claim.repository.as_deref())
                .take(4)
                .map(quoted)
                .collect();
            let reason = match &found[..] {
                [] => format!("{who} names none"),
                found => format!("{who} names {}, and not {repository}", found.join(", ")),
            };
            return Err((Field::SourceRepository, reason));
        }
        let wanted = source.to_string();
        match own.iter().find(|claim| claim.commit.as_ref() != Some(&wanted)) {
            None => Ok(self.by),
            Some(Claim { commit: Some(commit), .. }) => {
                Err((Field::SourceCommit, format!("{who} names {}, and not {source}", quoted(commit))))
            }
            Some(_) => Err((Field::SourceCommit, format!("{who} names none"))),
        }
    }
}

/// Whether an identity is the one that was stated: to the letter, or a workflow at some ref where none was stated.
///
/// What follows the name must be a ref or a commit: a file could be called `build.yml@evil.yml`.
pub(super) fn identity_is(found: &str, stated: &str) -> bool {
    if found == stated {
        return true;
    }
    let Some(at) = found.strip_prefix(stated).and_then(|rest| rest.strip_prefix('@')) else { return false };
    let is_workflow =
        stated.starts_with("https://") && stated.contains("/.github/workflows/") && !stated.contains('@');
    is_workflow && (at.starts_with("refs/") || at.parse::<Oid>().is_ok())
}

/// Words from outside: cut and escaped.
pub(super) fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(200).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::identity_is;

    #[test]
    fn a_workflow_may_be_stated_without_its_ref_and_nothing_else_may() {
        let workflow = "https://github.com/acme/app/.github/workflows/build.yml";
        for (found, stated, is) in [
            (format!("{workflow}@refs/heads/main"), workflow.to_owned(), true),
            (format!("{workflow}@{}", "a".repeat(40)), workflow.into(), true),
            (format!("{workflow}@refs/heads/main"), format!("{workflow}@refs/heads/main"), true),
            (format!("{workflow}@refs/heads/evil"), format!("{workflow}@refs/heads/main"), false),
            (format!("{workflow}@refs/heads/main.evil"), format!("{workflow}@refs/heads/main"), false),
            (format!("{workflow}@evil.yml@refs/heads/main"), workflow.into(), false),
            (format!("{workflow}2@refs/heads/main"), workflow.into(), false),
            (
                "https://github.com/evil/app/.github/workflows/build.yml@refs/heads/main".into(),
                workflow.into(),
                false,
            ),
            ("me@acme.test".into(), "me@acme.test".into(), true),
            ("me@acme.test".into(), "me".into(), false),
            ("https://ci.test/x@refs/heads/main".into(), "https://ci.test/x".into(), false),
            (String::new(), workflow.into(), false),
        ] {
            assert_eq!(identity_is(&found, &stated), is, "{found} {stated}");
        }
    }
}
