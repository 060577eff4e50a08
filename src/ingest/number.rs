//! Decimal numbers and times in text, read without loss: what a fast path cannot do exactly goes to a slow one.

use super::Precision;
use crate::model::{TIME_MAX, Timestamp, Zone};

/// Powers of ten that `f64` holds exactly.
const POW10: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
];

/// Whole numbers up to here are exact in `f64`.
const EXACT_MAX: u64 = 1 << 53;

/// The most digits whose value surely fits `u64` and `i64`.
const DIGITS_MAX: usize = 18;

/// The longest prefix of a text that is a plain decimal number: sign, digits, point, digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    /// Whether it starts with `-`.
    negative: bool,
    /// All digits as one number; wrapped around where there are more than [`DIGITS_MAX`].
    mantissa: u64,
    /// How many digits there are, on both sides of the point.
    digits: usize,
    /// How many digits stand behind the point.
    decimals: usize,
    /// Whether there is a point.
    has_point: bool,
    /// How many bytes the prefix has.
    pub(super) len: usize,
}

/// Reads the longest decimal prefix of `text`.
#[inline]
pub(super) fn decimal(text: &[u8]) -> Decimal {
    let negative = text.first() == Some(&b'-');
    let mut at = usize::from(negative || text.first() == Some(&b'+'));
    let mut mantissa = 0u64;
    let mut run = |at: &mut usize| {
        let start = *at;
        while let Some(&byte) = text.get(*at) {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                break;
            }
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
            *at += 1;
        }
        *at - start
    };
    let mut digits = run(&mut at);
    let has_point = text.get(at) == Some(&b'.');
    let mut decimals = 0;
    if has_point {
        at += 1;
        decimals = run(&mut at);
        digits += decimals;
    }
    Decimal { negative, mantissa, digits, decimals, has_point, len: at }
}

impl Decimal {
    /// The value, where it is exact to compute: Clinger's fast path (1990), a quotient of two exact numbers.
    #[inline]
    pub(super) fn exact(&self) -> Option<f64> {
        let fits =
            self.digits.wrapping_sub(1) < DIGITS_MAX && self.mantissa <= EXACT_MAX && self.decimals < POW10.len();
        if !fits {
            return None;
        }
        let size = self.mantissa as f64 / POW10[self.decimals];
        Some(if self.negative { -size } else { size })
    }

    /// The whole number, where there is no point and it has few digits.
    #[inline]
    pub(super) fn integer(&self) -> Option<i64> {
        let fits = self.digits.wrapping_sub(1) < DIGITS_MAX && !self.has_point;
        fits.then_some(if self.negative { -(self.mantissa as i64) } else { self.mantissa as i64 })
    }
}

/// A number, and whether it is a whole number that `f64` had to round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) value: f64,
    pub(super) rounded: bool,
}

/// Reads all of `text` as a number. The result is not finite where the number is too large; `None` where it is no number
/// (`NaN` and `inf` are none).
pub(super) fn number(text: &[u8]) -> Option<Number> {
    let prefix = decimal(text);
    if prefix.len == text.len()
        && let Some(value) = prefix.exact()
    {
        return Some(Number { value, rounded: false });
    }
    // Only what looks like a number reaches the parser, which would take `nan` and `infinity` too.
    if !text.iter().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    let value: f64 = fast_float2::parse(without_plus(text)).ok()?;
    let whole = prefix.len == text.len() && !prefix.has_point;
    Some(Number { value, rounded: whole && is_rounded(text, value) })
}

/// `text` without its plus sign, unless another sign follows it, which makes it no number.
fn without_plus(text: &[u8]) -> &[u8] {
    match text {
        [b'+', rest @ ..] if !matches!(rest.first(), Some(b'+' | b'-')) => rest,
        _ => text,
    }
}

/// Whether `value` differs from the whole number `text`. Beyond 38 digits every number counts as rounded.
fn is_rounded(text: &[u8], value: f64) -> bool {
    let exact = std::str::from_utf8(text).ok().and_then(|t| t.parse::<i128>().ok());
    // 2^127 is the one size at which `as` would saturate and seem equal.
    exact.is_none_or(|exact| value.abs() >= 1.7e38 || value as i128 != exact)
}

/// Whether `whole` is not exact as `f64`.
#[inline]
pub(super) fn rounds(whole: i128) -> bool {
    whole.unsigned_abs() > u128::from(EXACT_MAX) && (whole as f64) as i128 != whole
}

/// Reads all of `text` as a whole number of at most 64 bits.
#[inline]
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let negative = text.first() == Some(&b'-');
    let digits = &text[usize::from(negative || text.first() == Some(&b'+'))..];
    if digits.is_empty() {
        return None;
    }
    // Nineteen digits fit `u64`; leading zeros may come on top.
    let digits = if digits.len() > 19 { &digits[leading_zeros(digits)..] } else { digits };
    if digits.len() > 19 {
        return None;
    }
    let mut chunks = digits.chunks_exact(8);
    let mut size = 0u64;
    for chunk in &mut chunks {
        size = size * 100_000_000 + eight_digits(chunk.try_into().ok()?)?;
    }
    for &byte in chunks.remainder() {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        size = size * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
}

