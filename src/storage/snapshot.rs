//! A snapshot: what the store held at one moment, log and chunks read in one transaction.
//!
//! Samples of incomplete ingests, and series that only they brought, do not show.

use super::catalog;
use super::chunk::{self, Column, SeriesRows};
use super::header::Header;
use super::log::{self, LogRows};
use super::opened::Opened;
use super::records::{self, IngestRecord};
use super::retention::{self, Policy};
use super::rollup::bucket::Bucket;
use super::rollup::days::{self, Day};
use super::rollup::record;
use super::schema::{
    CHUNKS, ChunkKey, DAY_NS, DAYS, EXTENTS, INGESTS, LOG, METRIC_NAMES, METRICS, PENDING, PENDING_SERIES, POLICIES,
    POSTINGS, PieceKey, ROLLUPS, RollupKey, SERIES, day_key, day_of, day_of_key, series_key, series_of_key,
};
use crate::codec;
use crate::error::Result;
use crate::model::{Labels, MetricMeta, TimeRange};
use hashbrown::HashSet;
use redb::{ReadOnlyTable, ReadTransaction, ReadableTable, ReadableTableMetadata};
use std::ops::Range;
use std::sync::{Arc, OnceLock};

/// What a store held at one moment.
pub struct Snapshot {
    metrics: ReadOnlyTable<u32, &'static [u8]>,
    names: ReadOnlyTable<&'static str, u32>,
    series: ReadOnlyTable<&'static [u8; 8], &'static [u8]>,
    postings: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(super) chunks: ReadOnlyTable<&'static [u8; ChunkKey::LEN], &'static [u8; super::header::HEADER_LEN]>,
    pub(super) extents: ReadOnlyTable<&'static [u8; PieceKey::LEN], &'static [u8]>,
    log_table: ReadOnlyTable<u64, &'static [u8]>,
    ingests: ReadOnlyTable<u64, &'static [u8]>,
    pub(super) rollups: ReadOnlyTable<&'static [u8; RollupKey::LEN], &'static [u8]>,
    days: ReadOnlyTable<&'static [u8; 8], &'static [u8]>,
    policies: ReadOnlyTable<&'static str, &'static [u8]>,
    /// Incomplete ingests.
    pending: HashSet<u64>,
    /// Series that only incomplete ingests brought.
    hidden: HashSet<u32>,
    log: OnceLock<LogRows>,
    /// What the tables are read from, dropped after them.
    opened: Option<Arc<Opened>>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

/// A chunk that can be read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chunk {
    key: ChunkKey,
    header: Header,
}

impl Chunk {
    /// Where it stands.
    pub(super) fn key(&self) -> ChunkKey {
        self.key
    }

    /// Number of the series.
    pub fn series(&self) -> u32 {
        self.key.series
    }

    /// Samples in it, 1 and more.
    pub fn count(&self) -> usize {
        self.header.count as usize
    }

    /// Times of the first and last sample, ns.
    pub fn extent(&self) -> (i64, i64) {
        (self.key.start, self.header.last)
    }

    /// Smallest and largest value.
    pub fn min_max(&self) -> (f64, f64) {
        (self.header.min, self.header.max)
    }

    /// Sum of the values.
    pub fn sum(&self) -> f64 {
        self.header.sum
    }

    /// Values of the first and last sample.
    pub fn end_values(&self) -> (f64, f64) {
        (self.header.first_value, self.header.last_value)
    }

    /// Order of arrival among the chunks of its series.
    pub fn order(&self) -> u64 {
        self.key.seq
    }

    /// Bytes of both columns.
    pub fn len(&self) -> u64 {
        u64::from(self.header.values.len) + u64::from(self.header.times.len)
    }

    /// Whether both columns are empty, which no encoder writes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Snapshot {
    pub(super) fn new(txn: &ReadTransaction) -> Result<Self> {
        let pending_table = txn.open_table(PENDING)?;
        let mut pending = HashSet::new();
        let mut hidden = HashSet::new();
        if !pending_table.is_empty()? {
            for entry in pending_table.iter()? {
                pending.insert(entry?.0.value());
            }
        }
        for entry in txn.open_table(PENDING_SERIES)?.iter()? {
            hidden.insert(entry?.0.value());
        }
        Ok(Self {
            metrics: txn.open_table(METRICS)?,
            names: txn.open_table(METRIC_NAMES)?,
            series: txn.open_table(SERIES)?,
            postings: txn.open_table(POSTINGS)?,
            chunks: txn.open_table(CHUNKS)?,
            extents: txn.open_table(EXTENTS)?,
            log_table: txn.open_table(LOG)?,
            ingests: txn.open_table(INGESTS)?,
            rollups: txn.open_table(ROLLUPS)?,
            days: txn.open_table(DAYS)?,
            policies: txn.open_table(POLICIES)?,
            pending,
            hidden,
            log: OnceLock::new(),
            opened: None,
        })
    }

    /// Keeps `opened` open for as long as the snapshot is.
    pub(super) fn keep_open(&mut self, opened: Arc<Opened>) {
        self.opened = Some(opened);
    }

