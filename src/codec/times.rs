//! Columns of ascending times.
//!
//! The first byte tells the layout: 0 a constant step, 1 differences in packed blocks, 2 differences entropy coded. The first time
//! of each page is stored plainly, so that a time can be found by decoding one page.

use super::ints::{self, IntColumn, Layout};
use super::{COLUMN_COUNT_MAX, Malformed, PAGE_COUNT, Reader, put_varint};
use std::ops::Range;

const STEP: u8 = 0;
const PACKED: u8 = 1;
const ENTROPY: u8 = 2;

/// The share of its size that entropy coding must save: times are rarely decoded, so a little is enough.
const SAVING: f64 = 0.015;

/// Appends `times`, which ascend, and of which there are 1 to [`COLUMN_COUNT_MAX`].
///
/// ```
/// use perfdb::codec::times;
/// let mut bytes = Vec::new();
/// times::encode(&[10, 20, 30, 40], &mut bytes);
/// assert_eq!(bytes, [0, 10, 0, 0, 0, 0, 0, 0, 0, 10]); // constant step, the first time, the step
/// let mut back = Vec::new();
/// times::Times::read(&bytes, 4).unwrap().decode(1..3, &mut back).unwrap();
/// assert_eq!(back, [20, 30]);
/// ```
///
/// # Panics
/// In debug builds where the times do not ascend.
pub fn encode(times: &[i64], out: &mut Vec<u8>) {
    debug_assert!(times.is_sorted(), "times ascend");
    debug_assert!((1..=COLUMN_COUNT_MAX).contains(&times.len()), "1 to COLUMN_COUNT_MAX times");
    let step = if times.len() > 1 { times[1].wrapping_sub(times[0]) } else { 0 };
    if step >= 0 && times.windows(2).all(|w| w[1].wrapping_sub(w[0]) == step) {
        out.push(STEP);
        out.extend_from_slice(&times[0].to_le_bytes());
        put_varint(out, step as u64);
        return;
    }
    if ints::choose_delta(times, SAVING) == Layout::PcoDelta {
        let start = out.len();
        out.push(ENTROPY);
        for page in times.chunks(PAGE_COUNT) {
            out.extend_from_slice(&page[0].to_le_bytes());
        }
        if ints::encode(times, Layout::PcoDelta, out).is_ok() {
            return;
        }
        out.truncate(start);
    }
    out.push(PACKED);
    let packed = ints::encode(times, Layout::Delta, out);
    debug_assert!(packed.is_ok());
}

/// A column of times, ready to search and decode.
#[derive(Debug, Clone)]
pub struct Times<'a> {
    count: usize,
    layout: Kind<'a>,
}

#[derive(Debug, Clone)]
enum Kind<'a> {
    Step { first: i64, step: i64 },
    Column { firsts: &'a [u8], column: IntColumn<'a> },
}

impl<'a> Times<'a> {
    /// Looks at the bytes of a column of `count` times.
    ///
    /// # Errors
    /// [`Malformed`] where no encoder has written them.
    pub fn read(bytes: &'a [u8], count: usize) -> Result<Self, Malformed> {
        if !(1..=COLUMN_COUNT_MAX).contains(&count) {
            return Err(Malformed("no count of a column"));
        }
        let mut reader = Reader(bytes);
        let layout = match reader.u8()? {
            STEP => {
                let (first, step) = (reader.i64()?, reader.varint()? as i64);
                let last = step.checked_mul(count as i64 - 1).and_then(|span| first.checked_add(span));
                if step < 0 || last.is_none() {
                    return Err(Malformed("times beyond the end of time"));
                }
                Kind::Step { first, step }
            }
            PACKED => {
                let column = IntColumn::read(Layout::Delta, count, &mut reader)?;
                let IntColumn::Delta { firsts, .. } = column else { return Err(Malformed("no times")) };
                Kind::Column { firsts, column }
            }
            ENTROPY => {
                let firsts = reader.bytes(8 * count.div_ceil(PAGE_COUNT))?;
                Kind::Column { firsts, column: IntColumn::read(Layout::PcoDelta, count, &mut reader)? }
            }
            _ => return Err(Malformed("an unknown layout of times")),
        };
        Ok(Self { count, layout })
    }

    /// Appends the times at `range`.
    ///
    /// # Errors
    /// [`Malformed`] where no encoder has written the bytes, or `range` goes beyond the column.
    pub fn decode(&self, range: Range<usize>, out: &mut Vec<i64>) -> Result<(), Malformed> {
        if range.start > range.end || range.end > self.count {
            return Err(Malformed("a range beyond the column"));
        }
        match &self.layout {
            Kind::Step { first, step } => {
                out.extend(range.map(|i| first.wrapping_add(step.wrapping_mul(i as i64))));
                Ok(())
            }
            Kind::Column { column, .. } => decode_pages(range, out, |page, buffer| {
                column.decode_page(page, buffer)?;
                if buffer.is_sorted() { Ok(()) } else { Err(Malformed("times that do not ascend")) }
            }),
        }
    }

