//! A plan carried out: its samples written as pending batches, which the last commit makes visible all at once.

use super::holdings::Holdings;
use super::plan::{Item, Plan, Side, Source};
use super::{MergeOptions, Merged, metas};
use crate::error::{Error, Result};
use crate::model::{Cancel, MetricMeta, Progress};
use crate::storage::append::next_ingest;
use crate::storage::bulk::{COMMIT_LEN, commit_chunks};
use crate::storage::catalog::CatalogWriter;
use crate::storage::chunk::{self, EncodedChunk, SeriesRows};
use crate::storage::records::{self, IngestRecord, Owner, PendingRecord};
use crate::storage::rollup::days::{self, Touched};
use crate::storage::schema::{EXTENTS, INGEST_HASHES, INGESTS, ORIGINS, PENDING};
use crate::storage::store::Store;
use crate::storage::streams::{self, OriginRecord};
use hashbrown::HashMap;
use redb::{ReadableTable, WriteTransaction};
use std::sync::Arc;

/// What is carried where.
pub(super) struct Carry<'a> {
    pub(super) store: &'a Arc<Store>,
    pub(super) theirs: &'a Side,
    /// Their store in messages.
    pub(super) there: &'a str,
    pub(super) metas: &'a [(String, MetricMeta)],
    pub(super) options: MergeOptions,
    pub(super) cancel: &'a Cancel,
}

/// Numbers of metric and series here, by theirs.
type Numbers = HashMap<(u32, u32), (u32, u32)>;

/// Batches that nobody sees yet. Dropped, they leave nothing.
struct Batches<'a> {
    store: &'a Store,
    ids: Vec<u64>,
}

impl Drop for Batches<'_> {
    fn drop(&mut self) {
        if !self.ids.is_empty() {
            // Where that fails, the next open for writing does it.
            drop(self.store.drop_pending(&self.ids));
        }
    }
}

