//! A repository on GitHub, by its API: read by GraphQL, written by `createCommitOnBranch` and its `expectedHeadOid`.
//!
//! `host` says where, `login` and `app` as whom, `api` sends one request, `queries` and `history` are what is asked,
//! `refusal` sorts what comes back instead, `review` opens pull requests, `attestations` are what GitHub keeps of builds, and
//! `doctor` looks whether a pin could work at all.

mod api;
pub(crate) mod app;
pub(crate) mod attestations;
pub(crate) mod doctor;
mod history;
pub(crate) mod host;
pub(crate) mod login;
mod queries;
mod refusal;
mod review;

use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::Clock,
    forge::{CommitError, GitForge, LARGEST_FILE, text::no_branch},
    git::{
        BranchName, CommitRange, FileAt, History, Identity, Mode, Oid, Person, RepoPath, Signature, TreeEntry,
    },
    guard::GuardedCommit,
    http::Http,
    plan::FileEdit,
};
use api::{Api, Failure, Reply, To};
use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use host::{GitHubHost, GitHubRepository};
use login::{GitHubLogin, Login};
use queries::{Answer, OfRepository};
use refusal::Write;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// So many files or trees are asked for in one request: GitHub bounds how much a query may touch.
const AT_ONCE: usize = 200;
/// What was read is remembered of so many files.
const REMEMBERED: usize = 10_000;

/// A blob as the REST API tells it.
#[derive(Deserialize)]
struct RestBlob {
    /// In base64, in lines.
    content: String,
}

/// A repository on GitHub.
///
/// The compare-and-swap is `createCommitOnBranch`: the server builds the commit, signs it, and moves the branch from the
/// expected head, or does nothing. Its author is the App's bot, its committer GitHub. It takes regular files alone, since
/// GitHub writes nothing else: modes are looked at before.
///
/// Source: <https://docs.github.com/en/graphql/reference/mutations#createcommitonbranch>.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{AppKey, GitHubForge, GitHubHost, GitHubLogin, Http, SystemClock};
/// use std::sync::Arc;
/// let key = AppKey::from_pem(&std::fs::read_to_string("app.pem")?.into())?;
/// let login = GitHubLogin::App { app: "Iv23liexample".into(), key, installation: None };
/// let http = Http::new(Http::settings())?;
/// let clock = Arc::new(SystemClock);
/// let forge = GitHubForge::new("acme/deploy".parse()?, GitHubHost::default(), login, http, clock);
/// // … pin with it, and give its token back:
/// forge.close().await?;
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct GitHubForge {
    repository: GitHubRepository,
    api: Api,
    login: Login,
    /// What stood where: GitHub would make a regular file of whatever it commits to.
    seen: Mutex<BTreeMap<(Oid, RepoPath), (Mode, Oid)>>,
}

impl fmt::Display for GitHubForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "github:{}", self.repository)?;
        if *self.api.host() == GitHubHost::default() { Ok(()) } else { write!(f, " on {}", self.api) }
    }
}

impl GitHubForge {
    /// Makes a forge. Nothing is asked yet, and no token minted.
    pub fn new(
        repository: GitHubRepository,
        host: GitHubHost,
        login: GitHubLogin,
        http: Http,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let login = Login::new(login, repository.clone(), clock);
        Self { repository, api: Api::new(host, http), login, seen: Mutex::default() }
    }

    /// The same forge, for pull requests as well: a token that is minted may then write these.
    #[must_use]
    pub fn with_pull_requests(self) -> Self {
        Self { login: self.login.with("pull_requests", "write"), ..self }
    }

    /// Who the commits are by that GitHub makes for this author, whoever asks: for whom looks back at the pins of an App without
    /// its key. An App's author is `SLUG[bot] <ID+SLUG[bot]@users.noreply.github.com>`, by the id of its bot.
    pub fn identity_of(&self, author: Person) -> Identity {
        let name = if self.api.host().is_cloud() { "GitHub" } else { "GitHub Enterprise" };
        let committer = Person { name: name.into(), email: format!("noreply@{}", self.mails()) };
        Identity { author, committer, signature: Signature::Valid }
    }

    /// Whose mail addresses GitHub gives its users.
    fn mails(&self) -> &str {
        let host = self.api.host();
        if host.is_cloud() { "github.com" } else { host.name() }
    }

    /// Gives the token back that was minted, where one was: nobody can use it from then on.
    ///
    /// # Errors
    /// Where GitHub could not be asked. The token then ends by itself, within the hour.
    ///
    /// # Cancellation
    /// Dropped before it is sent, the token lives on.
    pub async fn close(&self) -> Result<(), BackendError> {
        self.login.revoke(&self.api).await
    }

    /// Sends a read with a token that is minted when it is needed. A token that is new, and not known everywhere yet, is a
    /// failure that passes.
    async fn ask(&self, to: To<'_>, act: &str) -> Result<Result<Reply, Failure>, BackendError> {
        let token = self.login.token(&self.api).await?;
        match self.api.send(&token.secret, to).await {
            Err(Failure::Refused(refusal))
                if matches!(refusal.status.as_u16(), 401 | 403) && self.login.is_young(&token) =>
            {
                let why = format!("the new token is not known everywhere yet; {}", refusal.words());
                Err(BackendError::new(BackendErrorKind::Unavailable, act).because(why))
            }
            reply => Ok(reply),
        }
    }

