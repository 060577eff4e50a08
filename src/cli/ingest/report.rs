//! What an ingest did, told to people on the standard error or to programs on the standard output.

use super::{Job, meta, pipe::ack_error};
use crate::cli::Io;
use crate::cli::answer::counted;
use crate::cli::args::Summary;
use crate::db::Database;
use crate::error::Result;
use crate::ingest::ReadSummary;
use crate::model::{SeriesSet, Timestamp, Unit, Zone};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Below this many samples, the room that any store takes hides what one sample takes.
const TELLING_COUNT_MIN: u64 = 10_000;

/// How many names a note lists.
const NAMES_SHOWN_MAX: usize = 5;

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Done {
    /// It is in the store as this ingest.
    Added(u64),
    /// It was there already, as this ingest.
    Already(u64),
    /// It came as a stream and is in the store, without a number.
    Streamed,
    /// There was nothing in it.
    Nothing,
}

/// What an ingest did.
pub(super) struct Report {
    name: PathBuf,
    pub(super) done: Done,
    pub(super) summary: ReadSummary,
    series: usize,
    elapsed: Duration,
    len_before: u64,
    len_after: u64,
    notes: Vec<String>,
}

impl Report {
    /// Of the input `name` that was read and had these `series`. The store had `len_before` bytes.
    pub(super) fn new(name: &Path, summary: ReadSummary, series: &SeriesSet, len_before: u64) -> Self {
        Self {
            name: name.to_owned(),
            done: Done::Nothing,
            notes: summary.guesses.clone(),
            summary,
            series: series.count(),
            elapsed: Duration::ZERO,
            len_before,
            len_after: len_before,
        }
    }

    /// Of the input `name`, which the store of `len` bytes has as ingest `id`.
    pub(super) fn already(name: &Path, id: u64, len: u64) -> Self {
        Self { done: Done::Already(id), ..Self::new(name, ReadSummary::default(), &SeriesSet::new(), len) }
    }

