//! What a pin commit says of itself, and the key that finds it again.

use crate::{
    git::{BranchName, Oid, RepoPath},
    image::{Digest, Proof},
    manifest::Locator,
    parse::{ParseError, by_text, decode, encode, hex, unhex},
};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// Names one pin for ever: what was pinned, from where, into what. Not on which head: that is what makes it the same pin
/// over attempts, crashes and runs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Digest);

impl FromStr for Key {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

by_text!(Key);

/// 128 random bits of one run, the caller's to draw. They answer one question: is this commit mine?
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunId([u8; 16]);

impl From<[u8; 16]> for RunId {
    fn from(random: [u8; 16]) -> Self {
        Self(random)
    }
}

impl FromStr for RunId {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        unhex(text).map(Self).ok_or_else(|| ParseError::new("run id", text, "want 32 lower-case hex digits"))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(&self.0, f)
    }
}

by_text!(RunId);

impl RunId {
    /// The n-th draw of a run: two of its bytes, the first two again after the last.
    pub(crate) fn draw(self, n: u32) -> u16 {
        let (pairs, _) = self.0.as_chunks::<2>();
        pairs.iter().cycle().nth(n as usize % pairs.len()).map_or(0, |pair| u16::from_be_bytes(*pair))
    }
}

/// What a commit does to its sites.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Writes what was built from the source.
    Pin,
    /// Goes back to an older digest and holds it. The head that it left is part of it: going back twice is twice.
    Rollback(Oid),
    /// Takes back the holds of its sites, and leaves their digests. Likewise.
    Release(Oid),
    /// Writes what another environment holds. Likewise: what was rolled back may be promoted again.
    Promote(Oid),
}

impl Operation {
    /// Its one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Rollback(_) => "rollback",
            Self::Release(_) => "release",
            Self::Promote(_) => "promote",
        }
    }
    /// The head that it was decided on, where that is part of it.
    pub fn head(self) -> Option<Oid> {
        match self {
            Self::Pin => None,
            Self::Rollback(head) | Self::Release(head) | Self::Promote(head) => Some(head),
        }
    }
    /// Whether it writes what was built, rather than going back or letting go: then holds stand in its way, and it leaves
    /// the hold file alone.
    pub fn is_forward(self) -> bool {
        matches!(self, Self::Pin | Self::Promote(_))
    }
    fn parse(text: &str) -> Option<Self> {
        let Some((word, head)) = text.split_once(' ') else { return (text == "pin").then_some(Self::Pin) };
        let head = head.parse().ok()?;
        [Self::Rollback(head), Self::Release(head), Self::Promote(head)]
            .into_iter()
            .find(|it| it.name() == word)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        self.head().map_or(Ok(()), |head| write!(f, " {head}"))
    }
}

/// One site and the digest that it holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Pinned {
    pub path: RepoPath,
    pub locator: Locator,
    pub digest: Digest,
}

impl Pinned {
    /// Whether this is the site.
    pub(crate) fn is_at(&self, path: &RepoPath, locator: &Locator) -> bool {
        self.path == *path && self.locator == *locator
    }
}

/// What a pin claims to have done: all that its key is made of, and no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    operation: Operation,
    branch: BranchName,
    source: Oid,
    sites: Vec<Pinned>,
}

impl Claim {
    /// A claim over these sites, in any order.
    pub fn new(operation: Operation, branch: &BranchName, source: Oid, mut sites: Vec<Pinned>) -> Self {
        sites.sort();
        Self { operation, branch: branch.clone(), source, sites }
    }
    /// The operation.
    pub fn operation(&self) -> Operation {
        self.operation
    }
    /// The branch that it is for: a record that comes to another branch by a merge is still a record of this one.
    pub fn branch(&self) -> &BranchName {
        &self.branch
    }
    /// The commit that the images were built from.
    pub fn source(&self) -> Oid {
        self.source
    }
    /// Every site that it covers, whether it changed or held its digest before.
    pub fn sites(&self) -> &[Pinned] {
        &self.sites
    }
    /// The key: computed, never taken on trust.
    pub fn key(&self) -> Key {
        Key(Digest::of(self.to_string().as_bytes()))
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Pinlib-Record: v1 {}", self.operation)?;
        writeln!(f, "Pinlib-Branch: {}", encode(&self.branch.full()))?;
        writeln!(f, "Pinlib-Source: {}", self.source)?;
        self.sites.iter().try_for_each(|site| {
            writeln!(f, "Pinlib-Pin: {} {} {}", site.digest, site.locator, encode(site.path.as_str()))
        })
    }
}

/// A claim, by one run, on one parent: the last trailer block of a pin commit's message.
///
/// Every value is one line of plain ASCII, whatever a file or a branch is called: nothing can end the line, add a
/// trailer, or spell `[skip ci]`.
///
/// A record is what a commit *says*. What makes it a pin is compared with the commit: see [`PinLog`](crate::PinLog) and
/// [`audit`](crate::audit()).
///
/// ```
/// assert_eq!(pinlib::Record::parse("Sell tea\n\nSigned-off-by: Ann <ann@example.test>\n"), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct Record {
    pub claim: Claim,
    pub proof: Proof,
    pub run: RunId,
    pub parent: Oid,
}

impl Record {
    /// A commit message: this subject and body, then the record as the last trailer block.
    pub fn message(&self, subject: &str) -> String {
        let Self { claim, proof, run, parent } = self;
        format!(
            "{subject}\n\n{claim}Pinlib-Proof: {proof}\nPinlib-Parent: {parent}\nPinlib-Run: {run}\nPinlib-Key: {}\n",
            claim.key()
        )
    }

    /// Whether a message speaks of a record, one that can be read or not.
    pub(crate) fn is_quoted(message: &str) -> bool {
        headers(message) > 0
    }

    /// Reads a message back. Trailers of others are passed over; two records, or a key that does not fit, are none.
    pub fn parse(message: &str) -> Option<Self> {
        if headers(message) != 1 {
            return None;
        }
        let (_, trailers) = message.trim_end().rsplit_once("\n\n")?;
        let (mut sites, mut fields) = (Vec::new(), BTreeMap::new());
        for (name, value) in
            trailers.lines().filter_map(|line| line.strip_prefix("Pinlib-")?.split_once(": "))
        {
            if name == "Pin" {
                let [digest, locator, path] = value.split(' ').collect::<Vec<_>>().try_into().ok()?;
                let path = decode(path)?.parse().ok()?;
                sites.push(Pinned { path, locator: locator.parse().ok()?, digest: digest.parse().ok()? });
            } else if fields.insert(name, value).is_some() {
                return None;
            }
        }
        let operation = Operation::parse(fields.get("Record")?.strip_prefix("v1 ")?)?;
        let branch = decode(fields.get("Branch")?)?.strip_prefix("refs/heads/")?.parse().ok()?;
        let claim = Claim::new(operation, &branch, fields.get("Source")?.parse().ok()?, sites);
        let record = Self {
            claim,
            proof: fields.get("Proof")?.parse().ok()?,
            run: fields.get("Run")?.parse().ok()?,
            parent: fields.get("Parent")?.parse().ok()?,
        };
        (*fields.get("Key")? == record.claim.key().to_string()).then_some(record)
    }
}

fn headers(message: &str) -> usize {
    message.lines().filter(|line| line.starts_with("Pinlib-Record:")).count()
}
