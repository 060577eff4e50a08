//! `perfdb stats`: how many samples each metric has, and what they take on disk.

use super::answer;
use super::args::{Global, StatsArgs};
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::Result;
use crate::model::{Column, Note, Table, TimeRange, Unit};
use crate::storage::Snapshot;

/// What a metric takes.
struct Row {
    name: String,
    series: u64,
    /// Samples in chunks, and in the log of recent batches.
    sealed: u64,
    recent: u64,
    /// Bytes of the chunks.
    bytes: u64,
    /// Bytes of rollups, and of the samples that they were made of.
    rollups: (u64, u64),
    extent: Option<(i64, i64)>,
}

/// Carries out `perfdb stats`.
///
/// # Errors
/// What the store and the streams report.
pub fn run(args: &StatsArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let typed = Layer { format: args.format, ..Layer::default() };
    let settings = Settings::resolve(typed, global, &io.surroundings)?;
    let db = settings.open_to_read()?;
    let rows = rows(&db.store().snapshot()?, io)?;
    let mut table = table(&rows);
    table.notes.push(totals(&rows, &settings));
    answer::print(&table, &settings, None, io)?;
    db.close()
}

fn rows(snapshot: &Snapshot, io: &Io<'_>) -> Result<Vec<Row>> {
    let recent = snapshot.log_counts()?;
    let mut rows = Vec::new();
    for (id, name, _) in snapshot.metrics()? {
        io.cancel.check()?;
        let chunks = snapshot.chunks(id, TimeRange::ALL, |_| true, None)?;
        rows.push(Row {
            name,
            series: snapshot.series(id)?.len() as u64,
            sealed: chunks.iter().map(|c| c.count() as u64).sum(),
            recent: recent.iter().filter(|(metric, _)| *metric == id).map(|(_, count)| count).sum(),
            bytes: chunks.iter().map(crate::storage::Chunk::len).sum(),
            rollups: snapshot.rollup_len(id)?,
            extent: snapshot.extent(id)?,
        });
    }
    Ok(rows)
}

fn table(rows: &[Row]) -> Table {
    let unit: Option<Unit> = "B".parse().ok();
    let count = |n: u64| i64::try_from(n).ok();
    let mut bytes = Column::integer("bytes", rows.iter().map(|r| count(r.bytes)));
    bytes.unit.clone_from(&unit);
    let share = |r: &Row| (r.rollups.0 > 0).then(|| r.rollups.0 as f64 / r.rollups.1 as f64 * 100.0);
    let mut rollups = Column::integer("rollups", rows.iter().map(|r| count(r.rollups.0)));
    rollups.unit.clone_from(&unit);
    let each = rows.iter().map(|r| (r.sealed > 0).then(|| r.bytes as f64 / r.sealed as f64));
    Table {
        columns: vec![
            Column::text("metric", rows.iter().map(|r| Some(r.name.as_str()))),
            Column::integer("samples", rows.iter().map(|r| count(r.sealed + r.recent))),
            Column::integer("series", rows.iter().map(|r| count(r.series))),
            bytes,
            Column::number("bytes_per_sample", unit, each),
            rollups,
            Column::number("of_samples", "%".parse().ok(), rows.iter().map(share)),
            Column::time("oldest", rows.iter().map(|r| r.extent.map(|e| e.0))),
            Column::time("newest", rows.iter().map(|r| r.extent.map(|e| e.1))),
        ],
        notes: Vec::new(),
    }
}

/// All of it in a sentence.
fn totals(rows: &[Row], settings: &Settings) -> Note {
    let sum = |of: fn(&Row) -> u64| rows.iter().map(of).sum::<u64>();
    let (sealed, recent) = (sum(|r| r.sealed), sum(|r| r.recent));
    let len = settings.store_len();
    Note::new(
        "totals",
        format!(
            "{}, {} series, {} ({recent} of them recent, not yet packed); `{}` takes {}, {} of it packed samples",
            answer::counted(rows.len() as u64, "metric"),
            sum(|r| r.series),
            answer::counted(sealed + recent, "sample"),
            settings.db.display(),
            answer::human_bytes(len),
            answer::human_bytes(sum(|r| r.bytes)),
        ),
    )
}