    /// How many times lie before `time`: the index of the first that does not.
    ///
    /// # Errors
    /// [`Malformed`] where no encoder has written the bytes.
    pub fn count_before(&self, time: i64) -> Result<usize, Malformed> {
        match &self.layout {
            Kind::Step { first, step } => {
                if time <= *first {
                    return Ok(0);
                }
                if *step == 0 {
                    return Ok(self.count);
                }
                let before = (i128::from(time) - i128::from(*first) + i128::from(*step) - 1) / i128::from(*step);
                Ok(before.min(self.count as i128) as usize)
            }
            Kind::Column { firsts, column } => {
                let page_count = self.count.div_ceil(PAGE_COUNT);
                let first = |page: usize| ints::first_of(firsts, page);
                // The page that holds the border is the last one whose first time lies before it.
                let mut later = 0;
                let mut high = page_count;
                while later < high {
                    let mid = usize::midpoint(later, high);
                    if first(mid) < time { later = mid + 1 } else { high = mid }
                }
                let Some(page) = later.checked_sub(1) else { return Ok(0) };
                let mut buffer = Vec::new();
                column.decode_page(page, &mut buffer)?;
                Ok(page * PAGE_COUNT + buffer.partition_point(|t| *t < time))
            }
        }
    }
}

/// Decodes the pages that `range` touches and appends just the numbers in it.
pub(super) fn decode_pages<T: Copy + Default>(
    range: Range<usize>,
    out: &mut Vec<T>,
    mut decode: impl FnMut(usize, &mut Vec<T>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut buffer = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let page = at / PAGE_COUNT;
        let page_start = page * PAGE_COUNT;
        decode(page, &mut buffer)?;
        let end = range.end.min(page_start + PAGE_COUNT);
        let part = buffer.get(at - page_start..end - page_start).ok_or(Malformed("a page too short"))?;
        out.extend_from_slice(part);
        at = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(times: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(times, &mut bytes);
        let column = Times::read(&bytes, times.len()).unwrap();
        let mut back = Vec::new();
        column.decode(0..times.len(), &mut back).unwrap();
        assert_eq!(times, back);
        let (a, b) = (times.len() / 3, times.len() - times.len() / 4);
        back.clear();
        column.decode(a..b, &mut back).unwrap();
        assert_eq!(&times[a..b], back);
        for &t in times.iter().step_by(times.len() / 50 + 1) {
            for t in [t.saturating_sub(1), t, t.saturating_add(1)] {
                assert_eq!(column.count_before(t).unwrap(), times.partition_point(|x| *x < t), "before {t}");
            }
        }
        assert_eq!(column.count_before(i64::MIN).unwrap(), 0);
        bytes
    }

    #[test]
    fn a_constant_step_takes_a_few_bytes() {
        let times: Vec<i64> = (0..5000).map(|i| 1_767_225_600_000_000_000 + i * 10_000_000_000).collect();
        assert!(round_trip(&times).len() < 16);
    }

    #[test]
    fn irregular_times_come_back_over_many_pages() {
        let mut x = 1u64;
        let mut t = 1_767_225_600_000_000_000i64;
        let times: Vec<i64> = (0..7000)
            .map(|_| {
                x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Exponential gaps, as of independent events.
                let unit = (((x >> 11) as f64) + 1.0) / (1u64 << 53) as f64;
                t += (-unit.ln() * 2e9) as i64;
                t
            })
            .collect();
        let len = round_trip(&times).len();
        assert!(len < 7000 * 43 / 10, "{len} bytes");
    }

    #[test]
    fn extremes_come_back() {
        round_trip(&[i64::MIN]);
        round_trip(&[i64::MIN, i64::MAX]);
        round_trip(&[i64::MIN, 0, i64::MAX]);
        round_trip(&vec![5; 5000]);
        round_trip(&[i64::MAX - 1, i64::MAX - 1, i64::MAX]);
    }

    proptest! {
        #[test]
        fn any_times_come_back(mut times in prop::collection::vec(prop_oneof![any::<i64>(), 0i64..1000, 1_767_225_600_000_000_000i64..1_767_225_700_000_000_000], 1..400)) {
            times.sort_unstable();
            round_trip(&times);
        }

        #[test]
        fn any_bytes_decode_or_fail(mut bytes in prop::collection::vec(any::<u8>(), 1..400), tag in 0u8..4, count in 1usize..6000, t in any::<i64>()) {
            bytes[0] = tag;
            if let Ok(column) = Times::read(&bytes, count) {
                let _ = column.decode(0..count, &mut Vec::new());
                let _ = column.count_before(t);
            }
        }
    }
}
