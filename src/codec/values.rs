//! Columns of values.
//!
//! The first byte tells the layout: 0 one value for all, 1 to 4 short decimals as whole numbers (packed, packed differences, entropy
//! coded, entropy coded differences) with their power of ten, 5 floating point entropy coded, 6 floating point as it is.

use super::ints::{self, IntColumn, Layout, PcoColumn};
use super::times::decode_pages;
use super::{COLUMN_COUNT_MAX, Malformed, PAGE_COUNT, Reader, decimal};
use std::ops::Range;

const CONSTANT: u8 = 0;
const DECIMALS: [(u8, Layout); 4] =
    [(1, Layout::Plain), (2, Layout::Delta), (3, Layout::PcoPlain), (4, Layout::PcoDelta)];
const FLOAT_ENTROPY: u8 = 5;
const FLOAT_RAW: u8 = 6;

/// The share of its size that entropy coding must save over packed blocks: these decode several times as fast.
const SAVING: f64 = 0.2;

/// Below this many values, coding by pco only adds to the size.
const FLOAT_ENTROPY_MIN: usize = 16;

/// Appends `values`, of which there are 1 to [`COLUMN_COUNT_MAX`].
///
/// ```
/// use perfdb::codec::values;
/// let mut bytes = Vec::new();
/// values::encode(&[1.5, 7.0, 2.5], &mut bytes);
/// // Packed whole numbers, one decimal, base 15, then one block: 6 bits each, no patches, offsets 0, 55 and 10.
/// assert_eq!(bytes, [1, 1, 15, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0xc0, 0xad, 0x00]);
/// let mut back = Vec::new();
/// values::decode(&bytes, 3, 0..3, &mut back).unwrap();
/// assert_eq!(back, [1.5, 7.0, 2.5]);
/// ```
///
/// # Panics
/// In debug builds where there are no values or too many.
pub fn encode(values: &[f64], out: &mut Vec<u8>) {
    debug_assert!((1..=COLUMN_COUNT_MAX).contains(&values.len()), "1 to COLUMN_COUNT_MAX values");
    let first = values[0].to_bits();
    if values.iter().all(|v| v.to_bits() == first) {
        out.push(CONSTANT);
        out.extend_from_slice(&first.to_le_bytes());
        return;
    }
    let start = out.len();
    if let Some((exponent, wholes)) = decimal::encode(values) {
        let layout = ints::choose(&wholes, SAVING);
        let tag = DECIMALS.iter().find(|d| d.1 == layout).map_or(1, |d| d.0);
        out.extend_from_slice(&[tag, exponent]);
        if ints::encode(&wholes, layout, out).is_ok() {
            return;
        }
        out.truncate(start);
    } else if values.len() >= FLOAT_ENTROPY_MIN {
        out.push(FLOAT_ENTROPY);
        let coded = ints::encode_pco(values, pco::ModeSpec::Auto, pco::DeltaSpec::Auto, out);
        if coded.is_ok() && out.len() - start < 8 * values.len() {
            return;
        }
        out.truncate(start);
    }
    out.push(FLOAT_RAW);
    for value in values {
        out.extend_from_slice(&value.to_le_bytes());
    }
}

