//! The report as people read it.

use super::{
    clean, doctor, evidence, history, running,
    v1::{
        Body, Check, Edit, Error, Image, Init, Load, Made, Operation, Outcome, Pin, PullRequest, Report,
        Unpinned,
    },
};
use crate::diff;
use anstyle::{AnsiColor, Style};
use std::fmt::Write as _;

const STEP: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const WARN: Style = AnsiColor::Yellow.on_default().bold();
const DIM: Style = Style::new().dimmed();

fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// Text that stands back.
pub(crate) fn dim(text: &str) -> String {
    styled(DIM, text)
}

/// A command as it is typed.
pub(crate) fn command(line: &str) -> String {
    format!("{} {}", styled(DIM, "$"), styled(Style::new().bold(), line))
}

/// `error: …`, and on a line of its own `hint: …`.
pub(crate) fn error(error: &Error) -> String {
    let mut text = format!("{} {}", styled(BAD, "error:"), error.message);
    if let Some(hint) = &error.hint {
        write!(text, "\n{} {hint}", styled(HINT, "hint:")).ok();
    }
    text
}

/// The story, for stderr, without a line break behind it.
pub(crate) fn story(report: &Report, verbose: bool) -> String {
    let lines = match &report.body {
        Body::Pin(pin) => of_pin(pin, report),
        Body::Check(check) => of_check(check, report.error.is_some(), verbose),
        Body::Doctor(doctor) => vec![doctor::sum(doctor)],
        Body::Init(init) => of_init(init),
        Body::Log(log) => history::log_sum(log),
        Body::Audit(audit) => vec![history::audit_sum(audit)],
        Body::Verify(verify) => running::sum(verify),
        Body::Resolve(_)
        | Body::VerifyImage(_)
        | Body::Schema { .. }
        | Body::File { .. }
        | Body::Empty {} => Vec::new(),
    };
    lines.join("\n")
}

/// The data, for stdout.
pub(crate) fn data(report: &Report) -> String {
    match &report.body {
        Body::Pin(pin) => match (&pin.commit, &pin.diff) {
            (Some(commit), _) => format!("{commit}\n"),
            (None, Some(diff)) => diff.clone(),
            (None, None) => String::new(),
        },
        Body::Init(init) => init.files.iter().map(made).collect(),
        Body::Resolve(resolve) => resolve
            .images
            .iter()
            .filter_map(|image| image.reference.as_ref())
            .fold(String::new(), |text, one| text + one + "\n"),
        Body::VerifyImage(found) => evidence::table(found),
        Body::Check(check) => table(&check.unpinned),
        Body::Doctor(doctor) => doctor::table(doctor),
        Body::Log(log) => history::log(log),
        Body::Audit(audit) => history::audit(audit),
        Body::Verify(verify) => running::table(verify),
        Body::Schema { schema } => serde_json::to_string_pretty(schema).unwrap_or_default() + "\n",
        Body::File { file } => file.clone(),
        Body::Empty {} => String::new(),
    }
}

/// A diff with its lines coloured; other data has no lines that begin so.
pub(crate) fn colored(data: &str) -> String {
    if !data.starts_with("--- ") {
        return data.to_owned();
    }
    let color = |line: &str| {
        let style = match line.as_bytes().first() {
            _ if line.starts_with("--- ") || line.starts_with("+++ ") => Style::new().bold(),
            Some(b'-') => AnsiColor::Red.on_default(),
            Some(b'+') => AnsiColor::Green.on_default(),
            Some(b'@') => AnsiColor::Cyan.on_default(),
            _ => Style::new(),
        };
        styled(style, line)
    };
    data.split('\n').map(color).collect::<Vec<_>>().join("\n")
}

pub(super) fn step(word: &str, text: &str) -> String {
    format!("{} {text}", styled(STEP, &format!("{word:<9}")))
}

/// The first 12 digits of an oid.
pub(super) fn short(oid: Option<&String>) -> &str {
    oid.map_or("?", |oid| oid.get(..12).unwrap_or(oid))
}

