//! Reading, by git's protocol version 2: what the server offers, where a branch stands, and single objects.
//!
//! Source: <https://git-scm.com/docs/protocol-v2>.

use super::{
    Transport,
    pack::{self, Objects, PackError},
    pkt::{Garbled, Message, Pkt, Pkts, chomp},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::text::printable,
    git::{BranchName, ObjectFormat, Oid},
};

/// The most bytes that one answer may have: what a whole small repository takes, where the server cannot filter.
const LIMIT: usize = 32 << 20;

/// What a server can do, of what is needed here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) format: ObjectFormat,
    /// Whether it tells its format, and so wants to be told.
    names_format: bool,
    /// Whether objects can be had without all that they name.
    pub(super) filter: bool,
}

/// Which objects are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    pub(super) wants: &'a [Oid],
    /// What is not sent with them: whatever this one has.
    pub(super) have: Option<Oid>,
    /// Send also where `have` does not suffice to tell that the ends meet.
    pub(super) done: bool,
    /// So many commits deep, where not all ancestors are wanted.
    pub(super) depth: Option<usize>,
    /// How many levels of trees come with a commit.
    pub(super) levels: usize,
}

/// What came.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    /// Whether the server knows the commit that we have.
    pub(super) common: bool,
    /// None where it wants to hear more first.
    pub(super) objects: Option<Objects>,
}

fn wrong(kind: BackendErrorKind, act: &str, reason: &dyn std::fmt::Display) -> BackendError {
    BackendError::new(kind, act).because(reason.to_string())
}

fn unusable(error: Garbled, act: &str) -> BackendError {
    let kind = match error {
        Garbled::Length => BackendErrorKind::Invalid,
        Garbled::Cut => BackendErrorKind::Unavailable,
    };
    wrong(kind, act, &error).with_source(error)
}

/// An `ERR` line: the server's own words for why there is no answer.
fn complaint(line: &[u8], act: &str) -> Option<BackendError> {
    let words = printable(line.strip_prefix(b"ERR ")?);
    let kind = if words.contains("not our ref") {
        BackendErrorKind::NotFound
    } else {
        BackendErrorKind::Unavailable
    };
    Some(wrong(kind, act, &words))
}

impl Offer {
    /// Reads what a server offers.
    pub(super) async fn read(transport: &impl Transport, act: &str) -> Result<Self, BackendError> {
        let body = transport.offer(act).await?;
        let mut offer = Self { format: ObjectFormat::Sha1, names_format: false, filter: false };
        let (mut version, mut shallow) = (false, false);
        for pkt in Pkts::new(&body) {
            let Pkt::Line(line) = pkt.map_err(|error| unusable(error, act))? else { continue };
            let line = chomp(line);
            if let Some(error) = complaint(line, act) {
                return Err(error);
            }
            match line {
                b"version 2" => version = true,
                b"object-format=sha1" => offer.names_format = true,
                b"object-format=sha256" => (offer.names_format, offer.format) = (true, ObjectFormat::Sha256),
                _ => {
                    if let Some(features) = line.strip_prefix(b"fetch=") {
                        let has = |name: &[u8]| features.split(|byte| *byte == b' ').any(|word| word == name);
                        (shallow, offer.filter) = (has(b"shallow"), has(b"filter"));
                    }
                }
            }
        }
        if version && shallow {
            return Ok(offer);
        }
        let reason = format!(
            "{transport} does not speak git's protocol version 2: it is older than git 2.18, or what stands before it \
             drops the Git-Protocol header"
        );
        Err(wrong(BackendErrorKind::Unsupported, act, &reason))
    }

    fn command(self, name: &str) -> Message {
        let message = Message::default()
            .line(format!("command={name}"))
            .line(concat!("agent=pinlib/", env!("CARGO_PKG_VERSION")));
        match self.format {
            _ if !self.names_format => message,
            ObjectFormat::Sha1 => message.line("object-format=sha1"),
            ObjectFormat::Sha256 => message.line("object-format=sha256"),
        }
        .delimiter()
    }

