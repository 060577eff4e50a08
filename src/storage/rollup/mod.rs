//! Rollups: per series and bucket of a minute, an hour or a day what is left of samples when these are gone.
//!
//! A bucket keeps count, sum, minimum, maximum, first and last sample, for counters the increase, and the distribution: every value while
//! they are few, cells of equal relative width ([`crate::stats::cell_of`]) above that. Buckets merge in any grouping.
//!
//! What stays true: rollups are derived from samples. A day whose samples changed is *stale* until it is rolled again, and nobody reads
//! the rollups of a stale day whose samples are there. Once the samples of a day are dropped, its rollups stand for them.

pub(super) mod bucket;
pub(super) mod days;
pub(super) mod read;
pub(super) mod record;
pub(super) mod roll;

use serde::{Deserialize, Serialize};

/// The width of the buckets of a rollup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// One minute.
    Minute,
    /// One hour.
    Hour,
    /// One UTC day.
    Day,
}

impl Level {
    /// All, the finest first.
    pub const ALL: [Self; 3] = [Self::Minute, Self::Hour, Self::Day];

    /// Width of a bucket, ns.
    pub fn width(self) -> i64 {
        match self {
            Self::Minute => 60_000_000_000,
            Self::Hour => 3_600_000_000_000,
            Self::Day => super::schema::DAY_NS,
        }
    }

    /// As it is written: `1m`, `1h`, `1d`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Minute => "1m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// The level with that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.name() == name)
    }

    /// Its number in keys and flags.
    pub(super) fn number(self) -> u8 {
        self as u8
    }

    /// The level with that number.
    pub(super) fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
