//! Floating-point numbers that were written as short decimals, as whole numbers and one power of ten.

/// The largest power of ten that is tried.
const EXPONENT_MAX: u8 = 15;

/// Whole numbers stay below this, so that both directions are exact and fit vector registers: see [`to_float`].
const WHOLE_MAX: f64 = (1u64 << 51) as f64;

const POWERS: [f64; EXPONENT_MAX as usize + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// Adding and subtracting this rounds to the nearest whole number, for sizes below 2^51.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// `value` times ten to the power, if that whole number gives back `value` to the bit.
#[inline]
fn to_whole(value: f64, power: f64) -> Option<i64> {
    let scaled = value * power;
    let whole = (scaled + ROUNDER) - ROUNDER;
    // The comparison of bits also refuses -0.0, which no whole number gives back.
    (whole.abs() < WHOLE_MAX && (whole / power).to_bits() == value.to_bits()).then_some(whole as i64)
}

/// The smallest exponent under which all `values` are whole, and the whole numbers. `None` where there is none up to 15.
pub(super) fn encode(values: &[f64]) -> Option<(u8, Vec<i64>)> {
    let mut exponent = 0;
    for value in values {
        while to_whole(*value, POWERS[exponent]).is_none() {
            exponent += 1;
            if exponent > usize::from(EXPONENT_MAX) {
                return None;
            }
        }
    }
    let power = POWERS[exponent];
    let wholes: Option<Vec<i64>> = values.iter().map(|v| to_whole(*v, power)).collect();
    Some((exponent as u8, wholes?))
}

/// Whether `exponent` is one that [`encode`] gives.
pub(super) fn is_exponent(exponent: u8) -> bool {
    exponent <= EXPONENT_MAX
}

/// Appends the floating-point numbers of `wholes`. A whole number of 2^51 and more in size, which [`encode`] never gives,
/// yields some other number.
pub(super) fn decode(wholes: &[i64], exponent: u8, out: &mut Vec<f64>) {
    let power = POWERS[usize::from(exponent.min(EXPONENT_MAX))];
    if exponent == 0 {
        out.extend(wholes.iter().map(|w| to_float(*w)));
    } else {
        out.extend(wholes.iter().map(|w| to_float(*w) / power));
    }
}

/// A whole number below 2^51 in size as a floating-point number, by adding it to the mantissa bits of 1.5 × 2^52: unlike a
/// conversion instruction this exists for vectors on every 64-bit machine.
#[inline]
fn to_float(whole: i64) -> f64 {
    f64::from_bits((whole as u64).wrapping_add(ROUNDER.to_bits())) - ROUNDER
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_decimals_become_whole_numbers() {
        assert_eq!(encode(&[45.123, 0.5, -7.0]), Some((3, vec![45_123, 500, -7_000])));
        assert_eq!(encode(&[3.0, 5.0]), Some((0, vec![3, 5])));
        assert_eq!(encode(&[-0.0]), None);
        assert_eq!(encode(&[f64::MAX]), None);
        assert_eq!(encode(&[1.0 / 3.0]), None);
        assert_eq!(encode(&[f64::MIN_POSITIVE]), None);
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(mantissas in prop::collection::vec(-1_000_000_000i64..1_000_000_000, 1..50), exponent in 0u8..10) {
            let values: Vec<f64> = mantissas.iter().map(|m| *m as f64 / POWERS[exponent as usize]).collect();
            let (e, wholes) = encode(&values).unwrap();
            let mut out = Vec::new();
            decode(&wholes, e, &mut out);
            prop_assert_eq!(values.iter().map(|v| v.to_bits()).collect::<Vec<_>>(), out.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
        }
    }
}
