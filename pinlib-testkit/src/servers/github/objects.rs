//! Git's objects, read through one `git cat-file` that stays.

use super::clock;
use crate::repository::{command, feed};
use base64::{Engine, engine::general_purpose::STANDARD};
use ring::digest::{SHA256, digest};
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, PoisonError},
};

/// An object as git stores it.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) oid: String,
    pub(super) kind: String,
    pub(super) bytes: Vec<u8>,
}

#[derive(Debug)]
struct Batch {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A repository on disk.
#[derive(Debug)]
pub(super) struct Git {
    path: PathBuf,
    batch: Mutex<Option<Batch>>,
}

impl Git {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, batch: Mutex::default() }
    }
    pub(super) fn command(&self) -> Command {
        command(&self.path)
    }
    pub(super) fn run(&self, words: &[&str]) -> io::Result<String> {
        feed(self.command().args(words), b"")
    }
    pub(super) fn feed(&self, words: &[&str], input: &[u8]) -> io::Result<String> {
        feed(self.command().args(words), input)
    }
    fn batch(&self) -> io::Result<Batch> {
        let mut command = self.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::null()).spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
        let (input, output) = pipes.ok_or(io::ErrorKind::BrokenPipe)?;
        Ok(Batch { child, input, output })
    }
    /// What an expression names.
    pub(super) fn object(&self, name: &str) -> io::Result<Option<Object>> {
        if name.is_empty() || name.contains(['\n', '\0']) {
            return Ok(None);
        }
        let mut running = self.batch.lock().unwrap_or_else(PoisonError::into_inner);
        let batch = match &mut *running {
            Some(batch) => batch,
            none => none.insert(self.batch()?),
        };
        writeln!(batch.input, "{name}")?;
        let mut line = Vec::new();
        batch.output.read_until(b'\n', &mut line)?;
        let said = String::from_utf8_lossy(&line);
        let words: Vec<_> = said.trim_end().split(' ').collect();
        let [oid, kind, size] = words[..] else { return Ok(None) };
        let Ok(size) = size.parse::<usize>() else { return Ok(None) };
        let mut bytes = vec![0; size + 1];
        batch.output.read_exact(&mut bytes)?;
        bytes.truncate(size);
        Ok(Some(Object { oid: oid.into(), kind: kind.into(), bytes }))
    }
    /// An object by its full id.
    pub(super) fn by_oid(&self, oid: &str) -> io::Result<Option<Object>> {
        if is_oid(oid) { self.object(oid) } else { Ok(None) }
    }
    pub(super) fn commit(&self, oid: &str) -> io::Result<Option<Commit>> {
        let found = self.by_oid(oid)?.filter(|found| found.kind == "commit");
        Ok(found.map(|found| Commit::parse(&found)))
    }
    pub(super) fn tree(&self, oid: &str) -> io::Result<Option<Vec<Entry>>> {
        let found = self.by_oid(oid)?.filter(|found| found.kind == "tree");
        Ok(found.map(|found| entries(&found)))
    }
    /// What stands at a path of a tree.
    pub(super) fn entry(&self, tree: &str, path: &str) -> io::Result<Option<Entry>> {
        let (folder, rest) = path.split_once('/').map_or((path, None), |(folder, rest)| (folder, Some(rest)));
        let listed = self.tree(tree)?.unwrap_or_default();
        let found = listed.into_iter().find(|entry| entry.name == folder.as_bytes());
        match (found, rest) {
            (Some(found), Some(rest)) => self.entry(&found.oid, rest),
            (found, _) => Ok(found),
        }
    }
    /// Where a ref stands, by its full name.
    pub(super) fn head(&self, name: &str) -> io::Result<Option<String>> {
        let sound = name.starts_with("refs/")
            && !name.contains(|letter: char| letter.is_control() || " ~^:?*[\\@".contains(letter))
            && !name.contains("..");
        if !sound {
            return Ok(None);
        }
        Ok(self.object(name)?.map(|found| found.oid))
    }
}

