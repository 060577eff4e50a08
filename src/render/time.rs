//! Points in time as text: exact for programs, short for people.

use super::Times;
use super::sink::push_integer;
use crate::model::{Timestamp, Zone};
use chrono::{NaiveDateTime, NaiveTime, Offset, Timelike};

const NS_PER_S: i64 = 1_000_000_000;

/// Appends `ns` (since the Unix epoch) exactly, as `times` says.
pub(super) fn push_exact(buffer: &mut Vec<u8>, ns: i64, times: Times, zone: Zone) {
    match times {
        Times::Ns => push_integer(buffer, ns),
        Times::S => push_seconds(buffer, ns),
        Times::Rfc3339 => push_rfc3339(buffer, ns),
        Times::Local => buffer.extend_from_slice(Timestamp(ns).rfc3339_in(zone).as_bytes()),
    }
}

/// Appends whole seconds and, without trailing zeros, their fraction.
fn push_seconds(buffer: &mut Vec<u8>, ns: i64) {
    let size = ns.unsigned_abs();
    if ns < 0 {
        buffer.push(b'-');
    }
    push_integer(buffer, (size / NS_PER_S as u64) as i64);
    let fraction = size % NS_PER_S as u64;
    if fraction > 0 {
        buffer.push(b'.');
        push_padded(buffer, fraction, 9);
        while buffer.last() == Some(&b'0') {
            buffer.pop();
        }
    }
}

/// Appends RFC 3339 in UTC with 0, 3, 6 or 9 digits of the second, as [`Timestamp::rfc3339`] does, but fast.
fn push_rfc3339(buffer: &mut Vec<u8>, ns: i64) {
    let (seconds, fraction) = (ns.div_euclid(NS_PER_S), ns.rem_euclid(NS_PER_S) as u64);
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400) as u64;
    let parts = [
        (year, 4, b'-'),
        (month, 2, b'-'),
        (day, 2, b'T'),
        (second / 3600, 2, b':'),
        (second / 60 % 60, 2, b':'),
        (second % 60, 2, b'.'),
    ];
    for (part, digits, after) in parts {
        push_padded(buffer, part, digits);
        buffer.push(after);
    }
    match fraction {
        0 => {
            buffer.pop();
        }
        f if f % 1_000_000 == 0 => push_padded(buffer, f / 1_000_000, 3),
        f if f % 1_000 == 0 => push_padded(buffer, f / 1_000, 6),
        f => push_padded(buffer, f, 9),
    }
    buffer.push(b'Z');
}

/// Appends `value` with leading zeros up to `digits`.
fn push_padded(buffer: &mut Vec<u8>, mut value: u64, digits: usize) {
    let start = buffer.len();
    buffer.resize(start + digits, b'0');
    for digit in buffer[start..].iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Year, month and day of the day `days` after 1970-01-01, in the years 1 to 9999.
///
/// Source: Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil(days: i64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year as u64, month as u64, day as u64)
}

/// A column of local times: what its header says beside the name, and its cells.
pub(super) struct LocalTimes {
    /// The zone's offset or name, for the header; `None` where each cell has its own offset.
    pub(super) zone: Option<String>,
    /// The cells.
    pub(super) cells: Vec<Option<String>>,
}

/// Writes times for people: wall-clock time of `zone`, as fine as the finest of them needs and all alike. The offset stands
/// in the header where it is the same for all, else beside each time.
pub(super) fn local(times: &[Option<i64>], zone: Zone) -> LocalTimes {
    let walls: Vec<Option<(NaiveDateTime, i32)>> = times
        .iter()
        .map(|ns| {
            ns.map(|ns| {
                let local = zone.local(Timestamp(ns));
                (local.naive_local(), local.offset().fix().local_minus_utc())
            })
        })
        .collect();
    let pattern = pattern(walls.iter().flatten().map(|w| w.0.time()));
    let first = walls.iter().flatten().next().map(|w| w.1);
    let same = walls.iter().flatten().all(|w| Some(w.1) == first);
    let header = match first {
        _ if pattern == DATE => Some(zone.name().to_owned()),
        None => None,
        Some(_) if zone == Zone::UTC => Some("UTC".to_owned()),
        Some(offset) => same.then(|| offset_text(offset)),
    };
    let write = |(wall, offset): &(NaiveDateTime, i32)| {
        let text = wall.format(pattern).to_string();
        if header.is_none() { format!("{text} {}", offset_text(*offset)) } else { text }
    };
    let cells = walls.iter().map(|w| w.as_ref().map(write)).collect();
    LocalTimes { zone: header, cells }
}

