//! Requests in, answers out, and what goes wrong on the way.

use super::{
    Hub,
    settings::{Lost, Meddling},
};
use crate::servers::{pause, script::Request};
use serde_json::{Value, json};
use std::{
    fmt::Display,
    io::{self, BufReader, Write},
    net::TcpStream,
    sync::atomic::Ordering::Relaxed,
    time::Duration,
};

/// An answer, not yet written.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".into(), "application/json; charset=utf-8".into())];
        Self { status, headers, body: body.to_string() }
    }
    pub(super) fn ok(body: &Value) -> Self {
        Self::json(200, body)
    }
    /// An error as the REST API words it.
    pub(super) fn refused(status: u16, message: &str) -> Self {
        let help = "https://docs.github.com/rest";
        let body = json!({"message": message, "documentation_url": help, "status": status.to_string()});
        Self::json(status, &body)
    }
    pub(super) fn not_found() -> Self {
        Self::refused(404, "Not Found")
    }
    pub(super) fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((name.into(), value.to_string()));
        self
    }
    /// As it is written. HTTP/1.1 keeps the connection unless told otherwise.
    fn bytes(&self) -> Vec<u8> {
        let reason = match self.status {
            200 => "OK",
            201 => "Created",
            204 => "No Content",
            301 => "Moved Permanently",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            422 => "Unprocessable Entity",
            429 => "Too Many Requests",
            500 => "Internal Server Error",
            502 => "Bad Gateway",
            503 => "Service Unavailable",
            504 => "Gateway Timeout",
            _ => "Status",
        };
        let lines = self.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        let length = if self.status == 204 {
            String::new()
        } else {
            format!("content-length: {}\r\n", self.body.len())
        };
        let head = format!("HTTP/1.1 {} {reason}\r\n{}{length}\r\n", self.status, lines.collect::<String>());
        [head.as_bytes(), self.body.as_bytes()].concat()
    }
}

/// Answers on a connection until it ends.
pub(super) fn talk(hub: &Hub, stream: &TcpStream) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    while let Some(request) = Request::next(&mut reader)? {
        if hub.stop.load(Relaxed) || !one(hub, stream, &request)? {
            break;
        }
    }
    Ok(())
}

/// Answers one request; whether the connection goes on.
fn one(hub: &Hub, mut stream: &TcpStream, request: &Request) -> io::Result<bool> {
    hub.heard(request);
    let keep = request.header("connection").is_none_or(|word| !word.eq_ignore_ascii_case("close"));
    let answer = match hub.meddling(request) {
        None => hub.serve(request),
        Some(Meddling::Answer { status, headers, body }) => hub.dated(Answer { status, headers, body }),
        Some(Meddling::Twice) => {
            hub.serve(request);
            hub.serve(request)
        }
        Some(Meddling::Late(time)) => {
            sleep(time);
            hub.serve(request)
        }
        Some(Meddling::Replace(change)) => {
            let mut answer = hub.serve(request);
            answer.body = change(answer.body);
            answer
        }
        Some(Meddling::AfterServing(lost)) => return Ok(lose(stream, lost, &hub.serve(request))? && keep),
        Some(Meddling::Before(lost)) => {
            return Ok(lose(stream, lost, &hub.dated(Answer::ok(&json!({"data": null}))))? && keep);
        }
    };
    stream.write_all(&answer.bytes())?;
    Ok(keep)
}

fn sleep(time: Duration) {
    pause(u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
}

/// Loses an answer; whether the connection could go on.
fn lose(mut stream: &TcpStream, how: Lost, answer: &Answer) -> io::Result<bool> {
    match how {
        Lost::Close => {}
        Lost::Hang(time) => sleep(time),
        Lost::Cut => {
            let bytes = answer.bytes();
            let kept = bytes.len() - (answer.body.len() / 2).max(1);
            stream.write_all(&bytes[..kept])?;
        }
        Lost::Status(status) => {
            let body = "<html><head><title>Unicorn!</title></head><body></body></html>\n".into();
            let page = Answer { status, headers: Vec::new(), body };
            stream.write_all(&page.header("content-type", "text/html; charset=utf-8").bytes())?;
            return Ok(true);
        }
    }
    Ok(false)
}
