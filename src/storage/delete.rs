//! Deleting samples by series and time.
//!
//! What stays true: one transaction does all of it or nothing. Ingests whose samples it touches are forgotten, so that their files may come
//! again. Chunks that the range cuts are written anew without what was deleted.

use super::append::{next_seq, seal, set_next_seq};
use super::chunk::{self, Column, SeriesRows};
use super::header::Header;
use super::ingests::forget_empty_series;
use super::records::{self, IngestRecord};
use super::rollup::days::{self, Touched};
use super::rollup::record;
use super::schema::{
    CHUNKS, ChunkKey, DAYS, EXTENTS, INGEST_HASHES, INGESTS, PENDING, ROLLUPS, RollupKey, day_key, day_of, day_of_key,
};
use super::store::Store;
use crate::codec;
use crate::error::Result;
use crate::model::TimeRange;
use hashbrown::HashSet;
use redb::{ReadableTable, WriteTransaction};
use std::collections::{BTreeMap, BTreeSet};

/// What was deleted, or would be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deleted {
    /// Samples.
    pub samples: u64,
    /// Buckets of rollups whose samples had been dropped before.
    pub buckets: u64,
    /// Buckets of such rollups that the range cuts: they stay.
    pub buckets_cut: u64,
    /// Ingests that were forgotten: number and source.
    pub ingests: Vec<(u64, String)>,
}

impl Store {
    /// Deletes the samples in `range` of `series` (metric and number of each). With `dry_run` nothing changes.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write; nothing changes then.
    pub fn delete(&self, series: &[(u32, u32)], range: TimeRange, dry_run: bool) -> Result<Deleted> {
        let mut deleted = Deleted::default();
        let txn = self.begin_write()?;
        let (seq, _) = seal(&txn, self)?;
        set_next_seq(&txn, seq)?;
        let mut work =
            Work { txn: &txn, range, touched: Touched::new(), batches: BTreeSet::new(), deleted: &mut deleted };
        let mut emptied = BTreeSet::new();
        for of_metric in series.chunk_by(|a, b| a.0 == b.0) {
            let wanted: HashSet<u32> = of_metric.iter().map(|s| s.1).collect();
            work.samples(of_metric[0].0, &wanted)?;
            work.rollups(of_metric[0].0, &wanted)?;
            emptied.extend(of_metric.iter().copied());
        }
        let (touched, batches) = (work.touched, work.batches);
        days::mark(&txn, &touched)?;
        deleted.ingests = forget_ingests(&txn, &batches)?;
        if dry_run {
            txn.abort()?;
        } else {
            forget_empty_series(&txn, emptied)?;
            self.commit(txn)?;
        }
        Ok(deleted)
    }
}

struct Work<'a> {
    txn: &'a WriteTransaction,
    range: TimeRange,
    touched: Touched,
    /// The ingests whose chunks were touched.
    batches: BTreeSet<u64>,
    deleted: &'a mut Deleted,
}

