//! `perfdb ingest`: files as a whole, pipes batch by batch; and what was ingested, listed and taken back.

mod file;
mod hash;
mod list;
pub(super) mod meta;
mod pipe;
mod progress;
mod report;

use super::args::{Global, IngestArgs, IngestCommand, IngestOptions, Precision, Reading, Strings};
use super::config::{Layer, Settings};
use super::io::Io;
use super::source::Input;
use crate::error::{Error, Result};
use crate::ingest::{self, CsvOptions};
use crate::model::{SeriesSet, Timestamp};
use std::path::Path;
use std::time::Instant;

/// Carries out `perfdb ingest`.
///
/// # Errors
/// The first input that fails; those before it stay ingested. What the store and the streams report.
pub fn run(args: &IngestArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    match args.command()? {
        Some(IngestCommand::List) => list::list(&settings, io),
        Some(IngestCommand::Undo { id }) => list::undo(*id, &settings, io),
        None => ingest_all(args, &settings, io),
    }
}

fn ingest_all(args: &IngestArgs, settings: &Settings, io: &mut Io<'_>) -> Result<()> {
    if args.options.id.is_some() && args.files.len() > 1 {
        return Err(Error::usage_hint("`--id` names one input", "ingest the files one by one"));
    }
    let read = read_options(&args.options.reading, io.now);
    let job = Job { settings, typed: &args.options, read, begun: Instant::now() };
    for (i, path) in args.files.iter().enumerate() {
        let done = job.ingest(path, io);
        if done.is_err() && i > 0 {
            io.print_note(&format!("{i} of {} inputs were ingested before this one", args.files.len()));
        }
        done?;
    }
    Ok(())
}

/// How every input is read and stored.
struct Job<'a> {
    settings: &'a Settings,
    typed: &'a IngestOptions,
    read: ingest::Options,
    /// When it was `read.now`.
    begun: Instant,
}

impl Job<'_> {
    /// The present.
    fn now(&self) -> Timestamp {
        Timestamp(self.read.now.0.saturating_add(self.begun.elapsed().as_nanos() as i64))
    }

    fn ingest(&self, path: &Path, io: &mut Io<'_>) -> Result<()> {
        let input = Input::open(path, self.typed.format, io)?;
        // What may come again must go in whole, so that it is all there or not at all.
        let report = if input.len.is_some() || self.typed.id.is_some() {
            file::ingest(self, path, input, io)?
        } else {
            pipe::ingest(self, input, io)?
        };
        report.print(self, io)
    }
}

/// What was typed, in the words of the readers.
pub(super) fn read_options(typed: &Reading, now: Timestamp) -> ingest::Options {
    let precision = typed.precision.map(|p| match p {
        Precision::Ns => ingest::Precision::Nanoseconds,
        Precision::Us => ingest::Precision::Microseconds,
        Precision::Ms => ingest::Precision::Milliseconds,
        Precision::S => ingest::Precision::Seconds,
    });
    ingest::Options {
        precision: precision.unwrap_or_default(),
        set: typed.set.iter().map(|pair| (pair.key.clone(), pair.value.clone())).collect(),
        strings: match typed.strings {
            Strings::Refuse => ingest::Strings::Refuse,
            Strings::Skip => ingest::Strings::Skip,
        },
        skip_bad: typed.skip_bad,
        now,
        now_at: None,
        csv: CsvOptions {
            metric: typed.metric.clone(),
            time: typed.time.clone(),
            labels: typed.labels.clone(),
            time_unit: precision,
            delimiter: None,
        },
    }
}

/// Adds to `mine` the series that `theirs` has got since. Both number the same series in the same way.
fn follow(mine: &mut SeriesSet, theirs: &SeriesSet) {
    for series in &theirs.list()[mine.count()..] {
        mine.id(series.clone());
    }
}
