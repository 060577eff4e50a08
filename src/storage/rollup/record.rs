//! The buckets of one series, day and level, as bytes. Drawn in `storage/FORMAT.md`.
//!
//! What stays true: buckets are in order of time and not empty; the CRC covers key and record.

use super::Level;
use super::bucket::{Bucket, Spread};
use crate::codec::{Malformed, Reader, crc32, put_varint, sorted, values};
use crate::error::{Error, Result};
use crate::stats::cell_of;
use crate::storage::schema::{DAY_NS, RollupKey};

const VERSION: u8 = 1;
const WITH_INCREASE: u8 = 1;
const WITH_SPREAD: u8 = 2;

/// How a bucket's distribution is written.
const EXACT: u8 = 0;
const SINGLES: u8 = 1;
const RUNS: u8 = 2;
const STEPS: u8 = 3;

/// Steps in one column.
const STEPS_COUNT_MAX: usize = 1 << 16;

/// Times of the first and last sample are kept in steps of this part of a bucket.
const PARTS: i64 = 60_000;

/// Encodes `buckets`. `increase` is kept for counters.
pub(in crate::storage) fn encode(key: &RollupKey, buckets: &[Bucket], increase: bool) -> Vec<u8> {
    let width = key.level.width();
    let day_start = i64::from(key.day) * DAY_NS;
    let spread = buckets.iter().all(|b| b.spread != Spread::None);
    let mut out = vec![0; 4];
    out.push(VERSION);
    out.push((u8::from(increase) * WITH_INCREASE) | (u8::from(spread) * WITH_SPREAD));
    let index: Vec<u32> = buckets.iter().map(|b| ((b.start - day_start) / width) as u32).collect();
    sorted::encode(&index, &mut out);
    let numbers = |of: &dyn Fn(&Bucket) -> u64| buckets.iter().map(of).collect::<Vec<u64>>();
    sorted::encode_counts(&numbers(&|b| b.count), &mut out);
    let step = width / PARTS;
    for time in [|b: &Bucket| b.first.1, |b: &Bucket| b.last.1] {
        sorted::encode_counts(&numbers(&|b| ((time(b) - b.start) / step) as u64), &mut out);
    }
    for value in
        [|b: &Bucket| b.sum, |b: &Bucket| b.min, |b: &Bucket| b.max, |b: &Bucket| b.first.0, |b: &Bucket| b.last.0]
    {
        put_column(&buckets.iter().map(value).collect::<Vec<f64>>(), &mut out);
    }
    if increase {
        put_column(&buckets.iter().map(|b| b.increase).collect::<Vec<f64>>(), &mut out);
    }
    if spread {
        put_spreads(key.level, buckets, &mut out);
    }
    let crc = crc32(&[&key.to_bytes(), &out[4..]]);
    out[..4].copy_from_slice(&crc.to_le_bytes());
    out
}

fn put_column(column: &[f64], out: &mut Vec<u8>) {
    let mut bytes = Vec::new();
    values::encode(column, &mut bytes);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(&bytes);
}

/// Tags of all buckets, then all values kept as they are in one column, then the steps from cell to cell of many buckets in columns, then
/// the lists of cells of the others.
///
/// Steps in a column pack best. A day, of which many are read at once, is written as a list, which unpacks twice as fast.
fn put_spreads(level: Level, buckets: &[Bucket], out: &mut Vec<u8>) {
    let (mut exact, mut steps, mut lists) = (Vec::new(), Vec::new(), Vec::new());
    for bucket in buckets {
        match &bucket.spread {
            Spread::None => {}
            Spread::Exact(values) => {
                out.push(EXACT);
                exact.extend_from_slice(values);
            }
            Spread::Runs(cells) => {
                out.push(RUNS);
                put_runs(cells, &mut lists);
            }
            Spread::Singles(cells) if level == Level::Day => {
                out.push(SINGLES);
                sorted::encode(cells, &mut lists);
            }
            Spread::Singles(cells) => {
                out.push(STEPS);
                // The first cell is that of the minimum.
                steps.extend(cells.windows(2).map(|w| i64::from(w[1] - w[0])));
            }
        }
    }
    if !exact.is_empty() {
        put_column(&exact, out);
    }
    for part in steps.chunks(STEPS_COUNT_MAX) {
        sorted::encode_steps(part, out);
    }
    out.extend_from_slice(&lists);
}

fn put_runs(cells: &[(u32, u64)], out: &mut Vec<u8>) {
    let distinct: Vec<u32> = cells.iter().map(|c| c.0).collect();
    sorted::encode(&distinct, out);
    let extra: Vec<u64> = cells.iter().map(|c| c.1 - 1).collect();
    sorted::encode_counts(&extra, out);
}

/// What a bucket says without its distribution.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Head {
    pub(crate) start: i64,
    pub(crate) count: u64,
    pub(crate) sum: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) first: (f64, i64),
    pub(crate) last: (f64, i64),
    /// Only of counters.
    pub(crate) increase: Option<f64>,
}

