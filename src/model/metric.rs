//! What is known about a metric beside its samples.

use super::Unit;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How the values of a metric relate to each other in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A level read at a moment: memory in use, a temperature.
    Gauge,
    /// A total that only grows, until it starts again from zero.
    Counter,
    /// One measured event each: the duration of a decision. What nothing says otherwise about is this.
    #[default]
    Sample,
}

/// Which direction of a metric is good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    /// Lower is better: durations, bytes.
    Lower,
    /// Higher is better: throughput, hit rates.
    Higher,
    /// Nobody said.
    #[default]
    Unknown,
}

/// Metadata of one metric.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MetricMeta {
    /// How the values relate in time; `None` while nobody said (then it counts as [`Kind::Sample`]).
    pub kind: Option<Kind>,
    /// The unit that the stored values are in; `None` while nobody said.
    pub unit: Option<Unit>,
    /// Which direction is good.
    pub better: Better,
    /// One sentence for people.
    pub description: String,
    /// Whether unit or kind were guessed from the name's suffix and nobody has confirmed them.
    pub guessed: bool,
}

impl MetricMeta {
    /// What the name alone gives away, by the usual suffixes `_ns _us _ms _seconds _bytes _percent _total`.
    ///
    /// ```
    /// use perfdb::model::{Kind, MetricMeta};
    /// let meta = MetricMeta::guess("http.request_ms").unwrap();
    /// assert_eq!(meta.unit.unwrap().to_string(), "ms");
    /// assert_eq!(MetricMeta::guess("requests_total").unwrap().kind, Some(Kind::Counter));
    /// assert_eq!(MetricMeta::guess("decision"), None);
    /// ```
    pub fn guess(name: &str) -> Option<Self> {
        let (stem, total) = match name.strip_suffix("_total") {
            Some(stem) => (stem, true),
            None => (name, false),
        };
        let unit = [("_ns", "ns"), ("_us", "us"), ("_ms", "ms"), ("_seconds", "s"), ("_bytes", "B"), ("_percent", "%")]
            .iter()
            .find(|(suffix, _)| stem.ends_with(suffix))
            .and_then(|(_, unit)| unit.parse::<Unit>().ok());
        (total || unit.is_some()).then(|| Self {
            kind: total.then_some(Kind::Counter),
            unit,
            guessed: true,
            ..Self::default()
        })
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gauge => "gauge",
            Self::Counter => "counter",
            Self::Sample => "sample",
        })
    }
}

impl FromStr for Kind {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "gauge" => Ok(Self::Gauge),
            "counter" => Ok(Self::Counter),
            "sample" => Ok(Self::Sample),
            _ => Err(format!("`{text}` is no kind of metric: gauge, counter or sample")),
        }
    }
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lower => "lower",
            Self::Higher => "higher",
            Self::Unknown => "unknown",
        })
    }
}

impl FromStr for Better {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "lower" => Ok(Self::Lower),
            "higher" => Ok(Self::Higher),
            "unknown" => Ok(Self::Unknown),
            _ => Err(format!("`{text}` is no direction: lower, higher or unknown")),
        }
    }
}
