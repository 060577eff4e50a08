//! Rolling up: the stale days of metrics with a policy become records again.
//!
//! Reading and folding happen on a snapshot, on all cores, and outside of any write; a short transaction then puts the records in, unless
//! samples of that day changed meanwhile. So a process killed at any moment leaves days stale, and nothing else.

use super::Level;
use super::bucket::{Bucket, Keep, buckets_of, coarser};
use super::days::{self, Day, FRESH, Kept};
use super::record;
use crate::error::Result;
use crate::model::{Cancel, Kind, Progress, TimeRange, sort_by_time};
use crate::storage::chunk;
use crate::storage::retention::{Policies, Policy};
use crate::storage::schema::{DAY_NS, DAYS, ROLLUPS, RollupKey, day_key};
use crate::storage::snapshot::{Chunk, Snapshot};
use crate::storage::store::Store;
use rayon::prelude::*;
use redb::WriteTransaction;
use std::borrow::Cow;

/// What a chunk takes beside its columns: header, key, and its part of the pages above.
const CHUNK_OVERHEAD: u64 = 136;

/// Rollups of a day take at most this part of its samples' bytes.
const SHARE: u64 = 4;

/// How often a day is tried whose samples change while it is rolled up.
const TRIES: usize = 3;

/// Days beyond these have buckets that reach out of what a time can be.
const DAY_MAX: i32 = 106_000;

/// One day of one metric, to be rolled up.
struct Job<'a> {
    metric: u32,
    kind: Kind,
    day: i32,
    policy: &'a Policy,
}

/// A record, ready to be written.
type Record = (RollupKey, Vec<u8>);

/// A record as it is written.
type Fitting<'a> = (RollupKey, Cow<'a, [u8]>);

impl Store {
    /// Rolls up every stale day of the metrics that have a policy. Says how many days that were.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write, cancellation; days already done stay so.
    pub fn roll(&self, progress: &dyn Progress, cancel: &Cancel) -> Result<u64> {
        let snapshot = self.snapshot()?;
        let policies = Policies(snapshot.policies()?);
        if policies.0.is_empty() {
            return Ok(0);
        }
        let mut jobs = Vec::new();
        for (metric, name, meta) in snapshot.metrics()? {
            let Some(policy) = policies.of(&name) else { continue };
            let kind = meta.kind.unwrap_or_default();
            let stale = snapshot.days(metric)?.into_iter().filter(|(day, d)| d.is_stale() && day.abs() < DAY_MAX);
            jobs.extend(stale.map(|(day, _)| Job { metric, kind, day, policy }));
        }
        drop(snapshot);
        for (done, job) in jobs.iter().enumerate() {
            cancel.check()?;
            progress.update(done as u64, jobs.len() as u64);
            self.roll_day(job)?;
        }
        Ok(jobs.len() as u64)
    }

    /// Rolls up after a write that is durable already. Where that cannot be done now, the days stay stale, and the next write does it.
    pub(in crate::storage) fn roll_after_write(&self) -> Result<()> {
        match self.roll(&crate::model::NoProgress, &Cancel::new()) {
            Err(crate::error::Error::Busy { .. } | crate::error::Error::Io { .. }) => Ok(()),
            done => done.map(drop),
        }
    }

    fn roll_day(&self, job: &Job<'_>) -> Result<()> {
        for _ in 0..TRIES {
            let snapshot = self.snapshot()?;
            let Some(day) = snapshot.day(job.metric, job.day)?.filter(Day::is_stale) else { return Ok(()) };
            let day_start = i64::from(job.day) * DAY_NS;
            let range = TimeRange { start: day_start, end: day_start + DAY_NS };
            let chunks = snapshot.chunks(job.metric, range, |_| true, None)?;
            let levels = levels(job, &day);
            let from = if day.dropped { day_start } else { from(&day, &levels, day_start) };
            let records = records(&snapshot, job, &day, &levels, &chunks, from)?;
            drop(snapshot);
            let txn = self.begin_write()?;
            let now = days::get(&txn.open_table(DAYS)?, job.metric, job.day)?;
            if now.is_none_or(|now| now.marks != day.marks) {
                txn.abort()?;
                continue;
            }
            put(&txn, job, &day, &chunks, records, from == day_start)?;
            self.commit(txn)?;
            return Ok(());
        }
        Ok(())
    }
}

