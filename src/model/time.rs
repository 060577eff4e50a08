//! Points in time, spans, ranges and zones.

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, TimeZone, Utc};
use std::fmt;
use std::str::FromStr;

/// A point in time: ns since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(pub i64);

/// A half-open range of time: `start` is in, `end` is out. `i64::MAX` as `end` means that there is no upper bound, and
/// `i64::MIN` as `start` that there is no lower one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TimeRange {
    /// First time in the range, ns.
    pub start: i64,
    /// First time after the range, ns.
    pub end: i64,
}

impl TimeRange {
    /// All of time.
    pub const ALL: Self = Self { start: i64::MIN, end: i64::MAX };

    /// Whether `time` (ns) lies inside.
    pub fn contains(&self, time: i64) -> bool {
        self.start <= time && time < self.end
    }

    /// Whether nothing lies inside.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Whether all of `first..=last` (ns) lies inside.
    pub fn covers(&self, first: i64, last: i64) -> bool {
        self.start <= first && last < self.end
    }

    /// Whether some of `first..=last` (ns) lies inside.
    pub fn touches(&self, first: i64, last: i64) -> bool {
        first < self.end && last >= self.start
    }
}

/// The zone that calendar days and bare dates follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone(chrono_tz::Tz);

impl Zone {
    /// Coordinated universal time.
    pub const UTC: Self = Self(chrono_tz::UTC);

    /// The machine's zone, or UTC where it cannot be told. `TZ` comes before the system's setting.
    pub fn of_machine() -> Self {
        let from_env =
            std::env::var("TZ").ok().map(|tz| tz.trim_start_matches(':').to_owned()).filter(|tz| !tz.is_empty());
        let name = from_env.or_else(|| iana_time_zone::get_timezone().ok());
        name.and_then(|n| n.parse().ok()).unwrap_or(Self::UTC)
    }

    /// The IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The wall-clock time of `at` in this zone, with its offset.
    pub fn local(self, at: Timestamp) -> DateTime<chrono_tz::Tz> {
        at.utc().with_timezone(&self.0)
    }

    /// The moment at which this zone's clocks show `wall`. A time that occurs twice is its first occurrence; one that a
    /// jump leaves out is the moment of the jump.
    pub fn at_wall(self, wall: NaiveDateTime) -> Option<Timestamp> {
        let found = match self.0.from_local_datetime(&wall) {
            LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t,
            LocalResult::None => {
                // Clocks jump by at most some hours: the first valid minute after the gap is the moment of the jump.
                let mut later = wall;
                loop {
                    later = later.checked_add_signed(chrono::TimeDelta::minutes(15))?;
                    if let Some(t) = self.0.from_local_datetime(&later).earliest() {
                        let back = later - wall;
                        let jump = t.checked_sub_signed(back)?;
                        // `jump` lies before the gap by the gap's own length at most; step on to the first moment whose wall is past it.
                        break self.first_after_gap(jump, t);
                    }
                    if later - wall > chrono::TimeDelta::days(2) {
                        return None;
                    }
                }
            }
        };
        found.timestamp_nanos_opt().map(Timestamp)
    }

    fn first_after_gap(
        self,
        before: DateTime<chrono_tz::Tz>,
        after: DateTime<chrono_tz::Tz>,
    ) -> DateTime<chrono_tz::Tz> {
        let offset = |t: &DateTime<chrono_tz::Tz>| t.naive_local() - t.naive_utc();
        let (mut low, mut high) = (before.timestamp(), after.timestamp());
        let target = offset(&after);
        while low + 1 < high {
            let mid = low + (high - low) / 2;
            let Some(t) = self.0.timestamp_opt(mid, 0).single() else { break };
            if offset(&t) == target { high = mid } else { low = mid }
        }
        self.0.timestamp_opt(high, 0).single().unwrap_or(after)
    }
}

