//! Short chunks joined into long ones.
//!
//! A stream is sealed every few minutes, which makes many short chunks; joined, they take less room and a query reads fewer of them.
//! What stays true: a chunk keeps its batch and its place in the order of arrival, and a batch owns its extents whole.

use crate::error::Result;
use crate::model::{Cancel, Progress};
use crate::storage::Store;
use crate::storage::append::{next_seq, set_next_seq};
use crate::storage::chunk::{self, CHUNK_COUNT_MAX, EncodedChunk};
use crate::storage::extent;
use crate::storage::header::Header;
use crate::storage::schema::{CHUNKS, ChunkKey, EXTENTS, PENDING};
use hashbrown::HashSet;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};

/// Longer chunks stay as they are.
const SHORT_COUNT_MAX: u32 = CHUNK_COUNT_MAX as u32 / 2;

/// A day is joined unasked once its series have this many short chunks each: some hours of a stream.
const CHOPPY_COUNT_MIN: usize = 16;

/// Bytes of columns in one extent that is made anew.
const EXTENT_LEN: usize = 8 << 20;

/// What joining chunks does, or would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Joined {
    /// Short chunks that are joined.
    pub(super) from: u64,
    /// Chunks that they become.
    pub(super) to: u64,
}

type Stored = (ChunkKey, Header);

impl Store {
    /// What [`Store::join_chunks`] would join.
    pub(super) fn count_short_chunks(&self) -> Result<Joined> {
        let read = self.begin_read()?;
        let pending = pending(&read)?;
        let mut joined = Joined::default();
        each_day(&read, |stored| {
            for run in runs(stored, &pending) {
                let samples: usize = run.iter().map(|(_, header)| header.count as usize).sum();
                joined.from += run.len() as u64;
                joined.to += samples.div_ceil(CHUNK_COUNT_MAX) as u64;
            }
        })?;
        Ok(joined)
    }

    /// Joins the short chunks of those of `days` (metric, day) whose series have many.
    pub(in crate::storage) fn join_choppy(&self, days: impl Iterator<Item = (u32, i32)>) -> Result<()> {
        let read = self.begin_read()?;
        let pending = pending(&read)?;
        let mut due = Vec::new();
        for (metric, day) in days {
            let stored = stored_of(&read, metric, day)?;
            let short = runs(&stored, &pending).iter().map(Vec::len).sum::<usize>();
            let series = stored.chunk_by(|a, b| a.0.series == b.0.series).count();
            if short >= CHOPPY_COUNT_MIN * series.max(1) {
                due.push((metric, day));
            }
        }
        drop(read);
        for day in due {
            let txn = self.begin_write()?;
            join_day(&self.begin_read()?, &txn, day, &Cancel::new())?;
            self.commit(txn)?;
        }
        Ok(())
    }

    /// Joins short chunks, those of one metric and day in a transaction.
    pub(super) fn join_chunks(&self, progress: &dyn Progress, cancel: &Cancel) -> Result<Joined> {
        let read = self.begin_read()?;
        let pending = pending(&read)?;
        let mut due = Vec::new();
        each_day(&read, |stored| {
            if let Some((key, _)) = stored.first().filter(|_| !runs(stored, &pending).is_empty()) {
                due.push((key.metric, key.day));
            }
        })?;
        drop(read);
        let mut joined = Joined::default();
        for (done, day) in due.iter().enumerate() {
            progress.update(done as u64, due.len() as u64);
            let txn = self.begin_write()?;
            let part = join_day(&self.begin_read()?, &txn, *day, cancel)?;
            self.commit(txn)?;
            joined.from += part.from;
            joined.to += part.to;
        }
        Ok(joined)
    }
}

/// Shows the chunks of each metric and day to `look`.
fn each_day(read: &ReadTransaction, mut look: impl FnMut(&[Stored])) -> Result<()> {
    let mut stored: Vec<Stored> = Vec::new();
    for entry in read.open_table(CHUNKS)?.iter()? {
        let (key, header) = entry?;
        let header = Header::from_bytes(key.value(), header.value())?;
        let key = ChunkKey::from_bytes(key.value());
        if stored.last().is_some_and(|(last, _)| (last.metric, last.day) != (key.metric, key.day)) {
            look(&stored);
            stored.clear();
        }
        stored.push((key, header));
    }
    look(&stored);
    Ok(())
}

