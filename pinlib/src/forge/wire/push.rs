//! Writing: one command with the expected head as the old oid, one pack, one report. The server compares and swaps.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_pushing_data_to_a_server>.

use super::{
    Transport,
    pkt::{Message, Pkt, Pkts, chomp},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        CommitError,
        text::{no_branch, printable, refusal},
    },
    git::Oid,
    guard::GuardedCommit,
};

/// What the pushing service tells of itself.
#[derive(Debug, Default)]
struct Offer {
    capabilities: Vec<String>,
    /// Whether it named the branch.
    branch: bool,
}

impl Offer {
    fn has(&self, name: &str) -> bool {
        self.capabilities.iter().any(|word| word == name)
    }
}

/// Moves the branch from the expected head to `oid`, whose objects are in `pack`, if it stands there.
///
/// The head that the server tells before is not compared: it may be stale, and a pin that could land would be given up.
/// Nothing but the answer to the one push decides.
pub(super) async fn push(
    transport: &impl Transport,
    commit: &GuardedCommit,
    oid: Oid,
    pack: &[u8],
    act: &str,
) -> Result<Oid, CommitError> {
    let (branch, old) = (commit.branch().full(), commit.expected_head());
    let mut there = false;
    let mut make = |offer: &[u8]| {
        let offer = Offer::read(offer, &branch, act)?;
        there = offer.branch;
        let mut words = String::from("report-status");
        for word in ["side-band-64k", "object-format=sha256"].into_iter().filter(|word| offer.has(word)) {
            words = format!("{words} {word}");
        }
        let agent = concat!("agent=pinlib/", env!("CARGO_PKG_VERSION"));
        let mut push = Message::default().line(format!("{old} {oid} {branch}\0 {words} {agent}")).flush();
        push.extend_from_slice(pack);
        Ok(push)
    };
    let answer = transport.push(&mut make, act).await?;
    let doubt = |why: String| {
        CommitError::Ambiguous(BackendError::new(BackendErrorKind::Unavailable, act).because(why))
    };
    match report(&answer, &branch).map_err(doubt)? {
        Report::Done => Ok(oid),
        Report::Refused { reason, beside } => Err(match refusal(commit, &reason, &beside) {
            // It had no such branch before, and tells no head that it has now: a pin never makes one.
            CommitError::HeadMoved { actual: None, .. } if !there => CommitError::NotLanded(no_branch(act)),
            refusal => refusal,
        }),
    }
}

impl Offer {
    fn read(body: &[u8], branch: &str, act: &str) -> Result<Self, BackendError> {
        let unusable = |kind, reason: String| BackendError::new(kind, act).because(reason);
        let (mut offer, mut first) = (Self::default(), true);
        for pkt in Pkts::new(body) {
            let pkt = pkt.map_err(|error| unusable(BackendErrorKind::Invalid, error.to_string()))?;
            let Pkt::Line(line) = pkt else { continue };
            let line = chomp(line);
            if let Some(words) = line.strip_prefix(b"ERR ") {
                return Err(unusable(BackendErrorKind::Unavailable, printable(words)));
            }
            if line.starts_with(b"#") || line.starts_with(b"version ") {
                continue;
            }
            // The capabilities hide behind the first ref, or behind a stand-in where there is none.
            let mut parts = line.splitn(2, |byte| *byte == 0);
            let named = parts.next().unwrap_or_default();
            if std::mem::take(&mut first) {
                let words = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
                offer.capabilities = words.split(' ').map(str::to_owned).collect();
            }
            offer.branch |= named.split(|byte| *byte == b' ').nth(1) == Some(branch.as_bytes());
        }
        if offer.has("report-status") {
            return Ok(offer);
        }
        // Without a report there is no telling whether the push landed.
        Err(unusable(BackendErrorKind::Unsupported, "the server does not report on a push".into()))
    }
}

/// What the server says of our one ref.
#[derive(Debug)]
pub(super) enum Report {
    Done,
    Refused { reason: String, beside: String },
}

/// Reads the report: exactly one line on how the pack was unpacked, and exactly one on our ref.
pub(super) fn report(body: &[u8], branch: &str) -> Result<Report, String> {
    let (mut banded, mut beside, mut plain, mut ended) = (Vec::new(), Vec::new(), Vec::new(), false);
    for pkt in Pkts::new(body) {
        let line = match pkt.map_err(|error| error.to_string())? {
            Pkt::Line(line) => line,
            Pkt::Flush => {
                ended = true;
                continue;
            }
            Pkt::Delimiter | Pkt::End => continue,
        };
        match line.split_first() {
            Some((1, data)) => banded.extend_from_slice(data),
            Some((2, words)) => beside.extend_from_slice(words),
            Some((3, words)) => return Err(printable(words)),
            Some(_) => plain.push(line),
            None => {}
        }
    }
    if !ended {
        return Err("the answer is cut off".into());
    }
    // Without side-band the report stands there by itself.
    let inner: Vec<_> = if banded.is_empty() {
        plain
    } else {
        let lines = Pkts::new(&banded).map(|pkt| match pkt {
            Ok(Pkt::Line(line)) => Ok(Some(line)),
            Ok(_) => Ok(None),
            Err(error) => Err(error.to_string()),
        });
        lines.filter_map(Result::transpose).collect::<Result<_, _>>()?
    };
    let (mut unpacked, mut refs) = (None, Vec::new());
    for line in inner {
        let line = String::from_utf8_lossy(chomp(line)).into_owned();
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("unpack", result) => unpacked = Some(result.to_owned()),
            ("ok", name) => refs.push((name.to_owned(), None)),
            ("ng", rest) => {
                let (name, reason) = rest.split_once(' ').unwrap_or((rest, ""));
                refs.push((name.to_owned(), Some(reason.to_owned())));
            }
            ("ERR", words) => return Err(printable(words.as_bytes())),
            _ => return Err(format!("the report is none: {}", printable(line.as_bytes()))),
        }
    }
    let beside = printable(&beside);
    match (unpacked.as_deref(), &refs[..]) {
        (Some("ok"), [(name, None)]) if name == branch => Ok(Report::Done),
        (Some(unpacked), [(name, Some(reason))]) if name == branch => {
            let beside = match unpacked {
                "ok" => beside,
                why => format!("{}; {beside}", printable(why.as_bytes())),
            };
            Ok(Report::Refused { reason: printable(reason.as_bytes()), beside })
        }
        (None, _) => Err("the server did not report on the push".into()),
        _ => Err(format!("the report is not on {branch} alone")),
    }
}
