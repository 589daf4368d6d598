//! Where GitHub's APIs are, and how a repository is named there.

use crate::{
    backend::{BackendError, BackendErrorKind},
    http::is_loopback,
    parse::ParseError,
};
use reqwest::Url;
use std::{fmt, str::FromStr};

/// Where GitHub's two APIs are: those of github.com, of a data-residency tenant (GHE.com), or of a server of one's own.
///
/// ```
/// use pinlib::GitHubHost;
/// let own = GitHubHost::of_server("https://github.acme.test")?;
/// assert_eq!(own.rest(), "https://github.acme.test/api/v3");
/// assert_eq!(own.graphql(), "https://github.acme.test/api/graphql");
/// # Ok::<(), pinlib::BackendError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubHost {
    rest: Url,
    graphql: Url,
}

impl GitHubHost {
    /// The APIs of a server by the address that people open, as Actions tell it in `GITHUB_SERVER_URL`.
    ///
    /// # Errors
    /// `Invalid` where it is no `https` address; plain `http` is taken for this machine itself.
    pub fn of_server(server: &str) -> Result<Self, BackendError> {
        let url = address(server)?;
        let host = url.host_str().unwrap_or_default();
        if host == "github.com" {
            return Self::of_apis("https://api.github.com", None);
        }
        if host.ends_with(".ghe.com") && !host.starts_with("api.") {
            return Self::of_apis(&format!("https://api.{host}"), None);
        }
        let server = url.as_str().trim_end_matches('/');
        Self::of_apis(&format!("{server}/api/v3"), Some(&format!("{server}/api/graphql")))
    }

    /// The APIs by their own addresses, as Actions tell them in `GITHUB_API_URL` and `GITHUB_GRAPHQL_URL`. The second
    /// follows from the first where it is not given.
    ///
    /// # Errors
    /// As [`GitHubHost::of_server`].
    pub fn of_apis(rest: &str, graphql: Option<&str>) -> Result<Self, BackendError> {
        let rest = address(rest)?;
        let base = rest.as_str().trim_end_matches('/');
        let graphql = match graphql {
            Some(graphql) => address(graphql)?,
            None => address(&format!("{}/graphql", base.strip_suffix("/v3").unwrap_or(base)))?,
        };
        if rest.origin() != graphql.origin() {
            // One token goes to both.
            return Err(invalid("the REST and the GraphQL API are on two hosts"));
        }
        Ok(Self { rest, graphql })
    }

    /// Where the REST API is.
    pub fn rest(&self) -> &str {
        self.rest.as_str().trim_end_matches('/')
    }
    /// Where the GraphQL API is.
    pub fn graphql(&self) -> &str {
        self.graphql.as_str().trim_end_matches('/')
    }
    /// What the addresses of both begin with.
    pub(super) fn origin(&self) -> String {
        self.rest.origin().ascii_serialization()
    }
    /// A path of the REST API, from the origin on.
    pub(super) fn rest_path(&self, path: &str) -> String {
        format!("{}{path}", self.rest.path().trim_end_matches('/'))
    }
    /// The GraphQL API, from the origin on.
    pub(super) fn graphql_path(&self) -> &str {
        self.graphql.path()
    }
    /// Whether this is github.com or one of its tenants, which have a host for the API; a server of one's own has a path.
    pub(super) fn is_cloud(&self) -> bool {
        self.rest.path() == "/"
    }
    /// The host, without `api.`, that people know.
    pub(super) fn name(&self) -> &str {
        let host = self.rest.host_str().unwrap_or_default();
        host.strip_prefix("api.").unwrap_or(host)
    }
}

impl Default for GitHubHost {
    /// github.com.
    fn default() -> Self {
        let url = |text| Url::parse(text).unwrap_or_else(|_| unreachable!("a constant address"));
        Self { rest: url("https://api.github.com/"), graphql: url("https://api.github.com/graphql") }
    }
}

fn invalid(why: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, "use the address of GitHub's API").because(why)
}

/// An address that may be trusted with a token.
fn address(text: &str) -> Result<Url, BackendError> {
    let url = Url::parse(text).map_err(|error| invalid(&error.to_string()))?;
    if url.host_str().is_none() || url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("want https://HOST, with a path perhaps"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it holds a user or a password"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(invalid("a token is not sent over plain http, but to this machine itself")),
        _ => Err(invalid("want https://")),
    }
}

/// A repository on GitHub: `OWNER/NAME`.
///
/// ```
/// use pinlib::GitHubRepository;
/// let repository: GitHubRepository = "acme/deploy".parse()?;
/// assert_eq!((repository.owner(), repository.name()), ("acme", "deploy"));
/// assert!("acme".parse::<GitHubRepository>().is_err());
/// assert!("acme/..".parse::<GitHubRepository>().is_err());
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHubRepository {
    owner: String,
    name: String,
}

impl GitHubRepository {
    /// Whose it is.
    pub fn owner(&self) -> &str {
        &self.owner
    }
    /// What it is called there.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for GitHubRepository {
    type Err = ParseError;
    /// Names are letters, digits, `-`, `_` and `.`; a name that is dots alone is a path's and no repository's.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let plain = |part: &str, limit| {
            let fits = (1..=limit).contains(&part.len()) && !part.bytes().all(|byte| byte == b'.');
            fits && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
        };
        match text.split_once('/') {
            Some((owner, name))
                if plain(owner, 100) && plain(name, 100) && name.strip_suffix(".git").is_none() =>
            {
                Ok(Self { owner: owner.into(), name: name.into() })
            }
            _ => Err(ParseError::new("GitHub repository", text, "want OWNER/NAME")),
        }
    }
}

impl fmt::Display for GitHubRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::GitHubHost;

    #[test]
    fn every_kind_of_server_is_found() {
        for (server, rest, graphql) in [
            ("https://github.com", "https://api.github.com", "https://api.github.com/graphql"),
            ("https://acme.ghe.com/", "https://api.acme.ghe.com", "https://api.acme.ghe.com/graphql"),
            ("https://git.acme.test", "https://git.acme.test/api/v3", "https://git.acme.test/api/graphql"),
        ] {
            let host = GitHubHost::of_server(server).unwrap_or_default();
            assert_eq!((host.rest(), host.graphql()), (rest, graphql), "{server}");
            assert_eq!(GitHubHost::of_apis(rest, None).ok(), Some(host), "{server}");
        }
        assert_eq!(GitHubHost::of_server("https://github.com").ok(), Some(GitHubHost::default()));
    }

    #[test]
    fn a_token_goes_over_tls_to_one_host() {
        for wrong in [
            "http://git.acme.test",
            "https://me:hush@git.acme.test",
            "ftp://x.test",
            "git",
            "https://a.test/?q",
        ] {
            let error = GitHubHost::of_server(wrong).map_err(|error| error.to_string());
            assert!(error.as_ref().is_err_and(|text| !text.contains("hush")), "{wrong}: {error:?}");
        }
        assert!(GitHubHost::of_server("http://127.0.0.1:80").is_ok());
        assert!(GitHubHost::of_apis("https://a.test/api/v3", Some("https://b.test/api/graphql")).is_err());
    }
}
