//! Chunks: a series' samples of a stretch of one day, encoded by column.

use super::extent;
use super::header::{HEADER_LEN, Header, Place};
use super::rollup::days::{Touched, touch};
use super::schema::{CHUNKS, ChunkKey, DAY_NS, EXTENTS, day_of};
use crate::codec::{self, crc32};
use crate::error::{Error, Result};
use crate::model::sort_by_time;
use crate::stats::Bounds;
use rayon::prelude::*;
use redb::{ReadableTable, WriteTransaction};
use std::collections::BTreeSet;

/// The most samples in a chunk. Longer chunks gain nothing in size, and make a query read more than it needs.
pub(super) const CHUNK_COUNT_MAX: usize = 16_384;

/// Samples of one series, in order of arrival.
#[derive(Debug, Clone, Default)]
pub(super) struct SeriesRows {
    pub(super) metric: u32,
    pub(super) series: u32,
    pub(super) times: Vec<i64>,
    pub(super) values: Vec<f64>,
}

/// A chunk before it has a place in an extent.
#[derive(Debug)]
pub(super) struct EncodedChunk {
    metric: u32,
    day: i32,
    series: u32,
    start: i64,
    /// Order of arrival, given when it is written.
    seq: u64,
    header: Header,
    values: Vec<u8>,
    times: Vec<u8>,
}

impl EncodedChunk {
    /// The chunk of `key` as it is stored.
    pub(super) fn read(
        extents: &impl ReadableTable<&'static [u8; super::schema::PieceKey::LEN], &'static [u8]>,
        key: &ChunkKey,
        header: Header,
    ) -> Result<Self> {
        let column = |column| read_column(extents, key, &header, column, |bytes| Ok(bytes.to_vec()));
        let (values, times) = (column(Column::Values)?, column(Column::Times)?);
        let ChunkKey { metric, day, series, start, seq } = *key;
        Ok(Self { metric, day, series, start, seq, header, values, times })
    }

    /// Gives its samples to another series, as which they are written.
    pub(super) fn renumber(&mut self, (metric, series): (u32, u32)) {
        (self.metric, self.series) = (metric, series);
    }

    /// Appends its samples.
    pub(super) fn decode_into(&self, rows: &mut SeriesRows) -> Result<()> {
        self.decode(rows).map_err(|e| Error::corrupt(format!("{}: {}", self.key().place(), e.0)))
    }

    fn key(&self) -> ChunkKey {
        ChunkKey { metric: self.metric, day: self.day, series: self.series, start: self.start, seq: self.seq }
    }

    /// Bytes of both columns.
    pub(super) fn len(&self) -> usize {
        self.values.len() + self.times.len()
    }

    fn decode(&self, rows: &mut SeriesRows) -> std::result::Result<(), codec::Malformed> {
        let count = self.header.count as usize;
        codec::values::decode(&self.values, count, 0..count, &mut rows.values)?;
        codec::times::Times::read(&self.times, count)?.decode(0..count, &mut rows.times)
    }
}

/// Encodes the rows of many series, on all cores.
pub(super) fn encode_all(rows: Vec<SeriesRows>) -> Vec<EncodedChunk> {
    rows.into_par_iter().flat_map_iter(encode_series).collect()
}

/// Joins chunks of one series and day that are much shorter than a chunk may be. They come in order of arrival.
pub(super) fn merge_all(mut chunks: Vec<EncodedChunk>) -> Result<Vec<EncodedChunk>> {
    chunks.sort_by_key(|c| (c.metric, c.day, c.series));
    let mut groups: Vec<Vec<EncodedChunk>> = Vec::new();
    for chunk in chunks {
        let same = |c: &EncodedChunk| (c.metric, c.day, c.series) == (chunk.metric, chunk.day, chunk.series);
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(same) => group.push(chunk),
            _ => groups.push(vec![chunk]),
        }
    }
    let merged: Vec<Vec<EncodedChunk>> = groups.into_par_iter().map(merge).collect::<Result<_>>()?;
    Ok(merged.into_iter().flatten().collect())
}

fn merge(group: Vec<EncodedChunk>) -> Result<Vec<EncodedChunk>> {
    let count: usize = group.iter().map(|c| c.header.count as usize).sum();
    if group.len() < 2 || count / group.len() > CHUNK_COUNT_MAX / 2 {
        return Ok(group);
    }
    let mut rows = SeriesRows { metric: group[0].metric, series: group[0].series, ..SeriesRows::default() };
    for chunk in &group {
        chunk.decode(&mut rows).map_err(|e| Error::Bug(format!("a chunk just encoded: {e}")))?;
    }
    Ok(encode_series(rows))
}