    /// Asks the GraphQL API to read. Errors beside data count: half an answer is none.
    async fn query<T: DeserializeOwned>(&self, query: &Value, act: &str) -> Result<T, BackendError> {
        let reply = self.ask(To::Graphql(query), act).await?.map_err(|failure| failure.while_reading(act))?;
        let answer: Answer<T> = reply.json(act)?;
        match answer.data {
            Some(data) if answer.errors.is_empty() => Ok(data),
            _ => Err(refusal::of_a_read(&answer.errors, &reply.headers, act)),
        }
    }

    async fn query_repository<T: DeserializeOwned>(
        &self,
        query: &Value,
        act: &str,
    ) -> Result<T, BackendError> {
        let data: OfRepository<T> = self.query(query, act).await?;
        data.repository.ok_or_else(|| {
            let why = format!("{} is not there, or not shown to this credential", self.repository);
            BackendError::new(BackendErrorKind::NotFound, act).because(why)
        })
    }

    /// The bytes of a file as GraphQL told them, or of its blob where it did not tell them all, or not as they are.
    async fn bytes(&self, file: &queries::File, act: &str) -> Result<Vec<u8>, BackendError> {
        if matches!(Mode::from(file.mode), Mode::Tree | Mode::Gitlink) {
            return Ok(Vec::new());
        }
        let size = file.object.as_ref().and_then(|blob| blob.byte_size).unwrap_or_default();
        if size > LARGEST_FILE {
            let why = format!("it has {size} bytes, and no more than {LARGEST_FILE} are read");
            return Err(BackendError::new(BackendErrorKind::Invalid, act).because(why));
        }
        let whole = file.object.as_ref().filter(|blob| blob.is_truncated == Some(false));
        if let Some(text) = whole.and_then(|blob| blob.text.as_ref())
            && file.oid.is_blob(text.as_bytes())
        {
            return Ok(text.clone().into_bytes());
        }
        let path = format!("/repos/{}/git/blobs/{}", self.repository, file.oid);
        let reply = self.ask(To::Get(&path), act).await?.map_err(|failure| failure.while_reading(act))?;
        let blob: RestBlob = reply.json(act)?;
        let content: String = blob.content.split_ascii_whitespace().collect();
        STANDARD.decode(content).map_err(|error| {
            BackendError::new(BackendErrorKind::Invalid, act)
                .because("its content is no base64")
                .with_source(error)
        })
    }

    fn remember(&self, at: Oid, path: &RepoPath, file: &queries::File) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert((at, path.clone()), (file.mode.into(), file.oid));
    }

    fn remembered(&self, at: Oid, path: &RepoPath) -> Option<(Mode, Oid)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(&(at, path.clone())).copied()
    }

    /// Looks at each file that a commit would replace, as far as it was not read just before.
    async fn only_regular(&self, commit: &GuardedCommit) -> Result<(), BackendError> {
        let at = commit.expected_head();
        let unknown = |edit: &&FileEdit| self.remembered(at, edit.path()).is_none();
        let wanted: Vec<_> =
            commit.edits().iter().filter(unknown).map(|edit| (at, edit.path().clone())).collect();
        if !wanted.is_empty() {
            self.read(&wanted).await?;
        }
        for edit in commit.edits() {
            let fail = |kind, why| {
                let act = format!("edit {} at {}", edit.path(), at.short());
                Err(BackendError::new(kind, act).because(why))
            };
            match (self.remembered(at, edit.path()), edit.before()) {
                (None, None) => {}
                (Some((Mode::Regular, oid)), Some(before)) if oid == before.oid => {}
                (Some((Mode::Regular, oid)), Some(before)) => {
                    let why = format!("it is {oid}, not {} as the edit has it", before.oid);
                    return fail(BackendErrorKind::Invalid, why);
                }
                (Some((mode, _)), Some(_)) => {
                    return fail(
                        BackendErrorKind::Invalid,
                        format!("it is {mode}, not a regular file (100644)"),
                    );
                }
                (Some((mode, _)), None) => {
                    return fail(BackendErrorKind::Invalid, format!("it is {mode} already"));
                }
                (None, Some(_)) => {
                    return fail(BackendErrorKind::NotFound, "the commit has no such file".into());
                }
            }
        }
        Ok(())
    }
}

