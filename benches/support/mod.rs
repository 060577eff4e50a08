//! What the benchmarks share: seeded data, contenders, measuring of processes, tables.
//!
//! What stays true: a table states ratios to peers and limits that were measured in the same run; nothing here judges a time.

pub(crate) mod agent;
pub(crate) mod contender;
pub(crate) mod devops;
pub(crate) mod options;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod set;
pub(crate) mod table;

use std::error::Error;
use std::io::Write;

/// The result of everything in a benchmark.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Tells a person who waits what is going on.
pub(crate) fn progress(what: &str) {
    // Where nobody can read it, the work goes on.
    let _ = writeln!(std::io::stderr(), "{what}");
}