impl Carry<'_> {
    /// Carries `plan` out. `None` where others have changed what it builds on; nothing has changed then.
    pub(super) fn out(&self, plan: &Plan, progress: &dyn Progress) -> Result<Option<Merged>> {
        let mut merged = Merged { known: plan.known, ..Merged::default() };
        let changes_metas = self.look_at_metas(&mut merged)?;
        if plan.items.is_empty() && plan.newer.is_empty() && !changes_metas {
            return Ok(Some(merged));
        }
        let (mut batches, numbers) = self.begin(&plan.items)?;
        let total = plan.items.iter().map(Item::samples).sum();
        let (mut done, mut touched) = (0, Touched::new());
        for (item, batch) in plan.items.iter().zip(&batches.ids) {
            self.write(item, *batch, &numbers, &mut touched, &mut |count| {
                done += count;
                progress.update(done, total);
            })?;
        }
        let txn = self.store.begin_write()?;
        if !self.still_holds(plan)? {
            return Ok(None);
        }
        self.show(&txn, plan, &batches.ids, &numbers)?;
        days::mark(&txn, &touched)?;
        self.store.commit(txn)?;
        batches.ids.clear();
        self.store.roll_after_write()?;
        if total > 0 {
            self.store.tidy_at_close();
        }
        merged.samples = plan.items.iter().map(Item::added).sum();
        let is_ingest = |item: &&Item| matches!(item.source, Source::Ingest(_));
        merged.ingests = plan.items.iter().filter(is_ingest).count() as u64;
        merged.streams = plan.items.len() as u64 - merged.ingests;
        Ok(Some(merged))
    }

    /// Says where metadata differ, and whether any changes.
    fn look_at_metas(&self, merged: &mut Merged) -> Result<bool> {
        let ours: HashMap<String, MetricMeta> =
            self.store.snapshot()?.metrics()?.into_iter().map(|(_, name, meta)| (name, meta)).collect();
        let mut changes = false;
        for (name, theirs) in self.metas {
            let before = ours.get(name).cloned();
            let mut after = before.clone().unwrap_or_default();
            let conflicts = &mut merged.conflicts;
            metas::join((name, self.there), &mut after, theirs, self.options.ignore_units, &mut |text| {
                conflicts.push(text);
            })?;
            changes |= before.is_none_or(|before| before != after);
        }
        Ok(changes)
    }

    /// Gives numbers to batches and series.
    fn begin(&self, items: &[Item]) -> Result<(Batches<'_>, Numbers)> {
        let mut batches = Batches { store: self.store, ids: Vec::new() };
        let mut numbers = Numbers::new();
        if items.is_empty() {
            return Ok((batches, numbers));
        }
        let txn = self.store.begin_write()?;
        let mut ids = Vec::new();
        for item in items {
            let batch = next_ingest(&txn)?;
            let source = match &item.source {
                Source::Ingest(record) => record.source.clone(),
                Source::Stream { .. } => "a stream".to_owned(),
            };
            let record = PendingRecord { source, owner: Owner::this_process() };
            txn.open_table(PENDING)?.insert(batch, records::to_bytes(&batch.to_be_bytes(), &record)?.as_slice())?;
            ids.push(batch);
        }
        let mut catalog = CatalogWriter::open(&txn)?;
        for item in items {
            let in_chunks = item.chunks.iter().map(|(key, _)| (key.metric, key.series));
            for theirs in in_chunks.chain(item.log.values().map(|rows| (rows.metric, rows.series))) {
                if !numbers.contains_key(&theirs) {
                    let name = self.theirs.names.get(theirs.0, theirs.1)?;
                    numbers.insert(theirs, catalog.series(name, ids.first().copied())?);
                }
            }
        }
        catalog.finish()?;
        self.store.commit(txn)?;
        batches.ids = ids;
        Ok((batches, numbers))
    }

    /// Writes the samples of `item`, whose days go into `touched`. `step` hears how many.
    fn write(
        &self,
        item: &Item,
        batch: u64,
        numbers: &Numbers,
        touched: &mut Touched,
        step: &mut dyn FnMut(u64),
    ) -> Result<()> {
        let extents = self.theirs.read.open_table(EXTENTS)?;
        let (mut held, mut held_len) = (Vec::new(), 0);
        for (key, header) in &item.chunks {
            self.cancel.check()?;
            let mut chunk = EncodedChunk::read(&extents, key, *header)?;
            chunk.renumber(numbers[&(key.metric, key.series)]);
            held_len += chunk.len();
            held.push(chunk);
            step(header.count.into());
            if held_len >= COMMIT_LEN {
                commit_chunks(self.store, std::mem::take(&mut held), batch, COMMIT_LEN, touched)?;
                held_len = 0;
            }
        }
        commit_chunks(self.store, held, batch, COMMIT_LEN, touched)?;
        // In commits of their own: what comes from a log is replaced the next time, and takes its extents with it.
        let mut rows: Vec<SeriesRows> = Vec::new();
        for log in item.log.values() {
            let (metric, series) = numbers[&(log.metric, log.series)];
            rows.push(SeriesRows { metric, series, times: log.times.clone(), values: log.values.clone() });
        }
        commit_chunks(self.store, chunk::encode_all(rows), batch, COMMIT_LEN, touched)?;
        let kept = item.kept.iter().map(SeriesRows::clone).collect();
        commit_chunks(self.store, chunk::encode_all(kept), batch, COMMIT_LEN, touched)
    }

    /// Whether what the plan builds on is still so. To be asked inside of the transaction that carries it out.
    fn still_holds(&self, plan: &Plan) -> Result<bool> {
        let now = Holdings::of(&self.store.begin_read()?)?;
        let known = |record: &IngestRecord| {
            let mut here = now.ingests.values().map(|ingest| &ingest.record);
            here.any(|r| r.uid == record.uid || r.hash.is_some() && r.hash == record.hash)
        };
        Ok(plan.items.iter().all(|item| match &item.source {
            Source::Ingest(record) => !known(record),
            Source::Stream { name, version, here } => match now.streams.get(name) {
                None => here.is_empty(),
                Some(stream) => stream.version < *version && stream.chunks.iter().map(|(key, _)| key).eq(here.iter()),
            },
        }))
    }

    /// Makes all of it part of the store.
    fn show(&self, txn: &WriteTransaction, plan: &Plan, batches: &[u64], numbers: &Numbers) -> Result<()> {
        for (item, batch) in plan.items.iter().zip(batches) {
            if txn.open_table(PENDING)?.remove(batch)?.is_none() {
                return Err(Error::Bug(format!("batch {batch} was swept away while it was under way")));
            }
            take_out(txn, item)?;
            self.record(txn, item, *batch)?;
        }
        for (name, version) in &plan.newer {
            streams::advance(txn, *name, *version)?;
        }
        let mut catalog = CatalogWriter::open(txn)?;
        catalog.reveal(numbers.values().map(|(_, series)| *series))?;
        for (name, theirs) in self.metas {
            catalog.set_meta(name, |ours| {
                metas::join((name, self.there), ours, theirs, self.options.ignore_units, &mut |_| {})
            })?;
        }
        catalog.finish()
    }

    fn record(&self, txn: &WriteTransaction, item: &Item, batch: u64) -> Result<()> {
        let record = match &item.source {
            Source::Ingest(record) => record.clone(),
            Source::Stream { name, version, .. } => {
                let origin = OriginRecord { stream: *name, version: *version };
                let bytes = records::to_bytes(&batch.to_be_bytes(), &origin)?;
                txn.open_table(ORIGINS)?.insert(batch, bytes.as_slice())?;
                let (first, last) = item.extent();
                IngestRecord {
                    source: format!("a stream of {}", self.there),
                    time: self.options.now,
                    samples: item.samples(),
                    first,
                    last,
                    bytes: 0,
                    hash: None,
                    uid: streams::random(),
                }
            }
        };
        put_record(txn, batch, &record)?;
        if let Some(hash) = record.hash {
            txn.open_table(INGEST_HASHES)?.insert(hash, batch)?;
        }
        Ok(())
    }
}

