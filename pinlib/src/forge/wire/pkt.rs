//! Git's wire format: lines with their length in front. gix encodes them only inside its own blocking client.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-common>.

use std::fmt::Write as _;

/// One packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pkt<'a> {
    /// A line, or a part of a stream.
    Line(&'a [u8]),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer.
    End,
}

/// Bytes that are no packets, or not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Garbled {
    #[error("the answer is not in git's wire format")]
    Length,
    #[error("the answer is cut off")]
    Cut,
}

/// The length that stands in front of a packet, itself included; 0 to 2 are packets without one.
pub(crate) fn length(head: [u8; 4]) -> Result<usize, Garbled> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let length = head.into_iter().try_fold(0, |sum, byte| Some(sum << 4 | digit(byte)? as usize));
    length.filter(|length| *length != 3).ok_or(Garbled::Length)
}

/// Reads packets; ends at the end of the bytes, and at the first that is garbled.
#[derive(Clone, Debug)]
pub(crate) struct Pkts<'a>(&'a [u8]);

impl<'a> Pkts<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }
    fn step(&mut self) -> Result<Pkt<'a>, Garbled> {
        let (head, rest) = self.0.split_first_chunk().ok_or(Garbled::Cut)?;
        let (pkt, rest) = match length(*head)? {
            0 => (Pkt::Flush, rest),
            1 => (Pkt::Delimiter, rest),
            2 => (Pkt::End, rest),
            length => {
                let (line, rest) = rest.split_at_checked(length - 4).ok_or(Garbled::Cut)?;
                (Pkt::Line(line), rest)
            }
        };
        self.0 = rest;
        Ok(pkt)
    }
}

impl<'a> Iterator for Pkts<'a> {
    type Item = Result<Pkt<'a>, Garbled>;
    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let pkt = self.step();
        if pkt.is_err() {
            self.0 = &[];
        }
        Some(pkt)
    }
}

/// A line without the newline that git puts at its end.
pub(super) fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\n").unwrap_or(line)
}

/// Writes packets.
#[derive(Debug, Default)]
pub(super) struct Message(String);

impl Message {
    /// A line; ours are short, far below the 65516 bytes that one may have.
    #[must_use]
    pub(super) fn line(mut self, line: impl AsRef<str>) -> Self {
        let line = line.as_ref();
        writeln!(self.0, "{:04x}{line}", line.len() + 5).ok();
        self
    }
    #[must_use]
    pub(super) fn delimiter(mut self) -> Self {
        self.0.push_str("0001");
        self
    }
    /// Ends the message.
    pub(super) fn flush(mut self) -> Vec<u8> {
        self.0.push_str("0000");
        self.0.into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::{Garbled, Message, Pkt, Pkts};

    #[test]
    fn what_is_written_reads_back() {
        let bytes = Message::default().line("command=fetch").delimiter().line("done").flush();
        let pkts: Result<Vec<_>, _> = Pkts::new(&bytes).collect();
        let want = [Pkt::Line(b"command=fetch\n"), Pkt::Delimiter, Pkt::Line(b"done\n"), Pkt::Flush];
        assert_eq!(pkts.as_deref(), Ok(&want[..]));
    }

    #[test]
    fn what_is_garbled_ends_there() {
        let last = |bytes: &'static [u8]| Pkts::new(bytes).last();
        assert_eq!(last(b"0000<html>"), Some(Err(Garbled::Length)));
        assert_eq!(last(b"0003"), Some(Err(Garbled::Length)));
        assert_eq!(last(b"00"), Some(Err(Garbled::Cut)));
        assert_eq!(last(b"0009done"), Some(Err(Garbled::Cut)));
        assert_eq!(last(b"0004"), Some(Ok(Pkt::Line(b""))));
    }
}
