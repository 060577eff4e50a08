//! Rollups for queries: which days have them, and their records, still encoded.

use super::Level;
use super::record::{Head, RecordReader, SpreadRef};
use crate::error::{Error, Result};
use crate::storage::schema::{DAY_NS, RollupKey};
use crate::storage::snapshot::Snapshot;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// The rollup of one series and day.
#[derive(Debug, Clone)]
pub(crate) struct Rollup {
    key: RollupKey,
    /// Many records end to end, and where this one lies.
    arena: Arc<Vec<u8>>,
    at: Range<usize>,
}

impl Rollup {
    /// Number of the series.
    pub(crate) fn series(&self) -> u32 {
        self.key.series
    }

    /// The width of its buckets.
    pub(crate) fn level(&self) -> Level {
        self.key.level
    }

    /// First and last time of its day, ns.
    pub(crate) fn day(&self) -> (i64, i64) {
        let start = i64::from(self.key.day).saturating_mul(DAY_NS);
        (start, start.saturating_add(DAY_NS - 1))
    }

    /// Sorts by day; below 2^18, since no time lies more than 106,752 days from the epoch.
    pub(crate) fn order(&self) -> u64 {
        (i64::from(self.key.day) + (1 << 17)).clamp(0, (1 << 18) - 1) as u64
    }

    /// Bytes of the record.
    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    /// Hands the buckets to `take`, in order of time. Without `spread` the distributions are not decoded.
    ///
    /// # Errors
    /// A damaged record.
    pub(crate) fn read(
        &self,
        reader: &mut RecordReader,
        spread: bool,
        take: impl FnMut(&Head, SpreadRef<'_>),
    ) -> Result<()> {
        reader.read(&self.key, &self.arena[self.at.clone()], spread, take)
    }
}

/// A day that has rollups, or had samples once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RolledDay {
    /// The day, counted from 1970-01-01.
    pub(crate) day: i32,
    /// Its first time, ns.
    pub(crate) start: i64,
    /// Its samples are gone.
    pub(crate) dropped: bool,
    /// Its rollups hold all that its samples say.
    pub(crate) fresh: bool,
    /// The rollups that there are, the coarsest first.
    pub(crate) levels: Vec<Level>,
    /// Those of them that were kept without distributions to save room.
    pub(crate) bare: Vec<Level>,
}

/// Days read on one core before another one helps.
const DAYS_MIN: i32 = 8;

impl Snapshot {
    /// The days of `metric` that have rollups, in order.
    pub(crate) fn rolled_days(&self, metric: u32) -> Result<Vec<RolledDay>> {
        let of_day = |(day, known): (i32, super::days::Day)| RolledDay {
            day,
            start: i64::from(day).saturating_mul(DAY_NS),
            dropped: known.dropped,
            fresh: !known.is_stale(),
            levels: Level::ALL.into_iter().rev().filter(|l| known.has(*l)).collect(),
            bare: Level::ALL.into_iter().filter(|l| known.has(*l) && !known.has_all(*l)).collect(),
        };
        Ok(self.days(metric)?.into_iter().map(of_day).collect())
    }

    /// Bytes of the rollups of `metric`, and of the samples that they were made of.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn rollup_len(&self, metric: u32) -> Result<(u64, u64)> {
        let days = self.days(metric)?;
        let rolled = days.iter().flat_map(|(_, day)| day.rolled_len).sum();
        Ok((rolled, days.iter().map(|(_, day)| day.raw_len).sum()))
    }

    /// The rollups of the days `first..=last` of `metric`, of the series that `wanted` accepts.
    pub(crate) fn rollups(
        &self,
        metric: u32,
        level: Level,
        (first, last): (i32, i32),
        wanted: impl Fn(u32) -> bool + Sync,
    ) -> Result<Vec<Rollup>> {
        let span = (last - first) / rayon::current_num_threads().min(64) as i32 + 1;
        let parts: Vec<i32> = (first..=last).step_by(span.max(DAYS_MIN) as usize).collect();
        let of_part = |start: i32| {
            let end = start.saturating_add(span.max(DAYS_MIN) - 1).min(last);
            let key = |day, series| RollupKey { metric, level, day, series }.to_bytes();
            self.rollups_between(&key(start, 0), &key(end, u32::MAX), &wanted)
        };
        if parts.len() == 1 {
            return of_part(first);
        }
        let found: Vec<Vec<Rollup>> = parts.into_par_iter().map(of_part).collect::<Result<_>>()?;
        Ok(found.into_iter().flatten().collect())
    }

    fn rollups_between(
        &self,
        first: &[u8; RollupKey::LEN],
        last: &[u8; RollupKey::LEN],
        wanted: impl Fn(u32) -> bool,
    ) -> Result<Vec<Rollup>> {
        let mut arena = Vec::new();
        let mut places = Vec::new();
        for entry in self.rollups.range::<&[u8; RollupKey::LEN]>(first..=last)? {
            let (key, bytes) = entry?;
            let key = RollupKey::from_bytes(key.value())
                .ok_or_else(|| Error::corrupt("a rollup of a width that this version does not know"))?;
            if wanted(key.series) {
                let start = arena.len();
                arena.extend_from_slice(bytes.value());
                places.push((key, start..arena.len()));
            }
        }
        let arena = Arc::new(arena);
        Ok(places.into_iter().map(|(key, at)| Rollup { key, arena: Arc::clone(&arena), at }).collect())
    }
}