/// Removes the chunks that give way, and what batches of them are left without samples.
fn take_out(txn: &WriteTransaction, item: &Item) -> Result<()> {
    let keys: Vec<_> = item.replaced.iter().map(|(key, _)| *key).collect();
    for of_day in keys.chunk_by(|a, b| (a.metric, a.day) == (b.metric, b.day)) {
        let removed = chunk::remove_keys(txn, of_day[0].metric, of_day[0].day, of_day)?;
        days::mark(txn, &removed.touched)?;
    }
    let mut gone: HashMap<u64, u64> = HashMap::new();
    for (_, header) in item.replaced.iter().filter(|(_, header)| header.batch != 0) {
        *gone.entry(header.batch).or_default() += u64::from(header.count);
    }
    for (batch, samples) in gone {
        let Some(mut record) = record_of(txn, batch)? else { continue };
        record.samples = record.samples.saturating_sub(samples);
        if record.samples == 0 {
            txn.open_table(INGESTS)?.remove(batch)?;
            txn.open_table(ORIGINS)?.remove(batch)?;
        } else {
            put_record(txn, batch, &record)?;
        }
    }
    Ok(())
}

fn record_of(txn: &WriteTransaction, id: u64) -> Result<Option<IngestRecord>> {
    let table = txn.open_table(INGESTS)?;
    let Some(bytes) = table.get(id)? else { return Ok(None) };
    records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value()).map(Some)
}

fn put_record(txn: &WriteTransaction, id: u64, record: &IngestRecord) -> Result<()> {
    txn.open_table(INGESTS)?.insert(id, records::to_bytes(&id.to_be_bytes(), record)?.as_slice())?;
    Ok(())
}