const DATE: &str = "%Y-%m-%d";

/// The shortest pattern that tells all of `times` of day: a date alone only where at least two are there and all are midnight.
fn pattern(times: impl Iterator<Item = NaiveTime>) -> &'static str {
    let (mut count, mut midnight, mut fine) = (0, true, 0);
    for time in times {
        count += 1;
        midnight &= time.num_seconds_from_midnight() == 0 && time.nanosecond() == 0;
        fine = fine.max(match time.nanosecond() {
            0 if time.second() == 0 => 0,
            0 => 1,
            ns if ns % 1_000_000 == 0 => 2,
            ns if ns % 1_000 == 0 => 3,
            _ => 4,
        });
    }
    match fine {
        0 if midnight && count >= 2 => DATE,
        0 => "%Y-%m-%d %H:%M",
        1 => "%Y-%m-%d %H:%M:%S",
        2 => "%Y-%m-%d %H:%M:%S%.3f",
        3 => "%Y-%m-%d %H:%M:%S%.6f",
        _ => "%Y-%m-%d %H:%M:%S%.9f",
    }
}

/// `+01:00`, with seconds where an old zone has some.
fn offset_text(seconds: i32) -> String {
    let (sign, size) = (if seconds < 0 { '-' } else { '+' }, seconds.unsigned_abs());
    let text = format!("{sign}{:02}:{:02}", size / 3600, size / 60 % 60);
    if size % 60 == 0 { text } else { format!("{text}:{:02}", size % 60) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(ns: i64, times: Times) -> String {
        let mut buffer = Vec::new();
        push_exact(&mut buffer, ns, times, "Europe/Berlin".parse().unwrap());
        String::from_utf8(buffer).unwrap()
    }

    #[test]
    fn a_time_has_an_exact_form_of_each_kind() {
        let forms = |ns| Times::ALL.map(|t| exact(ns, t));
        assert_eq!(
            forms(1_795_172_400_500_000_000),
            ["2026-11-20T11:00:00.500Z", "1795172400500000000", "1795172400.5", "2026-11-20T12:00:00.500+01:00"]
        );
        assert_eq!(exact(-500_000_000, Times::S), "-0.5");
        assert_eq!(exact(i64::MIN, Times::S), "-9223372036.854775808");
    }

    fn cells(times: &[&str], zone: &str) -> (Option<String>, Vec<String>) {
        let ns: Vec<_> = times.iter().map(|t| Timestamp::parse(t, Zone::UTC).map(|t| t.0)).collect();
        let local = local(&ns, zone.parse().unwrap());
        (local.zone, local.cells.into_iter().map(Option::unwrap_or_default).collect())
    }

    #[test]
    fn local_times_are_as_fine_as_the_finest_needs() {
        let (zone, times) = cells(&["2026-11-20T11:00:00Z", "2026-11-20T11:05:00Z"], "Europe/Berlin");
        assert_eq!((zone.as_deref(), times[0].as_str()), (Some("+01:00"), "2026-11-20 12:00"));
        let (_, times) = cells(&["2026-11-20T11:00:00Z", "2026-11-20T11:05:00.25Z"], "UTC");
        assert_eq!(times, ["2026-11-20 11:00:00.000", "2026-11-20 11:05:00.250"]);
    }

    #[test]
    fn a_change_of_the_clocks_puts_the_offset_beside_each_time() {
        let (zone, times) = cells(&["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"], "Europe/Berlin");
        assert_eq!(zone, None);
        assert_eq!(times, ["2026-10-25 02:30 +02:00", "2026-10-25 02:30 +01:00"]);
    }

    #[test]
    fn whole_days_are_dates_in_a_named_zone() {
        let (zone, times) = cells(&["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"], "Europe/Berlin");
        assert_eq!(zone.as_deref(), Some("Europe/Berlin"));
        assert_eq!(times, ["2026-10-25", "2026-10-26"]);
    }

    proptest! {
        #[test]
        fn the_fast_form_is_the_one_of_the_calendar_library(ns in any::<i64>(), digits in 0u32..10) {
            let ns = ns / 10i64.pow(digits) * 10i64.pow(digits);
            prop_assert_eq!(exact(ns, Times::Rfc3339), Timestamp(ns).rfc3339());
        }
    }
}
