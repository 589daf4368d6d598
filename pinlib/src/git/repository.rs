//! The repository that an image was built from, however it is spelled.

use crate::parse::{ParseError, by_text};
use std::{fmt, str::FromStr};

const WHAT: &str = "source repository";
const WANT: &str = "want https://HOST/PATH, ssh://HOST/PATH, user@HOST:PATH or github:OWNER/NAME";

/// Names a repository by its host and path, whatever way leads there: `https`, `ssh`, with a login or without, with `.git`
/// or without. Two spellings of one repository are equal; letters of the path count as they are written.
///
/// ```
/// use pinlib::SourceRepository;
/// let web: SourceRepository = "https://github.com/acme/app".parse()?;
/// for other in ["git@github.com:acme/app.git", "ssh://git@GitHub.com:22/acme/app/", "git+https://github.com/acme/app", "github:acme/app"] {
///     assert_eq!(web, other.parse()?, "{other}");
/// }
/// assert_eq!(web.to_string(), "https://github.com/acme/app");
/// assert!("acme/app".parse::<SourceRepository>().is_err());
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceRepository {
    host: String,
    path: String,
}

impl SourceRepository {
    /// Where it is, as `github.com`, with a port that is not the usual one of its scheme.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// What it is called there, as `acme/app`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Reads the address of a source as provenance writes it: with a ref behind it, as `…#refs/heads/main`, `…?ref=main` or
    /// `…@refs/heads/main`.
    pub(crate) fn of_source(uri: &str) -> Option<Self> {
        let uri = uri.split(['#', '?']).next().unwrap_or_default();
        let uri = match uri.rsplit_once("@refs/").or_else(|| uri.rsplit_once('@')) {
            // Behind the last slash of the address it is a ref, before it a login.
            Some((before, _)) if before.split_once("://").is_some_and(|(_, rest)| rest.contains('/')) => {
                before
            }
            _ => uri,
        };
        uri.parse().ok()
    }
}

/// Host and path of an address, without its login.
fn split(text: &str) -> Option<(&str, &str, &str)> {
    if let Some(path) = text.strip_prefix("github:") {
        return Some(("", "github.com", path));
    }
    let text = text.strip_prefix("git+").unwrap_or(text);
    let (usual_port, host, path) = if let Some((scheme, rest)) = text.split_once("://") {
        let port = match scheme {
            "https" => ":443",
            "http" => ":80",
            "ssh" => ":22",
            "git" => ":9418",
            _ => return None,
        };
        let (host, path) = rest.split_once('/')?;
        (port, host, path)
    } else {
        // As git writes it for ssh; without a user it could be anything.
        let (host, path) = text.split_once(':').filter(|(host, _)| host.contains('@'))?;
        ("", host, path.trim_start_matches('/'))
    };
    Some((usual_port, host.rsplit_once('@').map_or(host, |(_, host)| host), path))
}

impl FromStr for SourceRepository {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        // A login that stands in an address is not quoted.
        let shown = text.rsplit_once('@').map_or(text, |(_, rest)| rest);
        let wrong = || ParseError::new(WHAT, shown, WANT);
        let (usual_port, host, path) = split(text).filter(|_| text.len() <= 2048).ok_or_else(wrong)?;
        let host = host.strip_suffix(usual_port).unwrap_or(host);
        let path = path.trim_end_matches('/');
        let path = path.strip_suffix(".git").unwrap_or(path);
        let in_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
        let in_path = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~+/%".contains(&byte);
        let part = |part: &str| !matches!(part, "" | "." | "..");
        if host.is_empty()
            || !host.bytes().all(in_host)
            || !path.bytes().all(in_path)
            || !path.split('/').all(part)
        {
            return Err(wrong());
        }
        Ok(Self { host: host.to_ascii_lowercase(), path: path.to_owned() })
    }
}

impl fmt::Display for SourceRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}/{}", self.host, self.path)
    }
}

by_text!(SourceRepository);

#[cfg(test)]
mod tests {
    use super::SourceRepository;

    #[test]
    fn what_differs_is_another_repository() {
        let own: SourceRepository = "https://github.com/acme/app".parse().expect("a repository");
        for other in [
            "https://github.com/acme/app2",
            "https://github.com/acme/App",
            "https://github.com/evil/acme/app",
            "https://github.com.evil.test/acme/app",
            "https://github.com:8443/acme/app",
            "https://github.com@evil.test/acme/app",
            "git@evil.test:github.com/acme/app",
        ] {
            assert_ne!(Ok(&own), other.parse().as_ref(), "{other}");
        }
    }

    #[test]
    fn what_is_none_is_refused_without_its_login() {
        for wrong in [
            "",
            "acme/app",
            "https://",
            "https://github.com",
            "https://github.com/",
            "https:///acme/app",
            "file:///a/b",
            "https://github.com/acme/../app",
            "https://github.com/acme//app",
            "https://github.com/a b",
            "github.com:acme/app",
            "https://github.com/acme/app\u{1b}[31m",
            "https://github.com/acme/app#main",
            "https://me:hush@/x",
        ] {
            let error = wrong.parse::<SourceRepository>().expect_err(wrong);
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        assert!(format!("https://h.test/{}", "a".repeat(3000)).parse::<SourceRepository>().is_err());
    }

    #[test]
    fn a_source_may_name_a_ref() {
        let own: SourceRepository = "https://github.com/acme/app".parse().expect("a repository");
        for uri in [
            "https://github.com/acme/app.git#refs/heads/main",
            "https://github.com/acme/app.git#0123:subdir",
            "git+https://github.com/acme/app@refs/tags/v1",
            "git+https://github.com/acme/app@main",
            "git+https://me@github.com/acme/app",
            "https://github.com/acme/app.git?ref=main",
            "ssh://git@github.com/acme/app.git#main",
            "git@github.com:acme/app.git#main",
        ] {
            assert_eq!(SourceRepository::of_source(uri).as_ref(), Some(&own), "{uri}");
        }
        assert_eq!(SourceRepository::of_source("pkg:docker/alpine@3.17?platform=linux%2Famd64"), None);
        assert_ne!(
            SourceRepository::of_source("https://evil.test/x@github.com/acme/app").as_ref(),
            Some(&own)
        );
    }
}