impl Work<'_> {
    /// Removes the chunks of a metric that the range touches, and writes anew what it leaves of them.
    fn samples(&mut self, metric: u32, wanted: &HashSet<u32>) -> Result<()> {
        if self.range.is_empty() {
            return Ok(());
        }
        let mut keys: BTreeMap<i32, Vec<ChunkKey>> = BTreeMap::new();
        let mut rest: BTreeMap<u64, Vec<SeriesRows>> = BTreeMap::new();
        {
            let pending = self.txn.open_table(PENDING)?;
            let headers = self.txn.open_table(CHUNKS)?;
            let extents = self.txn.open_table(EXTENTS)?;
            let first = ChunkKey::first(metric, day_of(self.range.start), 0).to_bytes();
            let last = ChunkKey::last(metric, day_of(self.range.end - 1), u32::MAX).to_bytes();
            for entry in headers.range::<&[u8; ChunkKey::LEN]>(&first..=&last)? {
                let (bytes, header) = entry?;
                let key = ChunkKey::from_bytes(bytes.value());
                if !wanted.contains(&key.series) {
                    continue;
                }
                let header = Header::from_bytes(bytes.value(), header.value())?;
                if !self.range.touches(key.start, header.last) || pending.get(header.batch)?.is_some() {
                    continue;
                }
                let kept = if self.range.covers(key.start, header.last) {
                    SeriesRows::default()
                } else {
                    outside(&extents, &key, &header, self.range)?
                };
                let gone = u64::from(header.count) - kept.times.len() as u64;
                if gone == 0 {
                    continue;
                }
                self.deleted.samples += gone;
                self.batches.insert(header.batch);
                keys.entry(key.day).or_default().push(key);
                if !kept.times.is_empty() {
                    rest.entry(header.batch).or_default().push(kept);
                }
            }
        }
        for (day, keys) in keys {
            let removed = chunk::remove_keys(self.txn, metric, day, &keys)?;
            self.touched.extend(removed.touched);
        }
        for (batch, rows) in rest {
            let seq = chunk::write(self.txn, chunk::encode_all(rows), batch, next_seq(self.txn)?, &mut self.touched)?;
            set_next_seq(self.txn, seq)?;
        }
        Ok(())
    }

    /// Removes buckets of rollups whose samples were dropped.
    fn rollups(&mut self, metric: u32, wanted: &HashSet<u32>) -> Result<()> {
        let mut dropped = BTreeSet::new();
        for entry in
            self.txn.open_table(DAYS)?.range::<&[u8; 8]>(&day_key(metric, i32::MIN)..=&day_key(metric, i32::MAX))?
        {
            let (key, bytes) = entry?;
            if days::Day::from_bytes(*key.value(), bytes.value())?.dropped {
                dropped.insert(day_of_key(*key.value()).1);
            }
        }
        if dropped.is_empty() {
            return Ok(());
        }
        let mut table = self.txn.open_table(ROLLUPS)?;
        let mut changes = Vec::new();
        let bounds = |metric: u32| {
            let mut key = [0; RollupKey::LEN];
            key[..4].copy_from_slice(&metric.to_be_bytes());
            key
        };
        let after = metric.checked_add(1).map(bounds);
        let range = table.range::<&[u8; RollupKey::LEN]>(&bounds(metric)..)?;
        for entry in range {
            let (bytes, value) = entry?;
            if after.is_some_and(|after| *bytes.value() >= after) {
                break;
            }
            let Some(key) = RollupKey::from_bytes(bytes.value()) else { continue };
            if !wanted.contains(&key.series) || !dropped.contains(&key.day) {
                continue;
            }
            let buckets = record::decode(&key, value.value())?;
            let with_increase = buckets.iter().any(|b| b.increase != 0.0);
            let (count, width) = (buckets.len(), key.level.width());
            let end = |start: i64| start.saturating_add(width - 1);
            let kept: Vec<_> = buckets.into_iter().filter(|b| !self.range.covers(b.start, end(b.start))).collect();
            self.deleted.buckets_cut +=
                kept.iter().filter(|b| self.range.touches(b.start, end(b.start))).count() as u64;
            self.deleted.buckets += (count - kept.len()) as u64;
            if kept.len() < count {
                let bytes = (!kept.is_empty()).then(|| record::encode(&key, &kept, with_increase));
                changes.push((key, bytes));
            }
        }
        for (key, bytes) in changes {
            match bytes {
                Some(bytes) => table.insert(&key.to_bytes(), bytes.as_slice())?,
                None => table.remove(&key.to_bytes())?,
            };
        }
        Ok(())
    }
}

/// The samples of a chunk that lie outside of `range`.
fn outside(
    extents: &impl ReadableTable<&'static [u8; super::schema::PieceKey::LEN], &'static [u8]>,
    key: &ChunkKey,
    header: &Header,
    range: TimeRange,
) -> Result<SeriesRows> {
    let count = header.count as usize;
    let (mut times, mut values) = (Vec::new(), Vec::new());
    chunk::read_column(extents, key, header, Column::Times, |bytes| {
        codec::times::Times::read(bytes, count)?.decode(0..count, &mut times)
    })?;
    chunk::read_column(extents, key, header, Column::Values, |bytes| {
        codec::values::decode(bytes, count, 0..count, &mut values)
    })?;
    let mut rows = SeriesRows { metric: key.metric, series: key.series, ..SeriesRows::default() };
    for (time, value) in times.into_iter().zip(values) {
        if !range.contains(time) {
            rows.times.push(time);
            rows.values.push(value);
        }
    }
    Ok(rows)
}

/// Forgets ingests, and gives their numbers and sources.
fn forget_ingests(txn: &WriteTransaction, batches: &BTreeSet<u64>) -> Result<Vec<(u64, String)>> {
    let mut table = txn.open_table(INGESTS)?;
    let mut forgotten = Vec::new();
    for id in batches {
        let Some(bytes) = table.remove(id)? else { continue };
        let record: IngestRecord = records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value())?;
        if let Some(hash) = record.hash {
            txn.open_table(INGEST_HASHES)?.remove(hash)?;
        }
        forgotten.push((*id, record.source));
    }
    Ok(forgotten)
}