/// Appends the values at `range` of a column of `count` values.
///
/// # Errors
/// [`Malformed`] where no encoder has written the bytes, or `range` goes beyond the column.
pub fn decode(bytes: &[u8], count: usize, range: Range<usize>, out: &mut Vec<f64>) -> Result<(), Malformed> {
    if !(1..=COLUMN_COUNT_MAX).contains(&count) || range.start > range.end || range.end > count {
        return Err(Malformed("a range beyond the column"));
    }
    let mut reader = Reader(bytes);
    let tag = reader.u8()?;
    match tag {
        CONSTANT => {
            let value = f64::from_le_bytes(reader.array()?);
            out.resize(out.len() + range.len(), value);
            Ok(())
        }
        1..=4 => {
            let exponent = reader.u8()?;
            if !decimal::is_exponent(exponent) {
                return Err(Malformed("an unknown power of ten"));
            }
            let column = IntColumn::read(DECIMALS[usize::from(tag) - 1].1, count, &mut reader)?;
            let mut wholes = Vec::new();
            let mut at = range.start;
            while at < range.end {
                let page = at / PAGE_COUNT;
                let end = range.end.min((page + 1) * PAGE_COUNT);
                column.decode_page(page, &mut wholes)?;
                let first = page * PAGE_COUNT;
                let part = wholes.get(at - first..end - first).ok_or(Malformed("a page too short"))?;
                decimal::decode(part, exponent, out);
                at = end;
            }
            Ok(())
        }
        FLOAT_ENTROPY => {
            let column = PcoColumn::read(count, &mut reader)?;
            decode_pages(range, out, |page, buffer| column.decode_page(page, buffer))
        }
        FLOAT_RAW => {
            let raw = reader.bytes(8 * count)?;
            let part = &raw[8 * range.start..8 * range.end];
            out.extend(
                part.chunks_exact(8).map(|b| f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]])),
            );
            Ok(())
        }
        _ => Err(Malformed("an unknown layout of values")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(values: &[f64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(values, &mut bytes);
        let mut back = Vec::new();
        decode(&bytes, values.len(), 0..values.len(), &mut back).unwrap();
        let bits = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(values), bits(&back));
        let (a, b) = (values.len() / 3, values.len() - values.len() / 4);
        back.clear();
        decode(&bytes, values.len(), a..b, &mut back).unwrap();
        assert_eq!(bits(&values[a..b]), bits(&back));
        bytes
    }

    /// A linear congruential generator: tests need numbers that look random and are the same each time.
    fn noise(n: usize) -> impl Iterator<Item = u64> {
        let mut x = 1u64;
        std::iter::repeat_with(move || {
            x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            x >> 33
        })
        .take(n)
    }

    #[test]
    fn each_layout_is_taken_where_it_fits() {
        assert_eq!(round_trip(&[7.25; 1000])[0], CONSTANT);
        assert_eq!(round_trip(&noise(5000).map(|x| (x % 200_000) as f64 / 1000.0).collect::<Vec<_>>())[0], 1);
        let walk: Vec<f64> = noise(5000)
            .scan(1e9, |w, x| {
                *w += (x % 1024) as f64;
                Some(*w)
            })
            .collect();
        assert_eq!(round_trip(&walk)[0], 2);
        let skewed: Vec<f64> = noise(5000).map(|x| if x % 50 == 0 { (x % 7) as f64 } else { 0.0 }).collect();
        assert_eq!(round_trip(&skewed)[0], 3);
        let slow: Vec<f64> = noise(5000)
            .scan(50.0, |w, x| {
                *w += match x % 100 {
                    0 => 9.0,
                    1 => -9.0,
                    2..30 => 1.0,
                    _ => 0.0,
                };
                Some(*w)
            })
            .collect();
        assert_eq!(round_trip(&slow)[0], 4);
        assert_eq!(round_trip(&noise(5000).map(|x| (x as f64).sin()).collect::<Vec<_>>())[0], FLOAT_ENTROPY);
        assert_eq!(round_trip(&[0.1f64.sin(), 0.2f64.sin()])[0], FLOAT_RAW);
    }

    #[test]
    fn extremes_come_back() {
        round_trip(&[-0.0]);
        round_trip(&[-0.0, 0.0, 1.0]);
        round_trip(&[f64::MAX, f64::MIN, f64::MIN_POSITIVE, 5e-324, -5e-324, 0.0, 1.0]);
        round_trip(&[9_007_199_254_740_993.0, 9_007_199_254_740_992.0, -9_007_199_254_740_992.0]);
        round_trip(&[(1u64 << 51) as f64, 1.0]);
        round_trip(&vec![f64::MAX; 3000]);
    }

    proptest! {
        #[test]
        fn any_values_come_back(values in prop::collection::vec(prop_oneof![
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
            (-1_000_000i64..1_000_000, 0i32..6).prop_map(|(m, e)| m as f64 / 10f64.powi(e)),
        ], 1..400)) {
            round_trip(&values);
        }

        #[test]
        fn any_bytes_decode_or_fail(mut bytes in prop::collection::vec(any::<u8>(), 1..400), tag in 0u8..8, count in 1usize..6000) {
            bytes[0] = tag;
            let _ = decode(&bytes, count, 0..count, &mut Vec::new());
        }

        #[test]
        fn damaged_columns_decode_or_fail(at in any::<prop::sample::Index>(), bit in 0u8..8, cut in any::<prop::sample::Index>(), kind in 0usize..3) {
            let values: Vec<f64> = match kind {
                0 => noise(3000).map(|x| (x as f64).sin()).collect(),
                1 => noise(3000).map(|x| if x % 50 == 0 { (x % 7) as f64 } else { 0.0 }).collect(),
                _ => noise(3000).map(|x| (x % 1000) as f64).collect(),
            };
            let mut bytes = Vec::new();
            encode(&values, &mut bytes);
            let i = at.index(bytes.len());
            bytes[i] ^= 1 << bit;
            let _ = decode(&bytes, 3000, 0..3000, &mut Vec::new());
            bytes.truncate(cut.index(bytes.len()));
            let _ = decode(&bytes, 3000, 0..3000, &mut Vec::new());
        }
    }
}