/// Joins stored chunks of one series, day and batch, which come in order of arrival. The new ones take the last of their places.
pub(super) fn join(chunks: &[EncodedChunk]) -> Result<Vec<EncodedChunk>> {
    let Some(first) = chunks.first() else { return Ok(Vec::new()) };
    let mut rows = SeriesRows { metric: first.metric, series: first.series, ..SeriesRows::default() };
    for chunk in chunks {
        chunk.decode_into(&mut rows)?;
    }
    let mut joined = encode_series(rows);
    let spared = chunks.len().checked_sub(joined.len());
    let places = spared.and_then(|spared| chunks.get(spared..));
    let places = places.ok_or_else(|| Error::Bug("chunks became more by joining them".into()))?;
    for (new, old) in joined.iter_mut().zip(places) {
        (new.seq, new.header.batch) = (old.seq, old.header.batch);
    }
    Ok(joined)
}

/// Sorts the rows by time, equal times staying in order of arrival, and cuts them by day and length.
fn encode_series(mut rows: SeriesRows) -> Vec<EncodedChunk> {
    sort_by_time(&mut rows.times, &mut rows.values);
    let mut chunks = Vec::with_capacity(1);
    let mut at = 0;
    while at < rows.times.len() {
        let day = day_of(rows.times[at]);
        let next_day = (i64::from(day) + 1).checked_mul(DAY_NS).unwrap_or(i64::MAX);
        let end = at + rows.times[at..].partition_point(|t| *t < next_day);
        // Chunks of equal length rather than full ones and a small rest.
        let count = (end - at).div_ceil((end - at).div_ceil(CHUNK_COUNT_MAX));
        for start in (at..end).step_by(count) {
            let part = start..end.min(start + count);
            chunks.push(encode(rows.metric, rows.series, day, &rows.times[part.clone()], &rows.values[part]));
        }
        at = end;
    }
    chunks
}

fn encode(metric: u32, series: u32, day: i32, times: &[i64], values: &[f64]) -> EncodedChunk {
    let mut value_bytes = Vec::new();
    codec::values::encode(values, &mut value_bytes);
    let mut time_bytes = Vec::new();
    codec::times::encode(times, &mut time_bytes);
    let summary = Bounds::of(values);
    let header = Header {
        count: values.len() as u32,
        last: times[times.len() - 1],
        min: summary.min,
        max: summary.max,
        sum: summary.sum,
        first_value: values[0],
        last_value: values[values.len() - 1],
        batch: 0,
        extent: 0,
        values: Place::default(),
        times: Place::default(),
    };
    EncodedChunk { metric, day, series, start: times[0], seq: 0, header, values: value_bytes, times: time_bytes }
}

/// Writes chunks and their extents. `seq` is the first free number of arrival; the first free one afterwards is returned. The days written to
/// go into `touched`, for the caller to mark once readers see the chunks.
pub(super) fn write(
    txn: &WriteTransaction,
    mut chunks: Vec<EncodedChunk>,
    batch: u64,
    mut seq: u64,
    touched: &mut Touched,
) -> Result<u64> {
    // Chunks of one series and day stay in their order, which is that of time.
    chunks.sort_by_key(|c| (c.metric, c.day, c.series));
    for group in chunks.chunk_by_mut(|a, b| (a.metric, a.day) == (b.metric, b.day)) {
        let extent = seq;
        let from = group.iter().map(|c| c.start).min().unwrap_or(i64::MIN);
        touch(touched, group[0].metric, group[0].day, from);
        for (i, chunk) in group.iter_mut().enumerate() {
            (chunk.header.batch, chunk.seq) = (batch, extent + 1 + i as u64);
        }
        write_extent(txn, group, extent)?;
        seq += 1 + group.len() as u64;
    }
    Ok(seq)
}

/// Writes chunks of one metric, day and batch, as one extent.
pub(super) fn write_extent(txn: &WriteTransaction, group: &mut [EncodedChunk], extent: u64) -> Result<()> {
    let Some(first) = group.first() else { return Ok(()) };
    let (metric, day) = (first.metric, first.day);
    let mut headers = txn.open_table(CHUNKS)?;
    let mut bytes = Vec::with_capacity(group.iter().map(EncodedChunk::len).sum());
    for chunk in &mut *group {
        chunk.header.values = place(&mut bytes, &chunk.key().to_bytes(), b"v", &chunk.values);
    }
    for chunk in group {
        let key = chunk.key().to_bytes();
        chunk.header.times = place(&mut bytes, &key, b"t", &chunk.times);
        chunk.header.extent = extent;
        headers.insert(&key, &chunk.header.to_bytes(&key))?;
    }
    if u32::try_from(bytes.len()).is_err() {
        return Err(Error::Bug("an extent of more than 4 GiB".into()));
    }
    extent::write(&mut txn.open_table(EXTENTS)?, metric, day, extent, &bytes)
}

