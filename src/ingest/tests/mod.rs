//! Tests of the formats through the whole pipeline.

mod csv;
mod influx;
mod jsonl;
mod pipeline;
mod round_trip;

use super::options::{CsvOptions, Format, Options, Precision, Strings};
use super::pipeline::{Job, Sink};
use super::summary::ReadSummary;
use crate::error::Result;
use crate::model::{Cancel, Columns, Series, SeriesSet, Timestamp};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::AtomicU64;

/// A sample with its series spelled out: metric, labels, time, bits of the value.
type Flat = (String, String, i64, u64);

/// Keeps everything.
#[derive(Default)]
struct Keep {
    samples: Vec<Flat>,
    series: Vec<(Series, i64, f64)>,
    blocks: usize,
}

impl Sink for Keep {
    fn accept(&mut self, mut columns: Columns, set: &SeriesSet) -> Result<Columns> {
        assert!(columns.series.len() == columns.times.len() && columns.values.len() == columns.times.len());
        self.blocks += 1;
        for i in 0..columns.count() {
            let series = set.get(columns.series[i]).unwrap();
            let (time, value) = (columns.times[i], columns.values[i]);
            self.samples.push((series.metric.to_string(), series.labels.to_string(), time, value.to_bits()));
            self.series.push((series.clone(), time, value));
        }
        columns.clear();
        Ok(columns)
    }
}

/// The time of lines without one, in all tests.
const NOW: i64 = 77;

fn options() -> Options {
    Options { now: Timestamp(NOW), ..Options::default() }
}

/// How the bytes arrive and are read.
#[derive(Clone, Copy)]
struct How {
    parsers: usize,
    streaming: bool,
}

const PLAIN: How = How { parsers: 2, streaming: false };

fn run(input: impl Read + Send + 'static, format: Format, options: &Options, how: How) -> Result<(Keep, ReadSummary)> {
    let mut keep = Keep::default();
    let job = Job { origin: Path::new("file"), format, options, streaming: how.streaming, parsers: how.parsers };
    let summary = job.start(Box::new(input))?.collect(&job, &mut keep, &AtomicU64::default(), &Cancel::new())?;
    assert_eq!(summary.samples, keep.samples.len() as u64);
    Ok((keep, summary))
}

/// All samples of `text`, in order, as `metric{labels} value @time`.
fn read(text: &str, format: Format, options: &Options) -> Vec<String> {
    let (keep, _) =
        run(std::io::Cursor::new(text.to_owned()), format, options, PLAIN).unwrap_or_else(|e| panic!("{e}"));
    keep.series.iter().map(|(s, t, v)| format!("{}{} {v:?} @{t}", s.metric, s.labels)).collect()
}

fn summary(text: &str, format: Format, options: &Options) -> ReadSummary {
    run(std::io::Cursor::new(text.to_owned()), format, options, PLAIN).unwrap_or_else(|e| panic!("{e}")).1
}

/// The whole message about `text`, which must be wrong.
fn error(text: impl AsRef<[u8]>, format: Format, options: &Options) -> String {
    match run(std::io::Cursor::new(text.as_ref().to_vec()), format, options, PLAIN) {
        Ok(_) => panic!("no error in {:?}", String::from_utf8_lossy(text.as_ref())),
        Err(e) => e.to_string(),
    }
}

/// The place and first line of the message about `text`, as `line:column message`.
fn fault(text: impl AsRef<[u8]>, format: Format, options: &Options) -> String {
    let message = error(text, format, options);
    let mut lines = message.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let place = lines.next().and_then(|l| l.split_once("file:")).map_or("?", |l| l.1);
    format!("{place} {first}")
}
