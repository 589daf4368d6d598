//! The unified diff that `git apply` takes.

use similar::TextDiff;
use std::fmt::Write as _;

/// One file's change, three lines of context around it.
pub(crate) fn unified(path: &str, before: &[u8], after: &[u8]) -> String {
    // An editor has read both as text before.
    let (before, after) = (String::from_utf8_lossy(before), String::from_utf8_lossy(after));
    // Git's lines end with \n alone; a \r stays a part of its line.
    let lines = |text| -> Vec<&str> { str::split_inclusive(text, '\n').collect() };
    let (old, new) = (lines(&before), lines(&after));
    let diff = TextDiff::configure().newline_terminated(true).diff_slices(&old, &new);
    let (a, b) = (name("a", path), name("b", path));
    let mut text = String::new();
    let mut unified = diff.unified_diff();
    for hunk in unified.context_radius(3).iter_hunks() {
        if text.is_empty() {
            write!(text, "--- {a}\n+++ {b}\n").ok();
        }
        write!(text, "{hunk}").ok();
    }
    text
}

/// A new file, whole.
pub(crate) fn created(path: &str, text: &str) -> String {
    let start = format!("--- /dev/null\n+++ {}\n@@ -0,0 +1,{} @@\n", name("b", path), text.lines().count());
    text.lines().fold(start, |diff, line| diff + "+" + line + "\n")
}

/// As git writes it: quoted where it must be, with a tab behind it where it holds a blank.
fn name(side: &str, path: &str) -> String {
    let odd = |byte: u8| matches!(byte, b'"' | b'\\') || !(0x20..0x7f).contains(&byte);
    if !path.bytes().any(odd) {
        return format!("{side}/{path}{}", if path.contains(' ') { "\t" } else { "" });
    }
    let mut quoted = format!("\"{side}/");
    for byte in path.bytes() {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            byte if odd(byte) => write!(quoted, "\\{byte:03o}").unwrap_or_default(),
            byte => quoted.push(char::from(byte)),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::unified;
    use std::process::Command;

    #[test]
    fn git_applies_it_to_the_byte() -> std::io::Result<()> {
        let long = "line\n".repeat(20) + "here\n" + &"line\n".repeat(20) + "there\n";
        for (path, before, after) in [
            ("app.yaml", "a\nb\nc\n".to_owned(), "a\nB\nc\n".to_owned()),
            ("two words.yaml", "a\r\nb\r\n".into(), "a\r\nB\r\n".into()),
            ("ä \"q\" \\.yaml", "a\nb".into(), "a\nB".into()),
            ("lone.yaml", "a\rb\nc\n".into(), "a\rb\nC\n".into()),
            ("long.yaml", long.clone(), long.replace("here", "x").replace("there", "y\nz")),
        ] {
            let folder = tempfile::tempdir()?;
            let file = folder.path().join(path);
            std::fs::write(&file, &before)?;
            std::fs::write(folder.path().join("p"), unified(path, before.as_bytes(), after.as_bytes()))?;
            let mut git = Command::new("git");
            git.args(["apply", "--whitespace=nowarn", "p"]).current_dir(&folder);
            assert!(git.status()?.success(), "{path}");
            assert_eq!(std::fs::read_to_string(&file)?, after);
        }
        assert_eq!(unified("a", b"x\n", b"x\n"), "");
        Ok(())
    }
}
