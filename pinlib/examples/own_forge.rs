//! A forge of one's own, over the `git` program: `cargo run -p pinlib --example own_forge`.
//!
//! It brings raw facts, and has one operation that compares and swaps: `git update-ref REF NEW OLD`. The testkit's suite shows
//! that this suffices. `LocalForge` does the same in a thousandth of the time, without a process.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use async_trait::async_trait;
use pinlib::{
    BackendError,
    BackendErrorKind::{self, Incomplete, NotFound, Unavailable},
    BranchName, CommitError, CommitFact, CommitRange, FileAt, GitForge, GuardedCommit, History, Identity,
    Mode, Oid, Person, RepoPath, Signature, TreeEntry,
};
use pinlib_testkit::{
    conformance::forge::{self, Entry, ForgeWorld},
    repository::Repository,
    sim,
};
use std::{
    error::Error,
    fmt,
    io::Write as _,
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
    time::UNIX_EPOCH,
};

/// A repository on this machine.
#[derive(Debug)]
struct Git(PathBuf);

/// Who pins.
fn pinner() -> Person {
    Person { name: "pinner".into(), email: "pinner@example.test".into() }
}

impl Git {
    /// Runs git on this input. Any failure becomes an error of this kind: what git says is for people.
    fn run(&self, kind: BackendErrorKind, words: &[&str], input: &[u8]) -> Result<Vec<u8>, BackendError> {
        let failed = |why: String| BackendError::new(kind, format!("run git {}", words[0])).because(why);
        let broken = |error: std::io::Error| failed(error.to_string());
        let mut command = Command::new("git");
        command.arg("-C").arg(&self.0).args(words).env("GIT_LITERAL_PATHSPECS", "1");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(broken)?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input).map_err(broken)?;
        }
        let done = child.wait_with_output().map_err(broken)?;
        if done.status.success() {
            Ok(done.stdout)
        } else {
            Err(failed(String::from_utf8_lossy(&done.stderr).into()))
        }
    }
    /// The same, for one object's name.
    fn name(&self, kind: BackendErrorKind, words: &[&str], input: &[u8]) -> Result<Oid, BackendError> {
        let printed = self.run(kind, words, input)?;
        let parsed = String::from_utf8_lossy(&printed).trim().parse();
        parsed.map_err(|error: pinlib::ParseError| {
            BackendError::new(Unavailable, "read git").because(error.to_string())
        })
    }
    /// `MODE TYPE OID<tab>NAME<nul>`, as `git ls-tree -z` prints them.
    fn list(&self, words: &[&str]) -> Result<Vec<TreeEntry>, BackendError> {
        let printed = self.run(NotFound, &[&["ls-tree", "-z", "--full-tree"], words].concat(), b"")?;
        let entry = |line: &[u8]| {
            let tab = line.iter().position(|byte| *byte == b'\t')?;
            let mut facts = std::str::from_utf8(&line[..tab]).ok()?.split(' ');
            let mode = Mode::from(u32::from_str_radix(facts.next()?, 8).ok()?);
            Some(TreeEntry { mode, oid: facts.nth(1)?.parse().ok()?, name: line[tab + 1..].into() })
        };
        let lines = printed.split(|byte| *byte == 0).filter(|line| !line.is_empty());
        let entries: Option<Vec<_>> = lines.map(entry).collect();
        entries.ok_or_else(|| BackendError::new(Unavailable, "read git ls-tree"))
    }
    fn entry(&self, at: Oid, path: &RepoPath) -> Result<Option<TreeEntry>, BackendError> {
        Ok(self.list(&[&at.to_string(), "--", path.as_str()])?.into_iter().next())
    }
    /// A tree with another blob at a path: every other entry keeps its mode and its place.
    fn put(&self, tree: Option<Oid>, path: &str, blob: Oid) -> Result<Oid, BackendError> {
        let mut entries = match tree {
            Some(tree) => self.list(&[&tree.to_string()])?,
            None => Vec::new(),
        };
        let (name, rest) = path.split_once('/').map_or((path, None), |(name, rest)| (name, Some(rest)));
        let at = entries.iter().position(|entry| entry.name == name.as_bytes());
        let (mode, oid) = match rest {
            Some(rest) => (Mode::Tree, self.put(at.map(|at| entries[at].oid), rest, blob)?),
            None => (Mode::Regular, blob),
        };
        let entry = TreeEntry { name: name.into(), mode, oid };
        match at {
            Some(at) => entries[at] = entry,
            None => entries.push(entry),
        }
        let mut listing = Vec::new();
        for TreeEntry { mode, oid, name } in entries {
            let kind = match mode {
                Mode::Tree => "tree",
                Mode::Gitlink => "commit",
                _ => "blob",
            };
            listing.extend(format!("{:06o} {kind} {oid}\t", u32::from(mode)).bytes().chain(name).chain([0]));
        }
        self.name(Unavailable, &["mktree", "-z"], &listing)
    }
    fn fact(&self, oid: Oid) -> Result<CommitFact, BackendError> {
        let raw = self.run(NotFound, &["cat-file", "commit", &oid.to_string()], b"")?;
        let text = String::from_utf8_lossy(&raw);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let lines = |key: &'static str| {
            head.lines().filter_map(move |line| line.strip_prefix(key)?.strip_prefix(' '))
        };
        // `NAME <EMAIL> SECONDS ZONE`
        let person = |key| {
            let line = lines(key).next().unwrap_or_default();
            let (name, rest) = line.split_once(" <").unwrap_or_default();
            let (email, when) = rest.rsplit_once("> ").unwrap_or_default();
            let seconds = when.split(' ').next().and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
            (Person { name: name.into(), email: email.into() }, seconds)
        };
        let ((author, _), (committer, seconds)) = (person("author"), person("committer"));
        let parents = lines("parent").filter_map(|parent| parent.parse().ok()).collect();
        // This forge proves no signature; one that is there is not the pinner's.
        let signature =
            if lines("gpgsig").next().is_some() { Signature::Unproven } else { Signature::Absent };
        Ok(CommitFact {
            oid,
            parents,
            author,
            committer,
            signature,
            committed: seconds,
            message: message.into(),
        })
    }
    /// Makes the objects. Nothing is on the branch yet: whatever fails here has written nothing that anybody sees.
    fn make(&self, commit: &GuardedCommit) -> Result<Oid, BackendError> {
        let mut tree =
            self.name(NotFound, &["rev-parse", &format!("{}^{{tree}}", commit.expected_head())], b"")?;
        for edit in commit.edits() {
            let blob = self.name(Unavailable, &["hash-object", "-w", "--stdin"], edit.bytes())?;
            tree = self.put(Some(tree), edit.path().as_str(), blob)?;
        }
        let seconds = commit.date().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let Person { name, email } = pinner();
        let who = format!("{name} <{email}> {seconds} +0000");
        let (parent, message) = (commit.expected_head(), commit.message());
        let text = format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\n\n{message}");
        self.name(Unavailable, &["hash-object", "-t", "commit", "-w", "--stdin"], text.as_bytes())
    }
}

