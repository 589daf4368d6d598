//! Who asks GitHub: a plain token, or an App, whose tokens are minted late, for one repository, and as narrow as can be.

use super::{
    api::{Api, Failure, Reply, To},
    app::AppKey,
    host::GitHubRepository,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::Clock,
};
use futures_util::lock::Mutex;
use reqwest::{StatusCode, header::LOCATION};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A new token may be unknown to some of GitHub's machines for so long.
const YOUNG: Duration = Duration::from_secs(6);
/// A token that lives less than this is not begun with: a pin waits for half a minute where it must.
const SPARE: Duration = Duration::from_secs(120);
/// How far two clocks may be apart before it is told.
const SKEW: Duration = Duration::from_secs(30);

/// How to log in to GitHub.
#[derive(Clone, Debug)]
pub enum GitHubLogin {
    /// A token as it is: `GITHUB_TOKEN`, or one of a person's.
    Token(SecretString),
    /// An App.
    App {
        /// Its client id, or its number.
        app: String,
        /// Its key.
        key: AppKey,
        /// The number of its installation, where it is known: one request less.
        installation: Option<u64>,
    },
}

/// What a token may do.
pub(super) type Permissions = BTreeMap<String, String>;

/// A token in hand.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    /// Until when it may be unknown here and there.
    young_until: Option<SystemTime>,
}

/// One that was minted.
#[derive(Debug)]
struct Minted {
    token: Token,
    expires: SystemTime,
}

/// GitHub's answer to the wish for a token.
#[derive(Deserialize)]
struct Answer {
    token: SecretString,
    expires_at: chrono::DateTime<chrono::Utc>,
}

/// Tokens for one repository.
#[derive(Debug)]
pub(super) struct Login {
    by: GitHubLogin,
    repository: GitHubRepository,
    clock: Arc<dyn Clock>,
    /// What its tokens may do, and no more.
    needed: Permissions,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    minted: Option<Minted>,
    installation: Option<u64>,
    /// How far GitHub's clock is ahead of ours, and how far behind.
    ahead: Duration,
    behind: Duration,
}

impl State {
    /// The time as GitHub has it, as far as that is known.
    fn now(&self, clock: &dyn Clock) -> SystemTime {
        clock.now() + self.ahead - self.behind
    }
}

impl Login {
    pub(super) fn new(by: GitHubLogin, repository: GitHubRepository, clock: Arc<dyn Clock>) -> Self {
        let installation = match &by {
            GitHubLogin::App { installation, .. } => *installation,
            GitHubLogin::Token(_) => None,
        };
        // The least that a pin needs: GitHub's GraphQL API takes no less for a commit.
        let needed =
            [("contents", "write"), ("metadata", "read")].map(|(name, level)| (name.into(), level.into()));
        let state = Mutex::new(State { installation, ..State::default() });
        Self { by, repository, clock, needed: needed.into(), state }
    }

    /// One whose tokens may do this as well.
    pub(super) fn with(mut self, name: &str, level: &str) -> Self {
        self.needed.insert(name.into(), level.into());
        self
    }

    pub(super) fn needed(&self) -> &Permissions {
        &self.needed
    }

    /// A token that will live for a while: the one in hand, or a new one.
    pub(super) async fn token(&self, api: &Api) -> Result<Token, BackendError> {
        let (app, key) = match &self.by {
            GitHubLogin::Token(secret) => return Ok(Token { secret: secret.clone(), young_until: None }),
            GitHubLogin::App { app, key, .. } => (app, key),
        };
        // Held while minting: who comes second takes what the first gets.
        let mut state = self.state.lock().await;
        if let Some(minted) = &state.minted
            && minted.expires > state.now(&*self.clock) + SPARE
        {
            return Ok(minted.token.clone());
        }
        let installation = match state.installation {
            Some(installation) => installation,
            None => self.find_installation(api, &mut state, app, key).await?,
        };
        state.installation = Some(installation);
        let answer = self.mint(api, &mut state, app, key, installation).await?;
        let token = Token { secret: answer.token, young_until: Some(self.clock.now() + YOUNG) };
        state.minted = Some(Minted { token: token.clone(), expires: answer.expires_at.into() });
        Ok(token)
    }

    /// Whether GitHub may not know this token everywhere yet.
    pub(super) fn is_young(&self, token: &Token) -> bool {
        token.young_until.is_some_and(|until| self.clock.now() < until)
    }

    /// Gives the minted token back, where there is one: nobody can use it from then on.
    pub(super) async fn revoke(&self, api: &Api) -> Result<(), BackendError> {
        let Some(minted) = self.state.lock().await.minted.take() else { return Ok(()) };
        let act = "revoke the token";
        let done = api.send(&minted.token.secret, To::Delete("/installation/token")).await;
        done.map(drop).map_err(|failure| failure.while_reading(act))
    }

