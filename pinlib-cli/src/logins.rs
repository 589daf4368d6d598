//! Who the environment says we are: secrets come from there, from files it names, or from others' helpers.

use crate::{failure::Failure, surroundings::Surroundings};
use pinlib::{AppKey, GitHubHost, GitHubLogin, GitLogin, Logins, Reference, RegistryLogin};
use secrecy::{ExposeSecret as _, SecretString};
use std::{process::Stdio, time::Duration};
use tokio::io::AsyncWriteExt as _;

/// A credential helper that takes longer is waiting for somebody.
const HELPER: Duration = Duration::from_secs(15);

/// A login of the environment's is for one registry: it must be clear which.
pub(crate) fn registry(images: &[&Reference], around: &Surroundings) -> Result<Logins, Failure> {
    let user = around.variable("PINLIB_REGISTRY_USER");
    let secret = around.secret("PINLIB_REGISTRY_PASSWORD")?;
    let (user, secret) = match (user, secret) {
        (Some(user), Some(secret)) => (user.to_owned(), secret),
        (None, None) => return Ok(Logins::Docker),
        _ => {
            return Err(Failure::usage(
                "PINLIB_REGISTRY_USER and PINLIB_REGISTRY_PASSWORD belong together, and one is missing",
            ));
        }
    };
    let mut registries: Vec<_> = images.iter().map(|image| image.registry()).collect();
    registries.sort_unstable();
    registries.dedup();
    match registries[..] {
        [registry] => Ok(Logins::Given(vec![RegistryLogin { registry: registry.to_owned(), user, secret }])),
        _ => {
            Err(Failure::usage("PINLIB_REGISTRY_PASSWORD is for one registry, and the images are in several")
                .with_hint("use `docker login` for each registry instead"))
        }
    }
}

/// `PINLIB_TOKEN`, as a password of `PINLIB_USER` or, where `PINLIB_AUTH` is `bearer`, by itself; else what git's helpers
/// know.
pub(crate) async fn git(url: &str, around: &Surroundings) -> Result<Option<GitLogin>, Failure> {
    let Some(token) = around.secret("PINLIB_TOKEN")? else { return Ok(helper(url, around).await) };
    match around.variable("PINLIB_AUTH") {
        Some("bearer") => Ok(Some(GitLogin::Bearer(token))),
        None | Some("basic") => {
            let user = around.variable("PINLIB_USER").unwrap_or("x-access-token").to_owned();
            Ok(Some(GitLogin::Basic { user, password: token }))
        }
        Some(_) => Err(Failure::usage("PINLIB_AUTH: want basic or bearer")),
    }
}

/// The App, where one is named, by its key; else a token.
pub(crate) fn github(
    app: Option<&str>,
    installation: Option<u64>,
    around: &Surroundings,
) -> Result<GitHubLogin, Failure> {
    match (app, around.secret("PINLIB_APP_KEY")?) {
        (Some(app), Some(pem)) => {
            let key = AppKey::from_pem(&pem).map_err(|error| {
                Failure::usage(error.to_string())
                    .with_hint("PINLIB_APP_KEY holds the key itself, PINLIB_APP_KEY_FILE names its file")
            })?;
            Ok(GitHubLogin::App { app: app.to_owned(), key, installation })
        }
        (Some(_), None) => Err(Failure::usage("an App is named, and its private key is missing")
            .with_hint("set PINLIB_APP_KEY, or PINLIB_APP_KEY_FILE to the file that GitHub gave out")),
        (None, Some(_)) => Err(Failure::usage("there is an App's private key, and nothing says whose")
            .with_hint("give --app with the App's client id or number, or set PINLIB_APP")),
        (None, None) => {
            if let Some(token) = token(around)? {
                return Ok(GitHubLogin::Token(token));
            }
            Err(Failure::usage("nothing says as whom to pin on GitHub").with_hint(
                "give --app with PINLIB_APP_KEY for a GitHub App, or set PINLIB_TOKEN; or pin over git, with --forge \
                 https://github.com/OWNER/NAME.git",
            ))
        }
    }
}

