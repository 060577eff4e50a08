//! The catalog: metrics, series and label postings.

use super::records::{self, MetricRecord};
use super::schema::{
    META, METRIC_NAMES, METRICS, PENDING_SERIES, POSTINGS, SERIES, SERIES_HASHES, series_key, series_of_key,
};
use crate::error::{Error, Result};
use crate::model::{Labels, MetricMeta, Series};
use hashbrown::HashMap;
use redb::{ReadableTable, ReadableTableMetadata, Table, WriteTransaction};
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use twox_hash::XxHash3_64;

/// The hash that a series is found by.
fn hash_of(metric: u32, labels: &[u8]) -> u64 {
    XxHash3_64::oneshot_with_seed(u64::from(metric), labels)
}

/// The key of a posting: metric, label, value, and the upper half of the series numbers in it.
fn posting_key(metric: u32, label: &str, value: &str, shard: u16) -> Vec<u8> {
    let mut key = Vec::with_capacity(4 + label.len() + value.len() + 4);
    key.extend_from_slice(&metric.to_be_bytes());
    // Labels hold no NUL, so that it can end them.
    key.extend_from_slice(label.as_bytes());
    key.push(0);
    key.extend_from_slice(value.as_bytes());
    key.push(0);
    key.extend_from_slice(&shard.to_be_bytes());
    key
}

/// Numbers of series that a process has seen, so that a stream of small batches need not look them up again and again.
#[derive(Debug, Default)]
pub(super) struct KnownSeries {
    removals: u64,
    ids: HashMap<Series, (u32, u32)>,
}

/// Series remembered at most: some hundred bytes each.
const KNOWN_COUNT_MAX: usize = 100_000;

impl KnownSeries {
    /// Forgets all if series were removed since.
    pub(super) fn trust(&mut self, removals: u64) {
        if self.removals != removals {
            self.ids.clear();
            self.removals = removals;
        }
    }

    /// Metric and series number of `series`.
    pub(super) fn get(&self, series: &Series) -> Option<(u32, u32)> {
        self.ids.get(series).copied()
    }

    /// Remembers what a transaction that is committed has found out.
    pub(super) fn learn(&mut self, found: Vec<(Series, (u32, u32))>) {
        if self.ids.len() + found.len() > KNOWN_COUNT_MAX {
            self.ids.clear();
        }
        self.ids.extend(found.into_iter().take(KNOWN_COUNT_MAX));
    }
}

/// Gives numbers to metrics and series within one write transaction.
pub(super) struct CatalogWriter<'t> {
    meta: Table<'t, &'static str, u64>,
    metrics: Table<'t, u32, &'static [u8]>,
    names: Table<'t, &'static str, u32>,
    series: Table<'t, &'static [u8; 8], &'static [u8]>,
    hashes: Table<'t, u64, u64>,
    postings: Table<'t, &'static [u8], &'static [u8]>,
    pending: Table<'t, u32, u64>,
    metric_ids: HashMap<String, u32>,
    /// Series added in this transaction. They are written in the order of their keys, which fills pages instead of splitting them.
    new_series: BTreeMap<[u8; 8], Vec<u8>>,
    new_hashes: BTreeMap<u64, u64>,
    /// The postings that they go into.
    new_postings: BTreeMap<Vec<u8>, RoaringBitmap>,
}

