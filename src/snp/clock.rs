//! A moment, to the second. In: the clock, or a text of RFC 3339. Out: the same. Never: a local time zone.

use crate::{Error, Kind, Result};
use std::fmt;
use std::time::SystemTime;
use x509_cert::der::DateTime;
use x509_cert::time::Time;

/// A moment in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(DateTime);

impl Moment {
    /// Now, by this machine's clock.
    ///
    /// # Errors
    /// `Kind::State`: the clock stands before 1970.
    pub fn now() -> Result<Self> {
        DateTime::from_system_time(SystemTime::now()).map(Self).map_err(|e| {
            Error::new(Kind::State, "this machine's clock cannot be used").because(e.to_string())
        })
    }

    /// `2026-01-31T12:00:00Z`, or `2026-01-31` for the beginning of that day.
    ///
    /// # Errors
    /// `Kind::Usage`.
    pub fn parse(text: &str) -> Result<Self> {
        let whole = if text.contains('T') { text.to_owned() } else { format!("{text}T00:00:00Z") };
        whole.parse().map(Self).map_err(|_| {
            Error::new(Kind::Usage, "not a time")
                .found(format!("'{text}'"))
                .wanted("such as 2026-01-31T12:00:00Z or 2026-01-31")
        })
    }
}

impl From<Time> for Moment {
    fn from(time: Time) -> Self {
        Self(time.to_date_time())
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_day_or_a_second() {
        let day = Moment::parse("2026-01-31").unwrap();
        assert_eq!(day.to_string(), "2026-01-31T00:00:00Z");
        assert!(day < Moment::parse("2026-01-31T00:00:01Z").unwrap());
        assert!(day < Moment::now().unwrap());
        for text in ["", "T", "yesterday", "2026-02-30", "2026-01-31T12:00:00+01:00"] {
            assert_eq!(Moment::parse(text).unwrap_err().kind(), Kind::Usage, "{text}");
        }
    }
}
