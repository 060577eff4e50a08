//! What stands in the buckets without samples.

use crate::error::{Error, Result};
use crate::query::ast::Fill;
use crate::query::plan::window::Window;

/// The starts of all buckets from `first` to `last` (times, ns) of a window with buckets. `group_count` groups will have each of
/// them, and together no more than `row_max` rows.
pub(crate) fn buckets(window: &Window, first: i64, last: i64, group_count: usize, row_max: usize) -> Result<Vec<i64>> {
    let Some(bucketing) = window.bucketing else { return Ok(Vec::new()) };
    let estimate = (i128::from(last) - i128::from(first)).max(0) / i128::from(bucketing.every.ns_mean().max(1)) + 1;
    let room = row_max / group_count.max(1);
    let too_many = |count: i128| {
        Error::limit(
            match group_count {
                0 | 1 => format!("`fill` would make {count} buckets, and an answer has at most {row_max} rows"),
                groups => format!(
                    "`fill` would make {count} buckets for each of the {groups} groups, and an answer has at most {row_max} rows"
                ),
            },
            "ask for a shorter range, wider buckets, or no `fill`",
        )
    };
    if estimate > room as i128 + 1 {
        return Err(too_many(estimate));
    }
    let mut starts = Vec::with_capacity(estimate as usize);
    let mut time = first;
    while time <= last {
        let (start, next) = bucketing.every.bucket(time, bucketing.zone);
        starts.push(start);
        if next <= time {
            break;
        }
        time = next;
    }
    if starts.len() > room { Err(too_many(starts.len() as i128)) } else { Ok(starts) }
}

/// The first and the last time whose buckets are filled, given the first and last bucket that have samples: from `since` to
/// `until`. Without `since` it begins with the samples; without `until` it ends with them, or now where `since` was given.
pub(crate) fn span(window: &Window, first_bucket: i64, last_bucket: i64) -> (i64, i64) {
    let open_start = window.range.start == i64::MIN;
    let first = if open_start { first_bucket } else { window.range.start.min(first_bucket) };
    let last = match window.range.end {
        i64::MAX if open_start => last_bucket,
        i64::MAX => last_bucket.max(window.now),
        end => end.saturating_sub(1).max(last_bucket),
    };
    (first, last)
}

/// Gives the values that are not `present` what `fill` says. All three slices are those of one group, a value a bucket.
pub(crate) fn fill_values(fill: Fill, times: &[i64], present: &[bool], values: &mut [Option<f64>]) {
    match fill {
        Fill::None | Fill::Null => {}
        Fill::Zero => set_missing(present, values, 0.0),
        Fill::Number(number) => set_missing(present, values, number),
        Fill::Previous => {
            let mut previous = None;
            for (value, present) in values.iter_mut().zip(present) {
                if *present { previous = *value } else { *value = previous }
            }
        }
        Fill::Linear => fill_linear(times, present, values),
    }
}

fn set_missing(present: &[bool], values: &mut [Option<f64>], number: f64) {
    for (value, _) in values.iter_mut().zip(present).filter(|(_, present)| !**present) {
        *value = Some(number);
    }
}

fn fill_linear(times: &[i64], present: &[bool], values: &mut [Option<f64>]) {
    let mut before: Option<usize> = None;
    for at in 0..values.len() {
        let (true, Some(right)) = (present[at], values[at]) else { continue };
        if let Some(from) = before
            && let Some(left) = values[from]
        {
            let width = times[at] as f64 - times[from] as f64;
            for i in from + 1..at {
                if !present[i] {
                    let part = (times[i] as f64 - times[from] as f64) / width;
                    values[i] = Some(left + (right - left) * part);
                }
            }
        }
        before = Some(at);
    }
}

/// As `fill_values`, for points in time: only `previous` has a meaning there.
pub(crate) fn fill_times(fill: Fill, present: &[bool], values: &mut [Option<i64>]) {
    if fill != Fill::Previous {
        return;
    }
    let mut previous = None;
    for (value, present) in values.iter_mut().zip(present) {
        if *present { previous = *value } else { *value = previous }
    }
}