impl fmt::Display for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "git in {}", self.0.display())
    }
}

#[async_trait]
impl GitForge for Git {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(Identity { author: pinner(), committer: pinner(), signature: Signature::Absent })
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.name(NotFound, &["rev-parse", "-q", "--verify", &branch.full()], b"")
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let file = |(at, path): &(Oid, RepoPath)| {
            let Some(TreeEntry { mode, oid, .. }) = self.entry(*at, path)? else { return Ok(None) };
            let bytes = match mode {
                Mode::Tree | Mode::Gitlink => Vec::new(),
                _ => self.run(NotFound, &["cat-file", "blob", &oid.to_string()], b"")?,
            };
            Ok(Some(FileAt { path: path.clone(), mode, oid, bytes }))
        };
        wanted.iter().map(file).collect()
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        oids.iter().map(|oid| self.list(&[&oid.to_string()])).collect()
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let upto = range.upto.to_string();
        let mut words = vec!["rev-list".to_owned(), upto.clone()];
        if let Some(base) = range.base {
            // A base that is no ancestor, or that nobody knows.
            if self.run(NotFound, &["merge-base", "--is-ancestor", &base.to_string(), &upto], b"").is_err() {
                return self.fact(range.upto).map(|_| History::Unrelated);
            }
            words.extend([format!("--max-count={}", range.limit.saturating_add(1)), format!("^{base}")]);
        } else {
            words.push(format!("--max-count={}", range.limit));
        }
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let printed = self.run(NotFound, &words, b"")?;
        let oids = String::from_utf8_lossy(&printed);
        let facts: Vec<_> = oids
            .lines()
            .filter_map(|oid| oid.parse().ok())
            .map(|oid| self.fact(oid))
            .collect::<Result<_, _>>()?;
        match range.base {
            None => Ok(History::to_the_roots(range.upto, facts)),
            Some(_) if facts.len() > range.limit => {
                Err(BackendError::new(Incomplete, format!("list {range}")))
            }
            Some(_) => Ok(History::Descends(facts)),
        }
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        for edit in commit.edits() {
            let entry = self.entry(expected, edit.path()).map_err(CommitError::NotLanded)?;
            let fits = match (entry, edit.before()) {
                (Some(entry), Some(before)) => entry.mode == Mode::Regular && entry.oid == before.oid,
                (entry, before) => entry.is_none() && before.is_none(),
            };
            if !fits {
                let message = format!("{} is not the file that the edit starts from", edit.path());
                return Err(CommitError::Rejected { rule: None, message });
            }
        }
        let made = self.make(commit).map_err(CommitError::NotLanded)?;
        let words = ["update-ref", &branch.full(), &made.to_string(), &expected.to_string()];
        let Err(refused) = self.run(Unavailable, &words, b"") else { return Ok(made) };
        // Git's words are for people. Where the branch stands elsewhere, that is why; any other failure is a doubt.
        match self.head(branch).await {
            Ok(actual) if actual != expected => {
                Err(CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(actual) })
            }
            Err(error) if error.kind() == NotFound => Err(CommitError::NotLanded(error)),
            _ => Err(CommitError::Ambiguous(refused)),
        }
    }
}