fn place(bytes: &mut Vec<u8>, key: &[u8; ChunkKey::LEN], column: &[u8], content: &[u8]) -> Place {
    let place = Place { offset: bytes.len() as u32, len: content.len() as u32, crc: crc32(&[key, column, content]) };
    bytes.extend_from_slice(content);
    place
}

/// Removes every chunk for which `which` holds, and the extents that no chunk is left in.
pub(super) fn remove(txn: &WriteTransaction, which: impl Fn(&ChunkKey, &Header) -> bool) -> Result<Removed> {
    let mut keys = Vec::new();
    for entry in txn.open_table(CHUNKS)?.iter()? {
        let (key, header) = entry?;
        let header = Header::from_bytes(key.value(), header.value())?;
        let parsed = ChunkKey::from_bytes(key.value());
        if which(&parsed, &header) {
            keys.push(parsed);
        }
    }
    let mut removed = Removed::default();
    for of_day in keys.chunk_by(|a, b| (a.metric, a.day) == (b.metric, b.day)) {
        removed.join(remove_keys(txn, of_day[0].metric, of_day[0].day, of_day)?);
    }
    Ok(removed)
}

/// Removes chunks of one day of a metric, and the extents that no chunk is left in.
pub(super) fn remove_keys(txn: &WriteTransaction, metric: u32, day: i32, keys: &[ChunkKey]) -> Result<Removed> {
    let mut headers = txn.open_table(CHUNKS)?;
    let mut removed = Removed::default();
    let mut emptied = BTreeSet::new();
    for key in keys {
        let bytes = key.to_bytes();
        let Some(header) = headers.remove(&bytes)? else { continue };
        let header = Header::from_bytes(&bytes, header.value())?;
        removed.samples += u64::from(header.count);
        removed.len += u64::from(header.values.len) + u64::from(header.times.len);
        removed.series.insert((metric, key.series));
        emptied.insert(header.extent);
    }
    if emptied.is_empty() {
        return Ok(removed);
    }
    touch(&mut removed.touched, metric, day, i64::MIN);
    let (first, last) = (ChunkKey::first(metric, day, 0), ChunkKey::last(metric, day, u32::MAX));
    for entry in headers.range::<&[u8; ChunkKey::LEN]>(&first.to_bytes()..=&last.to_bytes())? {
        let (key, header) = entry?;
        emptied.remove(&Header::from_bytes(key.value(), header.value())?.extent);
    }
    let mut extents = txn.open_table(EXTENTS)?;
    for extent in emptied {
        extent::remove(&mut extents, metric, day, extent)?;
    }
    Ok(removed)
}

/// What was taken away.
#[derive(Debug, Default)]
pub(super) struct Removed {
    pub(super) samples: u64,
    /// Bytes of the columns.
    pub(super) len: u64,
    /// Metric and number of the series.
    pub(super) series: BTreeSet<(u32, u32)>,
    /// The days, from their start on.
    pub(super) touched: Touched,
}

impl Removed {
    /// Takes in what else was taken away.
    pub(super) fn join(&mut self, other: Self) {
        self.samples += other.samples;
        self.len += other.len;
        self.series.extend(other.series);
        self.touched.extend(other.touched);
    }
}

/// Hands the bytes of a chunk's column to `read`, once their checksum is right.
pub(super) fn read_column<R>(
    extents: &impl ReadableTable<&'static [u8; super::schema::PieceKey::LEN], &'static [u8]>,
    key: &ChunkKey,
    header: &Header,
    column: Column,
    read: impl FnOnce(&[u8]) -> std::result::Result<R, codec::Malformed>,
) -> Result<R> {
    let (place, letter) = match column {
        Column::Values => (header.values, b"v"),
        Column::Times => (header.times, b"t"),
    };
    let damaged = |why: &str| {
        let span = |t: i64| crate::model::Timestamp(t).rfc3339();
        Error::corrupt(format!(
            "series {} of metric {}, {} to {}: {why}",
            key.series,
            key.metric,
            span(key.start),
            span(header.last)
        ))
    };
    extent::read(extents, (key.metric, key.day, header.extent), (place.offset, place.len), |bytes| {
        if crc32(&[&key.to_bytes(), letter, bytes]) != place.crc {
            return Err(damaged("a checksum differs"));
        }
        read(bytes).map_err(|e| damaged(e.0))
    })?
}

/// A column of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Values,
    Times,
}

const _: () = assert!(HEADER_LEN < 4096);
