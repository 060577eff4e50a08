//! Units of measure: what they measure, how they convert, and how a value reads best to a person.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A unit by its symbol, such as `ms`, `MiB`, `%` or `B/s`. Unknown symbols are kept as they are, and convert to nothing but themselves.
///
/// ```
/// use perfdb::model::Unit;
/// let ms: Unit = "ms".parse().unwrap();
/// let s: Unit = "s".parse().unwrap();
/// assert_eq!(s.convert(1.5, &ms), Some(1500.0));
/// assert_eq!(ms.human(1240.0), "1.24 s");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Unit(Box<str>);

/// What a unit measures.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Seconds.
    Time,
    /// Bytes.
    Information,
    /// Bytes per second.
    InformationRate,
    /// A share of one.
    Ratio,
    /// Events per second.
    Frequency,
    /// Anything else, by its symbol.
    Other(Box<str>),
}

/// Known units: symbol, dimension (t, i, r, f, b for bytes a second), factor to the dimension's base.
const KNOWN: [(&str, char, f64); 33] = [
    ("ns", 't', 1e-9),
    ("us", 't', 1e-6),
    ("ms", 't', 1e-3),
    ("s", 't', 1.0),
    ("min", 't', 60.0),
    ("h", 't', 3600.0),
    ("d", 't', 86_400.0),
    ("B", 'i', 1.0),
    ("kB", 'i', 1e3),
    ("MB", 'i', 1e6),
    ("GB", 'i', 1e9),
    ("TB", 'i', 1e12),
    ("KiB", 'i', 1024.0),
    ("MiB", 'i', 1_048_576.0),
    ("GiB", 'i', 1_073_741_824.0),
    ("TiB", 'i', 1_099_511_627_776.0),
    ("bit", 'i', 0.125),
    ("B/s", 'b', 1.0),
    ("kB/s", 'b', 1e3),
    ("MB/s", 'b', 1e6),
    ("GB/s", 'b', 1e9),
    ("KiB/s", 'b', 1024.0),
    ("MiB/s", 'b', 1_048_576.0),
    ("GiB/s", 'b', 1_073_741_824.0),
    ("bit/s", 'b', 0.125),
    ("kbit/s", 'b', 125.0),
    ("Mbit/s", 'b', 125_000.0),
    ("%", 'r', 0.01),
    ("ratio", 'r', 1.0),
    ("Hz", 'f', 1.0),
    ("kHz", 'f', 1e3),
    ("MHz", 'f', 1e6),
    ("1/s", 'f', 1.0),
];

