//! Times as GitHub writes them.

use jiff::{
    Timestamp,
    fmt::rfc2822::DateTimePrinter,
    tz::{Offset, TimeZone},
};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or_default()
}

/// As in `2026-01-31T12:00:00Z`.
pub(super) fn utc(seconds: i64) -> String {
    at(seconds).to_string()
}

/// As in `2026-01-31T13:00:00+01:00`, in git's zone, which reads `+0100`.
pub(super) fn zoned(seconds: i64, zone: &str) -> String {
    let minutes: i32 = zone.parse().map(|zone: i32| zone / 100 * 60 + zone % 100).unwrap_or_default();
    let offset = Offset::from_seconds(minutes * 60).unwrap_or(Offset::UTC);
    let shown = at(seconds).to_zoned(TimeZone::fixed(offset)).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string();
    shown.replace("+00:00", "Z")
}

/// As in the header `date`.
pub(super) fn http(seconds: i64) -> String {
    DateTimePrinter::new().timestamp_to_rfc9110_string(&at(seconds)).unwrap_or_default()
}
