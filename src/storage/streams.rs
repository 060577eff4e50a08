//! Where samples come from, so that stores can be merged again and again, in any order, and no sample is doubled or lost.
//!
//! An ingest of a file is told from all others by a random name that it keeps wherever it is copied to. What comes through pipes is
//! a *stream*: it has a random name too, and grows; its *version* is the number of its last arrival, so that of two states of a
//! stream the one of the higher version holds all of the other. A store writes to one stream. Its copy must not go on with the same
//! one, since the two would give the same versions to different samples: so a store that finds itself in another file than
//! before begins a new stream.

use super::append::{next_seq, seal_log, set_next_seq};
use super::header::Header;
use super::records;
use super::schema::{CHUNKS, ChunkKey, LOG, ORIGINS, STREAMS};
use super::store::Store;
use crate::error::Result;
use redb::{ReadableTable, WriteTransaction};
use serde::{Deserialize, Serialize};
use std::hash::{BuildHasher, RandomState};
use std::path::Path;

/// A stretch of the order of arrival in which this store wrote to one stream. It ends where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StreamRecord {
    /// The stream's name.
    pub(super) stream: u128,
    /// Its version when this store stopped to write to it; 0 while it does.
    pub(super) version: u64,
    /// The file that the store was in.
    pub(super) mark: FileMark,
}

/// What a batch holds that came from the stream of another store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OriginRecord {
    /// The stream's name.
    pub(super) stream: u128,
    /// The version that is in this store, in this batch and those before it.
    pub(super) version: u64,
}

/// What tells a file from its copies: its number in the file system, and when it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct FileMark {
    number: u64,
    born: u128,
}

impl FileMark {
    /// That of the file at `path`. What the system does not say is 0.
    pub(super) fn of(path: &Path) -> Self {
        let Ok(meta) = std::fs::metadata(path) else { return Self::default() };
        let born = meta.created().ok().and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok());
        Self { number: number_of(&meta), born: born.map_or(0, |t| t.as_nanos()) }
    }
}

#[cfg(unix)]
fn number_of(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

#[cfg(not(unix))]
fn number_of(_: &std::fs::Metadata) -> u64 {
    0
}

/// A number that nobody else has drawn or will draw.
pub(super) fn random() -> u128 {
    // Each state is seeded by the system.
    let half = || RandomState::new().hash_one((std::process::id(), std::time::SystemTime::now()));
    u128::from(half()) << 64 | u128::from(half())
}

/// Sees to it that what is written next belongs to a stream of this store in this file. To be called before the log is touched.
pub(super) fn ensure(txn: &WriteTransaction, store: &Store) -> Result<()> {
    let last = {
        let table = txn.open_table(STREAMS)?;
        match table.last()? {
            Some((first, bytes)) => Some((first.value(), from_bytes(first.value(), bytes.value())?)),
            None => None,
        }
    };
    match last {
        Some((_, record)) if record.version == 0 && record.mark == store.mark() => return Ok(()),
        Some((first, record)) if record.version == 0 => end(txn, first, record)?,
        _ => {}
    }
    let first = next_arrival(txn)?;
    let record = StreamRecord { stream: random(), version: 0, mark: store.mark() };
    put(txn, first, &record)
}

/// Ends the stream that this store writes to: the next sample begins another.
pub(super) fn end_current(txn: &WriteTransaction) -> Result<()> {
    let last = {
        let table = txn.open_table(STREAMS)?;
        match table.last()? {
            Some((first, bytes)) => (first.value(), from_bytes(first.value(), bytes.value())?),
            None => return Ok(()),
        }
    };
    if last.1.version == 0 { end(txn, last.0, last.1) } else { Ok(()) }
}

fn end(txn: &WriteTransaction, first: u64, mut record: StreamRecord) -> Result<()> {
    let in_log = txn.open_table(LOG)?.last()?.map_or(0, |(seq, _)| seq.value());
    let mut in_chunks = 0;
    for entry in txn.open_table(CHUNKS)?.iter()? {
        let (key, header) = entry?;
        let seq = ChunkKey::from_bytes(key.value()).seq;
        if seq >= first && Header::from_bytes(key.value(), header.value())?.batch == 0 {
            in_chunks = in_chunks.max(seq);
        }
    }
    record.version = in_log.max(in_chunks);
    // What is in the log belongs to this stream, so it must become chunks before the next one begins.
    let (seq, _) = seal_log(txn)?;
    set_next_seq(txn, seq)?;
    if record.version == 0 {
        txn.open_table(STREAMS)?.remove(first)?;
        return Ok(());
    }
    put(txn, first, &record)
}

/// Writes down that what is here of `stream` is all of its `version`.
pub(super) fn advance(txn: &WriteTransaction, stream: u128, version: u64) -> Result<()> {
    let mut ours = Vec::new();
    for entry in txn.open_table(STREAMS)?.iter()? {
        let (first, bytes) = entry?;
        ours.push((first.value(), from_bytes(first.value(), bytes.value())?));
    }
    if let Some((first, record)) = ours.into_iter().find(|(_, record)| record.stream == stream) {
        return put(txn, first, &StreamRecord { version, ..record });
    }
    let mut table = txn.open_table(ORIGINS)?;
    let mut batch = None;
    for entry in table.iter()? {
        let (id, bytes) = entry?;
        let id = id.value();
        let record: OriginRecord = records::from_bytes("an origin", &id.to_be_bytes(), bytes.value())?;
        batch = batch.or((record.stream == stream).then_some(id));
    }
    if let Some(id) = batch {
        let bytes = records::to_bytes(&id.to_be_bytes(), &OriginRecord { stream, version })?;
        table.insert(id, bytes.as_slice())?;
    }
    Ok(())
}

/// The number that the next arrival gets, in the log or out of it.
fn next_arrival(txn: &WriteTransaction) -> Result<u64> {
    let in_log = txn.open_table(LOG)?.last()?.map_or(0, |(seq, _)| seq.value());
    Ok(next_seq(txn)?.max(in_log + 1))
}

fn put(txn: &WriteTransaction, first: u64, record: &StreamRecord) -> Result<()> {
    let bytes = records::to_bytes(&first.to_be_bytes(), record)?;
    txn.open_table(STREAMS)?.insert(first, bytes.as_slice())?;
    Ok(())
}

/// The record of the stretch that begins at `first`.
pub(super) fn from_bytes(first: u64, bytes: &[u8]) -> Result<StreamRecord> {
    records::from_bytes("a stream", &first.to_be_bytes(), bytes)
}