pub(super) fn is_oid(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// One line of a tree.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) mode: u32,
    pub(super) name: Vec<u8>,
    pub(super) oid: String,
}

impl Entry {
    pub(super) fn kind(&self) -> &'static str {
        match self.mode {
            0o040_000 => "tree",
            0o160_000 => "commit",
            _ => "blob",
        }
    }
}

fn entries(tree: &Object) -> Vec<Entry> {
    let (mut rest, width) = (&tree.bytes[..], tree.oid.len() / 2);
    let mut found = Vec::new();
    while let Some(end) = rest.iter().position(|byte| *byte == 0) {
        let (head, tail) = rest.split_at(end);
        let (oid, after) = tail[1..].split_at(width);
        let mut words = head.splitn(2, |byte| *byte == b' ');
        let mode = String::from_utf8_lossy(words.next().unwrap_or_default());
        let mode = u32::from_str_radix(&mode, 8).unwrap_or_default();
        let name = words.next().unwrap_or_default().to_vec();
        let digits = oid.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let oid = digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect();
        found.push(Entry { mode, name, oid });
        rest = after;
    }
    found
}

/// An author or a committer.
#[derive(Clone, Debug, Default)]
pub(super) struct Person {
    pub(super) name: String,
    pub(super) email: String,
    seconds: i64,
    zone: String,
}

impl Person {
    fn parse(line: &str) -> Self {
        let (name, rest) = line.split_once('<').unwrap_or((line, ""));
        let (email, when) = rest.split_once('>').unwrap_or((rest, ""));
        let (seconds, zone) = when.trim().split_once(' ').unwrap_or(("0", "+0000"));
        Self {
            name: name.trim().into(),
            email: email.into(),
            seconds: seconds.parse().unwrap_or_default(),
            zone: zone.into(),
        }
    }
    pub(super) fn utc(&self) -> String {
        clock::utc(self.seconds)
    }
    pub(super) fn zoned(&self) -> String {
        clock::zoned(self.seconds, &self.zone)
    }
}

/// A commit, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Commit {
    pub(super) oid: String,
    pub(super) tree: String,
    pub(super) parents: Vec<String>,
    pub(super) author: Person,
    pub(super) committer: Person,
    pub(super) message: String,
    pub(super) signature: Option<String>,
    /// What a signature signs: the commit without it.
    pub(super) payload: String,
}

impl Commit {
    pub(super) fn parse(object: &Object) -> Self {
        let text = String::from_utf8_lossy(&object.bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut made = Self { oid: object.oid.clone(), message: message.into(), ..Self::default() };
        let mut signature: Option<String> = None;
        let mut inside = false;
        for line in head.lines() {
            if let (true, Some(more)) = (inside, line.strip_prefix(' ')) {
                signature.get_or_insert_default().extend(["\n", more]);
                continue;
            }
            let (name, value) = line.split_once(' ').unwrap_or((line, ""));
            inside = name.starts_with("gpgsig");
            match name {
                "tree" => made.tree = value.into(),
                "parent" => made.parents.push(value.into()),
                "author" => made.author = Person::parse(value),
                "committer" => made.committer = Person::parse(value),
                "gpgsig" | "gpgsig-sha256" => signature = Some(value.into()),
                _ => {}
            }
            if !inside {
                made.payload.extend([line, "\n"]);
            }
        }
        made.payload.extend(["\n", message]);
        made.signature = signature;
        made
    }
    /// How its signature is judged: none, or whether the stub made it for just this commit.
    pub(super) fn verified(&self) -> Option<bool> {
        self.signature.as_ref().map(|signature| *signature == sign(&self.payload))
    }
}

/// A signature in the stub's way: nobody else's tools know it, and it fits no other commit.
pub(super) fn sign(payload: &str) -> String {
    let hash = digest(&SHA256, format!("GitHub of the testkit\n{payload}").as_bytes());
    format!(
        "-----BEGIN PGP SIGNATURE-----\n\n{}\n-----END PGP SIGNATURE-----",
        STANDARD.encode(hash.as_ref())
    )
}
