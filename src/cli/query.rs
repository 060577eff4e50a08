//! `perfdb query` and `perfdb show`: questions to the store, or to files directly.

use super::answer;
use super::args::{Asking, Global, NowArg, Output, QueryArgs, ShowArgs};
use super::config::{Layer, Settings};
use super::ingest::meta::metas;
use super::ingest::read_options;
use super::io::Io;
use super::source::{Input, cannot_read};
use crate::engine::Memory;
use crate::error::{Error, Result};
use crate::ingest::{self, Sink};
use crate::model::{Cancel, Columns, MetricMeta, SeriesSet, Timestamp};
use crate::query::exec;
use crate::query::parser::{self, Parameters};
use crate::query::source::Source;
use crate::render::Format;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::time::Instant;

/// Rows that an answer may have: those that a person or a program can still do something with.
const ROW_MAX: usize = 10_000_000;

/// Carries out `perfdb query`.
///
/// # Errors
/// [`Error::Query`] for a question that is wrong; what the store, the files and the streams report.
pub fn run(args: &QueryArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let questions = match &args.file {
        Some(path) => Questions { text: read_text(path, io)?, origin: Some(path.clone()) },
        None => Questions { text: args.text(), origin: None },
    };
    ask(&questions, &args.asking, &args.output, global, io)
}

/// Carries out `perfdb show`.
///
/// # Errors
/// As for [`run`].
pub fn show(args: &ShowArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    ask(&Questions { text: args.text(), origin: None }, &args.asking, &args.output, global, io)
}

/// A text of one or several questions.
struct Questions {
    text: String,
    /// The file that it comes from; then it may hold several.
    origin: Option<PathBuf>,
}

impl Questions {
    /// `error` with the name of the file that it points into.
    fn place(&self, error: Error) -> Error {
        match (error, &self.origin) {
            (Error::Query(diagnostic), Some(origin)) if diagnostic.origin.is_none() => {
                Error::Query(Box::new(diagnostic.at(origin, 1)))
            }
            (error, _) => error,
        }
    }
}

fn ask(questions: &Questions, asking: &Asking, output: &Output, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let typed = Layer {
        format: output.format,
        timezone: output.timezone,
        memory: asking.memory.map(|m| m.0),
        ..Layer::default()
    };
    let settings = Settings::resolve(typed, global, &io.surroundings)?;
    let params: Parameters = asking.params.iter().map(|p| (p.key.clone(), p.value.clone())).collect();
    // A mistake in a question shows before a store is opened or a file read.
    let statements = match questions.origin {
        Some(_) => parser::parse_file_with(&questions.text, &params),
        None => parser::parse_with(&questions.text, &params).map(|s| vec![s]),
    };
    let statements = statements.map_err(|d| questions.place(Error::Query(d)))?;
    let cancel = match asking.timeout {
        Some(timeout) => io.cancel.with_deadline(Instant::now() + timeout),
        None => io.cancel.clone(),
    };
    let source: Box<dyn Source> = if asking.from.is_empty() {
        Box::new(settings.open_to_read()?.engine()?)
    } else {
        Box::new(read_files(asking, &settings, &cancel, io)?)
    };
    let started = Instant::now();
    let elapsed = move || started.elapsed().as_nanos() as u64;
    let run = exec::Settings {
        now: now_of(asking, &*source, &settings, io)?,
        zone: settings.zone,
        memory_max: settings.memory,
        row_max: ROW_MAX,
        cancel: &cancel,
        elapsed: Some(&elapsed),
    };
    for (i, statement) in statements.iter().enumerate() {
        let table = exec::run(&questions.text, statement, &*source, &run).map_err(|e| questions.place(e))?;
        if i > 0 && matches!(settings.format, Format::Table | Format::Markdown | Format::Csv) {
            io.write_out(b"\n")?;
        }
        let shown = Settings { zone: statement.zone().unwrap_or(settings.zone), ..settings.clone() };
        answer::print(&table, &shown, output.times, io)?;
    }
    Ok(())
}

