//! `perfdb demo`: records, ingests and asks, each step by the command line that a person would type.

use super::{Clock, Options, Recording, record};
use crate::cli::args::{Cli, DemoArgs, Global};
use crate::cli::{Io, dispatch};
use crate::error::{Error, Result, printable};
use crate::ingest::{Format, SampleWriter, writer};
use crate::model::Timestamp;
use clap::Parser;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What is recorded, and what is known about it.
const SAMPLES: &str = "samples.lp";
const METRICS: &str = "metrics.jsonl";

/// How long an agent pauses between two pieces of work: a few hundred of them a second are enough to look at.
const PAUSE: Duration = Duration::from_millis(10);

/// What is asked, with a sentence before it.
const QUESTIONS: [(&str, &[&str]); 9] = [
    ("What is there?", &["show", "metrics"]),
    (
        "How long do the slowest one in twenty decisions of each agent take?",
        &["query", "p95(decision) by agent since 1h"],
    ),
    (
        "Which phase of an agent's work takes the time?",
        &[
            "query",
            "sum(memory_retrieval) as retrieval, sum(decision) as decision, sum(action_execution) as action, \
             sum(communication) as communication by agent since 1h",
        ],
    ),
    ("How did that change?", &["query", "count(decision), p50(decision), p95(decision) every 1s since 10m"]),
    (
        "How often does the librarian's cache know the answer?",
        &[
            "query",
            "increase(cache.hits) / (increase(cache.hits) + increase(cache.misses)) as hit_rate every 1s since 10m",
        ],
    ),
    ("What were the slowest decisions?", &["query", "slowest(decision, 5) since 1h"]),
    ("And how did the machine do?", &["query", "avg(cpu.usage), max(memory.used_bytes) since 1h"]),
    ("How is a question answered?", &["query", "explain p95(decision) by agent since 1h"]),
    ("How much room does it take?", &["stats"]),
];

/// Carries out `perfdb demo`.
///
/// # Errors
/// A folder that cannot be written, and what each step reports.
pub fn run(args: &DemoArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let folder = folder_of(args, io.now)?;
    let shown = printable(&folder.display().to_string());
    say(io, &format!("This machine and a team of four agents at work are recorded for {} s.\n", args.seconds))?;
    let recording = record_for(args.seconds, io)?;
    write_files(&recording, &folder)?;
    say(io, &format!("{} samples are in {SAMPLES}, their units in {METRICS}.\n\n", recording.columns.count()))?;

    let demo = Demo { folder: &folder, global };
    say(io, &format!("$ cd {shown}\n"))?;
    demo.step("They go into a store, ./perf.redb:", &["ingest", METRICS, SAMPLES], io)?;
    for (why, words) in QUESTIONS {
        demo.step(why, words, io)?;
    }
    say(
        io,
        &format!(
            "The store is {shown}/perf.redb. Ask it yourself:\n  cd {shown}\n  perfdb query 'p99(communication) by agent, task since 1d'\n  \
             perfdb query --help\nand then feed a store of your own: perfdb ingest --help\n"
        ),
    )
}

/// The folder that was asked for, or a new one.
fn folder_of(args: &DemoArgs, now: Timestamp) -> Result<PathBuf> {
    let fail = |folder: &Path, e| Error::io("create the folder", folder, e);
    if let Some(folder) = &args.dir {
        std::fs::create_dir_all(folder).map_err(|e| fail(folder, e))?;
        return Ok(folder.clone());
    }
    let folder = std::env::temp_dir().join(format!("perfdb-demo-{}-{}", std::process::id(), now.0 / 1_000_000));
    // Not one that somebody else has put there.
    std::fs::create_dir(&folder).map_err(|e| fail(&folder, e))?;
    Ok(folder)
}

fn record_for(seconds: u32, io: &mut Io<'_>) -> Result<Recording> {
    let started = Instant::now();
    let host = sysinfo::System::host_name().ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".into());
    let options = Options {
        duration: Duration::from_secs(seconds.into()),
        pause: PAUSE,
        seed: 1,
        host: &host,
        clock: Clock::starting_at(io.now),
    };
    let recording = record(&options, &io.cancel)?;
    io.cancel.check()?;
    // The present has moved on.
    io.now = Timestamp(io.now.0.saturating_add(started.elapsed().as_nanos() as i64));
    Ok(recording)
}

fn write_files(recording: &Recording, folder: &Path) -> Result<()> {
    write_file(&folder.join(SAMPLES), Format::Influx, |writer| {
        let columns = &recording.columns;
        for i in 0..columns.count() {
            if let Some(series) = recording.series.get(columns.series[i]) {
                writer.series(series, &columns.times[i..=i], &columns.values[i..=i])?;
            }
        }
        Ok(())
    })?;
    write_file(&folder.join(METRICS), Format::Jsonl, |writer| {
        for (name, meta) in &recording.metrics {
            writer.metadata(name, meta)?;
        }
        Ok(())
    })
}

fn write_file(
    path: &Path,
    format: Format,
    write: impl FnOnce(&mut dyn SampleWriter) -> std::io::Result<()>,
) -> Result<()> {
    let done = File::create(path).and_then(|file| {
        let mut writer = writer(format, file, &[]);
        write(&mut *writer)?;
        writer.finish()
    });
    done.map_err(|e| Error::io("write", path, e))
}

/// Where the steps take place.
struct Demo<'a> {
    folder: &'a Path,
    global: &'a Global,
}

impl Demo<'_> {
    /// Shows a command line and carries it out in the folder.
    fn step(&self, why: &str, words: &[&str], io: &mut Io<'_>) -> Result<()> {
        let typed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        say(io, &format!("# {why}\n$ perfdb {}\n", typed.join(" ")))?;
        let mut line = vec![PathBuf::from("perfdb")];
        line.extend(words.iter().map(|word| match *word {
            SAMPLES | METRICS => self.folder.join(word),
            word => PathBuf::from(word),
        }));
        let mut cli = Cli::try_parse_from(line).map_err(|e| Error::Bug(format!("a step of the demo: {e}")))?;
        cli.global = Global { db: Some(self.folder.join("perf.redb")), ..self.global.clone() };
        dispatch(cli, io)?;
        say(io, "\n")
    }
}

/// `word` as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/');
    if word.chars().all(plain) { word.to_owned() } else { format!("'{word}'") }
}

/// Prints and flushes, so that what follows on the standard error comes behind it.
fn say(io: &mut Io<'_>, text: &str) -> Result<()> {
    io.write_out(text.as_bytes())?;
    io.out.flush().map_err(crate::cli::io::out_error)
}