/// Short chunks of one series and batch that arrived one after the other, two and more. Those of `pending` batches are left alone.
///
/// Nothing of the same series lies between them in the order of arrival, so that equal times stay in that order.
fn runs(stored: &[Stored], pending: &HashSet<u64>) -> Vec<Vec<Stored>> {
    let mut found = Vec::new();
    for of_series in stored.chunk_by(|a, b| a.0.series == b.0.series) {
        let mut by_arrival = of_series.to_vec();
        by_arrival.sort_by_key(|(key, _)| key.seq);
        let short = |header: &Header| header.count <= SHORT_COUNT_MAX && !pending.contains(&header.batch);
        let together = |a: &Stored, b: &Stored| a.1.batch == b.1.batch && short(&a.1) && short(&b.1);
        found.extend(by_arrival.chunk_by(together).filter(|run| run.len() > 1).map(<[Stored]>::to_vec));
    }
    found
}

/// Joins the short chunks of `metric` on `day`. `read` sees what `txn` began from.
fn join_day(
    read: &ReadTransaction,
    txn: &WriteTransaction,
    (metric, day): (u32, i32),
    cancel: &Cancel,
) -> Result<Joined> {
    let (units, old_extents) = units(read, metric, day)?;
    let extents = read.open_table(EXTENTS)?;
    let mut joined = Joined::default();
    let mut seq = next_seq(txn)?;
    for of_batch in units.chunk_by(|a, b| a[0].1.batch == b[0].1.batch) {
        let (mut held, mut held_len) = (Vec::new(), 0);
        for unit in of_batch {
            cancel.check()?;
            let chunks: Vec<EncodedChunk> =
                unit.iter().map(|(key, header)| EncodedChunk::read(&extents, key, *header)).collect::<Result<_>>()?;
            let chunks = if let [_] = chunks.as_slice() {
                chunks
            } else {
                let new = chunk::join(&chunks)?;
                joined.from += chunks.len() as u64;
                joined.to += new.len() as u64;
                new
            };
            let mut headers = txn.open_table(CHUNKS)?;
            for (key, _) in unit {
                headers.remove(&key.to_bytes())?;
            }
            held_len += chunks.iter().map(EncodedChunk::len).sum::<usize>();
            held.extend(chunks);
            if held_len >= EXTENT_LEN {
                drop(headers);
                chunk::write_extent(txn, &mut held, seq)?;
                (seq, held_len) = (seq + 1, 0);
                held.clear();
            }
        }
        chunk::write_extent(txn, &mut held, seq)?;
        seq += 1;
    }
    let mut extents = txn.open_table(EXTENTS)?;
    for extent in old_extents {
        extent::remove(&mut extents, metric, day, extent)?;
    }
    set_next_seq(txn, seq)?;
    Ok(joined)
}

/// The chunks of `metric` on `day`, by series.
fn stored_of(read: &ReadTransaction, metric: u32, day: i32) -> Result<Vec<Stored>> {
    let bounds = (ChunkKey::first(metric, day, 0).to_bytes(), ChunkKey::last(metric, day, u32::MAX).to_bytes());
    let mut stored: Vec<Stored> = Vec::new();
    for entry in read.open_table(CHUNKS)?.range::<&[u8; ChunkKey::LEN]>(&bounds.0..=&bounds.1)? {
        let (key, header) = entry?;
        stored.push((ChunkKey::from_bytes(key.value()), Header::from_bytes(key.value(), header.value())?));
    }
    Ok(stored)
}

/// What is written anew of `metric` on `day`, by batch: chunks to be joined, and one by one those that share an extent with such.
/// And the extents that are left then.
fn units(read: &ReadTransaction, metric: u32, day: i32) -> Result<(Vec<Vec<Stored>>, HashSet<u64>)> {
    let mut stored = stored_of(read, metric, day)?;
    let mut units = runs(&stored, &pending(read)?);
    let extents: HashSet<u64> = units.iter().flatten().map(|(_, header)| header.extent).collect();
    let joined: HashSet<u64> = units.iter().flatten().map(|(key, _)| key.seq).collect();
    stored.retain(|(key, header)| extents.contains(&header.extent) && !joined.contains(&key.seq));
    units.extend(stored.into_iter().map(|one| vec![one]));
    units.sort_by_key(|unit| (unit[0].1.batch, unit[0].0.series, unit[0].0.seq));
    Ok((units, extents))
}

