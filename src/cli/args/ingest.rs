//! `perfdb ingest`.

use super::values::{Pair, UnitOf};
use crate::error::{Error, Result};
use clap::{Args, Subcommand, ValueEnum};
use std::num::NonZeroU32;
use std::path::PathBuf;

const USAGE: &str = "\
perfdb ingest [OPTIONS] <FILE>...
       perfdb ingest list
       perfdb ingest undo <ID>";

const EXAMPLES: &str = "\
Examples:
  perfdb ingest samples.lp --unit 'decision=ms'
  perfdb ingest host.csv --time ts --labels host,disk
  perfdb ingest --set branch=main --set machine=ci-7 *.jsonl
  producer | perfdb ingest --format influx --ack -
  perfdb ingest list
  perfdb ingest undo 3

Formats, told apart by name and content unless --format says:
  influx  InfluxDB line protocol: decision,agent=scout value=118.5 1795172400000000000
  csv     a header, a column of times, and labels and numbers, or columns metric and value
  jsonl   {\"metric\":\"decision\",\"ts\":\"2026-11-20T12:00:00Z\",\"value\":118.5,\"labels\":{\"agent\":\"scout\"}}

A file goes in as a whole or not at all, and a file that is already there adds nothing. A pipe is stored batch by batch as \
it comes. A file that is really called `list` is given as ./list.";

/// `perfdb ingest [OPTIONS] FILE...`, `perfdb ingest list`, `perfdb ingest undo ID`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, override_usage = USAGE, subcommand_negates_reqs = true)]
pub struct IngestArgs {
    /// Files of samples; - is the standard input
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// How they are read.
    #[command(flatten)]
    pub options: IngestOptions,
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<IngestCommand>,
}

impl IngestArgs {
    /// What is to be done: a command about earlier ingests, or else none and the files are to be stored.
    ///
    /// # Errors
    /// Files or their options together with such a command.
    pub fn command(&self) -> Result<Option<&IngestCommand>> {
        let Some(command) = &self.command else { return Ok(None) };
        if self.files.is_empty() && self.options == IngestOptions::default() {
            return Ok(Some(command));
        }
        let name = match command {
            IngestCommand::List => "list",
            IngestCommand::Undo { .. } => "undo",
        };
        Err(Error::usage_hint(
            format!("`ingest {name}` takes no files and no options for reading them"),
            format!("a file called `{name}` is given as ./{name}"),
        ))
    }
}

/// What can be done with earlier ingests.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum IngestCommand {
    /// List what was ingested: id, time, file, samples
    List,
    /// Take one ingest back, with all of its samples
    Undo {
        /// The id that `ingest list` shows
        id: u64,
    },
}

/// How files are read and stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct IngestOptions {
    /// What the files are
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: InputFormat,
    /// How the text is read.
    #[command(flatten)]
    pub reading: Reading,
    /// Store a file that is already there once more
    #[arg(long)]
    pub again: bool,
    /// The producer's name for this input: what comes again under the same one adds nothing
    #[arg(long, value_name = "KEY")]
    pub id: Option<String>,
    /// How many samples of a pipe make a commit [default: 10000, or what came within a second]
    #[arg(long, value_name = "K")]
    pub batch: Option<NonZeroU32>,
    /// Print a line of JSON for each durable commit: {"durable": N, "commit_ms": T}
    #[arg(long)]
    pub ack: bool,
    /// The form of the summary at the end
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    pub summary: Summary,
}

/// How the text of a file is read, the same for a file that is stored and one that is asked directly.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Reading {
    /// What timestamps count; without it influx and jsonl mean ns, and csv guesses by size and says so
    #[arg(long, value_name = "UNIT")]
    pub precision: Option<Precision>,
    /// A label to add to every sample; repeatable
    #[arg(long = "set", value_name = "LABEL=VALUE")]
    pub set: Vec<Pair>,
    /// The unit of a metric's numbers; repeatable
    #[arg(long = "unit", value_name = "METRIC=UNIT")]
    pub unit: Vec<UnitOf>,
    /// The metric of a CSV file with one column of numbers, or the prefix of the columns' names
    #[arg(long, value_name = "NAME")]
    pub metric: Option<String>,
    /// The column of a CSV file that holds the time
    #[arg(long, value_name = "COLUMN")]
    pub time: Option<String>,
    /// The columns of a CSV file that are labels
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// What to do with fields that are texts
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub strings: Strings,
    /// How many broken lines to leave out and list, instead of refusing the file
    #[arg(long, value_name = "N", default_value_t)]
    pub skip_bad: u64,
}

/// What an input file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum InputFormat {
    /// Told by name and content
    #[default]
    Auto,
    /// InfluxDB line protocol
    Influx,
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// What a timestamp counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Precision {
    /// Nanoseconds
    Ns,
    /// Microseconds
    Us,
    /// Milliseconds
    Ms,
    /// Seconds
    S,
}

/// What happens to fields that are texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Strings {
    /// The line counts as broken
    #[default]
    Refuse,
    /// They are left out and counted
    Skip,
}

/// The form of an ingest's summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Summary {
    /// A line for people, on the standard error
    #[default]
    Text,
    /// A JSON object, on the standard output
    Json,
}
