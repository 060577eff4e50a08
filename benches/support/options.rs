//! The command line of a benchmark.

use super::set::Kind;
use clap::Parser;
use std::path::PathBuf;

/// Samples where nothing is asked for: under `cargo bench`, and as a mere check that it works under `cargo test`.
const SAMPLES: u64 = 1_000_000;
const SAMPLES_IN_TEST: u64 = 20_000;

/// Prints ratios to peers and physical limits that are measured in the same run.
#[derive(Debug, Parser)]
pub(crate) struct Options {
    /// Samples of a data set [default: 1000000]
    #[arg(long = "samples", value_name = "N")]
    samples_asked: Option<u64>,
    #[arg(skip)]
    pub(crate) samples: u64,
    /// The data sets
    #[arg(long = "set", value_name = "SET", value_delimiter = ',', default_values = ["agent", "devops"])]
    pub(crate) sets: Vec<Kind>,
    /// Seed of the data
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// The perfdb to measure [default: the one built along]
    #[arg(long, value_name = "FILE", env = "PERFDB_BIN")]
    pub(crate) perfdb: Option<PathBuf>,
    /// DuckDB's command line, or "none" [default: duckdb, if it is there]
    #[arg(long, value_name = "FILE", default_value = "duckdb", hide_default_value = true)]
    pub(crate) duckdb: PathBuf,
    /// SQLite's command line, or "none" [default: sqlite3, if it is there]
    #[arg(long, value_name = "FILE", default_value = "sqlite3", hide_default_value = true)]
    pub(crate) sqlite: PathBuf,
    /// Where data and stores go while it runs: about 400 bytes a sample [default: the build's folder]
    #[arg(long, value_name = "DIR", default_value = env!("CARGO_TARGET_TMPDIR"), hide_default_value = true)]
    pub(crate) dir: PathBuf,
    /// Print a JSON object for each row instead of tables
    #[arg(long)]
    pub(crate) json: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
    /// The part to measure, of a benchmark that has parts [default: all]
    #[arg(value_name = "PART")]
    pub(crate) part: Option<String>,
}

impl Options {
    /// The options of this process; ends it where they are wrong or help is asked for.
    pub(crate) fn of_process() -> Self {
        let mut options = Self::parse();
        let default = if options.bench { SAMPLES } else { SAMPLES_IN_TEST };
        options.samples = options.samples_asked.unwrap_or(default).max(1);
        options
    }
}