/// The token that attestations are asked for with.
pub(crate) fn github_token(around: &Surroundings) -> Result<SecretString, Failure> {
    token(around)?.ok_or_else(|| {
        Failure::usage("nothing says as whom to ask GitHub for attestations")
            .with_hint("set GITHUB_TOKEN, which needs the permission attestations: read; or look in the registry, or a file")
    })
}

fn token(around: &Surroundings) -> Result<Option<SecretString>, Failure> {
    for name in ["PINLIB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN"] {
        if let Some(token) = around.secret(name)? {
            return Ok(Some(token));
        }
    }
    Ok(None)
}

/// Where GitHub is: Actions tell it of their own server.
pub(crate) fn github_host(around: &Surroundings) -> Result<GitHubHost, Failure> {
    let host = match (around.variable("GITHUB_API_URL"), around.variable("GITHUB_SERVER_URL")) {
        (Some(rest), _) => GitHubHost::of_apis(rest, around.variable("GITHUB_GRAPHQL_URL")),
        (None, Some(server)) => GitHubHost::of_server(server),
        (None, None) => Ok(GitHubHost::default()),
    };
    host.map_err(|error| {
        Failure::usage(error.to_string()).with_hint("see GITHUB_API_URL and GITHUB_SERVER_URL")
    })
}

/// Asks git's credential helpers, where git is installed. Never a person: no terminal, no window, and not for ever.
async fn helper(url: &str, around: &Surroundings) -> Option<GitLogin> {
    // What they know is not for the open air; and a line break would be another field of git's protocol.
    if !url.starts_with("https://") || url.contains(['\n', '\r', '\0']) {
        return None;
    }
    let mut git = around
        .program("git")
        .args(["-c", "core.askPass=", "-c", "credential.interactive=false", "credential", "fill"])
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_ASKPASS", "")
        .env("SSH_ASKPASS", "")
        .env("GCM_INTERACTIVE", "never")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .ok()?;
    let mut stdin = git.stdin.take()?;
    let ask = async {
        stdin.write_all(format!("url={url}\n\n").as_bytes()).await.ok()?;
        drop(stdin);
        git.wait_with_output().await.ok()
    };
    let output = tokio::time::timeout(HELPER, ask).await.ok()??;
    let answer =
        SecretString::from(String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?);
    let field =
        |name| answer.expose_secret().lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
    Some(GitLogin::Basic { user: field("username=")?, password: field("password=")?.into() })
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, helper};
    use pinlib::GitLogin;
    use secrecy::ExposeSecret as _;

    #[tokio::test(flavor = "current_thread")]
    async fn git_s_helpers_are_asked_and_nobody_else() -> std::io::Result<()> {
        let home = tempfile::tempdir()?;
        let path = std::env::var("PATH").map_err(std::io::Error::other)?;
        let around = Surroundings::bare(home.path())
            .with("PATH", &path)
            .with("HOME", &home.path().display().to_string())
            .with("GIT_CONFIG_NOSYSTEM", "1");
        // Without a helper git would ask at the terminal.
        assert!(helper("https://git.test/app.git", &around).await.is_none());
        let config = "[credential \"https://git.test\"]\n\thelper = \"!printf 'username=me\\\\npassword=its secret\\\\n' #\"\n";
        std::fs::write(home.path().join(".gitconfig"), config)?;
        let Some(GitLogin::Basic { user, password }) = helper("https://git.test/app.git", &around).await
        else {
            panic!("no login of {config}");
        };
        assert_eq!((user.as_str(), password.expose_secret()), ("me", "its secret"));
        for url in ["http://git.test/app.git", "https://other.test/app.git", "https://git.test/a\nhost=x"] {
            assert!(helper(url, &around).await.is_none(), "{url}");
        }
        Ok(())
    }
}
