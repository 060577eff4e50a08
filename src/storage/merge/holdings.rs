//! What a store holds, by where it comes from.

use crate::error::{Error, Result};
use crate::model::{Labels, Series};
use crate::storage::header::Header;
use crate::storage::records::{self, IngestRecord};
use crate::storage::schema::{
    CHUNKS, ChunkKey, INGESTS, LOG, META, METRICS, ORIGINS, PENDING, SERIES, STREAMS, series_of_key,
};
use crate::storage::streams::{self, OriginRecord};
use crate::storage::{catalog, log::LogRows};
use hashbrown::{HashMap, HashSet};
use redb::{ReadTransaction, ReadableTable};
use std::collections::BTreeMap;
use twox_hash::XxHash3_128;

/// A chunk without its columns.
pub(super) type Stored = (ChunkKey, Header);

/// The samples of one stream.
#[derive(Debug, Default)]
pub(super) struct Stream {
    pub(super) version: u64,
    pub(super) chunks: Vec<Stored>,
    /// Whether this store writes to it, so that the log belongs to it.
    pub(super) is_current: bool,
    /// Its batches, where it came from elsewhere.
    pub(super) batches: Vec<u64>,
    /// Where its stretch begins, where this store wrote it.
    pub(super) first: Option<u64>,
}

/// An ingest of a file, and its chunks.
#[derive(Debug)]
pub(super) struct Ingest {
    pub(super) record: IngestRecord,
    pub(super) chunks: Vec<Stored>,
}

/// All samples that a store shows, by where they come from.
#[derive(Debug, Default)]
pub(super) struct Holdings {
    pub(super) streams: BTreeMap<u128, Stream>,
    pub(super) ingests: BTreeMap<u64, Ingest>,
}

impl Holdings {
    pub(super) fn of(read: &ReadTransaction) -> Result<Self> {
        let mut holdings = Self::default();
        let mut origins: HashMap<u64, u128> = HashMap::new();
        for entry in read.open_table(ORIGINS)?.iter()? {
            let (batch, bytes) = entry?;
            let batch = batch.value();
            let record: OriginRecord = records::from_bytes("an origin", &batch.to_be_bytes(), bytes.value())?;
            let stream = holdings.streams.entry(record.stream).or_default();
            stream.version = stream.version.max(record.version);
            stream.batches.push(batch);
            origins.insert(batch, record.stream);
        }
        let stretches = holdings.take_stretches(read)?;
        for entry in read.open_table(INGESTS)?.iter()? {
            let (id, bytes) = entry?;
            let id = id.value();
            if !origins.contains_key(&id) {
                let record = records::from_bytes(&format!("ingest {id}"), &id.to_be_bytes(), bytes.value())?;
                holdings.ingests.insert(id, Ingest { record, chunks: Vec::new() });
            }
        }
        holdings.take_chunks(read, &origins, &stretches)?;
        Ok(holdings)
    }

    /// The stretches that this store wrote itself: where each begins, and the name of its stream.
    fn take_stretches(&mut self, read: &ReadTransaction) -> Result<Vec<(u64, u128)>> {
        let mut stretches = Vec::new();
        for entry in read.open_table(STREAMS)?.iter()? {
            let (first, bytes) = entry?;
            let first = first.value();
            let record = streams::from_bytes(first, bytes.value())?;
            let stream = self.streams.entry(record.stream).or_default();
            stream.first = Some(first);
            stream.is_current = record.version == 0;
            stream.version = stream.version.max(record.version);
            stretches.push((first, record.stream));
        }
        if let Some(stream) = self.streams.values_mut().find(|stream| stream.is_current) {
            let in_log = read.open_table(LOG)?.last()?.map_or(0, |(seq, _)| seq.value());
            stream.version = stream.version.max(in_log);
        }
        Ok(stretches)
    }

    fn take_chunks(
        &mut self,
        read: &ReadTransaction,
        origins: &HashMap<u64, u128>,
        stretches: &[(u64, u128)],
    ) -> Result<()> {
        let pending: HashSet<u64> =
            read.open_table(PENDING)?.iter()?.map(|e| Ok(e?.0.value())).collect::<Result<_>>()?;
        let id = read.open_table(META)?.get("id")?.map_or(0, |id| id.value());
        for entry in read.open_table(CHUNKS)?.iter()? {
            let (key, header) = entry?;
            let header = Header::from_bytes(key.value(), header.value())?;
            let key = ChunkKey::from_bytes(key.value());
            if pending.contains(&header.batch) {
                continue;
            }
            if let Some(ingest) = self.ingests.get_mut(&header.batch) {
                ingest.chunks.push((key, header));
                continue;
            }
            let stretch = stretches.partition_point(|(first, _)| *first <= key.seq).checked_sub(1);
            let name = match (origins.get(&header.batch), stretch) {
                (Some(name), _) => *name,
                (None, Some(at)) if header.batch == 0 => stretches[at].1,
                // An ingest that the store knows no more, but for its samples: they are the same in every copy of the store.
                _ => XxHash3_128::oneshot(format!("{id} {}", header.batch).as_bytes()),
            };
            let stream = self.streams.entry(name).or_default();
            if stream.is_current && header.batch == 0 {
                stream.version = stream.version.max(key.seq);
            }
            stream.version = stream.version.max(1);
            stream.chunks.push((key, header));
        }
        for stream in self.streams.values_mut() {
            stream.chunks.sort_by_key(in_order);
        }
        for ingest in self.ingests.values_mut() {
            ingest.chunks.sort_by_key(in_order);
        }
        Ok(())
    }

    /// The stream that this store writes to.
    pub(super) fn current(&self) -> Option<(u128, u64)> {
        self.streams.iter().find(|(_, stream)| stream.is_current).map(|(name, stream)| (*name, stream.version))
    }
}

/// Chunks of one metric and day together, those of one series in order of arrival.
fn in_order((key, _): &Stored) -> (u32, i32, u64) {
    (key.metric, key.day, key.seq)
}

/// The names of series, by number of metric and series.
pub(super) struct Names(HashMap<(u32, u32), Series>);

impl Names {
    /// Of all series of a store.
    pub(super) fn of(read: &ReadTransaction) -> Result<Self> {
        let metrics = read.open_table(METRICS)?;
        let mut of_metric: HashMap<u32, Box<str>> = HashMap::new();
        for entry in metrics.iter()? {
            let id = entry?.0.value();
            if let Some(record) = catalog::metric_record(&metrics, id)? {
                of_metric.insert(id, record.name.into());
            }
        }
        let mut names = HashMap::new();
        for entry in read.open_table(SERIES)?.iter()? {
            let (key, bytes) = entry?;
            let labels: Labels = records::labels_from_bytes(key.value(), bytes.value())?;
            let (metric, series) = series_of_key(*key.value());
            if let Some(name) = of_metric.get(&metric) {
                names.insert((metric, series), Series { metric: name.clone(), labels });
            }
        }
        Ok(Self(names))
    }

    /// The name of a series.
    pub(super) fn get(&self, metric: u32, series: u32) -> Result<&Series> {
        let missing = || Error::corrupt(format!("series {series} of metric {metric} has samples, but no name"));
        self.0.get(&(metric, series)).ok_or_else(missing)
    }
}

/// The rows of the log that belong to series with a name.
pub(super) fn log_of(read: &ReadTransaction) -> Result<LogRows> {
    crate::storage::log::read(&read.open_table(LOG)?)
}