    /// Notes what the store has only guessed about the metrics of `series`.
    pub(super) fn note_guesses(&mut self, db: &Database, series: &SeriesSet) -> Result<()> {
        let names = meta::names(series);
        let mut guesses = Vec::new();
        for (_, name, meta) in db.store().snapshot()?.metrics()? {
            if meta.guessed && names.contains(name.as_str()) {
                let what = meta.unit.map(|u| u.to_string()).or(meta.kind.map(|k| k.to_string()));
                guesses.push(format!("`{name}` {}", what.unwrap_or_default()));
            }
        }
        if !guesses.is_empty() {
            let more = match guesses.len().saturating_sub(NAMES_SHOWN_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            guesses.truncate(NAMES_SHOWN_MAX);
            let shown = guesses.join(", ");
            self.notes
                .push(format!("guessed from the name: {shown}{more}; confirm or change it with `perfdb metric set`"));
        }
        Ok(())
    }

    /// Takes the time, and the length of the closed store.
    pub(super) fn settle(&mut self, job: &Job<'_>, series: &SeriesSet, started: Instant) {
        self.elapsed = started.elapsed();
        self.len_after = job.settings.store_len();
        for pattern in meta::unused(&job.typed.reading.unit, series) {
            self.notes.push(format!("`--unit` names `{pattern}`, which is no metric of this input"));
        }
    }

    /// Acknowledges the whole of it.
    pub(super) fn acknowledge(&self, io: &mut Io<'_>) -> Result<()> {
        acknowledge(self.summary.samples, self.elapsed, io.out)
    }

    /// Prints the summary in the form that was asked for.
    pub(super) fn print(&self, job: &Job<'_>, io: &mut Io<'_>) -> Result<()> {
        if !job.settings.quiet {
            for bad in &self.summary.bad {
                io.print_warning(&format!("left out: {bad}"), job.settings.color);
            }
            let unlisted = self.summary.bad_count - self.summary.bad.len() as u64;
            if unlisted > 0 {
                io.print_note(&format!("{unlisted} more lines were left out"));
            }
        }
        match job.typed.summary {
            Summary::Json => io.write_out(format!("{}\n", self.json()).as_bytes()),
            Summary::Text if job.settings.quiet => Ok(()),
            Summary::Text => {
                io.print_line(&self.text(job.settings.zone));
                for note in &self.notes {
                    io.print_note(note);
                }
                Ok(())
            }
        }
    }

    fn text(&self, zone: Zone) -> String {
        let name = self.name.display();
        match self.done {
            Done::Already(id) => {
                return format!("{name}: already ingested as {id}; nothing added; `--again` adds it once more");
            }
            Done::Added(_) if self.summary.samples == 0 => {
                return format!(
                    "{name}: no samples, but what it says about {}",
                    counted(self.summary.metadata.len() as u64, "metric")
                );
            }
            Done::Nothing => return format!("{name}: no samples in {} lines", self.summary.lines),
            Done::Added(_) | Done::Streamed => {}
        }
        let summary = &self.summary;
        let seconds = self.elapsed.as_secs_f64().max(1e-9);
        let span = match (summary.first_time, summary.last_time) {
            (Some(first), Some(last)) => format!(" from {} to {}", shown(first, zone), shown(last, zone)),
            _ => String::new(),
        };
        let id = if let Done::Added(id) = self.done { format!(" as ingest {id}") } else { String::new() };
        let mut parts = vec![format!(
            "{name}: {} in {} series{span}{id}, in {seconds:.2} s ({} samples/s)",
            counted(summary.samples, "sample"),
            self.series,
            Unit::digits((summary.samples as f64 / seconds).round()),
        )];
        parts.push(self.room());
        for skipped in &summary.skipped {
            parts.push(format!("{} {}", skipped.count, skipped.what));
        }
        if summary.bad_count > 0 {
            parts.push(format!("{} left out", counted(summary.bad_count, "broken line")));
        }
        parts.join("; ")
    }

    /// What the store takes on disk.
    fn room(&self) -> String {
        let bytes = |len: u64| match "B".parse::<Unit>() {
            Ok(unit) => unit.human(len as f64),
            Err(_) => len.to_string(),
        };
        let grown = self.len_after.saturating_sub(self.len_before);
        let each = self.bytes_per_sample().map_or_else(String::new, |b| format!(", {b:.2} bytes a sample"));
        format!("the store takes {} (+{}{each})", bytes(self.len_after), bytes(grown))
    }

    /// Bytes that the store has grown by for each sample, where that tells anything.
    fn bytes_per_sample(&self) -> Option<f64> {
        let grown = self.len_after.checked_sub(self.len_before)?;
        (self.summary.samples >= TELLING_COUNT_MIN).then(|| grown as f64 / self.summary.samples as f64)
    }

    fn json(&self) -> Value {
        let summary = &self.summary;
        let (outcome, id) = match self.done {
            Done::Added(id) => ("added", Some(id)),
            Done::Already(id) => ("already", Some(id)),
            Done::Streamed => ("streamed", None),
            Done::Nothing => ("nothing", None),
        };
        let added = matches!(self.done, Done::Added(_) | Done::Streamed);
        let seconds = self.elapsed.as_secs_f64();
        let counted: Map<String, Value> =
            summary.skipped.iter().map(|c| (c.code.to_owned(), Value::from(c.count))).collect();
        json!({
            "input": self.name.display().to_string(),
            "outcome": outcome,
            "ingest": id,
            "samples": if added { summary.samples } else { 0 },
            "series": self.series,
            "first": summary.first_time.map(Timestamp::rfc3339),
            "last": summary.last_time.map(Timestamp::rfc3339),
            "lines": summary.lines,
            "bytes_read": summary.bytes,
            "seconds": seconds,
            "samples_per_second": (added && seconds > 0.0).then(|| summary.samples as f64 / seconds),
            "store_bytes": self.len_after,
            "store_bytes_added": self.len_after as i64 - self.len_before as i64,
            "bytes_per_sample": self.bytes_per_sample(),
            "bad_lines": summary.bad_count,
            "counts": counted,
            "notes": self.notes,
        })
    }
}

/// A time to the second, as the clocks of `zone` show it.
fn shown(time: Timestamp, zone: Zone) -> String {
    zone.local(time).format("%Y-%m-%d %H:%M:%S%:z").to_string()
}

/// Says on `out` that `durable` samples are safe; the last commit took `took`.
pub(super) fn acknowledge(durable: u64, took: Duration, out: &mut dyn Write) -> Result<()> {
    let ms = took.as_micros() as f64 / 1e3;
    let line = format!("{{\"durable\": {durable}, \"commit_ms\": {ms}}}\n");
    out.write_all(line.as_bytes()).and_then(|()| out.flush()).map_err(|e| ack_error(&e))
}