/// Ingests that are not complete: their process may be about to write more.
fn pending(read: &ReadTransaction) -> Result<HashSet<u64>> {
    read.open_table(PENDING)?.iter()?.map(|entry| Ok(entry?.0.value())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Columns, Labels, NoProgress, Series, SeriesSet, TimeRange};
    use crate::storage::{Bulk, OpenOptions};
    use std::sync::Arc;

    /// Each series' samples in the order in which a query sees them.
    fn samples(store: &Store) -> Vec<Vec<(i64, u64)>> {
        let snapshot = store.snapshot().unwrap();
        let mut all = Vec::new();
        for (metric, _, _) in snapshot.metrics().unwrap() {
            for (series, _) in snapshot.series(metric).unwrap() {
                let mut chunks = snapshot.chunks(metric, TimeRange::ALL, |s| s == series, None).unwrap();
                chunks.sort_by_key(crate::storage::Chunk::order);
                let mut rows = Vec::new();
                for chunk in chunks {
                    let (mut times, mut values) = (Vec::new(), Vec::new());
                    snapshot.values(&chunk, 0..chunk.count(), &mut values).unwrap();
                    snapshot.times(&chunk, |t| t.decode(0..chunk.count(), &mut times)).unwrap();
                    rows.extend(times.into_iter().zip(values.into_iter().map(f64::to_bits)));
                }
                rows.sort_by_key(|row| row.0);
                all.push(rows);
            }
        }
        all
    }

    #[test]
    fn short_chunks_become_long_ones_and_every_sample_stays_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(&folder.path().join("s.redb"), OpenOptions::write()).unwrap());
        let mut set = SeriesSet::new();
        let ids: Vec<u32> = ["a", "b", "c"]
            .map(|agent| set.id(Series { metric: "m".into(), labels: Labels::new([("agent", agent)]).unwrap() }))
            .to_vec();
        // Equal times in many chunks, two days, two ingests between the others, and a long chunk that shares an extent.
        for round in 0..12_i64 {
            let mut columns = Columns::default();
            for i in 0..60_i64 {
                for id in &ids {
                    columns.push(*id, i / 7 * 3_600_000_000_000, (round * 60 + i) as f64);
                }
            }
            if round == 3 {
                (0..10_000).for_each(|i| columns.push(ids[2], i, i as f64));
            }
            let mut bulk = Bulk::begin(Arc::clone(&store), "test");
            if round == 5 || round == 9 {
                bulk.add(&columns, &set).unwrap();
            } else {
                store.append(&columns, &set, &[], 0).unwrap();
            }
            // Seals the log.
            bulk.finish(&[], None, 0, 0).unwrap();
        }
        let was = samples(&store);
        let would = store.count_short_chunks().unwrap();
        let joined = store.join_chunks(&NoProgress, &Cancel::new()).unwrap();
        assert_eq!(would, joined);
        assert!(joined.from > 25 && joined.to < 12, "{joined:?}");
        assert_eq!(samples(&store), was);
        assert_eq!(store.join_chunks(&NoProgress, &Cancel::new()).unwrap(), Joined::default(), "once is enough");
        let extents = store.begin_read().unwrap().open_table(EXTENTS).unwrap();
        let chunks = store.begin_read().unwrap().open_table(CHUNKS).unwrap();
        let numbers = |keys: Vec<u64>| keys.into_iter().collect::<std::collections::BTreeSet<u64>>();
        let there =
            extents.iter().unwrap().map(|e| crate::storage::schema::PieceKey::extent_of(e.unwrap().0.value()).2);
        let used = chunks.iter().unwrap().map(|e| {
            let (key, header) = e.unwrap();
            Header::from_bytes(key.value(), header.value()).unwrap().extent
        });
        assert_eq!(numbers(there.collect()), numbers(used.collect()), "no extent is left over");
        // Each ingest still knows its own.
        let ids: Vec<u64> =
            store.ingests().unwrap().into_iter().filter(|(_, r)| r.samples > 0).map(|(id, _)| id).collect();
        assert_eq!(ids.iter().map(|id| store.undo(*id).unwrap()).collect::<Vec<_>>(), [180, 180]);
        drop((extents, chunks));
        let mut store = Arc::into_inner(store).unwrap();
        assert!(store.check(&NoProgress, &Cancel::new()).unwrap().damages.is_empty());
    }
}
