//! Points in time, in microseconds.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis * 1_000)
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Whole milliseconds since the epoch.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This time plus a duration.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)))
    }

    /// How long from `earlier` until this time; zero when it was not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `2025-11-25T02:26:54.123+0000`: functions and layers (`spec/lambda-api.md` section 1).
    pub fn lambda_text(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S%.3f+0000")
    }

    /// `2025-11-25T02:26:54.123Z`: logs and telemetry.
    pub fn rfc3339_millis(self) -> String {
        self.format("%Y-%m-%dT%H:%M:%S%.3fZ")
    }

    /// Whether a text is a time as RFC 3339 has it, with its offset.
    pub fn is_rfc3339(text: &str) -> bool {
        text.parse::<jiff::Timestamp>().is_ok()
    }

    /// By a strftime pattern, in UTC.
    pub fn format(self, pattern: &str) -> String {
        // jiff reaches from the year -9999 to 9999; what lies outside is shown as the epoch.
        let instant = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let truncated = instant.in_tz_utc();
        jiff::fmt::strtime::format(pattern, &truncated).unwrap_or_default()
    }
}

/// UTC without a time zone database.
trait InUtc {
    fn in_tz_utc(self) -> jiff::Zoned;
}

impl InUtc for jiff::Timestamp {
    fn in_tz_utc(self) -> jiff::Zoned {
        self.to_zoned(jiff::tz::TimeZone::UTC)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.rfc3339_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_spelled_as_aws_spells_them() {
        let time = Timestamp::from_micros(1_764_037_614_123_456);
        assert_eq!(time.lambda_text(), "2025-11-25T02:26:54.123+0000");
        assert_eq!(time.rfc3339_millis(), "2025-11-25T02:26:54.123Z");
        assert_eq!(time.format("%Y/%m/%d"), "2025/11/25");
    }
}
