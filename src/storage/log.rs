//! The log: recent row batches, not yet sealed into chunks.
//!
//! Invariant: a sample is in exactly one of the log or a sealed chunk, and everything in the log arrived after everything that is sealed:
//! whoever writes chunks seals the log first, in the same transaction.

use super::chunk::SeriesRows;
use super::schema::LOG;
use crate::codec::{Malformed, Reader, crc32, put_varint, unzigzag, zigzag};
use crate::error::{Error, Result};
use hashbrown::HashMap;
use redb::{ReadableTable, ReadableTableMetadata, WriteTransaction};

/// Sealed once it holds this many bytes: a query decodes all of the log, which takes a millisecond or two at this size.
const LOG_LEN_MAX: u64 = 1 << 20;

/// Sealed once its oldest batch is this old, ns.
const LOG_AGE_MAX: i64 = 10 * 60 * 1_000_000_000;

/// The front of a batch: what the log holds with it in bytes, and when the log's oldest batch was written.
struct Front {
    len_total: u64,
    oldest: i64,
}

const FRONT_LEN: usize = 4 + 8 + 8;

/// Appends a batch. Says whether the log is due to be sealed.
pub(super) fn append(txn: &WriteTransaction, rows: &[SeriesRows], seq_min: u64, now: i64) -> Result<bool> {
    let mut table = txn.open_table(LOG)?;
    let before = match table.last()? {
        Some((key, value)) => {
            let front = front_of(key.value(), value.value())?;
            Some((key.value(), front))
        }
        None => None,
    };
    let body = encode(rows);
    let seq = before.as_ref().map_or(seq_min, |(key, _)| (key + 1).max(seq_min));
    let len_total = before.as_ref().map_or(0, |(_, f)| f.len_total) + body.len() as u64;
    let oldest = before.as_ref().map_or(now, |(_, f)| f.oldest);
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&len_total.to_le_bytes());
    bytes.extend_from_slice(&oldest.to_le_bytes());
    bytes.extend_from_slice(&body);
    let crc = crc32(&[&seq.to_be_bytes(), &bytes[4..]]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    table.insert(seq, bytes.as_slice())?;
    Ok(len_total >= LOG_LEN_MAX || now.saturating_sub(oldest) >= LOG_AGE_MAX)
}

fn damaged(seq: u64, why: &str) -> Error {
    Error::corrupt(format!("batch {seq} of the log: {why}"))
}

fn front_of(seq: u64, bytes: &[u8]) -> Result<Front> {
    let Some((crc, rest)) = bytes.split_first_chunk::<4>() else { return Err(damaged(seq, "it is too short")) };
    if rest.len() < FRONT_LEN - 4 || crc32(&[&seq.to_be_bytes(), rest]) != u32::from_le_bytes(*crc) {
        return Err(damaged(seq, "its checksum differs"));
    }
    let mut reader = Reader(rest);
    let fields = (|| Ok::<_, Malformed>((reader.i64()? as u64, reader.i64()?)))();
    let (len_total, oldest) = fields.map_err(|e| damaged(seq, e.0))?;
    Ok(Front { len_total, oldest })
}

/// Rows as bytes: how many series; for each its metric, number, count, times and values.
fn encode(rows: &[SeriesRows]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.iter().map(|r| 16 + r.times.len() * 8).sum());
    put_varint(&mut out, rows.len() as u64);
    let mut before = 0i64;
    for row in rows {
        put_varint(&mut out, row.metric.into());
        put_varint(&mut out, row.series.into());
        put_varint(&mut out, row.times.len() as u64);
        for time in &row.times {
            put_varint(&mut out, zigzag(time.wrapping_sub(before)));
            before = *time;
        }
        let mut column = Vec::new();
        crate::codec::values::encode(&row.values, &mut column);
        put_varint(&mut out, column.len() as u64);
        out.extend_from_slice(&column);
    }
    out
}

fn decode(bytes: &[u8], into: &mut LogRows) -> std::result::Result<(), Malformed> {
    let mut reader = Reader(bytes);
    let series_count = reader.varint()?;
    let mut before = 0i64;
    for _ in 0..series_count {
        let metric = u32::try_from(reader.varint()?).map_err(|_| Malformed("no number of a metric"))?;
        let series = u32::try_from(reader.varint()?).map_err(|_| Malformed("no number of a series"))?;
        let count = usize::try_from(reader.varint()?).map_err(|_| Malformed("no count"))?;
        // A time takes a byte at least, so a wild count cannot make us reserve more than the batch is long.
        if count == 0 || count > reader.0.len() {
            return Err(Malformed("no count"));
        }
        let rows = into.entry(series).or_insert_with(|| SeriesRows { metric, series, ..SeriesRows::default() });
        rows.times.reserve(count);
        for _ in 0..count {
            before = before.wrapping_add(unzigzag(reader.varint()?));
            rows.times.push(before);
        }
        let len = usize::try_from(reader.varint()?).map_err(|_| Malformed("no length"))?;
        crate::codec::values::decode(reader.bytes(len)?, count, 0..count, &mut rows.values)?;
    }
    Ok(())
}

/// The rows of the log by series, each in order of arrival.
pub(super) type LogRows = HashMap<u32, SeriesRows>;

/// Reads all of the log.
pub(super) fn read(table: &impl ReadableTable<u64, &'static [u8]>) -> Result<LogRows> {
    let mut rows = LogRows::new();
    for entry in table.iter()? {
        let (seq, bytes) = entry?;
        let (seq, bytes) = (seq.value(), bytes.value());
        front_of(seq, bytes)?;
        decode(&bytes[FRONT_LEN..], &mut rows).map_err(|e| damaged(seq, e.0))?;
    }
    Ok(rows)
}

/// Takes all rows out of the log.
pub(super) fn take(txn: &WriteTransaction) -> Result<Vec<SeriesRows>> {
    let mut table = txn.open_table(LOG)?;
    if table.is_empty()? {
        return Ok(Vec::new());
    }
    let mut rows: Vec<SeriesRows> = read(&table)?.into_values().collect();
    rows.sort_by_key(|r| (r.metric, r.series));
    table.retain(|_, _| false)?;
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn batches_come_back(rows in prop::collection::vec((0u32..9, prop::collection::vec((any::<i64>(), -1e9f64..1e9), 1..20)), 0..9)) {
            let rows: Vec<SeriesRows> = rows.into_iter().enumerate().map(|(i, (metric, samples))| SeriesRows {
                metric, series: i as u32, times: samples.iter().map(|s| s.0).collect(), values: samples.iter().map(|s| s.1).collect(),
            }).collect();
            let mut back = LogRows::new();
            decode(&encode(&rows), &mut back).unwrap();
            for row in &rows {
                let got = &back[&row.series];
                prop_assert_eq!((&got.times, &got.values, got.metric), (&row.times, &row.values, row.metric));
            }
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, &mut LogRows::new());
        }
    }
}