/// The levels to make, the finest first. Of a day whose samples were dropped, those that there are.
fn levels(job: &Job<'_>, day: &Day) -> Vec<Level> {
    let wanted = |level: &Level| if day.dropped { day.has(*level) } else { job.policy.keeps(*level) };
    Level::ALL.into_iter().filter(wanted).collect()
}

/// From which time on buckets are made again: what comes before has not changed.
fn from(day: &Day, levels: &[Level], day_start: i64) -> i64 {
    let all_there = levels.iter().all(|l| day.has_all(*l));
    let day_alone = levels.contains(&Level::Day) && !levels.contains(&Level::Hour);
    if !all_there || day_alone || levels.is_empty() {
        return day_start;
    }
    let hour = Level::Hour.width();
    day.stale_from.max(day_start).div_euclid(hour) * hour
}

/// Whether a level of a metric of that kind keeps the distribution. A gauge's minutes would take more than its samples.
fn keeps_spread(level: Level, kind: Kind, policy: &Policy) -> bool {
    match kind {
        Kind::Counter => false,
        Kind::Gauge => level != Level::Minute || policy.histograms,
        Kind::Sample => true,
    }
}

/// The records of all series of a day.
fn records(
    snapshot: &Snapshot,
    job: &Job<'_>,
    day: &Day,
    levels: &[Level],
    chunks: &[Chunk],
    from: i64,
) -> Result<Vec<Record>> {
    let series: Vec<&[Chunk]> = chunks.chunk_by(|a, b| a.series() == b.series()).collect();
    let kept =
        |level: Level| Keep { spread: keeps_spread(level, job.kind, job.policy), increase: job.kind == Kind::Counter };
    let of_series = |chunks: &[Chunk]| -> Result<Vec<Record>> {
        let series = chunks[0].series();
        let (times, values) = samples(snapshot, chunks, from)?;
        let mut hours: Option<Vec<Bucket>> = None;
        let mut records = Vec::new();
        for level in levels {
            let key = RollupKey { metric: job.metric, level: *level, day: job.day, series };
            let mut buckets = if day.dropped {
                merged(snapshot.rollup(&key)?, buckets_of(*level, &times, &values, kept(*level)))
            } else if let (Level::Day, Some(hours)) = (level, &hours) {
                coarser(Level::Day, hours)
            } else {
                let mut before = if from > i64::from(job.day) * DAY_NS { snapshot.rollup(&key)? } else { Vec::new() };
                before.retain(|b| b.start < from);
                before.extend(buckets_of(*level, &times, &values, kept(*level)));
                before
            };
            buckets.retain(|b| b.count > 0);
            if buckets.is_empty() {
                continue;
            }
            records.push((key, record::encode(&key, &buckets, job.kind == Kind::Counter)));
            if *level == Level::Hour {
                hours = Some(buckets);
            }
        }
        Ok(records)
    };
    let parts: Vec<Vec<Record>> = series.into_par_iter().map(of_series).collect::<Result<_>>()?;
    Ok(parts.into_iter().flatten().collect())
}

/// The samples of a series from `from` on, in order of time.
fn samples(snapshot: &Snapshot, chunks: &[Chunk], from: i64) -> Result<(Vec<i64>, Vec<f64>)> {
    let mut ordered: Vec<&Chunk> = chunks.iter().filter(|c| c.extent().1 >= from).collect();
    ordered.sort_by_key(|c| c.order());
    let (mut times, mut values) = (Vec::new(), Vec::new());
    for chunk in ordered {
        snapshot.times(chunk, |t| t.decode(0..chunk.count(), &mut times))?;
        snapshot.values(chunk, 0..chunk.count(), &mut values)?;
    }
    sort_by_time(&mut times, &mut values);
    let start = times.partition_point(|t| *t < from);
    Ok((times.split_off(start), values.split_off(start)))
}