/// The text of a file of questions.
fn read_text(path: &Path, io: &mut Io<'_>) -> Result<String> {
    // One byte more than is allowed, so that the parser can say that it is too long.
    let max = parser::TEXT_LEN_MAX as u64 + 1;
    let mut bytes = Vec::new();
    if path == Path::new("-") {
        let mut input = std::mem::replace(&mut io.input, Box::new(std::io::empty()));
        (&mut input).take(max).read_to_end(&mut bytes).map_err(|e| cannot_read(Path::new("<stdin>"), e))?;
    } else {
        let file = std::fs::File::open(path).map_err(|e| cannot_read(path, e))?;
        file.take(max).read_to_end(&mut bytes).map_err(|e| cannot_read(path, e))?;
    }
    String::from_utf8(bytes).map_err(|_| Error::usage(format!("the questions in `{}` are not UTF-8", path.display())))
}

/// The present of the question.
fn now_of(asking: &Asking, source: &dyn Source, settings: &Settings, io: &Io<'_>) -> Result<Timestamp> {
    match &asking.now {
        None => Ok(io.now),
        Some(NowArg::At(moment)) => moment.resolve(io.now, settings.zone),
        Some(NowArg::Latest) => Ok(newest(source)?.unwrap_or(io.now)),
    }
}

/// The time of the newest sample.
fn newest(source: &dyn Source) -> Result<Option<Timestamp>> {
    let mut newest = None;
    for metric in source.metrics()? {
        newest = newest.max(source.extent(metric.id)?.map(|(_, last)| Timestamp(last)));
    }
    Ok(newest)
}

/// The samples of all files of `asking`.
fn read_files(asking: &Asking, settings: &Settings, cancel: &Cancel, io: &mut Io<'_>) -> Result<Memory> {
    let options = read_options(&asking.reading, io.now);
    let mut all = Gathered { memory_max: settings.memory, ..Gathered::default() };
    for path in &asking.from {
        let input = Input::open(path, asking.from_format, io)?;
        all.ids.clear();
        let bytes = AtomicU64::new(0);
        let summary = ingest::read(input.reader, &input.name, input.format, &options, false, &mut all, &bytes, cancel)?;
        all.metas.extend(summary.metadata);
        if !settings.quiet {
            for guess in &summary.guesses {
                io.print_note(&format!("{}: {guess}", input.name.display()));
            }
        }
        for bad in &summary.bad {
            io.print_note(&format!("left out: {bad}"));
        }
    }
    let metas = metas(&all.metas, &asking.reading.unit, &all.series);
    Ok(Memory::new(&all.series, &all.columns, &metas))
}

/// The samples of several inputs, which number their series each in its own way.
#[derive(Default)]
struct Gathered {
    series: SeriesSet,
    columns: Columns,
    metas: Vec<(String, MetricMeta)>,
    /// By the number that the input at hand gives a series, the number that it has here.
    ids: Vec<u32>,
    memory_max: u64,
}

impl Sink for Gathered {
    fn accept(&mut self, mut columns: Columns, series: &SeriesSet) -> Result<Columns> {
        for series in &series.list()[self.ids.len()..] {
            self.ids.push(self.series.id(series.clone()));
        }
        self.columns.series.extend(columns.series.iter().map(|id| self.ids[*id as usize]));
        self.columns.times.append(&mut columns.times);
        self.columns.values.append(&mut columns.values);
        // Once in the order of the files and once by series.
        if self.columns.count() as u64 * 36 > self.memory_max {
            return Err(Error::limit(
                format!("the files have more than {} samples, which must be in memory at once", self.columns.count()),
                "raise `--memory`, or ingest the files and ask the store",
            ));
        }
        columns.clear();
        Ok(columns)
    }
}
