//! What another store holds that this one lacks.

use super::fingerprint::Fingerprint;
use super::holdings::{Holdings, Names, Stored, Stream, log_of};
use super::rows;
use crate::error::Result;
use crate::model::Series;
use crate::storage::chunk::SeriesRows;
use crate::storage::log::LogRows;
use crate::storage::records::IngestRecord;
use crate::storage::schema::ChunkKey;
use hashbrown::{HashMap, HashSet};
use redb::ReadTransaction;

/// A store as it was at one moment.
pub(super) struct Side {
    pub(super) read: ReadTransaction,
    pub(super) holdings: Holdings,
    pub(super) names: Names,
}

impl Side {
    pub(super) fn of(read: ReadTransaction) -> Result<Self> {
        let holdings = Holdings::of(&read)?;
        let names = Names::of(&read)?;
        Ok(Self { read, holdings, names })
    }
}

/// Where what is to be carried over comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// An ingest, whole.
    Ingest(IngestRecord),
    /// What a version of a stream has more than what is here.
    Stream {
        name: u128,
        version: u64,
        /// The chunks of that stream here. The plan holds only while they are these.
        here: Vec<ChunkKey>,
    },
}

/// Something to be carried over as one batch.
pub(super) struct Item {
    pub(super) source: Source,
    /// Their chunks to copy.
    pub(super) chunks: Vec<Stored>,
    /// Their log, if it is part of this; numbered as they do.
    pub(super) log: LogRows,
    /// Our chunks that give way, since part of what is in them comes again in other chunks.
    pub(super) replaced: Vec<Stored>,
    /// What is in those and does not come again.
    pub(super) kept: Vec<SeriesRows>,
}

impl Item {
    /// Samples that are written.
    pub(super) fn samples(&self) -> u64 {
        let chunks: u64 = self.chunks.iter().map(|(_, header)| u64::from(header.count)).sum();
        chunks + self.log.values().chain(&self.kept).map(|rows| rows.times.len() as u64).sum::<u64>()
    }

    /// Samples that this store has more afterwards.
    pub(super) fn added(&self) -> u64 {
        let replaced: u64 = self.replaced.iter().map(|(_, header)| u64::from(header.count)).sum();
        self.samples().saturating_sub(replaced)
    }

    /// Times of the first and last sample.
    pub(super) fn extent(&self) -> (i64, i64) {
        let chunks = self.chunks.iter().map(|(key, header)| (key.start, header.last));
        let rows = self.log.values().chain(&self.kept).flat_map(|rows| &rows.times).map(|time| (*time, *time));
        let widest = |a: (i64, i64), b: (i64, i64)| (a.0.min(b.0), a.1.max(b.1));
        chunks.chain(rows).reduce(widest).unwrap_or_default()
    }
}

/// What is to be done.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
    /// Streams that are here under an older version, though nothing in them differs.
    pub(super) newer: Vec<(u128, u64)>,
    /// Ingests and streams that are here already.
    pub(super) known: u64,
}

/// What `theirs` has that `ours` lacks.
pub(super) fn plan(ours: &Side, theirs: &Side) -> Result<Plan> {
    let mut plan = Plan::default();
    let records = || ours.holdings.ingests.values().map(|ingest| &ingest.record);
    let uids: HashSet<u128> = records().map(|record| record.uid).collect();
    let hashes: HashSet<u128> = records().filter_map(|record| record.hash).collect();
    for ingest in theirs.holdings.ingests.values() {
        let record = &ingest.record;
        if uids.contains(&record.uid) || record.hash.is_some_and(|hash| hashes.contains(&hash)) {
            plan.known += 1;
            continue;
        }
        plan.items.push(Item {
            source: Source::Ingest(record.clone()),
            chunks: ingest.chunks.clone(),
            log: LogRows::new(),
            replaced: Vec::new(),
            kept: Vec::new(),
        });
    }
    for (name, stream) in &theirs.holdings.streams {
        let here = ours.holdings.streams.get(name);
        if stream.version == 0 || here.is_some_and(|here| here.version >= stream.version) {
            plan.known += u64::from(stream.version > 0);
            continue;
        }
        let log = if stream.is_current { log_of(&theirs.read)? } else { LogRows::new() };
        let item = of_stream(*name, stream, log, here, ours, theirs)?;
        if item.chunks.is_empty() && item.log.is_empty() {
            plan.newer.extend(here.map(|_| (*name, stream.version)));
        } else {
            plan.items.push(item);
        }
    }
    Ok(plan)
}

