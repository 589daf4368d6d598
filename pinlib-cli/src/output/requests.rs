//! What `-v` and `-vv` tell of the work: each request, and the trace.

use std::io::{self, Write as _};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    Layer,
    filter::Targets,
    layer::{Context, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// Listens to the library: with 1 to its requests, with 2 or more to everything.
pub(crate) fn listen(verbose: u8) {
    let requests = Requests.with_filter(Targets::new().with_target("pinlib::http", tracing::Level::INFO));
    let trace = (verbose > 1).then(|| {
        let format = tracing_subscriber::fmt::layer().without_time().with_ansi(false).with_writer(io::stderr);
        format.with_filter(Targets::new().with_target("pinlib", tracing::Level::TRACE))
    });
    if verbose > 0 {
        tracing_subscriber::registry().with(requests).with(trace).try_init().ok();
    }
}

/// One line a request: method, place, status, bytes, time.
struct Requests;

impl<S: Subscriber> Layer<S> for Requests {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut line = Line::default();
        event.record(&mut line);
        let Line { method, place, status, sent, received, milliseconds } = line;
        let status = if status == 0 { "no answer".to_owned() } else { status.to_string() };
        let text = format!("{method:<5} {place}  {status}, {sent} B out, {received} B in, {milliseconds} ms");
        writeln!(io::stderr(), "{}", super::clean::line(&text)).ok();
    }
}

#[derive(Default)]
struct Line {
    method: String,
    place: String,
    status: u64,
    sent: u64,
    received: u64,
    milliseconds: u64,
}

impl Visit for Line {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "status" => self.status = value,
            "sent" => self.sent = value,
            "received" => self.received = value,
            "milliseconds" => self.milliseconds = value,
            _ => {}
        }
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "method" => value.clone_into(&mut self.method),
            "place" => value.clone_into(&mut self.place),
            _ => {}
        }
    }
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}
