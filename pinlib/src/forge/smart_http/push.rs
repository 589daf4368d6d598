//! Writing: one command with the expected head as the old oid, one pack, one report. The server compares and swaps.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-pack#_pushing_data_to_a_server>.

use super::{
    pkt::{Message, Pkt, Pkts, chomp},
    remote::{Remote, Service},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        CommitError,
        text::{printable, refusal},
    },
    git::Oid,
    guard::GuardedCommit,
    http::{Answer, HttpError},
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
    remote: &Remote,
    commit: &GuardedCommit,
    oid: Oid,
    pack: &[u8],
    act: &str,
) -> Result<Oid, CommitError> {
    let branch = commit.branch().full();
    let offer = offer(remote, &branch, act).await.map_err(CommitError::NotLanded)?;
    let mut words = vec!["report-status"];
    if offer.has("side-band-64k") {
        words.push("side-band-64k");
    }
    if offer.has("object-format=sha256") {
        words.push("object-format=sha256");
    }
    let old = commit.expected_head();
    let words = words.join(" ");
    let agent = concat!("agent=pinlib/", env!("CARGO_PKG_VERSION"));
    let mut body = Message::default().line(format!("{old} {oid} {branch}\0 {words} {agent}")).flush();
    body.extend_from_slice(pack);
    let answer = remote.push(body).await;
    match report(remote, answer, &branch, act)? {
        Report::Done => Ok(oid),
        // The server refused, and it had no such branch before: a pin never makes one.
        Report::Refused { .. } if !offer.branch => {
            let error = BackendError::new(BackendErrorKind::NotFound, act).because("there is no such branch");
            Err(CommitError::NotLanded(error))
        }
        Report::Refused { reason, beside } => Err(refusal(commit, &reason, &beside)),
    }
}

async fn offer(remote: &Remote, branch: &str, act: &str) -> Result<Offer, BackendError> {
    let unusable = |reason: String| BackendError::new(BackendErrorKind::Invalid, act).because(reason);
    let body = remote.offer(Service::Write, act).await?;
    let (mut offer, mut first) = (Offer::default(), true);
    for pkt in Pkts::new(&body) {
        let Pkt::Line(line) = pkt.map_err(|error| unusable(error.to_string()))? else { continue };
        let line = chomp(line);
        if let Some(words) = line.strip_prefix(b"ERR ") {
            return Err(BackendError::new(BackendErrorKind::Unavailable, act).because(printable(words)));
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
    Err(unusable(format!("{remote} does not report on a push")))
}

/// What the server says of our one ref.
#[derive(Debug)]
enum Report {
    Done,
    Refused { reason: String, beside: String },
}

/// Sorts every answer to a push. What is not surely one of the others is ambiguous.
fn report(
    remote: &Remote,
    answer: Result<Answer, HttpError>,
    branch: &str,
    act: &str,
) -> Result<Report, CommitError> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error @ HttpError::NotSent(_)) => return Err(CommitError::NotLanded(error.while_trying(act))),
        Err(error) => return Err(CommitError::Ambiguous(error.while_trying(act))),
    };
    if matches!(answer.status.as_u16(), 401 | 403 | 404 | 411 | 413 | 429) {
        // Refused at the door: what stands there did not look at the push.
        return Err(CommitError::NotLanded(remote.refused(&answer, act)));
    }
    let body = remote.body(answer, Service::Write, "result", act).map_err(CommitError::Ambiguous)?;
    read_report(&body, branch).map_err(|reason| {
        CommitError::Ambiguous(BackendError::new(BackendErrorKind::Unavailable, act).because(reason))
    })
}

/// Reads the report: exactly one line on how the pack was unpacked, and exactly one on our ref.
fn read_report(body: &[u8], branch: &str) -> Result<Report, String> {
    let (mut report, mut beside, mut plain, mut ended) = (Vec::new(), Vec::new(), Vec::new(), false);
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
            Some((1, data)) => report.extend_from_slice(data),
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
    let inner: Vec<_> = if report.is_empty() {
        plain
    } else {
        let lines = Pkts::new(&report).map(|pkt| match pkt {
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
        (Some(_), [(name, Some(reason))]) if name == branch => {
            Ok(Report::Refused { reason: printable(reason.as_bytes()), beside })
        }
        (None, _) => Err("the server did not report on the push".into()),
        _ => Err(format!("the report is not on {branch} alone")),
    }
}
