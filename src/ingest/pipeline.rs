//! From an input to a sink: one thread reads blocks, some parse them, the caller's thread hands them on in order.
//!
//! A fixed number of buffers goes round (reader, parser, sink, reader), so that memory stays bounded however slow the sink
//! is. Blocks go to the parsers in turn and are collected in the same turn, which keeps the order of the input: the first
//! wrong line is the first in the file, whichever thread found it.

use super::block::{Bad, Parse, too_long};
use super::csv::Csv;
use super::csv_plan::Plan;
use super::influx::Influx;
use super::jsonl::Jsonl;
use super::options::{Format, Options};
use super::reader::{Piece, Reader, Slot};
use super::series::Registry;
use super::summary::{ReadSummary, Tally};
use crate::error::{Diagnostic, Error, Result, printable};
use crate::model::{Cancel, Columns, SeriesSet};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// At most this many threads parse.
const PARSERS_MAX: usize = 4;

/// How long an input may be silent before the sink is told.
const IDLE: Duration = Duration::from_millis(200);

/// Takes the samples of an input.
pub trait Sink {
    /// Takes a block of samples, in the order of the input, whose series are numbers of `series`. Numbers keep their
    /// meaning from block to block; `series` may hold some that no sample has. The cleared buffer comes back for reuse.
    ///
    /// # Errors
    /// Whatever hinders the sink; reading ends with it.
    fn accept(&mut self, columns: Columns, series: &SeriesSet) -> Result<Columns>;

    /// Called when the input has been silent for about 200 ms, and between blocks.
    ///
    /// # Errors
    /// Whatever hinders the sink; reading ends with it.
    fn idle(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Reads all samples of `input`, which is called `origin` in messages, into `sink`.
///
/// With `streaming`, complete lines are handed on as soon as they are there instead of when a block is full. `bytes_read`
/// grows with what has been read, for a progress bar.
///
/// # Errors
/// [`Error::Input`] for the first wrong line beyond those that `options.skip_bad` tolerates, [`Error::Usage`] for an empty
/// input, [`Error::Io`] where it cannot be read, what `sink` returns, and what `cancel` says. After an error the sink has
/// got some of the samples that stand before it, and its owner should drop them. A thread that waits for an input which
/// is silent forever stays behind until the process ends.
///
/// ```
/// use perfdb::ingest::{Format, Options, Sink, read};
/// use perfdb::model::{Cancel, Columns, SeriesSet};
///
/// struct Sum(f64);
/// impl Sink for Sum {
///     fn accept(&mut self, mut columns: Columns, _: &SeriesSet) -> perfdb::error::Result<Columns> {
///         self.0 += columns.values.iter().sum::<f64>();
///         columns.clear();
///         Ok(columns)
///     }
/// }
///
/// let text = b"cpu,host=a usage=1.5,idle=2 1767225600000000000\n";
/// let mut sum = Sum(0.0);
/// let (options, bytes) = (Options::default(), Default::default());
/// let summary =
///     read(Box::new(&text[..]), "cpu.lp".as_ref(), Format::Influx, &options, false, &mut sum, &bytes, &Cancel::new())?;
/// assert_eq!((sum.0, summary.samples, summary.lines), (3.5, 2, 1));
/// # Ok::<(), perfdb::error::Error>(())
/// ```
#[expect(clippy::too_many_arguments, reason = "each is a different thing, and there are two callers")]
pub fn read(
    input: Box<dyn Read + Send>,
    origin: &Path,
    format: Format,
    options: &Options,
    streaming: bool,
    sink: &mut dyn Sink,
    bytes_read: &AtomicU64,
    cancel: &Cancel,
) -> Result<ReadSummary> {
    let parsers = std::thread::available_parallelism().map_or(2, usize::from).clamp(1, PARSERS_MAX);
    let job = Job { origin, format, options, streaming, parsers };
    job.start(input)?.collect(&job, sink, bytes_read, cancel)
}

/// What is to be read, and how.
pub(super) struct Job<'a> {
    pub(super) origin: &'a Path,
    pub(super) format: Format,
    pub(super) options: &'a Options,
    pub(super) streaming: bool,
    /// How many threads parse.
    pub(super) parsers: usize,
}

/// The ends of a running pipeline that the caller's thread holds.
pub(super) struct Running {
    registry: Arc<Registry>,
    plan: Arc<OnceLock<Plan>>,
    bytes: Arc<AtomicU64>,
    /// Where used buffers go.
    slots: Sender<Box<Slot>>,
    /// The parsers' results, in turn.
    results: Vec<Receiver<Piece>>,
}

impl Job<'_> {
    /// Starts the threads.
    pub(super) fn start(&self, input: Box<dyn Read + Send>) -> Result<Running> {
        let (slots, empty_slots) = channel();
        for _ in 0..=2 * self.parsers {
            // The receiver is right here, so this cannot fail.
            let _ = slots.send(Box::new(Slot::new(self.options.skip_bad > 0)));
        }
        let registry = Arc::new(Registry::new(&self.options.set));
        let (plan, bytes) = (Arc::default(), Arc::default());
        let (mut jobs, mut results) = (Vec::new(), Vec::new());
        for _ in 0..self.parsers {
            let (job, job_queue) = channel();
            let (result, result_queue) = channel();
            let parser = self.parser(&plan, &registry);
            self.spawn("ingest-parse", move || parse_all(parser, &job_queue, &result))?;
            jobs.push(job);
            results.push(result_queue);
        }
        let reader = Reader {
            input,
            origin: self.origin.to_owned(),
            format: self.format,
            csv: self.options.csv.clone(),
            streaming: self.streaming,
            bytes: Arc::clone(&bytes),
            plan: Arc::clone(&plan),
            slots: empty_slots,
            parsers: jobs,
        };
        self.spawn("ingest-read", move || reader.run())?;
        Ok(Running { registry, plan, bytes, slots, results })
    }