    fn log(&self) -> Result<&LogRows> {
        if let Some(log) = self.log.get() {
            return Ok(log);
        }
        let rows = log::read(&self.log_table)?;
        Ok(self.log.get_or_init(|| rows))
    }

    /// All metrics that hold or held samples or were described, by name: number, name, metadata.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn metrics(&self) -> Result<Vec<(u32, String, MetricMeta)>> {
        let mut all = Vec::new();
        for entry in self.names.iter()? {
            let id = entry?.1.value();
            let Some(record) = catalog::metric_record(&self.metrics, id)? else { continue };
            if self.is_metric_visible(id, &record.meta, &record.name)? {
                all.push((id, record.name, record.meta));
            }
        }
        Ok(all)
    }

    /// A metric that only an incomplete ingest brought does not show.
    fn is_metric_visible(&self, id: u32, meta: &MetricMeta, name: &str) -> Result<bool> {
        if self.hidden.is_empty() || *meta != MetricMeta::guess(name).unwrap_or_default() {
            return Ok(true);
        }
        let mut any = false;
        for entry in self.series.range::<&[u8; 8]>(&series_key(id, 0)..=&series_key(id, u32::MAX))? {
            any = true;
            if !self.hidden.contains(&series_of_key(*entry?.0.value()).1) {
                return Ok(true);
            }
        }
        Ok(!any)
    }

    /// The series of `metric`, by number.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn series(&self, metric: u32) -> Result<Vec<(u32, Labels)>> {
        let mut all = Vec::new();
        for entry in self.series.range::<&[u8; 8]>(&series_key(metric, 0)..=&series_key(metric, u32::MAX))? {
            let (key, bytes) = entry?;
            let id = series_of_key(*key.value()).1;
            if !self.hidden.contains(&id) {
                all.push((id, records::labels_from_bytes(key.value(), bytes.value())?));
            }
        }
        Ok(all)
    }

    /// The series of `metric` that carry all the labels `wanted`, by number.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn series_with(&self, metric: u32, wanted: &[(&str, &str)]) -> Result<Vec<(u32, Labels)>> {
        let mut found: Option<roaring::RoaringBitmap> = None;
        for (label, value) in wanted {
            let with = catalog::series_with(&self.postings, metric, label, value)?;
            found = Some(found.map_or_else(|| with.clone(), |f| f & with.clone()));
        }
        let Some(found) = found else { return self.series(metric) };
        let mut all = Vec::with_capacity(found.len() as usize);
        for id in found {
            if self.hidden.contains(&id) {
                continue;
            }
            if let Some(labels) = catalog::labels_of(&self.series, metric, id)? {
                all.push((id, labels));
            }
        }
        Ok(all)
    }

    /// Times of the oldest and the newest sample of `metric`, ns.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn extent(&self, metric: u32) -> Result<Option<(i64, i64)>> {
        let mut extent: Option<(i64, i64)> = None;
        let mut widen = |first: i64, last: i64| {
            extent = Some(extent.map_or((first, last), |e| (e.0.min(first), e.1.max(last))));
        };
        let first = ChunkKey::first(metric, i32::MIN, 0).to_bytes();
        let last = ChunkKey::last(metric, i32::MAX, u32::MAX).to_bytes();
        // The oldest sample lies in the first day that has a visible chunk, the newest in the last.
        let mut first_day = None;
        for entry in self.chunks.range::<&[u8; ChunkKey::LEN]>(&first..=&last)? {
            let (key, bytes) = entry?;
            let chunk = chunk_of(key.value(), bytes.value())?;
            if first_day.is_some_and(|day| day != chunk.key.day) {
                break;
            }
            if self.is_visible(&chunk) {
                first_day = Some(chunk.key.day);
                widen(chunk.key.start, chunk.header.last);
            }
        }
        let mut last_day = None;
        for entry in self.chunks.range::<&[u8; ChunkKey::LEN]>(&first..=&last)?.rev() {
            let (key, bytes) = entry?;
            let chunk = chunk_of(key.value(), bytes.value())?;
            if last_day.is_some_and(|day| day != chunk.key.day) {
                break;
            }
            if self.is_visible(&chunk) {
                last_day = Some(chunk.key.day);
                widen(chunk.key.start, chunk.header.last);
            }
        }
        for day in self.rolled_days(metric)?.iter().filter(|d| d.dropped) {
            widen(day.start, day.start.saturating_add(DAY_NS - 1));
        }
        for rows in self.log()?.values().filter(|r| r.metric == metric) {
            for time in &rows.times {
                widen(*time, *time);
            }
        }
        Ok(extent)
    }

    fn is_visible(&self, chunk: &Chunk) -> bool {
        chunk.header.batch == 0 || !self.pending.contains(&chunk.header.batch)
    }

    /// The chunks of `metric` that may hold samples of `range`, for the series that `wanted` accepts, ordered by day and series. `few`
    /// names those series where they are few among many: then only they are looked up.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn chunks(
        &self,
        metric: u32,
        range: TimeRange,
        wanted: impl Fn(u32) -> bool,
        few: Option<&[u32]>,
    ) -> Result<Vec<Chunk>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::new();
        let mut days = (day_of(range.start), day_of(range.end - 1));
        let scan = |first: ChunkKey, last: ChunkKey, found: &mut Vec<Chunk>| -> Result<()> {
            for entry in self.chunks.range::<&[u8; ChunkKey::LEN]>(&first.to_bytes()..=&last.to_bytes())? {
                let (key, bytes) = entry?;
                if !wanted(ChunkKey::from_bytes(key.value()).series) {
                    continue;
                }
                let chunk = chunk_of(key.value(), bytes.value())?;
                if self.is_visible(&chunk) && range.touches(chunk.key.start, chunk.header.last) {
                    found.push(chunk);
                }
            }
            Ok(())
        };
        let Some(few) = few else {
            scan(ChunkKey::first(metric, days.0, 0), ChunkKey::last(metric, days.1, u32::MAX), &mut found)?;
            return Ok(found);
        };
        // Only the days that there are: an open range spans half a million of them.
        while let Some(day) = self.day_from(metric, days.0)?.filter(|day| *day <= days.1) {
            for series in few {
                scan(ChunkKey::first(metric, day, *series), ChunkKey::last(metric, day, *series), &mut found)?;
            }
            let Some(next) = day.checked_add(1) else { break };
            days.0 = next;
        }
        Ok(found)
    }

    /// The first day from `day` on that has chunks of `metric`.
    pub(super) fn day_from(&self, metric: u32, day: i32) -> Result<Option<i32>> {
        let (first, last) = (ChunkKey::first(metric, day, 0), ChunkKey::last(metric, i32::MAX, u32::MAX));
        match self.chunks.range::<&[u8; ChunkKey::LEN]>(&first.to_bytes()..=&last.to_bytes())?.next() {
            Some(entry) => Ok(Some(ChunkKey::from_bytes(entry?.0.value()).day)),
            None => Ok(None),
        }
    }

    /// Appends the values at `range` of `chunk`.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn values(&self, chunk: &Chunk, range: Range<usize>, out: &mut Vec<f64>) -> Result<()> {
        let count = chunk.count();
        chunk::read_column(&self.extents, &chunk.key, &chunk.header, Column::Values, |bytes| {
            codec::values::decode(bytes, count, range, out)
        })
    }

    /// Hands the column of times of `chunk` to `read`.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn times<R>(
        &self,
        chunk: &Chunk,
        read: impl FnOnce(&codec::times::Times<'_>) -> std::result::Result<R, codec::Malformed>,
    ) -> Result<R> {
        chunk::read_column(&self.extents, &chunk.key, &chunk.header, Column::Times, |bytes| {
            read(&codec::times::Times::read(bytes, chunk.count())?)
        })
    }

    /// The samples of `series` in the log, in order of arrival. They all arrived after those in chunks.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn log_rows(&self, series: u32) -> Result<Option<(&[i64], &[f64])>> {
        Ok(self.log()?.get(&series).map(|rows: &SeriesRows| (rows.times.as_slice(), rows.values.as_slice())))
    }

    /// Samples in the log by metric.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn log_counts(&self) -> Result<Vec<(u32, u64)>> {
        Ok(self.log()?.values().map(|rows| (rows.metric, rows.times.len() as u64)).collect())
    }

    /// How long metrics are kept, by pattern.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn policies(&self) -> Result<Vec<Policy>> {
        retention::policies(&self.policies)
    }

    /// The days of `metric` that are or were rolled up, in order.
    pub(super) fn days(&self, metric: u32) -> Result<Vec<(i32, Day)>> {
        let mut all = Vec::new();
        for entry in self.days.range::<&[u8; 8]>(&day_key(metric, i32::MIN)..=&day_key(metric, i32::MAX))? {
            let (key, bytes) = entry?;
            all.push((day_of_key(*key.value()).1, Day::from_bytes(*key.value(), bytes.value())?));
        }
        Ok(all)
    }

    /// What is known of a day of `metric`.
    pub(super) fn day(&self, metric: u32, day: i32) -> Result<Option<Day>> {
        days::get(&self.days, metric, day)
    }

    /// The buckets of a rollup, none where there is none.
    pub(super) fn rollup(&self, key: &RollupKey) -> Result<Vec<Bucket>> {
        match self.rollups.get(&key.to_bytes())? {
            Some(bytes) => record::decode(key, bytes.value()),
            None => Ok(Vec::new()),
        }
    }

    /// The ingests in the store, oldest first.
    ///
    /// # Errors
    /// A damaged store, a failed read.
    pub fn ingests(&self) -> Result<Vec<(u64, IngestRecord)>> {
        let mut all = Vec::new();
        for entry in self.ingests.iter()? {
            let (id, bytes) = entry?;
            let id = id.value();
            all.push((id, records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value())?));
        }
        Ok(all)
    }
}

fn chunk_of(key: &[u8; ChunkKey::LEN], header: &[u8; super::header::HEADER_LEN]) -> Result<Chunk> {
    Ok(Chunk { key: ChunkKey::from_bytes(key), header: Header::from_bytes(key, header)? })
}
