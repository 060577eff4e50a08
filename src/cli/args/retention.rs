//! The commands that decide what a store keeps: retention and deletion.

use super::query::format_parser;
use super::values::{Moment, NowArg};
use crate::model::Duration;
use crate::render::Format;
use crate::storage::Level;
use clap::{Args, Subcommand};
use std::str::FromStr;

const RETENTION_EXAMPLES: &str = "\
Examples:
  perfdb retention set 'agent.*' --raw 7d --rollup 1m=90d --rollup 1h=2y
  perfdb retention set '*' --raw 30d --rollup 1h=forever
  perfdb retention show
  perfdb retention apply --dry-run
  perfdb retention apply

A rollup keeps count, sum, min, max, first and last of each series and bucket, and how the values spread, so that percentiles can \
be asked for (to 0.05 %) when the samples are gone. Days are dropped whole. Where a rollup would take more than a quarter of its \
samples' bytes, the samples stay instead.";

const DELETE_EXAMPLES: &str = "\
Examples:
  perfdb delete 'decision{agent=\"scout\"}'                     show what would go
  perfdb delete 'decision{agent=\"scout\"}' --until 30d --yes   delete what is older than 30 days
  perfdb delete 'tmp.*' --yes

Ingests whose samples go are forgotten, so that their files may come again.";

/// `perfdb retention set|show|remove|apply`.
#[derive(Debug, Args)]
#[command(after_help = RETENTION_EXAMPLES)]
pub struct RetentionArgs {
    /// What to do with retention.
    #[command(subcommand)]
    pub command: RetentionCommand,
}

/// What can be done with retention.
#[derive(Debug, Subcommand)]
pub enum RetentionCommand {
    /// Say how long the metrics that match a pattern are kept, and what stays of them
    Set(RetentionSetArgs),
    /// List what was set
    Show(RetentionShowArgs),
    /// Keep the metrics of a pattern for ever again
    Remove(RetentionRemoveArgs),
    /// Drop what is older than it is kept
    Apply(RetentionApplyArgs),
}

/// `perfdb retention set PATTERN [OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetentionSetArgs {
    /// A metric's name; * stands for any part of it. A name counts before a pattern, a longer pattern before a shorter one
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
    /// How long samples are kept: 7d, 12w, 1y, forever
    #[arg(long, value_name = "SPAN", default_value = "forever")]
    pub raw: Keep,
    /// A rollup to make, and how long it is kept: 1m=90d, 1h=2y, 1d=forever
    #[arg(long, value_name = "WIDTH=SPAN")]
    pub rollup: Vec<RollupArg>,
    /// Keep how the values spread in rollups of a minute of gauges too; they take more space then
    #[arg(long)]
    pub histograms: bool,
}

/// `perfdb retention show`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetentionShowArgs {
    /// The form of the answer [env: PERFDB_FORMAT] [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub format: Option<Format>,
}

/// `perfdb retention remove PATTERN`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct RetentionRemoveArgs {
    /// The pattern, as it was set
    #[arg(value_name = "PATTERN")]
    pub pattern: String,
}

/// `perfdb retention apply [OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Args)]
pub struct RetentionApplyArgs {
    /// Show what would be dropped, and drop nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Go on although the newest sample and the clock are more than a day apart
    #[arg(long)]
    pub yes: bool,
    /// The moment that counts as now, or `latest`; the newest sample counts where it is earlier [default: the clock]
    #[arg(long, value_name = "TIME")]
    pub now: Option<NowArg>,
    /// The form of the answer [env: PERFDB_FORMAT] [default: table]
    #[arg(long, value_name = "FORMAT", value_parser = format_parser())]
    pub format: Option<Format>,
}

/// `perfdb delete SELECTOR [OPTIONS]`.
#[derive(Debug, Clone, PartialEq, Args)]
#[command(after_help = DELETE_EXAMPLES)]
pub struct DeleteArgs {
    /// Which series, as in a question
    #[arg(value_name = "SELECTOR")]
    pub selector: String,
    /// The first time to delete: 1h (that long ago), 2026-11-20, 2026-11-20T12:00:00Z, today, @unix-seconds
    #[arg(long, value_name = "TIME")]
    pub since: Option<Moment>,
    /// The first time not to delete any more
    #[arg(long, value_name = "TIME")]
    pub until: Option<Moment>,
    /// Delete, instead of only saying what would go
    #[arg(long)]
    pub yes: bool,
    /// Only say what would go, even with --yes
    #[arg(long)]
    pub dry_run: bool,
}

/// How long something is kept; `None` for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep(
    /// The span.
    pub Option<Duration>,
);

impl FromStr for Keep {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "forever" {
            return Ok(Self(None));
        }
        let span: Duration = text.parse()?;
        if span.ns_mean() <= 0 {
            return Err("expected a span of time, such as 7d, or forever".to_owned());
        }
        Ok(Self(Some(span)))
    }
}

/// `1m=90d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RollupArg {
    /// Width of the buckets.
    pub level: Level,
    /// How long it is kept.
    pub keep: Keep,
}

impl FromStr for RollupArg {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let (width, keep) = text.split_once('=').ok_or("expected WIDTH=SPAN, such as 1m=90d")?;
        let level = Level::from_name(width).ok_or_else(|| format!("rollups are 1m, 1h or 1d wide, not `{width}`"))?;
        Ok(Self { level, keep: keep.parse()? })
    }
}