    fn parser(&self, plan: &Arc<OnceLock<Plan>>, registry: &Arc<Registry>) -> Box<dyn Parse> {
        match self.format {
            Format::Influx => Box::new(Influx::new(Arc::clone(registry), self.options)),
            Format::Csv => Box::new(Csv::new(Arc::clone(plan), Arc::clone(registry))),
            Format::Jsonl => Box::new(Jsonl::new(Arc::clone(registry), self.options)),
        }
    }

    fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<()> {
        let started = std::thread::Builder::new().name(name.into()).spawn(run);
        started.map(drop).map_err(|e| Error::io("start a thread to read", self.origin, e))
    }
}

/// Parses blocks and passes everything else on, until there is no more or nobody listens.
fn parse_all(mut parser: Box<dyn Parse>, jobs: &Receiver<Piece>, results: &Sender<Piece>) {
    while let Ok(mut piece) = jobs.recv() {
        if let Piece::Block(slot) = &mut piece {
            let Slot { raw, range, parsed, .. } = &mut **slot;
            parser.parse(&raw[range.clone()], parsed);
        }
        if results.send(piece).is_err() {
            return;
        }
    }
}

impl Running {
    /// Hands the blocks to `sink` in order, to the end of the input.
    pub(super) fn collect(
        self,
        job: &Job<'_>,
        sink: &mut dyn Sink,
        bytes_read: &AtomicU64,
        cancel: &Cancel,
    ) -> Result<ReadSummary> {
        let mut tally = Tally::default();
        let mut bytes_told = 0;
        let mut turn = 0;
        loop {
            let piece = self.results[turn % self.results.len()].recv_timeout(IDLE);
            let bytes = self.bytes.load(Ordering::Relaxed);
            bytes_read.fetch_add(bytes - bytes_told, Ordering::Relaxed);
            bytes_told = bytes;
            cancel.check()?;
            turn += usize::from(piece.is_ok());
            match piece {
                Ok(Piece::Block(slot)) => {
                    self.take(*slot, &mut tally, job, sink)?;
                    sink.idle()?;
                }
                Ok(Piece::TooLong { head, is_last }) => {
                    let diagnostic = too_long().diagnostic(&head).at(job.origin, tally.summary.lines as usize + 1);
                    tally.summary.lines += 1;
                    if is_last {
                        return Err(input_error(diagnostic.help("is a quote missing that closes a cell?")));
                    }
                    bad(&mut tally, vec![diagnostic], 1, job.options.skip_bad)?;
                }
                Ok(Piece::Failed(error)) => return Err(error),
                Ok(Piece::End) => break,
                Err(RecvTimeoutError::Timeout) => sink.idle()?,
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Bug("a thread that reads input has died".into()));
                }
            }
        }
        tally.summary.bytes = bytes_told;
        if bytes_told == 0 {
            let name = printable(&job.origin.display().to_string());
            return Err(Error::usage_hint(
                format!("`{name}` is empty"),
                "is it the right file, and was it written to the end?",
            ));
        }
        if let Some(plan) = self.plan.get() {
            tally.summary.guesses.clone_from(&plan.guesses);
            for (name, meta) in &plan.metadata {
                tally.describe(name.clone(), meta.clone());
            }
        }
        Ok(tally.finish(&self.registry.lock()))
    }

    /// Hands one block on, and its buffer back to the reader.
    fn take(&self, mut slot: Slot, tally: &mut Tally, job: &Job<'_>, sink: &mut dyn Sink) -> Result<()> {
        tally.summary.lines += slot.lines_skipped;
        let parsed = &mut slot.parsed;
        let lines_before = tally.summary.lines;
        let place = |bad: Bad| bad.diagnostic.at(job.origin, (lines_before + bad.line) as usize + 1);
        let found = std::mem::take(&mut parsed.bad).into_iter().map(place).collect();
        let kept = bad(tally, found, parsed.bad_count, job.options.skip_bad);
        // Parsing stopped at the wrong line: of a stream, what came before it counts, however it was cut into blocks.
        if kept.is_err() && !(job.streaming && job.options.skip_bad == 0) {
            return kept;
        }
        tally.add(parsed);
        tally.summary.lines += parsed.lines;
        if !parsed.columns.is_empty() {
            let columns = std::mem::take(&mut parsed.columns);
            // Parsers need this lock only for series that are new to them.
            parsed.columns = sink.accept(columns, &self.registry.lock())?;
        }
        kept?;
        parsed.clear();
        // A reader that has read everything takes no more buffers.
        let _ = self.slots.send(Box::new(slot));
        Ok(())
    }
}

/// Notes `count` wrong lines, the first of which are `found`, or fails where they are more than `tolerated`.
fn bad(tally: &mut Tally, found: Vec<Diagnostic>, count: u64, tolerated: u64) -> Result<()> {
    let before = tally.summary.bad_count;
    tally.summary.bad_count += count;
    let beyond = (tolerated - before.min(tolerated)) as usize;
    let last = found.len().saturating_sub(1);
    for (i, mut diagnostic) in found.into_iter().enumerate() {
        if tally.summary.bad_count > tolerated && i == beyond.min(last) {
            if tolerated > 0 {
                diagnostic.message = format!("{} (and more than {tolerated} lines are wrong)", diagnostic.message);
            }
            return Err(input_error(diagnostic));
        }
        tally.tolerate(diagnostic);
    }
    Ok(())
}

fn input_error(diagnostic: Diagnostic) -> Error {
    Error::Input(Box::new(diagnostic))
}
