//! `perfdb query` and `perfdb show`.

use super::ingest::{InputFormat, Reading};
use super::values::{Bytes, NowArg, Pair, wait_of};
use crate::model::Zone;
use crate::render::{Format, Times};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use std::path::PathBuf;
use std::time::Duration;

const QUERY_EXAMPLES: &str = "\
Examples:
  perfdb query 'p95(decision) by agent since 1h'
  perfdb query 'p50(decision), p99(decision) by agent every 1m since 6h'
  perfdb query 'rate(requests_total) by host every 5m since today' --timezone Europe/Berlin
  perfdb query --now latest 'avg(cpu.usage) every 1m since 30m'
  perfdb query --from run.csv --format json 'count(*) by metric'
  perfdb query --param who=scout 'max(decision{agent=$who})'
  perfdb query --file questions.perfq
  perfdb query 'explain analyze p95(decision) by agent'";

const SHOW_EXAMPLES: &str = "\
Examples:
  perfdb show metrics
  perfdb show series where \"host = 'web-1'\"
  perfdb show values agent
  perfdb show labels --from run.csv

It is short for: perfdb query 'show ...'";

/// `perfdb query [OPTIONS] [TEXT]`.
#[derive(Debug, Args)]
#[command(after_help = QUERY_EXAMPLES)]
pub struct QueryArgs {
    /// The question; several words are joined by spaces
    #[arg(value_name = "TEXT", required_unless_present = "file", conflicts_with = "file")]
    pub text: Vec<String>,
    /// A file of questions, separated by semicolons; - is the standard input
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// What is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// How the answer looks.
    #[command(flatten)]
    pub output: Output,
}

/// `perfdb show [OPTIONS] WHAT...`.
#[derive(Debug, Args)]
#[command(after_help = SHOW_EXAMPLES)]
pub struct ShowArgs {
    /// metrics, series, labels or values LABEL, then clauses as in a question
    #[arg(value_name = "WHAT", required = true)]
    pub what: Vec<String>,
    /// What is asked.
    #[command(flatten)]
    pub asking: Asking,
    /// How the answer looks.
    #[command(flatten)]
    pub output: Output,
}

/// What is asked, and under which limits.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub struct Asking {
    /// Ask this file instead of the store; repeatable, and - is the standard input
    #[arg(long, value_name = "FILE")]
    pub from: Vec<PathBuf>,
    /// What the files of --from are
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub from_format: InputFormat,
    /// How the files of --from are read.
    #[command(flatten, next_help_heading = "How the files of --from are read")]
    pub reading: Reading,
    /// The present of the question: a time, or `latest` for the newest sample [default: the clock]
    #[arg(long, value_name = "T")]
    pub now: Option<NowArg>,
    /// A value for `$name` in the question; repeatable
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<Pair>,
    /// How much memory the answer may take [env: PERFDB_MEMORY] [default: 2GiB]
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<Bytes>,
    /// How long the answer may take [default: no limit]
    #[arg(long, value_name = "DURATION", value_parser = wait_of)]
    pub timeout: Option<Duration>,
}

/// How an answer looks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct Output {
    /// The form of the answer [env: PERFDB_FORMAT] [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub format: Option<Format>,
    /// How times are written [default: local in table and markdown, else rfc3339, which is UTC]
    #[arg(long, value_name = "FORM", value_parser = times_parser())]
    pub times: Option<Times>,
    /// The zone of days, bare dates and local times, such as Europe/Berlin [env: PERFDB_TIMEZONE] [default: the machine's]
    #[arg(long, value_name = "ZONE")]
    pub timezone: Option<Zone>,
}

pub(super) fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name)).try_map(|name| name.parse::<Format>())
}

fn times_parser() -> impl TypedValueParser<Value = Times> {
    PossibleValuesParser::new(Times::ALL.map(Times::name)).try_map(|name| name.parse::<Times>())
}

impl QueryArgs {
    /// The question as one text.
    pub fn text(&self) -> String {
        self.text.join(" ")
    }
}

impl ShowArgs {
    /// The question that it is short for.
    pub fn text(&self) -> String {
        format!("show {}", self.what.join(" "))
    }
}
