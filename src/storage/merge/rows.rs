//! Samples of a series told apart one by one, where chunks differ although they may hold the same.

use super::holdings::Stored;
use crate::error::Result;
use crate::storage::chunk::{EncodedChunk, SeriesRows};
use crate::storage::schema::EXTENTS;
use redb::ReadTransaction;

/// The samples of `chunks`, in their order.
pub(super) fn decode(read: &ReadTransaction, chunks: &[Stored]) -> Result<SeriesRows> {
    let extents = read.open_table(EXTENTS)?;
    let mut rows = SeriesRows::default();
    for (key, header) in chunks {
        EncodedChunk::read(&extents, key, *header)?.decode_into(&mut rows)?;
    }
    Ok(rows)
}

/// The samples of `ours` that are not in `theirs`: one that is there twice here and once there stays once.
pub(super) fn without(ours: &SeriesRows, theirs: &SeriesRows) -> SeriesRows {
    let key = |rows: &SeriesRows, i: u32| (rows.times[i as usize], rows.values[i as usize].to_bits());
    let sorted = |rows: &SeriesRows| {
        let mut order: Vec<u32> = (0..rows.times.len() as u32).collect();
        order.sort_by_key(|i| key(rows, *i));
        order
    };
    let (mine, other) = (sorted(ours), sorted(theirs));
    let mut left = Vec::new();
    let mut at = 0;
    for i in mine {
        while other.get(at).is_some_and(|j| key(theirs, *j) < key(ours, i)) {
            at += 1;
        }
        if other.get(at).is_some_and(|j| key(theirs, *j) == key(ours, i)) {
            at += 1;
        } else {
            left.push(i);
        }
    }
    // In order of arrival again.
    left.sort_unstable();
    SeriesRows {
        metric: ours.metric,
        series: ours.series,
        times: left.iter().map(|i| ours.times[*i as usize]).collect(),
        values: left.iter().map(|i| ours.values[*i as usize]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_more_often_stays_that_much_more_often() {
        let rows = |samples: &[(i64, f64)]| SeriesRows {
            times: samples.iter().map(|s| s.0).collect(),
            values: samples.iter().map(|s| s.1).collect(),
            ..SeriesRows::default()
        };
        let left = |ours: &[(i64, f64)], theirs: &[(i64, f64)]| {
            let left = without(&rows(ours), &rows(theirs));
            left.times.into_iter().zip(left.values).collect::<Vec<_>>()
        };
        assert_eq!(
            left(&[(5, 1.0), (3, 2.0), (5, 1.0), (5, 2.0)], &[(5, 1.0), (4, 2.0)]),
            [(3, 2.0), (5, 1.0), (5, 2.0)]
        );
        assert_eq!(left(&[(1, 1.0)], &[(1, 1.0), (1, 1.0)]), []);
        assert_eq!(left(&[(1, 0.0)], &[(1, -0.0)]), [(1, 0.0)], "bits count");
        assert_eq!(left(&[], &[(1, 1.0)]), []);
    }
}
