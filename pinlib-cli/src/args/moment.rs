//! A moment, as people and JSON write it. It filters what is shown, and orders nothing.

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, SecondsFormat};
use std::{
    fmt,
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

/// Whole seconds since the epoch; written in UTC: as RFC 3339, or a day for its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(pub(crate) i64);

impl FromStr for Moment {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let day = || Some(text.parse::<NaiveDate>().ok()?.and_hms_opt(0, 0, 0)?.and_utc());
        let moment = DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc()).or_else(day);
        let moment = moment.context("want a day, as 2026-03-31, or a moment, as 2026-03-31T14:00:00Z")?;
        Ok(Self(moment.timestamp()))
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        // A clock before the epoch is a broken one.
        let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self(i64::try_from(seconds).unwrap_or(i64::MAX))
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::from_timestamp(self.0, 0) {
            Some(moment) => f.write_str(&moment.to_rfc3339_opts(SecondsFormat::Secs, true)),
            // Git takes any number for a date; this is how it writes one.
            None => write!(f, "@{}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_day_is_its_beginning_and_every_zone_is_utc() {
        let text = |text: &str| text.parse::<Moment>().map(|moment| moment.to_string()).unwrap_or_default();
        assert_eq!(text("2026-03-31"), "2026-03-31T00:00:00Z");
        assert_eq!(text("2026-03-31T01:30:00+02:00"), "2026-03-30T23:30:00Z");
        assert_eq!(text("yesterday"), "");
        assert_eq!(Moment(i64::MAX).to_string(), format!("@{}", i64::MAX));
    }
}