    /// Where a branch stands.
    pub(super) async fn head(
        self,
        transport: &impl Transport,
        branch: &BranchName,
        act: &str,
    ) -> Result<Option<Oid>, BackendError> {
        let name = branch.full();
        // The prefix may match more: each branch that is named so and then some.
        let ask = self.command("ls-refs").line(format!("ref-prefix {name}")).flush();
        let body = transport.refs(ask, LIMIT, act).await?;
        let (mut ended, mut head) = (false, None);
        for pkt in Pkts::new(&body) {
            let line = match pkt.map_err(|error| unusable(error, act))? {
                Pkt::Line(line) => chomp(line),
                Pkt::Flush => {
                    ended = true;
                    continue;
                }
                Pkt::Delimiter | Pkt::End => continue,
            };
            if let Some(error) = complaint(line, act) {
                return Err(error);
            }
            let words = std::str::from_utf8(line).ok().and_then(|line| line.split_once(' '));
            let Some((oid, _)) = words.filter(|(_, found)| *found == name) else { continue };
            let oid = oid.parse().ok().filter(|oid: &Oid| oid.format() == self.format);
            let no_oid = || wrong(BackendErrorKind::Invalid, act, &"the server tells no object id");
            head = Some(oid.ok_or_else(no_oid)?);
        }
        if ended { Ok(head) } else { Err(unusable(Garbled::Cut, act)) }
    }

    /// Fetches objects by name. Git serves any object that it has, whichever ref holds it.
    pub(super) async fn fetch(
        self,
        transport: &impl Transport,
        wish: Wish<'_>,
        act: &str,
    ) -> Result<Fetched, BackendError> {
        let mut ask = self.command("fetch").line("no-progress").line("ofs-delta");
        for oid in wish.wants {
            ask = ask.line(format!("want {oid}"));
        }
        if let Some(have) = wish.have {
            ask = ask.line(format!("have {have}"));
        }
        if let Some(depth) = wish.depth {
            ask = ask.line(format!("deepen {depth}"));
        }
        if self.filter {
            ask = ask.line(format!("filter tree:{}", wish.levels));
        }
        if wish.done {
            ask = ask.line("done");
        }
        let body = transport.ask(ask.flush(), LIMIT, act).await.map_err(|error| self.blame(error))?;
        let (common, pack) = sections(&body, act)?;
        let objects = pack.map(|pack| pack::read(&pack, self.format)).transpose().map_err(|error| {
            let kind = match error {
                PackError::TooLarge(_) => BackendErrorKind::Incomplete,
                PackError::Damaged(_) => BackendErrorKind::Invalid,
            };
            self.blame(wrong(kind, act, &error).with_source(error))
        })?;
        Ok(Fetched { common, objects })
    }

    /// Says what would help, where an answer is too large.
    fn blame(self, error: BackendError) -> BackendError {
        if self.filter || error.kind() != BackendErrorKind::Incomplete {
            return error;
        }
        let reason = "the server sends all that a commit holds, and that is too much: set uploadpack.allowFilter there";
        BackendError::new(BackendErrorKind::Incomplete, error.act()).because(reason).with_source(error)
    }
}

/// Reads the sections of an answer to `fetch`.
fn sections(body: &[u8], act: &str) -> Result<(bool, Option<Vec<u8>>), BackendError> {
    #[derive(PartialEq)]
    enum Section {
        None,
        Acknowledgments,
        Other,
        Pack,
    }
    let (mut section, mut common, mut ended) = (Section::None, false, false);
    let mut pack: Option<Vec<u8>> = None;
    for pkt in Pkts::new(body) {
        let line = match pkt.map_err(|error| unusable(error, act))? {
            Pkt::Line(line) => line,
            Pkt::Delimiter => {
                section = Section::None;
                continue;
            }
            Pkt::Flush | Pkt::End => {
                ended = true;
                continue;
            }
        };
        match section {
            Section::Pack => match line.split_first() {
                Some((1, data)) => pack.get_or_insert_default().extend_from_slice(data),
                Some((2, _)) | None => {}
                Some((_, words)) => return Err(wrong(BackendErrorKind::Unavailable, act, &printable(words))),
            },
            Section::Acknowledgments => common |= line.starts_with(b"ACK "),
            Section::Other => {}
            Section::None => {
                if let Some(error) = complaint(chomp(line), act) {
                    return Err(error);
                }
                section = match chomp(line) {
                    b"packfile" => Section::Pack,
                    b"acknowledgments" => Section::Acknowledgments,
                    _ => Section::Other,
                };
            }
        }
    }
    if ended { Ok((common, pack)) } else { Err(unusable(Garbled::Cut, act)) }
}