impl<'t> CatalogWriter<'t> {
    pub(super) fn open(txn: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            meta: txn.open_table(META)?,
            metrics: txn.open_table(METRICS)?,
            names: txn.open_table(METRIC_NAMES)?,
            series: txn.open_table(SERIES)?,
            hashes: txn.open_table(SERIES_HASHES)?,
            postings: txn.open_table(POSTINGS)?,
            pending: txn.open_table(PENDING_SERIES)?,
            metric_ids: HashMap::new(),
            new_series: BTreeMap::new(),
            new_hashes: BTreeMap::new(),
            new_postings: BTreeMap::new(),
        })
    }

    fn next(&mut self, counter: &str) -> Result<u32> {
        let number = self.meta.get(counter)?.map_or(1, |n| n.value());
        let id = u32::try_from(number)
            .map_err(|_| Error::limit(format!("the store is out of numbers for `{counter}`"), "start a new store"))?;
        self.meta.insert(counter, number + 1)?;
        Ok(id)
    }

    /// The number of the metric `name`, given now if it is new; what the name gives away becomes its metadata.
    pub(super) fn metric(&mut self, name: &str) -> Result<u32> {
        if let Some(id) = self.metric_ids.get(name) {
            return Ok(*id);
        }
        let known = self.names.get(name)?.map(|id| id.value());
        let id = if let Some(id) = known {
            id
        } else {
            let id = self.next("next_metric")?;
            self.put_metric(
                id,
                &MetricRecord { name: name.to_owned(), meta: MetricMeta::guess(name).unwrap_or_default() },
            )?;
            self.names.insert(name, id)?;
            id
        };
        self.metric_ids.insert(name.to_owned(), id);
        Ok(id)
    }

    fn put_metric(&mut self, id: u32, record: &MetricRecord) -> Result<()> {
        self.metrics.insert(id, records::to_bytes(&id.to_be_bytes(), record)?.as_slice())?;
        Ok(())
    }

    /// Changes the metadata of metric `name`, which is made if it is new.
    pub(super) fn set_meta(&mut self, name: &str, change: impl FnOnce(&mut MetricMeta) -> Result<()>) -> Result<()> {
        let id = self.metric(name)?;
        let mut record = metric_record(&self.metrics, id)?
            .ok_or_else(|| Error::corrupt(format!("metric `{name}` has no record")))?;
        let before = record.clone();
        change(&mut record.meta)?;
        if record == before { Ok(()) } else { self.put_metric(id, &record) }
    }

    /// The numbers of metric and series of `series`, given now if it is new. `batch` is the incomplete ingest that asks, if one does.
    pub(super) fn series(&mut self, series: &Series, batch: Option<u64>) -> Result<(u32, u32)> {
        let metric = self.metric(&series.metric)?;
        let labels = records::labels_body(&series.labels);
        let mut hash = hash_of(metric, &labels);
        while let Some(found) = self.found(hash)? {
            let key = found.to_be_bytes();
            let (found_metric, id) = series_of_key(key);
            if found_metric == metric && self.has_labels(key, &labels)? {
                return Ok((metric, id));
            }
            hash = hash.wrapping_add(1);
        }
        let id = self.next("next_series")?;
        let key = series_key(metric, id);
        self.new_series.insert(key, records::labels_to_bytes(&key, &series.labels));
        self.new_hashes.insert(hash, u64::from_be_bytes(key));
        if let Some(batch) = batch {
            self.pending.insert(id, batch)?;
        }
        for (label, value) in series.labels.iter() {
            self.new_postings.entry(posting_key(metric, label, value, (id >> 16) as u16)).or_default().insert(id);
        }
        Ok((metric, id))
    }

    /// What stands under `hash`, written or about to be.
    fn found(&self, hash: u64) -> Result<Option<u64>> {
        match self.new_hashes.get(&hash) {
            Some(found) => Ok(Some(*found)),
            None => Ok(self.hashes.get(hash)?.map(|n| n.value())),
        }
    }

    fn has_labels(&self, key: [u8; 8], labels: &[u8]) -> Result<bool> {
        if let Some(bytes) = self.new_series.get(&key) {
            return Ok(records::checked("a series", &key, bytes)? == labels);
        }
        let stored =
            self.series.get(&key)?.ok_or_else(|| Error::corrupt("a series that is known by its hash has no record"))?;
        Ok(records::checked("a series", &key, stored.value())? == labels)
    }

    /// Writes the series added and their postings. Must be called last.
    pub(super) fn finish(mut self) -> Result<()> {
        for (key, bytes) in std::mem::take(&mut self.new_series) {
            self.series.insert(&key, bytes.as_slice())?;
        }
        for (hash, found) in std::mem::take(&mut self.new_hashes) {
            self.hashes.insert(hash, found)?;
        }
        for (key, added) in std::mem::take(&mut self.new_postings) {
            let bitmap = added | posting(&self.postings, &key)?;
            self.put_posting(&key, &bitmap)?;
        }
        Ok(())
    }

    fn put_posting(&mut self, key: &[u8], bitmap: &RoaringBitmap) -> Result<()> {
        let mut bytes = Vec::with_capacity(bitmap.serialized_size() + 4);
        bitmap.serialize_into(&mut bytes).map_err(|e| Error::Bug(format!("a posting that cannot be encoded: {e}")))?;
        let crc = crate::codec::crc32(&[key, &bytes]);
        bytes.extend_from_slice(&crc.to_le_bytes());
        self.postings.insert(key, bytes.as_slice())?;
        Ok(())
    }

    /// Makes series visible that an incomplete ingest brought and that now hold samples for all to see.
    pub(super) fn reveal(&mut self, series: impl Iterator<Item = u32>) -> Result<()> {
        if !self.pending.is_empty()? {
            for id in series {
                self.pending.remove(id)?;
            }
        }
        Ok(())
    }

    /// How often series were removed so far: numbers that a process remembers hold while it stays the same.
    pub(super) fn removals(meta: &impl ReadableTable<&'static str, u64>) -> Result<u64> {
        Ok(meta.get("removals")?.map_or(0, |n| n.value()))
    }

    /// Removes the series `ids` of `metric`, and the metric too if nothing is left of it and nobody described it.
    pub(super) fn remove_series(&mut self, metric: u32, ids: &[u32]) -> Result<()> {
        let removals = Self::removals(&self.meta)?;
        self.meta.insert("removals", removals + 1)?;
        for id in ids {
            let key = series_key(metric, *id);
            let Some(labels) = self.series.remove(&key)?.map(|bytes| records::labels_from_bytes(&key, bytes.value()))
            else {
                continue;
            };
            let labels = labels?;
            self.remove_hash(hash_of(metric, &records::labels_body(&labels)), u64::from_be_bytes(key))?;
            self.pending.remove(*id)?;
            for (label, value) in labels.iter() {
                let posting_key = posting_key(metric, label, value, (*id >> 16) as u16);
                let mut bitmap = posting(&self.postings, &posting_key)?;
                bitmap.remove(*id);
                if bitmap.is_empty() {
                    self.postings.remove(posting_key.as_slice())?;
                } else {
                    self.put_posting(&posting_key, &bitmap)?;
                }
            }
        }
        let left =
            self.series.range::<&[u8; 8]>(&series_key(metric, 0)..=&series_key(metric, u32::MAX))?.next().is_some();
        if !left
            && let Some(record) = metric_record(&self.metrics, metric)?
            && record.meta == MetricMeta::guess(&record.name).unwrap_or_default()
        {
            self.metrics.remove(metric)?;
            self.names.remove(record.name.as_str())?;
            self.metric_ids.remove(&record.name);
        }
        Ok(())
    }

    /// Removes `target` from its run of equal or neighbouring hashes and closes the gap.
    fn remove_hash(&mut self, first: u64, target: u64) -> Result<()> {
        let mut hash = first;
        let mut run = Vec::new();
        while let Some(found) = self.hashes.get(hash)?.map(|n| n.value()) {
            run.push((hash, found));
            hash = hash.wrapping_add(1);
        }
        let Some(at) = run.iter().position(|(_, found)| *found == target) else { return Ok(()) };
        // What stands behind the removed entry may be there only because its own place was taken: put it in anew.
        for (hash, _) in &run[at..] {
            self.hashes.remove(*hash)?;
        }
        for (_, found) in &run[at + 1..] {
            let key = found.to_be_bytes();
            let (metric, _) = series_of_key(key);
            let Some(home) = self
                .series
                .get(&key)?
                .map(|bytes| records::checked("a series", &key, bytes.value()).map(|b| hash_of(metric, b)))
            else {
                continue;
            };
            let mut hash = home?;
            while self.hashes.get(hash)?.is_some() {
                hash = hash.wrapping_add(1);
            }
            self.hashes.insert(hash, *found)?;
        }
        Ok(())
    }

    /// The series that incomplete ingest `batch` brought and nobody else has revealed, with their metrics.
    pub(super) fn pending_series(&self, batch: u64) -> Result<Vec<(u32, u32)>> {
        let mut ids = RoaringBitmap::new();
        for entry in self.pending.iter()? {
            let (id, owner) = entry?;
            if owner.value() == batch {
                ids.insert(id.value());
            }
        }
        let mut found = Vec::new();
        if !ids.is_empty() {
            for entry in self.series.iter()? {
                let (metric, id) = series_of_key(*entry?.0.value());
                if ids.contains(id) {
                    found.push((metric, id));
                }
            }
        }
        Ok(found)
    }
}