/// Reads the answer to the mutation: a commit on the expected head, or why there is none.
fn made(reply: &Reply, commit: &GuardedCommit) -> Result<Oid, CommitError> {
    let act = &format!("commit to {}", commit.branch());
    let unclear = |why: String| {
        let error = BackendError::new(BackendErrorKind::Invalid, act).because(why);
        CommitError::Ambiguous(error)
    };
    let answer: Answer<queries::Mutation> = reply.json(act).map_err(CommitError::Ambiguous)?;
    let payload = answer.data.and_then(|data| data.create_commit_on_branch);
    match payload.and_then(|payload| payload.commit) {
        Some(made) if answer.errors.is_empty() => match &made.parents()[..] {
            [parent] if *parent == commit.expected_head() => Ok(made.oid),
            parents => Err(unclear(format!("GitHub made {} on {parents:?}", made.oid))),
        },
        Some(made) => Err(unclear(format!("GitHub made {}, and tells of errors", made.oid))),
        None => Err(Write::commit(commit).refused(&answer.errors, &reply.headers)),
    }
}

#[async_trait]
impl GitForge for GitHubForge {
    /// Of an App's installation and of Actions it is what GitHub writes. Of a person it is a guess: which name and address
    /// GitHub takes is that person's setting. So are the names that a server of one's own commits under: a guess. A wrong one
    /// recognises no commit as a pin: a lost answer then ends as Unknown more often, never as another outcome.
    async fn identity(&self) -> Result<Identity, BackendError> {
        let act = "see who asks";
        let viewer = self.query::<queries::OfViewer>(&queries::viewer(), act).await?.viewer;
        let Some(id) = viewer.database_id else {
            return Err(
                BackendError::new(BackendErrorKind::Unsupported, act).because("GitHub tells no number")
            );
        };
        let email = format!("{id}+{}@users.noreply.{}", viewer.login, self.mails());
        Ok(self.identity_of(Person { email, name: viewer.login }))
    }

    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let act = &format!("read head of {branch}");
        let found: queries::Head =
            self.query_repository(&queries::head(&self.repository, &branch.full()), act).await?;
        let target = found.found.and_then(|found| found.target);
        target.map(|target| target.oid).ok_or_else(|| no_branch(act))
    }

    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let mut files = Vec::with_capacity(wanted.len());
        for wanted in wanted.chunks(AT_ONCE) {
            let runs: Vec<_> = wanted.chunk_by(|(one, _), (next, _)| one == next).collect();
            let paths: Vec<Vec<_>> =
                runs.iter().map(|run| run.iter().map(|(_, path)| path).collect()).collect();
            let question: Vec<_> =
                runs.iter().zip(&paths).map(|(run, paths)| (run[0].0, &paths[..])).collect();
            let act = &format!("read {} files", wanted.len());
            let mut commits: queries::Objects<queries::Files> =
                self.query_repository(&queries::files(&self.repository, &question), act).await?;
            for (c, run) in runs.iter().enumerate() {
                let at = run[0].0;
                let mut found = match commits.remove(&format!("c{c}")).flatten() {
                    Some(found) if found.kind == "Commit" => found.files,
                    other => {
                        let why = other.map_or("the repository does not have it".into(), |other| {
                            format!("it is a {}", other.kind.to_ascii_lowercase())
                        });
                        let act = format!("read commit {}", at.short());
                        return Err(BackendError::new(BackendErrorKind::NotFound, act).because(why));
                    }
                };
                for (f, (_, path)) in run.iter().enumerate() {
                    let Some(file) = found.remove(&format!("f{f}")).flatten() else {
                        files.push(None);
                        continue;
                    };
                    self.remember(at, path, &file);
                    let act = format!("read {path} at {}", at.short());
                    let bytes = self.bytes(&file, &act).await?;
                    files.push(Some(FileAt {
                        path: path.clone(),
                        mode: file.mode.into(),
                        oid: file.oid,
                        bytes,
                    }));
                }
            }
        }
        Ok(files)
    }

    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        let mut trees = Vec::with_capacity(oids.len());
        for oids in oids.chunks(AT_ONCE) {
            let text = format!("read {} trees", oids.len());
            let mut found: queries::Objects<queries::Tree> =
                self.query_repository(&queries::trees(&self.repository, oids), &text).await?;
            for (t, oid) in oids.iter().enumerate() {
                let fail = |kind, why: &str| {
                    Err(BackendError::new(kind, format!("read tree {}", oid.short())).because(why))
                };
                match found.remove(&format!("t{t}")).flatten().map(queries::Tree::entries) {
                    Some(Some(entries)) => trees.push(entries),
                    Some(None) => {
                        return fail(BackendErrorKind::Invalid, "it is no tree, or has a name that is none");
                    }
                    None => return fail(BackendErrorKind::NotFound, "the repository does not have it"),
                }
            }
        }
        Ok(trees)
    }

    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let act = format!("read the history {range}");
        match range.base {
            Some(base) => self.between(base, *range, &act).await,
            None => self.down_from(*range, &act).await,
        }
    }

    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        self.only_regular(commit).await.map_err(CommitError::NotLanded)?;
        let token = self.login.token(&self.api).await.map_err(CommitError::NotLanded)?;
        let mutation = queries::commit(&self.repository, commit);
        match self.api.send(&token.secret, To::Graphql(&mutation)).await {
            Ok(reply) => made(&reply, commit),
            Err(failure) => Err(Write::commit(commit).failed(failure)),
        }
    }
}
