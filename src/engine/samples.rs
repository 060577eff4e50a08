//! Samples as they are: a series' pieces merged in order of time.

use super::aggregate::bytes;
use super::piece::{Piece, Reader};
use crate::error::{Error, Result};
use crate::model::{Cancel, TimeRange, sort_by_time};
use crate::query::source::{Scan, SeriesSamples, ValueFilter};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// The samples of all series of `scan`. `pieces` are ordered by series, then by order of arrival.
pub(super) fn samples(
    scan: &Scan,
    pieces: &[Piece],
    reader: &Reader<'_>,
    cancel: &Cancel,
) -> Result<Vec<SeriesSamples>> {
    let held = AtomicU64::new(0);
    let series: Vec<&[Piece]> = pieces.chunk_by(|a, b| a.index == b.index).collect();
    let mut found: Vec<SeriesSamples> = series
        .into_par_iter()
        .map(|pieces| {
            cancel.check()?;
            let index = pieces[0].index;
            let filter = &scan.filters[scan.series[index as usize].filter as usize];
            let (times, values) = gather(reader, pieces, scan.range, filter)?;
            let len = times.len() as u64 * 16;
            if held.fetch_add(len, Ordering::Relaxed) + len > scan.memory_max {
                return Err(Error::limit(
                    format!("the query must hold more than {} of samples at once", bytes(scan.memory_max)),
                    "ask for a shorter range or add a condition, or raise `--memory`",
                ));
            }
            Ok(SeriesSamples { index, times, values })
        })
        .collect::<Result<_>>()?;
    found.retain(|s| !s.times.is_empty());
    found.sort_by_key(|s| s.index);
    Ok(found)
}

/// The samples of one series in `range` for which `filter` holds, in order of time, equal times in order of arrival.
pub(super) fn gather(
    reader: &Reader<'_>,
    pieces: &[Piece],
    range: TimeRange,
    filter: &ValueFilter,
) -> Result<(Vec<i64>, Vec<f64>)> {
    let (mut times, mut values) = (Vec::new(), Vec::new());
    let mut part_times = Vec::new();
    let mut part_values = Vec::new();
    for piece in pieces {
        let (min, max) = piece.min_max();
        if !filter.can_match(min, max) {
            reader.note_pruned();
            continue;
        }
        let part = reader.within(piece, range)?;
        if filter.must_match(min, max) {
            reader.times(piece, part.clone(), &mut times)?;
            reader.values(piece, part, &mut values)?;
            continue;
        }
        part_values.clear();
        reader.values(piece, part.clone(), &mut part_values)?;
        if part_values.iter().any(|v| filter.matches(*v)) {
            part_times.clear();
            reader.times(piece, part, &mut part_times)?;
            retain(filter, Some(&mut part_times), &mut part_values);
            times.append(&mut part_times);
            values.append(&mut part_values);
        }
    }
    sort_by_time(&mut times, &mut values);
    Ok((times, values))
}

/// Keeps the samples for which `filter` holds.
pub(super) fn retain(filter: &ValueFilter, times: Option<&mut Vec<i64>>, values: &mut Vec<f64>) {
    let mut kept = 0;
    match times {
        Some(times) => {
            for i in 0..values.len() {
                if filter.matches(values[i]) {
                    (times[kept], values[kept]) = (times[i], values[i]);
                    kept += 1;
                }
            }
            times.truncate(kept);
        }
        None => {
            for i in 0..values.len() {
                if filter.matches(values[i]) {
                    values[kept] = values[i];
                    kept += 1;
                }
            }
        }
    }
    values.truncate(kept);
}