/// The record of metric `id`.
pub(super) fn metric_record(table: &impl ReadableTable<u32, &'static [u8]>, id: u32) -> Result<Option<MetricRecord>> {
    let Some(bytes) = table.get(id)? else { return Ok(None) };
    records::from_bytes(&format!("metric {id}"), &id.to_be_bytes(), bytes.value()).map(Some)
}

fn posting(table: &impl ReadableTable<&'static [u8], &'static [u8]>, key: &[u8]) -> Result<RoaringBitmap> {
    match table.get(key)? {
        Some(bytes) => bitmap_of(key, bytes.value()),
        None => Ok(RoaringBitmap::new()),
    }
}

fn bitmap_of(key: &[u8], bytes: &[u8]) -> Result<RoaringBitmap> {
    let body = records::checked("a label posting", key, bytes)?;
    RoaringBitmap::deserialize_from(body).map_err(|e| Error::corrupt(format!("a label posting: {e}")))
}

/// The series of `metric` whose label has that value.
pub(super) fn series_with(
    table: &impl ReadableTable<&'static [u8], &'static [u8]>,
    metric: u32,
    label: &str,
    value: &str,
) -> Result<RoaringBitmap> {
    let (first, last) = (posting_key(metric, label, value, 0), posting_key(metric, label, value, u16::MAX));
    let mut all = RoaringBitmap::new();
    for entry in table.range::<&[u8]>(first.as_slice()..=last.as_slice())? {
        let (key, bytes) = entry?;
        all |= bitmap_of(key.value(), bytes.value())?;
    }
    Ok(all)
}

/// The labels of series `id` of `metric`.
pub(super) fn labels_of(
    table: &impl ReadableTable<&'static [u8; 8], &'static [u8]>,
    metric: u32,
    id: u32,
) -> Result<Option<Labels>> {
    let key = series_key(metric, id);
    match table.get(&key)? {
        Some(bytes) => records::labels_from_bytes(&key, bytes.value()).map(Some),
        None => Ok(None),
    }
}