impl FromStr for Zone {
    type Err = String;
    fn from_str(name: &str) -> Result<Self, String> {
        if name.eq_ignore_ascii_case("z") {
            return Ok(Self::UTC);
        }
        name.parse::<chrono_tz::Tz>()
            .ok()
            .or_else(|| chrono_tz::TZ_VARIANTS.into_iter().find(|tz| tz.name().eq_ignore_ascii_case(name)))
            .map(Self)
            .ok_or_else(|| format!("`{name}` is no time zone of the IANA list, such as Europe/Berlin or UTC"))
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Timestamp {
    /// Reads an RFC 3339 date or date-time, `now`-free: `2026-11-20`, `2026-11-20T12:00:00Z`, `2026-11-20 12:00:00.5+01:00`.
    /// What has no offset is wall-clock time of `zone`. `None` where the text is none of these.
    ///
    /// ```
    /// use perfdb::model::{Timestamp, Zone};
    /// let t = Timestamp::parse("2026-11-20T12:00:00+01:00", Zone::UTC).unwrap();
    /// assert_eq!(t.rfc3339(), "2026-11-20T11:00:00Z");
    /// assert_eq!(Timestamp::parse("2026-11-20", Zone::UTC).unwrap().rfc3339(), "2026-11-20T00:00:00Z");
    /// assert_eq!(Timestamp::parse("yesterday", Zone::UTC), None);
    /// ```
    pub fn parse(text: &str, zone: Zone) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.len() < 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return None;
        }
        if bytes.len() == 10 {
            let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            return zone.at_wall(date.and_hms_opt(0, 0, 0)?);
        }
        if !matches!(bytes[10], b'T' | b't' | b' ') {
            return None;
        }
        let iso = format!("{}T{}", &text.get(..10)?, &text.get(11..)?);
        if let Ok(t) = DateTime::parse_from_rfc3339(&iso) {
            return t.timestamp_nanos_opt().map(Self);
        }
        let wall = NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(&iso, "%Y-%m-%dT%H:%M"))
            .ok()?;
        zone.at_wall(wall)
    }

    /// Calendar time in UTC.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }

    /// RFC 3339 in UTC, with as many digits of the second (0, 3, 6 or 9) as the time has.
    pub fn rfc3339(self) -> String {
        self.utc().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }

    /// RFC 3339 in `zone`, with its offset.
    pub fn rfc3339_in(self, zone: Zone) -> String {
        zone.local(self).to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
    }
}

/// A span as people write it: months, days and a fixed rest are kept apart, since months and days differ in length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Duration {
    /// Calendar months (a year is twelve).
    pub months: u32,
    /// Calendar days (a week is seven).
    pub days: u32,
    /// The fixed rest, ns.
    pub ns: i64,
}

/// The units of a duration: name, months, days, ns. Longest name first among those with a common start.
const DURATION_UNITS: [(&str, u32, u32, i64); 11] = [
    ("mo", 1, 0, 0),
    ("ms", 0, 0, 1_000_000),
    ("us", 0, 0, 1_000),
    ("µs", 0, 0, 1_000),
    ("ns", 0, 0, 1),
    ("s", 0, 0, 1_000_000_000),
    ("m", 0, 0, 60_000_000_000),
    ("h", 0, 0, 3_600_000_000_000),
    ("d", 0, 1, 0),
    ("w", 0, 7, 0),
    ("y", 12, 0, 0),
];

impl Duration {
    /// A fixed span.
    pub const fn from_ns(ns: i64) -> Self {
        Self { months: 0, days: 0, ns }
    }

    /// Whether it has no calendar part.
    pub fn is_fixed(self) -> bool {
        self.months == 0 && self.days == 0
    }

    /// Whether it is nothing at all.
    pub fn is_zero(self) -> bool {
        self == Self::default()
    }

    /// Its length in ns, with days of 24 h and months of 30.436875 days (a 400-year mean).
    pub fn ns_mean(self) -> i64 {
        const DAY: i64 = 86_400_000_000_000;
        const MONTH: i64 = 2_629_746_000_000_000;
        (i64::from(self.months).saturating_mul(MONTH))
            .saturating_add(i64::from(self.days).saturating_mul(DAY))
            .saturating_add(self.ns)
    }

    /// The moment this long before `at`, by the calendar of `zone`. `None` outside the years 1677 to 2262.
    pub fn before(self, at: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut t = at;
        if !self.is_fixed() {
            let wall = zone.local(at).naive_local();
            let wall =
                wall.checked_sub_months(Months::new(self.months))?.checked_sub_days(Days::new(self.days.into()))?;
            t = zone.at_wall(wall)?;
        }
        t.0.checked_sub(self.ns).map(Timestamp)
    }

