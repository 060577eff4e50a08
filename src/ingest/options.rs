//! What a reader of text needs to know beside the text.

use crate::error::{Error, Result};
use crate::model::{TIME_MAX, Timestamp};
use std::fmt;
use std::str::FromStr;
use std::time::Instant;

/// A text format of samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// InfluxDB line protocol: `cpu,host=a usage=1.5 1767225600000000000`.
    Influx,
    /// Comma-separated values with a header.
    Csv,
    /// JSON Lines: `{"metric": "cpu", "ts": 1767225600000000000, "value": 1.5, "labels": {"host": "a"}}`.
    Jsonl,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Influx, Self::Csv, Self::Jsonl];
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Influx => "influx",
            Self::Csv => "csv",
            Self::Jsonl => "jsonl",
        })
    }
}

impl FromStr for Format {
    type Err = Error;

    /// ```
    /// use perfdb::ingest::Format;
    /// assert_eq!("line-protocol".parse::<Format>().unwrap(), Format::Influx);
    /// assert_eq!("ndjson".parse::<Format>().unwrap().to_string(), "jsonl");
    /// assert!("xml".parse::<Format>().is_err());
    /// ```
    fn from_str(name: &str) -> Result<Self> {
        match name.to_ascii_lowercase().as_str() {
            "influx" | "lp" | "line-protocol" => Ok(Self::Influx),
            "csv" => Ok(Self::Csv),
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            _ => Err(Error::usage_hint(format!("`{name}` is no format that perfdb reads"), FORMATS)),
        }
    }
}

/// The formats, as a hint lists them.
pub(super) const FORMATS: &str =
    "the formats are influx (line protocol), csv and jsonl; name one with `--format`, such as `--format csv`";

/// The unit of the numbers that stand for times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Precision {
    /// Nanoseconds since the epoch.
    #[default]
    Nanoseconds,
    /// Microseconds since the epoch.
    Microseconds,
    /// Milliseconds since the epoch.
    Milliseconds,
    /// Seconds since the epoch.
    Seconds,
}

impl Precision {
    /// How many ns one of it is.
    pub const fn ns(self) -> i64 {
        match self {
            Self::Nanoseconds => 1,
            Self::Microseconds => 1_000,
            Self::Milliseconds => 1_000_000,
            Self::Seconds => 1_000_000_000,
        }
    }

    /// The plural noun, for messages.
    pub const fn noun(self) -> &'static str {
        match self {
            Self::Nanoseconds => "nanoseconds",
            Self::Microseconds => "microseconds",
            Self::Milliseconds => "milliseconds",
            Self::Seconds => "seconds",
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::Seconds => "s",
        })
    }
}

impl FromStr for Precision {
    type Err = Error;
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "ns" | "n" => Ok(Self::Nanoseconds),
            "us" | "µs" | "u" => Ok(Self::Microseconds),
            "ms" => Ok(Self::Milliseconds),
            "s" => Ok(Self::Seconds),
            _ => Err(Error::usage_hint(format!("`{name}` is no precision of time"), "it is one of ns, us, ms and s")),
        }
    }
}

/// What becomes of the string fields of line protocol, which no series can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Strings {
    /// A string field is an error.
    #[default]
    Refuse,
    /// String fields are left out and counted.
    Skip,
}

/// How the columns of CSV are to be understood.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CsvOptions {
    /// The metric that the file's `value` column measures.
    pub metric: Option<String>,
    /// The column of times; guessed by name and content where it is not given.
    pub time: Option<String>,
    /// The columns of labels; where none is given, all text columns (and in the long form all other columns) are.
    pub labels: Vec<String>,
    /// The unit of numeric times; guessed by the column's suffix or the numbers' size where it is not given.
    pub time_unit: Option<Precision>,
    /// The delimiter; guessed from the header where it is not given.
    pub delimiter: Option<u8>,
}

/// What a reader of text needs to know beside the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Options {
    /// The unit of numeric times in line protocol and JSON Lines.
    pub precision: Precision,
    /// Labels that every series gets; they replace those of the input.
    pub set: Vec<(String, String)>,
    /// What becomes of string fields.
    pub strings: Strings,
    /// How many wrong lines are left out and listed before the next one is an error.
    pub skip_bad: u64,
    /// The time of lines that have none.
    pub now: Timestamp,
    /// The moment at which it was `now`. With it, a line without a time gets the time at which it is read, as a stream needs that
    /// goes on for hours.
    pub now_at: Option<Instant>,
    /// How the columns of CSV are to be understood.
    pub csv: CsvOptions,
}

/// The time of lines that have none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    now: i64,
    at: Option<Instant>,
}

impl Clock {
    /// ns since the Unix epoch.
    pub(super) fn now(self) -> i64 {
        let passed = self.at.map_or(0, |at| i64::try_from(at.elapsed().as_nanos()).unwrap_or(i64::MAX));
        self.now.saturating_add(passed).min(TIME_MAX)
    }
}

impl Options {
    /// The clock that lines without a time are read by.
    pub(super) fn clock(&self) -> Clock {
        Clock { now: self.now.0, at: self.now_at }
    }

    /// Every option that changes what a file means, as one text: two reads of the same bytes with the same meaning give
    /// the same samples, save for lines without a time.
    ///
    /// ```
    /// use perfdb::ingest::Options;
    /// let plain = Options::default();
    /// let tagged = Options { set: vec![("host".into(), "a".into())], ..Options::default() };
    /// assert_ne!(plain.meaning(), tagged.meaning());
    /// assert_eq!(plain.meaning(), Options { skip_bad: 3, ..Options::default() }.meaning());
    /// ```
    pub fn meaning(&self) -> String {
        let mut set = self.set.clone();
        set.sort();
        let csv = &self.csv;
        format!(
            "precision={} strings={:?} set={set:?} csv.metric={:?} csv.time={:?} csv.labels={:?} csv.time_unit={:?} csv.delimiter={:?}",
            self.precision, self.strings, csv.metric, csv.time, csv.labels, csv.time_unit, csv.delimiter
        )
    }
}