    /// Whether an App asks.
    pub(super) fn is_app(&self) -> bool {
        matches!(self.by, GitHubLogin::App { .. })
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// Takes the installation as known from now on.
    pub(super) async fn is_installed_as(&self, installation: u64) {
        self.state.lock().await.installation = Some(installation);
    }

    /// Asks as the App itself; none where no App asks.
    pub(super) async fn as_app_once(&self, api: &Api, to: To<'_>) -> Option<Result<Reply, Failure>> {
        let GitHubLogin::App { app, key, .. } = &self.by else { return None };
        let mut state = self.state.lock().await;
        let asked = self.as_app(api, &mut state, app, key, to).await;
        Some(asked.unwrap_or_else(|error| Err(Failure::Other(error.into()))))
    }

    async fn find_installation(
        &self,
        api: &Api,
        state: &mut State,
        app: &str,
        key: &AppKey,
    ) -> Result<u64, BackendError> {
        #[derive(Deserialize)]
        struct Installation {
            id: u64,
        }
        let act = format!("find the App's installation for {}", self.repository);
        let path = format!("/repos/{}/installation", self.repository);
        let reply = match self.as_app(api, state, app, key, To::Get(&path)).await? {
            // The repository has another name by now. The credential goes to the same host alone.
            Err(Failure::Refused(refusal)) if refusal.status.is_redirection() => {
                let to = refusal.headers.get(LOCATION).and_then(|to| to.to_str().ok());
                let Some(path) = to.and_then(|to| api.path_of(to)) else {
                    return Err(refusal.of_a_read(&act));
                };
                self.as_app(api, state, app, key, To::Get(&path)).await?
            }
            reply => reply,
        };
        let reply = reply.map_err(|failure| match failure {
            Failure::Refused(refusal) if refusal.status == StatusCode::NOT_FOUND => {
                let why = format!(
                    "the App is not installed on {}, or there is no such repository",
                    self.repository
                );
                BackendError::new(BackendErrorKind::NotFound, &*act).because(why)
            }
            failure => failure.while_reading(&act),
        })?;
        Ok(reply.json::<Installation>(&act)?.id)
    }

    async fn mint(
        &self,
        api: &Api,
        state: &mut State,
        app: &str,
        key: &AppKey,
        installation: u64,
    ) -> Result<Answer, BackendError> {
        let act = "mint a token of the App";
        let path = format!("/app/installations/{installation}/access_tokens");
        let wish = json!({ "repositories": [self.repository.name()], "permissions": self.needed });
        let reply = self.as_app(api, state, app, key, To::Post(&path, &wish)).await?;
        let reply = reply.map_err(|failure| match failure {
            Failure::Refused(refusal) => {
                let why = match refusal.status.as_u16() {
                    404 => Some(format!("the App has no installation {installation}")),
                    422 => Some(format!(
                        "the installation does not grant {} on {}; {}",
                        listed(&self.needed),
                        self.repository,
                        refusal.words()
                    )),
                    _ => None,
                };
                match why {
                    Some(why) => BackendError::new(BackendErrorKind::Unauthorized, act).because(why),
                    None => refusal.of_a_read(act),
                }
            }
            failure => failure.while_reading(act),
        })?;
        reply.json(act)
    }

    /// Asks as the App itself. Where GitHub does not like the time in its word, that is said once more, by GitHub's own
    /// clock.
    async fn as_app(
        &self,
        api: &Api,
        state: &mut State,
        app: &str,
        key: &AppKey,
        to: To<'_>,
    ) -> Result<Result<Reply, Failure>, BackendError> {
        let first = api.send(&key.token(app, state.now(&*self.clock))?, to).await;
        let Err(Failure::Refused(refusal)) = &first else { return Ok(first) };
        let date = refusal.date().filter(|_| refusal.status == StatusCode::UNAUTHORIZED);
        let Some((ahead, behind)) = date.and_then(|date| apart(self.clock.now(), date)) else {
            return Ok(first);
        };
        (state.ahead, state.behind) = (ahead, behind);
        Ok(api.send(&key.token(app, state.now(&*self.clock))?, to).await)
    }
}

/// As people write them: `contents:write, metadata:read`.
pub(super) fn listed<'a>(permissions: impl IntoIterator<Item = (&'a String, &'a String)>) -> String {
    let words = permissions.into_iter().map(|(name, level)| format!("{name}:{level}"));
    words.collect::<Vec<_>>().join(", ")
}

/// How far GitHub's clock is ahead of ours, or behind; none where they agree.
pub(super) fn apart(ours: SystemTime, theirs: SystemTime) -> Option<(Duration, Duration)> {
    let ahead = theirs.duration_since(ours).unwrap_or_default();
    let behind = ours.duration_since(theirs).unwrap_or_default();
    (ahead.max(behind) > SKEW).then_some((ahead, behind))
}