fn leading_zeros(digits: &[u8]) -> usize {
    digits.iter().take_while(|b| **b == b'0').count()
}

/// Eight digits at once: neighbours are joined to pairs, pairs to fours, fours to eight (Lemire, "Quickly parsing eight digits", 2018).
#[inline]
fn eight_digits(chunk: [u8; 8]) -> Option<u64> {
    const HIGH: u64 = 0xF0F0_F0F0_F0F0_F0F0;
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    let text = u64::from_le_bytes(chunk);
    if text & HIGH != ZEROS || text.wrapping_add(0x0606_0606_0606_0606) & HIGH != ZEROS {
        return None;
    }
    let pairs = (text & 0x0F0F_0F0F_0F0F_0F0F).wrapping_mul(2561) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(6_553_601) >> 16;
    Some((fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(42_949_672_960_001) >> 32)
}

/// Why a text is no time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TimeFault {
    /// It does not look like one.
    NotATime,
    /// It lies outside the years 1677 to 2262.
    OutOfRange,
}

/// Reads a whole number of `precision` since the epoch, in ns.
#[inline]
pub(super) fn time_whole(text: &[u8], precision: Precision) -> Result<i64, TimeFault> {
    match integer(text) {
        Some(count) => time_scaled(count, precision),
        None if is_integer(text) => Err(TimeFault::OutOfRange),
        None => Err(TimeFault::NotATime),
    }
}

/// `count` of `precision` in ns.
#[inline]
pub(super) fn time_scaled(count: i64, precision: Precision) -> Result<i64, TimeFault> {
    count.checked_mul(precision.ns()).filter(|t| *t <= TIME_MAX).ok_or(TimeFault::OutOfRange)
}

fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

/// Reads a decimal number of `precision` since the epoch, in ns: `1767225600.123456789` seconds lose nothing. Digits
/// finer than 1 ns are cut.
pub(super) fn time_decimal(text: &[u8], precision: Precision) -> Result<i64, TimeFault> {
    let Some(point) = memchr::memchr(b'.', text) else {
        return time_whole(text, precision);
    };
    let (whole, fraction) = (&text[..point], &text[point + 1..]);
    let negative = whole.first() == Some(&b'-');
    let has_digits = whole.iter().chain(fraction).any(u8::is_ascii_digit);
    if !has_digits || !fraction.iter().all(u8::is_ascii_digit) {
        return Err(TimeFault::NotATime);
    }
    let whole_ns = match whole {
        b"" | b"-" | b"+" => 0,
        _ => time_whole(whole, precision)?,
    };
    // Nine digits are the ns of a second, the coarsest unit.
    let mut rest_ns = 0i64;
    let mut place = precision.ns();
    for &digit in fraction.iter().take(9) {
        place /= 10;
        rest_ns += i64::from(digit - b'0') * place;
    }
    let sum = if negative { whole_ns.checked_sub(rest_ns) } else { whole_ns.checked_add(rest_ns) };
    sum.filter(|t| *t <= TIME_MAX).ok_or(TimeFault::OutOfRange)
}

/// Reads an RFC 3339 date or date-time, in ns. Without an offset it is UTC.
pub(super) fn time_text(text: &[u8]) -> Result<i64, TimeFault> {
    if let Some(ns) = time_text_plain(text) {
        return Ok(ns);
    }
    let text = std::str::from_utf8(text).map_err(|_| TimeFault::NotATime)?;
    match Timestamp::parse(text, Zone::UTC) {
        Some(t) if t.0 <= TIME_MAX => Ok(t.0),
        _ if looks_like_date(text.as_bytes()) => Err(TimeFault::OutOfRange),
        _ => Err(TimeFault::NotATime),
    }
}

/// Whether `text` reads as a calendar date of the years that are out of range, so that the fault is the range.
fn looks_like_date(text: &[u8]) -> bool {
    let shape = text.len() >= 10 && text[4] == b'-' && text[7] == b'-';
    let year = || integer(&text[..4]);
    shape && year().is_some_and(|y| !(1678..=2261).contains(&y))
}