/// The forge in a test: the testkit's repository is the way past it.
struct World(Repository);

impl ForgeWorld for World {
    fn create(files: &[(&str, &str)]) -> Self {
        let made = Repository::bare("sha1").ok().flatten();
        let world = Self(made.unwrap_or_else(|| panic!("git is missing")));
        world.push_elsewhere(files);
        world
    }
    fn forge(&self) -> Arc<dyn GitForge> {
        Arc::new(Git(self.0.path().to_owned()))
    }
    fn branch(&self) -> BranchName {
        "main".parse().unwrap_or_else(|error| panic!("{error}"))
    }
    fn push_elsewhere(&self, files: &[(&str, &str)]) -> Oid {
        self.0.push(&self.branch(), files, "elsewhere").unwrap_or_else(|error| panic!("{error}"))
    }
    fn push_entries(&self, entries: &[Entry<'_>]) -> Oid {
        let made = self.0.write(&self.tip(), entries, "elsewhere").unwrap_or_else(|error| panic!("{error}"));
        self.force(made);
        made
    }
    fn merge_ours(&self, theirs: Oid) -> Oid {
        let parents = [self.tip(), vec![theirs]].concat();
        let made = self.0.write(&parents, &[], "merge").unwrap_or_else(|error| panic!("{error}"));
        self.force(made);
        made
    }
    fn force(&self, to: Oid) {
        self.0.force(&self.branch(), Some(to)).unwrap_or_else(|error| panic!("{error}"));
    }
    fn delete(&self) {
        self.0.force(&self.branch(), None).unwrap_or_else(|error| panic!("{error}"));
    }
    fn log(&self) -> Vec<CommitFact> {
        self.0.log(&self.branch()).unwrap_or_else(|error| panic!("{error}"))
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        // Nothing here ever waits: git is run, and done.
        sim::run(future)
    }
}

impl World {
    fn tip(&self) -> Vec<Oid> {
        self.0.head(&self.branch()).unwrap_or_else(|error| panic!("{error}")).into_iter().collect()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // In a test file `pinlib_testkit::forge_conformance!(World);` makes a test of each.
    for (name, case) in forge::all::<World>() {
        case()?;
        println!("{name}: kept");
    }
    Ok(())
}
