//! Where rollups stand for samples: which rollups a scan reads, day by day.
//!
//! What stays true: a day is read from samples or from one rollup, never from both, but for late samples of a day whose samples were dropped,
//! which its rollups do not hold yet.

use super::piece::bucket_of;
use crate::error::{Error, Result};
use crate::model::{TimeRange, Timestamp};
use crate::query::source::{Rollups, Scan, ValueFilter};
use crate::storage::{Level, RolledDay};

const DAY_NS: i64 = 86_400_000_000_000;

/// The days of one metric that a scan reads from rollups.
#[derive(Debug, Default)]
pub(super) struct Rolled {
    /// First and last day of each stretch, and the level that is read.
    pub(super) stretches: Vec<(i32, i32, Level)>,
    /// The days whose samples are not read, ascending.
    pub(super) instead: Vec<i32>,
    /// Whether the range cuts a bucket.
    pub(super) cut: bool,
    /// End of the last day in the range whose samples were dropped, where rollups are not to be read.
    pub(super) dropped_until: Option<i64>,
}

impl Rolled {
    /// Chooses among `days`, those of one metric that have rollups.
    ///
    /// # Errors
    /// [`Error::Usage`] where samples were dropped and their rollups cannot answer `scan`.
    pub(super) fn choose(scan: &Scan, days: &[RolledDay]) -> Result<Self> {
        let mut chosen = Self::default();
        for day in days {
            let end = day.start.saturating_add(DAY_NS);
            if !scan.range.touches(day.start, end - 1) {
                continue;
            }
            if scan.rollups == Rollups::Never {
                chosen.dropped_until = chosen.dropped_until.max(day.dropped.then_some(end));
                continue;
            }
            let asked = scan.rollups == Rollups::Wherever && day.fresh;
            if !day.dropped && !asked {
                continue;
            }
            let level = level(scan, day);
            match level {
                Some(level) if scan.needs.raw || scan.filters != [ValueFilter::True] => {
                    return Err(needs_samples(day, level));
                }
                Some(level) => chosen.push(scan.range, day, level),
                None if day.dropped && !day.levels.is_empty() => return Err(too_coarse(scan, day)),
                None => {}
            }
        }
        Ok(chosen)
    }

    fn push(&mut self, range: TimeRange, day: &RolledDay, level: Level) {
        let width = level.width();
        let cuts =
            |edge: i64| edge.rem_euclid(width) != 0 && day.start < edge && edge < day.start.saturating_add(DAY_NS);
        self.cut |= cuts(range.start) || cuts(range.end);
        if !day.dropped {
            self.instead.push(day.day);
        }
        match self.stretches.last_mut() {
            Some((_, last, same)) if *last + 1 == day.day && *same == level => *last = day.day,
            _ => self.stretches.push((day.day, day.day, level)),
        }
    }

    /// Whether the samples of the day of `time` are left alone.
    pub(super) fn replaces(&self, time: i64) -> bool {
        !self.instead.is_empty() && self.instead.binary_search(&(time.div_euclid(DAY_NS) as i32)).is_ok()
    }
}

/// The coarsest level whose buckets fall into the buckets of `scan` whole; the finest such where the range cuts the day.
fn level(scan: &Scan, day: &RolledDay) -> Option<Level> {
    let fits = |level: &&Level| !(scan.needs.values && day.bare.contains(level)) && fits(scan, day, **level);
    let mut levels = day.levels.iter();
    if scan.range.covers(day.start, day.start.saturating_add(DAY_NS - 1)) {
        levels.find(fits).copied()
    } else {
        levels.rev().find(fits).copied()
    }
}

fn fits(scan: &Scan, day: &RolledDay, level: Level) -> bool {
    let Some(bucketing) = scan.bucketing else { return true };
    let mut start = day.start;
    let end = day.start.saturating_add(DAY_NS);
    while start < end {
        let (_, bucket_end) = bucket_of(Some(bucketing), start);
        // Where a bucket of the scan ends, one of the level must begin.
        if bucket_end < end && (bucket_end - day.start).rem_euclid(level.width()) != 0 {
            return false;
        }
        start = bucket_end.max(start + 1);
    }
    true
}

fn date(day: &RolledDay) -> String {
    Timestamp(day.start).rfc3339().chars().take(10).collect()
}

fn needs_samples(day: &RolledDay, level: Level) -> Error {
    let gone = if day.dropped { ", and its samples were dropped" } else { "" };
    Error::usage_hint(
        format!("the {level} rollups of {} cannot answer this{gone}", date(day)),
        "rollups answer count, sum, avg, min, max, range, first, last, increase, rate, delta, median and percentiles, without a condition on values; \
         for all else ask for a later range",
    )
}

fn too_coarse(scan: &Scan, day: &RolledDay) -> Error {
    let with_values = day.levels.iter().rev().find(|l| !scan.needs.values || !day.bare.contains(l));
    let finest = with_values.map_or("", |l| l.name());
    let what = if scan.needs.values && !day.bare.is_empty() { " with distributions" } else { "" };
    Error::usage_hint(
        format!("of {} only {finest} rollups{what} are left, which are coarser than the buckets asked for", date(day)),
        format!("ask for `every {finest}` or a multiple of it, or for a later range"),
    )
}
