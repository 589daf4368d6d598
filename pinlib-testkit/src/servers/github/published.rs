//! A process that holds what is said against GitHub's published schemas, kept for as long as the tests run.

use super::super::{missing, node_modules, program};
use serde_json::{Value, json};
use std::{
    io::{self, BufRead, BufReader, Write},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{Mutex, OnceLock, PoisonError},
};

/// The process, spoken to by one at a time. It ends when its input does.
#[derive(Debug)]
pub(super) struct Published(Mutex<(ChildStdin, BufReader<ChildStdout>)>);

impl Published {
    /// The one process of all tests; `None` where Python, its packages or the schemas are missing.
    pub(super) fn shared() -> io::Result<Option<&'static Self>> {
        static SHARED: OnceLock<Published> = OnceLock::new();
        static STARTING: Mutex<()> = Mutex::new(());
        let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        if SHARED.get().is_none() {
            let Some(python) = program("python3")? else { return Ok(None) };
            let mut command = Command::new(python);
            command.args(["-c", include_str!("published.py")]).arg(node_modules());
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
            let pipes = child.stdin.take().zip(child.stdout.take().map(BufReader::new));
            let started = Self(Mutex::new(pipes.ok_or(io::ErrorKind::BrokenPipe)?));
            let greeting = started.hear()?;
            if let Some(what) = greeting["missing"].as_str() {
                missing(what)?;
                return Ok(None);
            }
            return Ok(Some(SHARED.get_or_init(|| started)));
        }
        Ok(SHARED.get())
    }
    fn hear(&self) -> io::Result<Value> {
        let (_, output) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        next(output)
    }
    /// What it says to a message, as described in the script.
    pub(super) fn ask(&self, message: &Value) -> io::Result<Value> {
        let (input, output) = &mut *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(input, "{message}")?;
        next(output)
    }
    /// What is wrong with a REST request, and with the answer to it.
    pub(super) fn rest(
        &self,
        method: &str,
        target: &str,
        body: &str,
        answer: Option<(u16, &str)>,
    ) -> Vec<String> {
        let mut message = json!({"method": method, "target": target, "body": body});
        if let Some((status, answer)) = answer {
            message["status"] = status.into();
            message["answer"] = answer.into();
        }
        complaints(&self.ask(&json!({"rest": message})))
    }
}

/// The complaints in what it said; that it said nothing is one.
pub(super) fn complaints(said: &io::Result<Value>) -> Vec<String> {
    match said {
        Ok(said) => {
            let listed = said["complaints"].as_array().into_iter().flatten();
            listed.map(|one| one.as_str().unwrap_or_default().to_owned()).collect()
        }
        Err(error) => vec![format!("what looks up the schemas has ended: {error}")],
    }
}

fn next(output: &mut impl BufRead) -> io::Result<Value> {
    let mut line = String::new();
    output.read_line(&mut line)?;
    serde_json::from_str(&line).map_err(io::Error::other)
}
