//! The command line, defined once: parsing, help, shell completions and man pages all come from here.
//!
//! What stays true: an option that a setting can also give (`--db`, `--format`, ...) is `None` unless it was typed, so that
//! `cli::config` can tell.

mod ingest;
mod keep;
mod query;
mod retention;
mod store;
mod values;

pub use ingest::{IngestArgs, IngestCommand, IngestOptions, InputFormat, Precision, Reading, Strings, Summary};
pub use keep::{CompactArgs, MergeArgs, RestoreArgs, SnapshotArgs};
pub use query::{Asking, Output, QueryArgs, ShowArgs};
pub use retention::{
    DeleteArgs, Keep, RetentionApplyArgs, RetentionArgs, RetentionCommand, RetentionRemoveArgs, RetentionSetArgs,
    RetentionShowArgs, RollupArg,
};
pub use store::{
    CompletionsArgs, DemoArgs, ExportArgs, ExportFormat, ManArgs, MetricArgs, MetricCommand, MetricSetArgs, StatsArgs,
};
pub use values::{Bytes, Moment, NowArg, Pair, UnitOf, wait_of};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

const ABOUT: &str = "Keeps a performance history in one file, and answers questions about it";

const EXAMPLES: &str = "\
Examples:
  perfdb ingest samples.lp                           store a file of samples in ./perf.redb
  perfdb query 'p95(decision) by agent since 1h'     ask the store
  perfdb query --from samples.csv 'avg(cpu.usage)'   ask a file, without a store
  perfdb show metrics                                what is there
  perfdb demo                                        see all of it at work

Exit codes: 0 done, 2 wrong use or input, 4 damaged store, 5 store busy, 6 I/O error, 70 a bug, 130 interrupted.

Settings come from an option, else from the environment (PERFDB_DB, PERFDB_FORMAT, PERFDB_TIMEZONE, PERFDB_MEMORY, \
PERFDB_WAIT, PERFDB_COLOR), else from ./perfdb.toml, else from perfdb/config.toml in your configuration folder, with \
the keys db, format, timezone, memory, wait and color.";

/// Everything that was typed.
#[derive(Debug, Parser)]
#[command(name = "perfdb", version, about = ABOUT, after_help = EXAMPLES, max_term_width = 120)]
pub struct Cli {
    /// Options of every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Options of every command.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// The store [env: PERFDB_DB] [default: perf.redb]
    #[arg(long, global = true, value_name = "FILE")]
    pub db: Option<PathBuf>,
    /// How long to wait for another process that holds the store [env: PERFDB_WAIT] [default: 10s]
    #[arg(long, global = true, value_name = "DURATION", value_parser = wait_of)]
    pub wait: Option<Duration>,
    /// When to use colors; NO_COLOR is respected [env: PERFDB_COLOR] [default: auto]
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Print answers and errors only: no notes, summaries or progress
    #[arg(short, long, global = true)]
    pub quiet: bool,
}

/// When colors are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set
    #[default]
    Auto,
    /// Even into a file or a pipe
    Always,
    /// Not at all
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Store samples from files or a pipe
    Ingest(Box<IngestArgs>),
    /// Ask a question
    Query(Box<QueryArgs>),
    /// Show what is there: metrics, series, labels, the values of a label
    Show(Box<ShowArgs>),
    /// Write samples out as text
    Export(Box<ExportArgs>),
    /// Check every byte of the store, and list what is damaged
    #[command(after_help = "Exit code 4 where something is damaged.")]
    Check,
    /// Copy the store into a file, whole and consistent, while others write
    Snapshot(SnapshotArgs),
    /// Put a snapshot back as the store
    Restore(RestoreArgs),
    /// Bring in what other stores hold
    Merge(MergeArgs),
    /// Give back the space that the store does not need
    Compact(CompactArgs),
    /// Show how many samples each metric has, and what they take on disk
    Stats(StatsArgs),
    /// Say what a metric's numbers are: unit, kind, which direction is better
    Metric(MetricArgs),
    /// Say how long samples and their rollups are kept, and drop what is older
    Retention(RetentionArgs),
    /// Delete samples by series and time
    Delete(DeleteArgs),
    /// Record this machine and a team of agents for some seconds, and show the main questions with their answers
    Demo(DemoArgs),
    /// Print the completions of a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one for each command
    Man(ManArgs),
}
