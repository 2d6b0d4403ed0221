//! Points in time as the protocols write them. The value is microseconds since the epoch.

use hearth_world::Timestamp;
use jiff::fmt::rfc2822;

use crate::model::TimestampFormat;

const MICROS_PER_SECOND: i64 = 1_000_000;

/// Writes a point in time.
pub(super) fn write(micros: i64, format: TimestampFormat) -> String {
    let time = Timestamp::from_micros(micros);
    match format {
        TimestampFormat::EpochSeconds => epoch_seconds(micros),
        TimestampFormat::Iso8601 => time.format("%Y-%m-%dT%H:%M:%SZ"),
        TimestampFormat::HttpDate => time.format("%a, %d %b %Y %H:%M:%S GMT"),
    }
}

/// Reads a point in time in whatever form a client chose: SDKs disagree, and the forms cannot be confused.
pub(super) fn read(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_microsecond());
    }
    if let Ok(seconds) = text.parse::<f64>() {
        return from_epoch_seconds(seconds);
    }
    rfc2822::parse(text).ok().map(|time| time.timestamp().as_microsecond())
}

/// Seconds with a fraction, as JSON numbers carry them.
#[allow(clippy::cast_possible_truncation, reason = "a float is saturated when cast, and checked before")]
pub(super) fn from_epoch_seconds(seconds: f64) -> Option<i64> {
    let micros = (seconds * MICROS_PER_SECOND as f64).round();
    (micros.is_finite() && micros.abs() < i64::MAX as f64).then_some(micros as i64)
}

/// Seconds, as an integer where they are whole.
#[allow(clippy::cast_precision_loss, reason = "a double holds microseconds until the year 2255")]
pub(super) fn whole_seconds(micros: i64) -> Result<i64, f64> {
    match micros % MICROS_PER_SECOND {
        0 => Ok(micros / MICROS_PER_SECOND),
        _ => Err(micros as f64 / MICROS_PER_SECOND as f64),
    }
}

fn epoch_seconds(micros: i64) -> String {
    let (seconds, fraction) = (micros.div_euclid(MICROS_PER_SECOND), micros.rem_euclid(MICROS_PER_SECOND));
    if fraction == 0 || seconds < 0 {
        return seconds.to_string();
    }
    format!("{seconds}.{fraction:06}").trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_each_format_and_read_back() {
        let check = |micros: i64, format: TimestampFormat, text: &str, back: i64| {
            assert_eq!(write(micros, format), text);
            assert_eq!(read(text), Some(back), "{text}");
        };
        let (time, second) = (1_764_037_614_123_000, 1_764_037_614_000_000);
        check(time, TimestampFormat::EpochSeconds, "1764037614.123", time);
        check(second, TimestampFormat::EpochSeconds, "1764037614", second);
        check(time, TimestampFormat::Iso8601, "2025-11-25T02:26:54Z", second);
        check(time, TimestampFormat::HttpDate, "Tue, 25 Nov 2025 02:26:54 GMT", second);
        assert_eq!(read("tomorrow"), None);
        assert_eq!(read("1e300"), None);
    }
}