/// What tells one image from another where its name is known: digest, else tag.
pub(super) fn what(image: &str) -> String {
    match image.split_once('@') {
        Some((_, digest)) => {
            digest.split_once(':').map_or(digest, |(_, hex)| hex.get(..12).unwrap_or(hex)).to_owned()
        }
        None => image
            .rsplit_once(':')
            .filter(|(_, tag)| !tag.contains('/'))
            .map_or("no digest", |(_, tag)| tag)
            .to_owned(),
    }
}

fn of_pin(pin: &Pin, report: &Report) -> Vec<String> {
    let mut lines = Vec::new();
    // Before a digest is proven or declared there is nothing to tell of an image.
    for image in pin.images.iter().filter(|image| image.proof.is_some()) {
        lines.extend(of_image(image, pin));
    }
    lines.extend(of_edits(&pin.edits));
    let branch = clean::line(pin.branch.as_deref().unwrap_or_default());
    match report.outcome {
        Outcome::Pinned => {
            let again = match pin.decisions {
                Some(n) if n > 1 => format!(", decided {n} times"),
                _ => String::new(),
            };
            let (from, to) = (short(pin.expected_head.as_ref()), short(pin.commit.as_ref()));
            let text = format!("{branch} {from} → {to}{again}");
            let word = match pin.operation {
                Operation::Pin => "Pinned",
                Operation::Rollback => "Restored",
                Operation::Release => "Released",
                Operation::Promote => "Promoted",
            };
            lines.push(step(word, &format!("{text}  {}", dim(&cost(report.traffic.total, report.seconds)))));
        }
        Outcome::AlreadyPinned => {
            let text = format!("{branch} holds it already at {}", short(pin.commit.as_ref()));
            lines.push(step(
                "Unchanged",
                &format!("{text}  {}", dim(&cost(report.traffic.total, report.seconds))),
            ));
            lines.extend(pin.pull_request.as_ref().map(|pull| step("Closed", &pull_request(pull))));
        }
        Outcome::Proposed => {
            let text = pin.pull_request.as_ref().map(pull_request).unwrap_or_default();
            lines.push(step(
                "Proposed",
                &format!("{text}  {}", dim(&cost(report.traffic.total, report.seconds))),
            ));
        }
        Outcome::NothingDue => lines.push(step("Unchanged", "nothing is due")),
        Outcome::ChangesDue => {
            let text = match &pin.objection {
                Some(objection) => {
                    format!("{} {}", styled(WARN, "now, a pin would not land:"), objection.message)
                }
                None => format!("on {branch} at {}; nothing was written", short(pin.expected_head.as_ref())),
            };
            lines.push(step("Planned", &text));
        }
        _ => {}
    }
    let warning = |text: &String| format!("{} {text}", styled(WARN, "warning:"));
    lines.extend(pin.warnings.iter().map(warning));
    lines
}

fn pull_request(pull: &PullRequest) -> String {
    let how =
        pull.auto_merge.as_ref().map(|method| format!(", to be merged by {method}")).unwrap_or_default();
    format!("#{} {}{how}", pull.number, pull.url)
}

fn of_image(image: &Image, pin: &Pin) -> Vec<String> {
    let name = clean::line(&image.name);
    let digest = image.digest.as_deref().unwrap_or_default();
    let digest = digest
        .split_once(':')
        .map_or(String::new(), |(algorithm, hex)| format!("@{algorithm}:{}", hex.get(..12).unwrap_or(hex)));
    if image.proof.as_deref() == Some("declared") {
        return vec![step("Declared", &format!("{name}{digest}  {}", dim("no registry was asked")))];
    }
    let platforms = match image.platforms.len() {
        0 => String::new(),
        1 => dim(&image.platforms[0]),
        2..=4 => dim(&format!("index: {}", image.platforms.join(", "))),
        n => dim(&format!("index: {n} platforms")),
    };
    let mut lines = vec![step("Resolved", format!("{name}{digest}  {platforms}").trim_end())];
    lines.extend(evidence::story(image, pin.source_commit.as_ref()));
    lines
}