/// Other spellings of known units.
const SPELLINGS: [(&str, &str); 26] = [
    ("µs", "us"),
    ("μs", "us"),
    ("sec", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("milliseconds", "ms"),
    ("microseconds", "us"),
    ("nanoseconds", "ns"),
    ("minutes", "min"),
    ("hours", "h"),
    ("byte", "B"),
    ("bytes", "B"),
    ("KB", "kB"),
    ("kb", "kB"),
    ("kib", "KiB"),
    ("mib", "MiB"),
    ("gib", "GiB"),
    ("bits", "bit"),
    ("percent", "%"),
    ("pct", "%"),
    ("bytes/s", "B/s"),
    ("ops/s", "1/s"),
    ("op/s", "1/s"),
    ("req/s", "1/s"),
    ("hz", "Hz"),
    ("days", "d"),
];

/// The longest symbol, in bytes.
const SYMBOL_LEN_MAX: usize = 64;

impl Unit {
    /// The symbol.
    pub fn symbol(&self) -> &str {
        &self.0
    }

    fn known(&self) -> Option<&'static (&'static str, char, f64)> {
        KNOWN.iter().find(|k| k.0 == &*self.0)
    }

    /// What the unit measures.
    pub fn dimension(&self) -> Dimension {
        match self.known().map(|k| k.1) {
            Some('t') => Dimension::Time,
            Some('i') => Dimension::Information,
            Some('b') => Dimension::InformationRate,
            Some('r') => Dimension::Ratio,
            Some('f') => Dimension::Frequency,
            _ => Dimension::Other(self.0.clone()),
        }
    }

    /// How many of the dimension's base (s, B, B/s, ratio, Hz) one of this unit is.
    pub fn factor(&self) -> f64 {
        self.known().map_or(1.0, |k| k.2)
    }

    /// `value` of this unit in unit `to`; `None` where the two measure different things.
    pub fn convert(&self, value: f64, to: &Self) -> Option<f64> {
        if self == to {
            return Some(value);
        }
        if self.dimension() != to.dimension() {
            return None;
        }
        let (from, into) = (self.factor(), to.factor());
        // Multiply or divide by the larger over the smaller, which is a whole number here: 0.1 ms is then exactly 100 us.
        Some(if from >= into { value * (from / into).round_near() } else { value / (into / from).round_near() })
    }

    /// The unit of a rate of this unit: `B` gives `B/s`, time over time gives a ratio.
    #[must_use]
    pub fn per_second(&self) -> Self {
        match &*self.0 {
            "s" => Self("ratio".into()),
            symbol => Self(format!("{symbol}/s").into()),
        }
    }

    /// The plain events-per-second unit.
    pub fn per_second_of_nothing() -> Self {
        Self("1/s".into())
    }

    /// `value` with its unit, in the scale that reads best: four significant digits, `1.24 s` rather than `1240 ms`.
    pub fn human(&self, value: f64) -> String {
        let scales: &[&str] = match self.dimension() {
            Dimension::Time => &["ns", "us", "ms", "s", "min", "h", "d"],
            Dimension::Information => &["B", "KiB", "MiB", "GiB", "TiB"],
            Dimension::InformationRate => &["B/s", "KiB/s", "MiB/s", "GiB/s"],
            Dimension::Frequency if &*self.0 != "1/s" => &["Hz", "kHz", "MHz"],
            _ => &[],
        };
        if !value.is_finite() || scales.is_empty() || value == 0.0 {
            return match &*self.0 {
                "%" => format!("{} %", digits(value)),
                "ratio" => digits(value),
                symbol => format!("{} {symbol}", digits(value)),
            };
        }
        let base = value.abs() * self.factor();
        let fits = |symbol: &&&str| {
            let unit = Self(Box::from(**symbol));
            // Minutes and hours only from two of them on: 90 s reads better than 1.5 min.
            let least = if matches!(**symbol, "min" | "h" | "d") { 2.0 } else { 1.0 };
            base >= unit.factor() * least * (1.0 - 5e-5)
        };
        let symbol = scales.iter().rev().find(fits).unwrap_or(&scales[0]);
        let unit = Self(Box::from(*symbol));
        let scaled = self.convert(value, &unit).unwrap_or(value);
        format!("{} {}", digits(scaled), if *symbol == "us" { "µs" } else { symbol })
    }
}

/// Rounds to the next whole number where the ratio of two factors misses one by floating-point dust.
trait RoundNear {
    fn round_near(self) -> f64;
}

impl RoundNear for f64 {
    fn round_near(self) -> f64 {
        let whole = self.round();
        if (self - whole).abs() <= whole * 1e-12 { whole } else { self }
    }
}

/// Four significant digits without trailing zeros, and no exponent between a millionth and a quadrillion.
fn digits(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    if !(1e-6..1e15).contains(&size) {
        return format!("{value:.3e}");
    }
    let whole_digits = size.log10().floor() as i32 + 1;
    let decimals = (4 - whole_digits).clamp(0, 9) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

impl Unit {
    /// `value` without a unit, as [`Unit::human`] prints its number: four significant digits, whole numbers whole.
    ///
    /// ```
    /// assert_eq!(perfdb::model::Unit::digits(412.5), "412.5");
    /// assert_eq!(perfdb::model::Unit::digits(36_806.0), "36806");
    /// assert_eq!(perfdb::model::Unit::digits(0.012_345_6), "0.01235");
    /// ```
    pub fn digits(value: f64) -> String {
        digits(value)
    }
}

impl FromStr for Unit {
    type Err = String;

    /// Reads a symbol; other spellings of known units become the known symbol.
    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.len() > SYMBOL_LEN_MAX || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(format!(
                "`{}` is no unit: 1 to {SYMBOL_LEN_MAX} bytes without spaces, such as ms, B, % or req/s",
                crate::error::printable(text)
            ));
        }
        let symbol = SPELLINGS.iter().find(|s| s.0 == text).map_or(text, |s| s.1);
        Ok(Self(symbol.into()))
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