/// What `stream` of `theirs` has more than what is `here`.
///
/// Chunks that are the same in both stay as they are. Of the others, ours give way where they overlap theirs in time, and each of
/// our samples that theirs do not hold is kept: it may be one that they have deleted since.
fn of_stream(
    name: u128,
    stream: &Stream,
    log: LogRows,
    here: Option<&Stream>,
    ours: &Side,
    theirs: &Side,
) -> Result<Item> {
    let here = here.map_or(&[][..], |here| &here.chunks);
    let mut same: HashMap<Fingerprint<'_>, Vec<Stored>> = HashMap::new();
    for chunk in here {
        let series = ours.names.get(chunk.0.metric, chunk.0.series)?;
        same.entry(Fingerprint::of(chunk, series)).or_default().push(*chunk);
    }
    let mut coming: HashMap<&Series, Coming<'_>> = HashMap::new();
    let mut chunks = Vec::new();
    for chunk in &stream.chunks {
        let series = theirs.names.get(chunk.0.metric, chunk.0.series)?;
        if same.get_mut(&Fingerprint::of(chunk, series)).and_then(Vec::pop).is_none() {
            coming.entry(series).or_default().chunks.push(*chunk);
            chunks.push(*chunk);
        }
    }
    for rows in log.values() {
        coming.entry(theirs.names.get(rows.metric, rows.series)?).or_default().log = Some(rows);
    }
    let mut rest: HashMap<&Series, Vec<Stored>> = HashMap::new();
    for chunk in same.into_values().flatten() {
        rest.entry(ours.names.get(chunk.0.metric, chunk.0.series)?).or_default().push(chunk);
    }
    let mut item = Item {
        source: Source::Stream { name, version: stream.version, here: here.iter().map(|(key, _)| *key).collect() },
        chunks,
        log: LogRows::new(),
        replaced: Vec::new(),
        kept: Vec::new(),
    };
    for (series, coming) in &coming {
        let Some(mut giving_way) = rest.remove(*series) else { continue };
        giving_way.retain(|(key, header)| coming.touches(key.start, header.last));
        let Some((first, _)) = giving_way.first() else { continue };
        let numbers = (first.metric, first.series);
        giving_way.sort_by_key(|(key, _)| key.seq);
        let mut before = rows::decode(&ours.read, &giving_way)?;
        (before.metric, before.series) = numbers;
        let kept = rows::without(&before, &coming.rows(&theirs.read)?);
        if !kept.times.is_empty() {
            item.kept.push(kept);
        }
        item.replaced.extend(giving_way);
    }
    drop(coming);
    item.log = log;
    Ok(item)
}

/// Samples of one series that are about to be carried over.
#[derive(Default)]
struct Coming<'a> {
    chunks: Vec<Stored>,
    log: Option<&'a SeriesRows>,
}

impl Coming<'_> {
    /// Whether any chunk, or the log, reaches into this stretch of time.
    fn touches(&self, first: i64, last: i64) -> bool {
        let in_log = self.log.is_some_and(|rows| rows.times.iter().any(|time| (first..=last).contains(time)));
        in_log || self.chunks.iter().any(|(key, header)| key.start <= last && header.last >= first)
    }

    fn rows(&self, read: &ReadTransaction) -> Result<SeriesRows> {
        let mut rows = rows::decode(read, &self.chunks)?;
        if let Some(log) = self.log {
            rows.times.extend_from_slice(&log.times);
            rows.values.extend_from_slice(&log.values);
        }
        Ok(rows)
    }
}
