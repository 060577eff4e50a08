//! The commands that keep a store: copies of it, and its space on disk.

use clap::Args;
use std::path::PathBuf;

const SNAPSHOT_EXAMPLES: &str = "\
Examples:
  perfdb snapshot backup.redb
  perfdb --db /var/lib/perf.redb snapshot --force /mnt/backup/perf.redb

The copy is the store as it was at one moment, whatever others write meanwhile; ingests that are under way are left out. It \
gets its name only once it has been read back and found to be the same, and is a store itself: `perfdb --db backup.redb query \
...` asks it. Do not copy a store with `cp` while a process writes to it: such a copy can be torn, and useless.";

const RESTORE_EXAMPLES: &str = "\
Examples:
  perfdb restore backup.redb
  perfdb --db /var/lib/perf.redb restore --force backup.redb

The snapshot stays as it is. A store that is there is replaced only with --force, in one step and after the copy was verified, \
and never while another process has it open: that is exit code 5.";

const COMPACT_EXAMPLES: &str = "\
Examples:
  perfdb compact --dry-run
  perfdb compact

Short chunks of a stream are joined, and the file shrinks to what it holds. What it costs is said first. The file shrinks only \
while no other process is at work in the store; where others are for longer than --wait, that is exit code 5.";

const MERGE_EXAMPLES: &str = "\
Examples:
  perfdb merge job-1.redb job-2.redb
  perfdb --db all.redb merge --ignore-units /mnt/other/perf.redb

Samples, ingests with what they are remembered by, and what is known of metrics come in, all of a store or nothing of it. What is \
here already is not brought again: stores can be merged again and again, in any order and through third ones, and a snapshot of \
this store adds nothing. A stream (what came through pipes) is listed by `perfdb ingest list` as an ingest of its own. Samples \
that the other store has deleted since stay here. Where both say something different of a metric, this store wins and the \
difference is named; where it is the unit, nothing is merged without --ignore-units.";

/// `perfdb merge [--ignore-units] OTHER...`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub struct MergeArgs {
    /// The stores to bring in; they stay as they are
    #[arg(value_name = "OTHER", required = true)]
    pub others: Vec<PathBuf>,
    /// Merge metrics whose units differ all the same; the unit here then holds for all their samples
    #[arg(long)]
    pub ignore_units: bool,
}

/// `perfdb compact [--dry-run]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Args)]
#[command(after_help = COMPACT_EXAMPLES)]
pub struct CompactArgs {
    /// Only say what it would do
    #[arg(long)]
    pub dry_run: bool,
}

/// `perfdb snapshot [--force] FILE`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = SNAPSHOT_EXAMPLES)]
pub struct SnapshotArgs {
    /// Where to put the copy
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
}

/// `perfdb restore [--force] SNAPSHOT`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(after_help = RESTORE_EXAMPLES)]
pub struct RestoreArgs {
    /// What `perfdb snapshot` made, or any other store
    #[arg(value_name = "SNAPSHOT")]
    pub snapshot: PathBuf,
    /// Replace the store if it is there
    #[arg(long)]
    pub force: bool,
}