    /// The moment this long after `at`, by the calendar of `zone`. `None` outside the years 1677 to 2262.
    pub fn after(self, at: Timestamp, zone: Zone) -> Option<Timestamp> {
        let mut t = at;
        if !self.is_fixed() {
            let wall = zone.local(at).naive_local();
            let wall =
                wall.checked_add_months(Months::new(self.months))?.checked_add_days(Days::new(self.days.into()))?;
            t = zone.at_wall(wall)?;
        }
        t.0.checked_add(self.ns).map(Timestamp)
    }

    /// The bucket of this width that holds `time` (ns): its first time and the first time after it. Fixed widths are
    /// aligned to the epoch. Days and weeks count from 1970-01-01 (weeks begin on Monday), months and years from January
    /// 1970, in the calendar of `zone`.
    pub fn bucket(self, time: i64, zone: Zone) -> (i64, i64) {
        if self.is_fixed() {
            let width = self.ns.max(1);
            let start = time.div_euclid(width).saturating_mul(width);
            return (start, start.saturating_add(width));
        }
        let date = zone.local(Timestamp(time)).date_naive();
        let start_of = |date: Option<NaiveDate>, otherwise: i64| {
            date.and_then(|d| d.and_hms_opt(0, 0, 0)).and_then(|w| zone.at_wall(w)).map_or(otherwise, |t| t.0)
        };
        let (first, next) = if self.months > 0 {
            let width = self.months as i32;
            let index = (date.year() - 1970) * 12 + date.month0() as i32;
            let first = index.div_euclid(width) * width;
            let month = |i: i32| NaiveDate::from_ymd_opt(1970 + i.div_euclid(12), i.rem_euclid(12) as u32 + 1, 1);
            (month(first), month(first + width))
        } else {
            let width = i64::from(self.days);
            // 1970-01-01 was a Thursday: whole weeks are counted from the Monday before.
            let shift = if width % 7 == 0 { 3 } else { 0 };
            let index = i64::from(date.num_days_from_ce() - EPOCH_DAYS_FROM_CE) + shift;
            let first = index.div_euclid(width) * width - shift;
            let day = |i: i64| NaiveDate::from_num_days_from_ce_opt(i as i32 + EPOCH_DAYS_FROM_CE);
            (day(first), day(first + width))
        };
        (start_of(first, i64::MIN), start_of(next, i64::MAX))
    }
}

const EPOCH_DAYS_FROM_CE: i32 = 719_163;

impl FromStr for Duration {
    type Err = String;

    /// Reads `500ms`, `1h30m`, `1d`; the longest unit wins, so `m` is always minutes.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no duration, such as 500ms, 10s, 5m, 1h30m, 1d, 1w, 1mo or 1y");
        let mut rest = text;
        let mut sum = Self::default();
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let count: i64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let (name, months, days, ns) =
                DURATION_UNITS.into_iter().find(|u| rest.starts_with(u.0)).ok_or_else(wrong)?;
            rest = &rest[name.len()..];
            let too_long = || format!("`{text}` is too long: a duration is at most 292 years");
            let small = u32::try_from(count).ok();
            let times = |unit: u32| small.and_then(|c| c.checked_mul(unit)).filter(|n| *n < 1_000_000);
            if months > 0 {
                sum.months = times(months).and_then(|m| sum.months.checked_add(m)).ok_or_else(too_long)?;
            } else if days > 0 {
                sum.days = times(days).and_then(|d| sum.days.checked_add(d)).ok_or_else(too_long)?;
            } else {
                sum.ns = count.checked_mul(ns).and_then(|n| sum.ns.checked_add(n)).ok_or_else(too_long)?;
            }
        }
        if text.is_empty() { Err(wrong()) } else { Ok(sum) }
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = String::new();
        let mut part = |count: i64, name: &str| {
            if count > 0 {
                parts.push_str(&format!("{count}{name}"));
            }
        };
        part(i64::from(self.months / 12), "y");
        part(i64::from(self.months % 12), "mo");
        if self.days.is_multiple_of(7) {
            part(i64::from(self.days / 7), "w");
        } else {
            part(i64::from(self.days), "d");
        }
        let mut ns = self.ns;
        for (name, size) in [
            ("h", 3_600_000_000_000),
            ("m", 60_000_000_000),
            ("s", 1_000_000_000),
            ("ms", 1_000_000),
            ("us", 1_000),
            ("ns", 1),
        ] {
            part(ns / size, name);
            ns %= size;
        }
        f.write_str(if parts.is_empty() { "0s" } else { &parts })
    }
}