/// The buckets of both, those of equal start merged.
fn merged(mut old: Vec<Bucket>, new: Vec<Bucket>) -> Vec<Bucket> {
    for bucket in new {
        match old.binary_search_by_key(&bucket.start, |b| b.start) {
            Ok(at) => old[at].merge(bucket),
            Err(at) => old.insert(at, bucket),
        }
    }
    old
}

/// Writes the records of a day and that it is fresh. The samples of a day whose samples were dropped before go at once.
fn put(
    txn: &WriteTransaction,
    job: &Job<'_>,
    before: &Day,
    chunks: &[Chunk],
    records: Vec<Record>,
    whole: bool,
) -> Result<()> {
    let mut day = Day { stale_from: FRESH, ..*before };
    let mut table = txn.open_table(ROLLUPS)?;
    if day.dropped {
        let keys: Vec<_> = chunks.iter().map(Chunk::key).collect();
        for (key, bytes) in records {
            table.insert(&key.to_bytes(), bytes.as_slice())?;
        }
        drop(table);
        chunk::remove_keys(txn, job.metric, job.day, &keys)?;
    } else {
        day.raw_len = chunks.iter().map(|c| c.len() + CHUNK_OVERHEAD).sum();
        let mut left = day.raw_len / SHARE;
        // Distributions are kept by one level at least: finer ones may do without.
        let mut may_be_bare = false;
        for level in Level::ALL.into_iter().rev() {
            let at = usize::from(level.number());
            let of_level: Vec<&Record> = records.iter().filter(|r| r.0.level == level).collect();
            let (kept, fitting) = if !job.policy.keeps(level) || chunks.is_empty() {
                (Kept::No, Vec::new())
            } else {
                fitting(of_level, left, may_be_bare)?
            };
            if before.has(level) && (whole || !matches!(kept, Kept::Yes)) {
                remove_level(&mut table, job.metric, job.day, level)?;
            }
            for (key, bytes) in &fitting {
                table.insert(&key.to_bytes(), bytes.as_ref())?;
            }
            may_be_bare |= kept == Kept::Yes;
            (day.kept[at], day.rolled_len[at]) = (kept, fitting.iter().map(|r| len_of(&r.1)).sum());
            left -= day.rolled_len[at];
        }
    }
    let key = day_key(job.metric, job.day);
    let mut days = txn.open_table(DAYS)?;
    if chunks.is_empty() && !day.dropped {
        days.remove(&key)?;
    } else {
        days.insert(&key, day.to_bytes(key).as_slice())?;
    }
    Ok(())
}

/// What a record takes.
fn len_of(bytes: &[u8]) -> u64 {
    bytes.len() as u64 + RollupKey::LEN as u64
}

/// The records of a level as far as they fit into `len` bytes: whole, without distributions where they may, or not at all.
fn fitting(records: Vec<&Record>, len: u64, may_be_bare: bool) -> Result<(Kept, Vec<Fitting<'_>>)> {
    if records.iter().map(|r| len_of(&r.1)).sum::<u64>() <= len {
        return Ok((Kept::Yes, records.into_iter().map(|(key, bytes)| (*key, Cow::from(bytes))).collect()));
    }
    if !may_be_bare {
        return Ok((Kept::TooLarge, Vec::new()));
    }
    let bare = |(key, bytes): &Record| Ok((*key, Cow::from(record::without_spread(key, bytes)?)));
    let bare: Vec<Fitting<'_>> = records.into_iter().map(bare).collect::<Result<_>>()?;
    if bare.iter().map(|r| len_of(&r.1)).sum::<u64>() <= len {
        return Ok((Kept::Summary, bare));
    }
    Ok((Kept::TooLarge, Vec::new()))
}

/// Removes the rollups of one level of a day.
pub(in crate::storage) fn remove_level(
    table: &mut redb::Table<'_, &'static [u8; RollupKey::LEN], &'static [u8]>,
    metric: u32,
    day: i32,
    level: Level,
) -> Result<()> {
    let key = |series| RollupKey { metric, level, day, series }.to_bytes();
    table.retain_in::<&[u8; RollupKey::LEN], _>(&key(0)..=&key(u32::MAX), |_, _| false)?;
    Ok(())
}
