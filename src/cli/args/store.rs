//! The commands about a store as a whole, and those about perfdb itself.

use super::query::format_parser;
use super::values::Moment;
use crate::model::{Better, Kind, Unit};
use crate::render::Format;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use std::path::PathBuf;

const EXPORT_EXAMPLES: &str = "\
Examples:
  perfdb export > all.lp
  perfdb export --format csv --output scout.csv 'decision{agent=\"scout\"}'
  perfdb export --since 2026-11-01 --until 2026-12-01 'cpu.*'

Samples that are ingested again from an export are identical. What a format cannot carry of the metrics' units and kinds \
goes into a file beside it.";

const METRIC_SET_EXAMPLES: &str = "\
Examples:
  perfdb metric set decision --unit ms --better lower
  perfdb metric set 'cache.*_total' --kind counter
  perfdb metric set hit_rate --better higher --description 'Share of look-ups answered by the cache'";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  perfdb completions bash > ~/.local/share/bash-completion/completions/perfdb
  perfdb completions zsh > ~/.zfunc/_perfdb
  perfdb completions fish > ~/.config/fish/completions/perfdb.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  perfdb man | man -l -
  perfdb man --dir ~/.local/share/man/man1";

/// `perfdb export [OPTIONS] [SELECTOR]`.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub struct ExportArgs {
    /// Which series, as in a question [default: all]
    #[arg(value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// What to write
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub format: ExportFormat,
    /// Where to write it; - is the standard output [default: -]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The first time to write: 1h (that long ago), 2026-11-20, 2026-11-20T12:00:00Z, today, @unix-seconds
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// The first time not to write any more
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ExportFormat {
    /// InfluxDB line protocol
    #[default]
    Influx,
    /// Comma-separated values with a header
    Csv,
    /// One JSON object a line
    Jsonl,
}

/// `perfdb stats [OPTIONS]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct StatsArgs {
    /// The form of the answer [env: PERFDB_FORMAT] [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub format: Option<Format>,
}

/// `perfdb metric set|list`.
#[derive(Debug, Args)]
pub struct MetricArgs {
    /// What to do with metrics.
    #[command(subcommand)]
    pub command: MetricCommand,
}

/// What can be done with metrics.
#[derive(Debug, Subcommand)]
pub enum MetricCommand {
    /// Say what the numbers of all metrics that a pattern names are
    Set(MetricSetArgs),
    /// List the metrics with what is known about each
    List(StatsArgs),
}

/// `perfdb metric set PATTERN [OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(
    after_help = METRIC_SET_EXAMPLES,
    group = ArgGroup::new("what").required(true).multiple(true).args(["unit", "kind", "better", "description"])
)]
pub struct MetricSetArgs {
    /// A metric's name; * stands for any part of it
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// The unit of the stored numbers, such as ms, B, % or req/s; the numbers themselves stay as they are
    #[arg(long, value_name = "UNIT")]
    pub unit: Option<Unit>,
    /// A level, a growing total, or one event a sample
    #[arg(long, value_name = "KIND", value_parser = kind_parser())]
    pub kind: Option<Kind>,
    /// Which direction is good
    #[arg(long, value_name = "DIRECTION", value_parser = better_parser())]
    pub better: Option<Better>,
    /// One sentence for people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
}

fn kind_parser() -> impl TypedValueParser<Value = Kind> {
    PossibleValuesParser::new(["gauge", "counter", "sample"]).try_map(|name| name.parse::<Kind>())
}

fn better_parser() -> impl TypedValueParser<Value = Better> {
    PossibleValuesParser::new(["lower", "higher", "unknown"]).try_map(|name| name.parse::<Better>())
}

/// `perfdb demo [OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct DemoArgs {
    /// How long to record
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub seconds: u32,
    /// Where to keep the recording and the store [default: a new folder among the system's temporary ones]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `perfdb completions SHELL`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_name = "SHELL")]
    pub shell: clap_complete::Shell,
}

/// `perfdb man [OPTIONS]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[command(after_help = MAN_EXAMPLES)]
pub struct ManArgs {
    /// Write perfdb.1 and a page for each command into this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