/// The common form `2026-11-20T12:00:00[.123456789][Z]`, without detours; `None` for every other.
fn time_text_plain(text: &[u8]) -> Option<i64> {
    let at = |i: usize| text.get(i).map(|b| i64::from(b.wrapping_sub(b'0'))).filter(|d| *d <= 9);
    let two = |i: usize| Some(at(i)? * 10 + at(i + 1)?);
    let shape = text.len() >= 19
        && (text[4], text[7], text[13], text[16]) == (b'-', b'-', b':', b':')
        && matches!(text[10], b'T' | b' ');
    if !shape {
        return None;
    }
    let (year, month, day) = (two(0)? * 100 + two(2)?, two(5)?, two(8)?);
    let (hour, minute, second) = (two(11)?, two(14)?, two(17)?);
    // Days 29 to 31 need the calendar; leap seconds and wrong dates are left to the careful reader as well.
    let plain = (1678..2262).contains(&year) && (1..=12).contains(&month) && (1..=28).contains(&day);
    if !plain || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let mut rest = &text[19..];
    let mut ns = 0;
    if let Some(fraction) = rest.strip_prefix(b".") {
        let digits = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if !(1..=9).contains(&digits) {
            return None;
        }
        ns = integer(&fraction[..digits])? * 10i64.pow(9 - digits as u32);
        rest = &fraction[digits..];
    }
    if !(rest.is_empty() || rest == b"Z") {
        return None;
    }
    let seconds = days_from_epoch(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(seconds * 1_000_000_000 + ns)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Source: Hinnant, "chrono-compatible low-level date algorithms".
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_read_as_the_standard_library_reads_them() {
        for text in ["0", "-0", "1.", ".5", "1e300", "-1.5E-7", "0.1", "123456789012345678.5", "1e999", "+3"] {
            let value = number(text.as_bytes()).unwrap().value;
            assert_eq!(value.to_bits(), text.parse::<f64>().unwrap().to_bits(), "{text}");
        }
        for text in ["", "-", ".", "e5", "1e", "nan", "NaN", "inf", "-Infinity", "1 ", "0x10", "1_000", "--1", "+-1"] {
            assert_eq!(number(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn whole_numbers_beyond_two_to_the_53_tell_that_they_were_rounded() {
        let rounded = |text: &str| number(text.as_bytes()).unwrap().rounded;
        assert!(!rounded("9007199254740992") && !rounded("-1152921504606846976"));
        assert!(rounded("9007199254740993") && rounded("123456789012345678901234567890123456789012"));
        assert!(rounds(9_007_199_254_740_993) && !rounds(1 << 60));
    }

    #[test]
    fn integers_reach_to_both_ends_of_64_bits() {
        assert_eq!(integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(integer(b"0000000000000000000000000000012"), Some(12));
        for wrong in [&b"9223372036854775808"[..], b"-9223372036854775809", b"99999999999999999999", b"", b"-", b"1a"] {
            assert_eq!(integer(wrong), None);
        }
    }

    #[test]
    fn decimal_seconds_keep_every_nanosecond() {
        let s = |text: &str| time_decimal(text.as_bytes(), Precision::Seconds);
        assert_eq!(s("1767225600.123456789"), Ok(1_767_225_600_123_456_789));
        assert_eq!(s("-0.5"), Ok(-500_000_000));
        assert_eq!(s("-1.25"), Ok(-1_250_000_000));
        assert_eq!(s("9999999999999"), Err(TimeFault::OutOfRange));
        assert_eq!(s("."), Err(TimeFault::NotATime));
        assert_eq!(s("1.5x"), Err(TimeFault::NotATime));
        assert_eq!(time_decimal(b"12.3456", Precision::Microseconds), Ok(12_345));
        assert_eq!(time_whole(b"9223372036854775807", Precision::Nanoseconds), Err(TimeFault::OutOfRange));
    }

    proptest! {
        #[test]
        fn every_finite_number_survives_its_shortest_text(bits in any::<u64>()) {
            let value = f64::from_bits(bits);
            prop_assume!(value.is_finite());
            prop_assert_eq!(number(format!("{value:?}").as_bytes()).unwrap().value.to_bits(), bits);
            prop_assert_eq!(number(format!("{value}").as_bytes()).unwrap().value.to_bits(), bits);
        }

        #[test]
        fn numbers_agree_with_the_standard_library(text in "[-+]?[0-9]{0,25}(\\.[0-9]{0,25})?([eE][-+]?[0-9]{1,3})?") {
            let ours = number(text.as_bytes()).map(|n| n.value.to_bits());
            prop_assert_eq!(ours, text.parse::<f64>().ok().map(f64::to_bits));
        }

        #[test]
        fn integers_agree_with_the_standard_library(text in "[-+]?[0-9]{0,24}") {
            prop_assert_eq!(integer(text.as_bytes()), text.parse::<i64>().ok());
        }

        #[test]
        fn plain_date_times_agree_with_the_careful_reader(
            text in "(19|20|17|22)[0-9]{2}-[01][0-9]-[0-3][0-9][T ][0-2][0-9]:[0-6][0-9]:[0-6][0-9](\\.[0-9]{1,9})?(Z|)",
        ) {
            if let Some(ns) = time_text_plain(text.as_bytes()) {
                prop_assert_eq!(Timestamp::parse(&text, Zone::UTC), Some(Timestamp(ns)));
            }
        }

        #[test]
        fn no_text_makes_a_time_reader_panic(text in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = (time_text(&text), time_decimal(&text, Precision::Seconds), number(&text), integer(&text));
        }
    }
}
