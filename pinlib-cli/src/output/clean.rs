//! Text from outside, made fit for a terminal, a log and a line.

/// Takes out what a terminal would obey or that would show a line as another: controls, escapes, bidi marks. A line
/// break becomes a blank. GitHub's runner obeys `##[` wherever it stands, so that is parted.
pub(crate) fn line(text: &str) -> String {
    let blank = |c| if matches!(c, '\n' | '\r' | '\t') { ' ' } else { c };
    let text: String = text.chars().map(blank).filter(|c| harmless(*c)).collect();
    text.replace("##[", "## [")
}

/// The same, with its lines and tabs kept.
pub(crate) fn lines(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || harmless(*c)).collect()
}

fn harmless(c: char) -> bool {
    let bidi =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    !c.is_control() && !bidi && !breaks
}

#[cfg(test)]
mod tests {
    #[test]
    fn nothing_is_left_for_a_terminal_to_obey() {
        assert_eq!(super::line("##\x1b[error]"), "## [error]");
        assert_eq!(super::line("a\x1b[31mb\r\nc\u{202e}d\u{9b}e"), "a[31mb  cde");
        assert_eq!(super::lines("a\x1b\n\tb\u{2066}"), "a\n\tb");
    }
}