fn of_edits(edits: &[Edit]) -> Vec<String> {
    let place = |edit: &Edit| format!("{}:{}", clean::line(&edit.path), edit.line);
    let width = edits.iter().map(|edit| place(edit).chars().count()).max().unwrap_or_default();
    let line = |(n, edit): (usize, &Edit)| {
        let text = format!("{:<width$}  {} → {}", place(edit), what(&edit.from), what(&edit.to));
        step(if n == 0 { "Edited" } else { "" }, &text)
    };
    edits.iter().enumerate().map(line).collect()
}

fn cost(traffic: Load, seconds: f64) -> String {
    let time = if seconds < 0.1 { format!("{:.0} ms", seconds * 1000.0) } else { format!("{seconds:.1} s") };
    match (traffic.requests, traffic.sent + traffic.received) {
        (0, _) => time,
        (1, bytes) => format!("1 request, {}, {time}", size(bytes)),
        (n, bytes) => format!("{n} requests, {}, {time}", size(bytes)),
    }
}

fn size(bytes: u64) -> String {
    match bytes {
        0..1000 => format!("{bytes} B"),
        1000..1_000_000 => format!("{} KB", bytes.div_ceil(1000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

fn of_check(check: &Check, failed: bool, verbose: bool) -> Vec<String> {
    let mut lines = Vec::new();
    if verbose {
        let line = |skipped: &super::v1::Skipped| {
            dim(&clean::line(&format!("passed over {}: {}", skipped.path, skipped.why)))
        };
        lines.extend(check.skipped.iter().map(line));
    }
    if failed {
        return lines;
    }
    let files = |n: usize| if n == 1 { "1 file".to_owned() } else { format!("{n} files") };
    let (found, unpinned) = (check.found, check.unpinned.len());
    let images = if found == 1 { "1 image".to_owned() } else { format!("{found} images") };
    let verb = if unpinned == 1 { "is" } else { "are" };
    let within = files(check.files);
    lines.push(match (found, unpinned) {
        (0, _) => format!("no image in {within}"),
        (_, 0) => format!("{images} in {within}, all pinned by digest"),
        _ => format!("{unpinned} of {images} in {within} {verb} not pinned by digest"),
    });
    if !check.skipped.is_empty() {
        let hint = if verbose { "" } else { ": see -v" };
        lines.push(dim(&format!(
            "{} could not be read, as templates cannot{hint}",
            files(check.skipped.len())
        )));
    }
    lines
}

/// The path of a file that was written; one that was not, as a diff that `git apply` takes.
fn made(file: &Made) -> String {
    if file.written { format!("{}\n", file.path) } else { diff::created(&file.path, &file.text) }
}

fn of_init(init: &Init) -> Vec<String> {
    let mut lines: Vec<_> = init.images.iter().map(|image| step("Pins", &clean::line(image))).collect();
    lines.extend(init.others.iter().map(|image| step("Leaves", &dim(&clean::line(image)))));
    if init.files.iter().any(|file| file.written) {
        lines.push(step("Next", "make the App, give it its secrets, then look with: pinlib doctor"));
    }
    lines
}

/// `path:line:col  image  why`, in columns. One line an image, whatever a file is called.
fn table(unpinned: &[Unpinned]) -> String {
    let place = |one: &Unpinned| {
        let place = format!("{}:{}:{}", clean::line(&one.path), one.line, one.column);
        // A line that begins so is a command to GitHub's runner.
        if place.starts_with("::") { format!("./{place}") } else { place }
    };
    let rows: Vec<_> =
        unpinned.iter().map(|one| [place(one), clean::line(&one.image), one.why.clone()]).collect();
    // One long name does not push all others to the right.
    let width = |column: usize, limit: usize| {
        rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default().min(limit)
    };
    let (places, images) = (width(0, 48), width(1, 36));
    rows.iter().fold(String::new(), |mut text, [place, image, why]| {
        writeln!(text, "{place:<places$}  {image:<images$}  {why}").ok();
        text
    })
}
