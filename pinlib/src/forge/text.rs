//! What a git server says, in words: cleaned, and read for why it refused.

use crate::{
    backend::{BackendError, BackendErrorKind},
    git::Oid,
};
#[cfg(feature = "git-http")]
use crate::{forge::CommitError, guard::GuardedCommit};

/// The most of a server's text that is kept.
const LONGEST: usize = 600;

/// A server's text as one line that a terminal may be shown: no controls, no colors, nothing that turns the direction of
/// writing; of bounded length.
pub(crate) fn printable(text: &[u8]) -> String {
    let hidden = |c: char| matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let text = String::from_utf8_lossy(text);
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            // Hooks color what they say: ESC [ … letter.
            '\u{1b}' if rest.as_str().starts_with('[') => drop(rest.by_ref().find(char::is_ascii_alphabetic)),
            '\n' | '\r' => plain.push('\n'),
            c if c.is_control() => plain.push(' '),
            c if hidden(c) => {}
            c => plain.push(c),
        }
    }
    let lines: Vec<_> = plain.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let line = lines.join("; ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// Sorts the refusal of a push: the reason that the server gives for the ref, and what it says beside that.
///
/// The wordings are git's, GitHub's and GitLab's.
#[cfg(feature = "git-http")]
pub(crate) fn refusal(commit: &GuardedCommit, reason: &str, beside: &str) -> CommitError {
    /// The head was not where it was expected to be, whoever found out.
    const MOVED: [&str; 9] = [
        "stale info",
        "fetch first",
        "non-fast-forward",
        "but expected",
        "incorrect old value provided",
        "atomic transaction failed",
        "failed to update ref",
        "cannot lock ref",
        "failed to lock",
    ];
    if MOVED.iter().any(|words| reason.contains(words)) {
        if beside.contains("unable to resolve reference") {
            return CommitError::NotLanded(no_branch(&format!("push to {}", commit.branch())));
        }
        let (branch, expected) = (commit.branch().clone(), commit.expected_head());
        let actual = actual(reason).or_else(|| actual(beside)).filter(|actual| *actual != expected);
        return CommitError::HeadMoved { branch, expected, actual };
    }
    // GitHub names the rule by a code, GH006 or GH013, beside the reason.
    let code = beside.match_indices("GH").map(|(at, _)| &beside[at..]).find_map(|text| {
        let code = text.get(..5)?;
        code[2..].bytes().all(|byte| byte.is_ascii_digit()).then_some(code)
    });
    let message = if beside.is_empty() { reason.to_owned() } else { format!("{reason}: {beside}") };
    CommitError::Rejected { rule: Some(code.unwrap_or(reason).to_owned()), message }
}

/// The failure of whoever acts on a branch that is not there.
pub(crate) fn no_branch(act: &str) -> BackendError {
    BackendError::new(BackendErrorKind::NotFound, act).because("there is no such branch")
}

/// The head that `is at X but expected Y` tells.
pub(crate) fn actual(text: &str) -> Option<Oid> {
    let (_, rest) = text.split_once("is at ")?;
    rest.split_once(" but expected")?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{actual, printable};

    #[test]
    fn a_text_of_a_server_is_one_plain_line() {
        assert_eq!(printable(b"\x1b[31mno\x1b[0m\r\n\n  way\x07\xff "), "no; way \u{fffd}");
        assert_eq!(printable("a\u{202e}b".as_bytes()), "ab");
        assert_eq!(printable("\u{1b}[".as_bytes()), "");
        assert_eq!(printable("é".repeat(1000).as_bytes()).chars().count(), super::LONGEST + 1);
    }

    #[test]
    fn a_lost_race_tells_the_head() {
        let (is, was) = ("1".repeat(40), "2".repeat(40));
        let text = format!("error: cannot lock ref 'refs/heads/main': is at {is} but expected {was}");
        assert_eq!(actual(&text), is.parse().ok());
        assert_eq!(actual("is at home but expected elsewhere"), None);
        assert_eq!(actual("failed to update ref"), None);
    }
}
