//! Which stretch of time a query asks about, and how it is cut into buckets.

use super::context::Context;
use crate::error::Result;
use crate::model::{Duration, TimeRange, Timestamp, Zone};
use crate::query::ast::{Clauses, Instant, Spanned};
use crate::query::source::Bucketing;

/// The stretch of time of a query.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    /// Half open; without bounds where the query gives none.
    pub(crate) range: TimeRange,
    /// The buckets.
    pub(crate) bucketing: Option<Bucketing>,
    /// The query's zone.
    pub(crate) zone: Zone,
    /// `since`, where it is a span before now.
    pub(crate) ago: Option<Duration>,
    /// The moment of the query, ns.
    pub(crate) now: i64,
}

/// The widest calendar bucket: 10,000 years.
const EVERY_MONTHS_MAX: u32 = 120_000;
const EVERY_DAYS_MAX: u32 = 3_650_000;

impl Window {
    /// Resolves `since`, `until`, `every` and `in`.
    pub(crate) fn new(ctx: &Context<'_>, clauses: &Clauses) -> Result<Self> {
        let zone = clauses.timezone.as_ref().map_or(ctx.settings.zone, |z| z.value);
        let since = clauses.since.as_ref().map(|i| resolve(ctx, i, zone)).transpose()?;
        let until = clauses.until.as_ref().map(|i| resolve(ctx, i, zone)).transpose()?;
        if let (Some(start), Some(end), Some(written)) = (since, until, &clauses.until)
            && start > end
        {
            let text = |t: i64| Timestamp(t).rfc3339_in(zone);
            let d = ctx.wrong(&written.span, "the range ends before it starts");
            return Err(d.label(format!("`since` is {}, `until` is {}", text(start), text(end))).into());
        }
        let bucketing = match &clauses.every {
            Some(every) => Some(Bucketing { every: check_every(ctx, every)?, zone }),
            None => None,
        };
        let ago = match clauses.since.as_ref().map(|s| &s.value) {
            Some(Instant::Ago(duration)) => Some(*duration),
            _ => None,
        };
        let range = TimeRange { start: since.unwrap_or(i64::MIN), end: until.unwrap_or(i64::MAX) };
        Ok(Self { range, bucketing, zone, ago, now: ctx.settings.now.0 })
    }

    /// The bounds that a rate is taken over: the range, and where it is open the samples that there are and now.
    /// `extent` is the oldest and newest sample of the query's metrics.
    pub(crate) fn measured(&self, extent: Option<(i64, i64)>) -> TimeRange {
        let (oldest, newest) = extent.unwrap_or((self.now, self.now));
        let start = if self.range.start == i64::MIN { oldest } else { self.range.start };
        let end = if self.range.end == i64::MAX { newest.max(self.now) } else { self.range.end };
        TimeRange { start, end }
    }

    /// Seconds of the bucket that starts at `bucket` (of the whole range without buckets) that lie in `measured`.
    pub(crate) fn seconds(&self, bucket: i64, measured: TimeRange) -> f64 {
        let (start, end) = match self.bucketing {
            Some(b) => {
                let (first, next) = b.every.bucket(bucket, b.zone);
                (first.max(measured.start), next.min(measured.end))
            }
            None => (measured.start, measured.end),
        };
        (i128::from(end) - i128::from(start)) as f64 / 1e9
    }
}

fn resolve(ctx: &Context<'_>, instant: &Spanned<Instant>, zone: Zone) -> Result<i64> {
    let now = ctx.settings.now;
    let start_of_today = || {
        let day = Duration { days: 1, ..Duration::default() };
        Timestamp(day.bucket(now.0, zone).0)
    };
    let found = match &instant.value {
        Instant::Ago(duration) => duration.before(now, zone),
        Instant::Written(text) => {
            let expected =
                "expected a span before now (1h), 2026-11-20, 2026-11-20T12:00:00Z, now, today, yesterday or @SECONDS";
            let wrong = || ctx.wrong(&instant.span, format!("`{text}` is no point in time")).label(expected);
            Some(Timestamp::parse(text, zone).ok_or_else(wrong)?)
        }
        Instant::Now => Some(now),
        Instant::Today => Some(start_of_today()),
        Instant::Yesterday => Duration { days: 1, ..Duration::default() }.before(start_of_today(), zone),
        Instant::Unix(ns) => Some(Timestamp(*ns)),
    };
    match found {
        Some(t) => Ok(t.0),
        None => Err(ctx.wrong(&instant.span, "this lies outside the years 1677 to 2262").into()),
    }
}

fn check_every(ctx: &Context<'_>, every: &Spanned<Duration>) -> Result<Duration> {
    let width = every.value;
    let wrong = |message: &str, label: &str| Err(ctx.wrong(&every.span, message).label(label).into());
    let parts = [width.months > 0, width.days > 0, width.ns > 0].iter().filter(|p| **p).count();
    if width.is_zero() || width.ns < 0 {
        return wrong("a bucket must be longer than nothing", "such as 1m");
    }
    if parts > 1 {
        return wrong(
            "a bucket does not mix calendar units with fixed ones",
            "either h, m, s and below, or d and w, or mo and y",
        );
    }
    if width.months > EVERY_MONTHS_MAX || width.days > EVERY_DAYS_MAX {
        return wrong("a bucket is at most 10,000 years wide", "use no `every` for one bucket of all");
    }
    Ok(width)
}
