//! The doctor's table, as people read it.

use super::{
    human::dim,
    v1::{Doctor, Health},
};
use std::fmt::Write as _;

/// What the doctor's table does not say.
pub(super) fn sum(doctor: &Doctor) -> String {
    let count = |health| doctor.rows.iter().filter(|row| row.health == health).count();
    let sum = match (count(Health::NotOk), count(Health::Unknown)) {
        (0, 0) => "nothing that can be seen stands in the way of a pin".to_owned(),
        (0, unknown) => {
            format!("nothing that can be seen stands in the way of a pin; {unknown} cannot be known")
        }
        (bad, _) => format!("{bad} would stop a pin"),
    };
    format!("{sum}. {}", dim("Whether the write succeeds, only a write proves."))
}

/// `check  health  what was seen`, and below it what to change; no line is longer than a terminal is wide.
pub(super) fn table(doctor: &Doctor) -> String {
    const WIDTH: usize = 80;
    const INDENT: usize = 24;
    let health = |health| match health {
        Health::Ok => "ok",
        Health::NotOk => "not ok",
        Health::Unknown => "unknown",
    };
    let mut text = String::new();
    for row in &doctor.rows {
        let seen = wrapped(&row.seen, WIDTH - INDENT);
        let cure = row.cure.iter().flat_map(|cure| wrapped(&format!("→ {cure}"), WIDTH - INDENT));
        for (n, line) in seen.into_iter().chain(cure).enumerate() {
            let (check, health) = if n == 0 { (&*row.check, health(row.health)) } else { ("", "") };
            writeln!(text, "{check:<14}{health:<10}{line}").ok();
        }
    }
    text
}

/// Breaks a text into lines at its spaces.
pub(super) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
