//! Values of options that are more than a word: each is parsed here, so that a command gets a type that cannot be wrong.

use crate::error::{Error, Result, printable};
use crate::model::{Dimension, Duration, Timestamp, Unit, Zone};
use crate::query::ast::Instant;
use std::str::FromStr;

/// `key=value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// Before the first `=`; never empty.
    pub key: String,
    /// After it.
    pub value: String,
}

impl FromStr for Pair {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok(Self { key: key.to_owned(), value: value.to_owned() }),
            _ => Err("expected NAME=VALUE".to_owned()),
        }
    }
}

/// `METRIC=UNIT`, where the metric may be a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitOf {
    /// Before the last `=`; never empty.
    pub metric: String,
    /// After it.
    pub unit: Unit,
}

impl FromStr for UnitOf {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.rsplit_once('=') {
            Some((metric, unit)) if !metric.is_empty() => Ok(Self { metric: metric.to_owned(), unit: unit.parse()? }),
            _ => Err("expected METRIC=UNIT, such as decision=ms".to_owned()),
        }
    }
}

/// An amount of memory: `2GiB`, `500MB`, `1048576`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bytes(
    /// How many; at least one.
    pub u64,
);

impl FromStr for Bytes {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no amount of memory, such as 2GiB, 500MB or 1048576", printable(text));
        let text = text.trim();
        let (number, symbol) =
            text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()));
        let number: f64 = number.parse().map_err(|_| wrong())?;
        let factor = match symbol.trim() {
            "" => 1.0,
            symbol => {
                let unit: Unit = symbol.parse().map_err(|_| wrong())?;
                if unit.dimension() == Dimension::Information { unit.factor() } else { return Err(wrong()) }
            }
        };
        let bytes = number * factor;
        if (1.0..=u64::MAX as f64).contains(&bytes) { Ok(Self(bytes as u64)) } else { Err(wrong()) }
    }
}

/// Reads a span of fixed length, such as a time limit.
///
/// # Errors
/// What is no duration, or has calendar units.
pub fn wait_of(text: &str) -> Result<std::time::Duration, String> {
    let span: Duration = text.parse()?;
    match u64::try_from(span.ns) {
        Ok(ns) if span.is_fixed() => Ok(std::time::Duration::from_nanos(ns)),
        _ => Err(format!("`{}` has no fixed length: use ms, s, m or h", printable(text))),
    }
}

/// A point in time as typed: `1h` (that long ago), `2026-11-20`, `2026-11-20T12:00:00Z`, `now`, `today`, `yesterday`, `@1795172400`.
#[derive(Debug, Clone, PartialEq)]
pub struct Moment(Instant);

impl FromStr for Moment {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let instant = match text.to_ascii_lowercase().as_str() {
            "now" => Instant::Now,
            "today" => Instant::Today,
            "yesterday" => Instant::Yesterday,
            word => match (word.strip_prefix('@').map(unix_ns), text.parse()) {
                (Some(Some(ns)), _) => Instant::Unix(ns),
                (_, Ok(ago)) => Instant::Ago(ago),
                _ if Timestamp::parse(text, Zone::UTC).is_some() => Instant::Written(text.to_owned()),
                _ => {
                    let examples =
                        "1h (that long ago), 2026-11-20, 2026-11-20T12:00:00Z, now, today, yesterday or @unix-seconds";
                    return Err(format!("`{}` is no point in time, such as {examples}", printable(text)));
                }
            },
        };
        Ok(Self(instant))
    }
}

/// Seconds since the Unix epoch with up to nine decimals, in ns.
fn unix_ns(text: &str) -> Option<i64> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    let only_digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    if digits.is_empty() || !only_digits(digits) || !only_digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let ns: i64 = format!("{decimals:0<9}").parse().ok()?;
    let seconds = whole.parse::<i64>().ok()?.checked_mul(1_000_000_000)?;
    if whole.starts_with('-') { seconds.checked_sub(ns) } else { seconds.checked_add(ns) }
}