/// The distribution of a bucket as it was kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SpreadRef<'a> {
    /// It was not kept.
    None,
    /// All values.
    Exact(&'a [f64]),
    /// The cell of each value, ascending.
    Singles(&'a [u32]),
    /// Distinct cells, ascending, and for each how many values more than one lie in it.
    Runs(&'a [u32], &'a [u64]),
}

/// Reads records. Keeps its buffers from one to the next.
#[derive(Debug, Default)]
pub(crate) struct RecordReader {
    index: Vec<u32>,
    counts: Vec<u64>,
    firsts: Vec<u64>,
    lasts: Vec<u64>,
    columns: [Vec<f64>; 6],
    exact: Vec<f64>,
    steps: Vec<i64>,
    cells: Vec<u32>,
    extra: Vec<u64>,
}

impl RecordReader {
    /// Hands the buckets of a record to `take`, in order of time. Without `spread` the distributions are not decoded.
    pub(in crate::storage) fn read(
        &mut self,
        key: &RollupKey,
        bytes: &[u8],
        spread: bool,
        mut take: impl FnMut(&Head, SpreadRef<'_>),
    ) -> Result<()> {
        let damaged = |why: &str| {
            let day = crate::model::Timestamp(i64::from(key.day) * DAY_NS).rfc3339();
            let what = format!(
                "the {} rollup of series {} of metric {}, day {}",
                key.level,
                key.series,
                key.metric,
                &day[..10]
            );
            Error::corrupt(format!("{what}: {why}"))
        };
        let Some((crc, body)) = bytes.split_first_chunk::<4>() else { return Err(damaged("it is too short")) };
        if crc32(&[&key.to_bytes(), body]) != u32::from_le_bytes(*crc) {
            return Err(damaged("its checksum differs"));
        }
        self.parse(key, body, spread, &mut take).map_err(|e| damaged(e.0))
    }

    fn parse(
        &mut self,
        key: &RollupKey,
        body: &[u8],
        spread: bool,
        take: &mut impl FnMut(&Head, SpreadRef<'_>),
    ) -> std::result::Result<(), Malformed> {
        let mut reader = Reader(body);
        if reader.u8()? != VERSION {
            return Err(Malformed("an unknown version"));
        }
        let flags = reader.u8()?;
        self.index.clear();
        sorted::read(&mut reader, &mut self.index)?;
        let count = self.index.len();
        let width = key.level.width();
        if count == 0 || i64::from(self.index[count - 1]) >= DAY_NS / width {
            return Err(Malformed("buckets beyond the day"));
        }
        for numbers in [&mut self.counts, &mut self.firsts, &mut self.lasts] {
            numbers.clear();
            sorted::read_counts(&mut reader, count, numbers)?;
        }
        let columns = if flags & WITH_INCREASE == 0 { 5 } else { 6 };
        for column in &mut self.columns[..columns] {
            read_column(&mut reader, count, column)?;
        }
        let with_spread = spread && flags & WITH_SPREAD != 0;
        let tags = if with_spread { reader.bytes(count)? } else { &[] };
        let counts_of =
            |wanted: u8| tags.iter().zip(&self.counts).filter(move |(tag, _)| **tag == wanted).map(|(_, n)| *n);
        self.exact.clear();
        let exact_count = counts_of(EXACT).fold(0, u64::saturating_add);
        if exact_count > 0 {
            let exact_count = usize::try_from(exact_count).map_err(|_| Malformed("too many values"))?;
            read_column(&mut reader, exact_count, &mut self.exact)?;
        }
        self.steps.clear();
        let mut step_count = counts_of(STEPS).map(|n| n.saturating_sub(1)).fold(0, u64::saturating_add);
        while step_count > 0 {
            let part = step_count.min(STEPS_COUNT_MAX as u64);
            sorted::read_steps(&mut reader, part as usize, &mut self.steps)?;
            step_count -= part;
        }
        let day_start = i64::from(key.day) * DAY_NS;
        let step = width / PARTS;
        let (mut exact_at, mut step_at) = (0, 0);
        for i in 0..count {
            let start = day_start + i64::from(self.index[i]) * width;
            let time = |n: u64| start + (n as i64).clamp(0, PARTS) * step;
            let [sums, mins, maxs, firsts, lasts, increases] = &self.columns;
            let head = Head {
                start,
                count: self.counts[i],
                sum: sums[i],
                min: mins[i],
                max: maxs[i],
                first: (firsts[i], time(self.firsts[i])),
                last: (lasts[i], time(self.lasts[i])),
                increase: (columns == 6).then(|| increases[i]),
            };
            let spread = match tags.get(i) {
                None => SpreadRef::None,
                Some(&EXACT) => {
                    let end = exact_at + self.counts[i] as usize;
                    let values = &self.exact[exact_at..end];
                    exact_at = end;
                    SpreadRef::Exact(values)
                }
                Some(&STEPS) => {
                    let end = step_at + (self.counts[i] as usize).saturating_sub(1);
                    self.cells.clear();
                    let mut cell = cell_of(head.min);
                    self.cells.push(cell);
                    self.cells.extend(self.steps[step_at..end].iter().map(|step| {
                        cell = cell.wrapping_add(*step as u32);
                        cell
                    }));
                    step_at = end;
                    SpreadRef::Singles(&self.cells)
                }
                Some(&SINGLES) => {
                    self.cells.clear();
                    sorted::read(&mut reader, &mut self.cells)?;
                    if self.cells.len() as u64 != head.count {
                        return Err(Malformed("a distribution of another count"));
                    }
                    SpreadRef::Singles(&self.cells)
                }
                Some(&RUNS) => {
                    self.cells.clear();
                    self.extra.clear();
                    sorted::read(&mut reader, &mut self.cells)?;
                    sorted::read_counts(&mut reader, self.cells.len(), &mut self.extra)?;
                    let total = self.extra.iter().fold(self.cells.len() as u64, |sum, n| sum.saturating_add(*n));
                    if total != head.count {
                        return Err(Malformed("a distribution of another count"));
                    }
                    SpreadRef::Runs(&self.cells, &self.extra)
                }
                Some(_) => return Err(Malformed("an unknown distribution")),
            };
            take(&head, spread);
        }
        Ok(())
    }
}

fn read_column(reader: &mut Reader<'_>, count: usize, out: &mut Vec<f64>) -> std::result::Result<(), Malformed> {
    out.clear();
    let len = usize::try_from(reader.varint()?).map_err(|_| Malformed("no length"))?;
    values::decode(reader.bytes(len)?, count, 0..count, out)
}

/// The record without the distributions of its buckets.
pub(in crate::storage) fn without_spread(key: &RollupKey, bytes: &[u8]) -> Result<Vec<u8>> {
    let increase = bytes.get(5).is_some_and(|flags| flags & WITH_INCREASE != 0);
    let mut buckets = decode(key, bytes)?;
    for bucket in &mut buckets {
        bucket.spread = Spread::None;
    }
    Ok(encode(key, &buckets, increase))
}

/// All buckets of a record.
pub(in crate::storage) fn decode(key: &RollupKey, bytes: &[u8]) -> Result<Vec<Bucket>> {
    let mut buckets = Vec::new();
    RecordReader::default().read(key, bytes, true, |head, spread| {
        let spread = match spread {
            SpreadRef::None => Spread::None,
            SpreadRef::Exact(values) => Spread::Exact(values.to_vec()),
            SpreadRef::Singles(cells) => Spread::Singles(cells.to_vec()),
            SpreadRef::Runs(cells, extra) => Spread::Runs(cells.iter().zip(extra).map(|(c, n)| (*c, n + 1)).collect()),
        };
        buckets.push(Bucket {
            start: head.start,
            count: head.count,
            sum: head.sum,
            min: head.min,
            max: head.max,
            first: head.first,
            last: head.last,
            increase: head.increase.unwrap_or(0.0),
            spread,
        });
    })?;
    Ok(buckets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::storage::rollup::bucket::{Keep, buckets_of};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_come_back(
            mut rows in prop::collection::vec((0i64..86_400, -50i32..50), 1..900), level in 0u8..3, counter: bool, spread: bool,
        ) {
            rows.sort_by_key(|r| r.0);
            let level = Level::from_number(level).unwrap();
            let key = RollupKey { metric: 3, level, day: 1, series: 9 };
            let times: Vec<i64> = rows.iter().map(|r| DAY_NS + r.0 * 1_000_000_000).collect();
            let values: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
            let mut buckets = buckets_of(level, &times, &values, Keep { spread, increase: counter });
            let bytes = encode(&key, &buckets, counter);
            let back = decode(&key, &bytes).unwrap();
            for (bucket, back) in buckets.iter_mut().zip(&back) {
                let step = level.width() / PARTS;
                for (time, kept) in [(bucket.first.1, back.first.1), (bucket.last.1, back.last.1)] {
                    prop_assert!((0..step).contains(&(time - kept)));
                }
                (bucket.first.1, bucket.last.1) = (back.first.1, back.last.1);
                bucket.increase = if counter { bucket.increase } else { 0.0 };
            }
            prop_assert_eq!(buckets, back);
        }

        #[test]
        fn any_bytes_decode_or_fail(bytes in prop::collection::vec(any::<u8>(), 0..200), spread: bool) {
            let key = RollupKey { metric: 3, level: Level::Hour, day: 1, series: 9 };
            let _ = RecordReader::default().parse(&key, &bytes, spread, &mut |_, _| {});
        }
    }
}
