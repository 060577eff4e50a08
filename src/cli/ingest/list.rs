//! `perfdb ingest list` and `perfdb ingest undo ID`.

use crate::cli::answer::counted;
use crate::cli::config::Settings;
use crate::cli::{Io, answer};
use crate::error::Result;
use crate::model::{Column, Table};
use crate::storage::IngestRecord;

/// Lists what was ingested, oldest first.
pub(super) fn list(settings: &Settings, io: &mut Io<'_>) -> Result<()> {
    let db = settings.open_to_read()?;
    let ingests = db.ingests()?;
    answer::print(&table(&ingests), settings, None, io)?;
    db.close()
}

fn table(ingests: &[(u64, IngestRecord)]) -> Table {
    let records = || ingests.iter().map(|(_, record)| record);
    let some = |record: &IngestRecord, time| (record.samples > 0).then_some(time);
    let mut bytes = Column::integer("bytes", records().map(|r| i64::try_from(r.bytes).ok()));
    bytes.unit = "B".parse().ok();
    Table {
        columns: vec![
            Column::integer("id", ingests.iter().map(|(id, _)| i64::try_from(*id).ok())),
            Column::time("time", records().map(|r| Some(r.time))),
            Column::text("source", records().map(|r| Some(r.source.as_str()))),
            Column::integer("samples", records().map(|r| i64::try_from(r.samples).ok())),
            Column::time("first", records().map(|r| some(r, r.first))),
            Column::time("last", records().map(|r| some(r, r.last))),
            bytes,
        ],
        notes: Vec::new(),
    }
}

/// Takes ingest `id` back.
pub(super) fn undo(id: u64, settings: &Settings, io: &mut Io<'_>) -> Result<()> {
    let db = settings.open_to_change()?;
    let source = db.ingests()?.into_iter().find(|(known, _)| *known == id).map(|(_, record)| record.source);
    let samples = db.undo(id)?;
    db.close()?;
    if !settings.quiet {
        let source = source.map_or_else(String::new, |s| format!(", `{s}`"));
        io.print_line(&format!("took back ingest {id}{source}: {}", counted(samples, "sample")));
    }
    Ok(())
}