impl Moment {
    /// The point in time, seen from `now` in `zone`.
    ///
    /// # Errors
    /// A time outside the years 1677 to 2262.
    pub fn resolve(&self, now: Timestamp, zone: Zone) -> Result<Timestamp> {
        const DAY: Duration = Duration { months: 0, days: 1, ns: 0 };
        let today = Timestamp(DAY.bucket(now.0, zone).0);
        let found = match &self.0 {
            Instant::Ago(span) => span.before(now, zone),
            Instant::Written(text) => Timestamp::parse(text, zone),
            Instant::Now => Some(now),
            Instant::Today => Some(today),
            Instant::Yesterday => DAY.before(today, zone),
            Instant::Unix(ns) => Some(Timestamp(*ns)),
        };
        found.ok_or_else(|| Error::usage("a point in time lies outside of the years 1677 to 2262"))
    }
}

/// What `--now` takes.
#[derive(Debug, Clone, PartialEq)]
pub enum NowArg {
    /// The time of the newest sample asked for.
    Latest,
    /// This point in time.
    At(Moment),
}

impl FromStr for NowArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("latest") { Ok(Self::Latest) } else { text.parse().map(Self::At) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_amount_of_memory_takes_the_units_of_bytes() {
        let bytes = |t: &str| t.parse::<Bytes>().map(|b| b.0);
        assert_eq!(bytes("2GiB"), Ok(2 << 30));
        assert_eq!(bytes("1.5 kB"), Ok(1500));
        assert_eq!(bytes("1048576"), Ok(1 << 20));
        for wrong in ["", "GiB", "2ms", "-1", "0", "1e3", "99999999999TiB", "1.2.3MB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pairs_split_where_they_must() {
        let pair: Pair = "expr=a=b".parse().unwrap();
        assert_eq!((pair.key.as_str(), pair.value.as_str()), ("expr", "a=b"));
        let unit: UnitOf = "a=b=ms".parse().unwrap();
        assert_eq!((unit.metric.as_str(), unit.unit.symbol()), ("a=b", "ms"));
        assert!("=x".parse::<Pair>().is_err() && "x".parse::<Pair>().is_err() && "=ms".parse::<UnitOf>().is_err());
    }

    #[test]
    fn a_moment_is_seen_from_now_in_a_zone() {
        let zone = "Europe/Berlin".parse().unwrap();
        let now = Timestamp::parse("2026-11-20T12:00:00Z", Zone::UTC).unwrap();
        let at = |t: &str| t.parse::<Moment>().unwrap().resolve(now, zone).unwrap().rfc3339();
        assert_eq!(at("90m"), "2026-11-20T10:30:00Z");
        assert_eq!(at("2026-11-20"), "2026-11-19T23:00:00Z");
        assert_eq!(at("Today"), "2026-11-19T23:00:00Z");
        assert_eq!(at("yesterday"), "2026-11-18T23:00:00Z");
        assert_eq!(at("@1795172400.5"), "2026-11-20T11:00:00.500Z");
        assert_eq!(at("@-0.5"), "1969-12-31T23:59:59.500Z");
        assert_eq!(at("now"), "2026-11-20T12:00:00Z");
        assert_eq!("LATEST".parse::<NowArg>(), Ok(NowArg::Latest));
        assert!("soon".parse::<NowArg>().is_err());
        assert!("999y".parse::<Moment>().unwrap().resolve(now, zone).is_err());
    }

    #[test]
    fn a_wait_has_a_fixed_length() {
        assert_eq!(wait_of("1m30s"), Ok(std::time::Duration::from_secs(90)));
        assert!(wait_of("1d").is_err() && wait_of("soon").is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,24}|@?-?[0-9.]{0,24}[a-zA-Z]{0,3}") {
            let _ = (text.parse::<Bytes>(), text.parse::<NowArg>(), text.parse::<UnitOf>(), wait_of(&text));
            if let Ok(moment) = text.parse::<Moment>() {
                let _ = moment.resolve(Timestamp(0), Zone::UTC);
            }
        }
    }
}
