//! `perfdb export`: samples as text, which ingests as the same samples again.
//!
//! What stays true: a file of that name is either whole or as it was before.

mod target;

use super::args::{ExportArgs, ExportFormat, Global};
use super::config::{Layer, Settings};
use super::io::Io;
use super::select::{Chosen, select};
use crate::engine::Embedded;
use crate::error::{Error, Result};
use crate::ingest::{Format, SampleWriter, writer};
use crate::model::{Better, MetricMeta, Series, TimeRange};
use crate::query::source::{MetricInfo, Needs, Rollups, Scan, ScanSeries, SeriesInfo, Source, ValueFilter};
use hashbrown::HashMap;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use target::Target;

/// About this many samples are held at once.
const HELD_COUNT: u64 = 1_000_000;

/// Carries out `perfdb export`.
///
/// # Errors
/// [`Error::Query`] for a selector that is wrong, [`Error::Usage`] for a name that the format cannot carry; what the store and the
/// streams report.
pub fn run(args: &ExportArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let resolve = |moment: &super::args::Moment| moment.resolve(io.now, settings.zone);
    let range = TimeRange {
        start: args.since.as_ref().map(resolve).transpose()?.map_or(i64::MIN, |t| t.0),
        end: args.until.as_ref().map(resolve).transpose()?.map_or(i64::MAX, |t| t.0),
    };
    let engine = settings.open_to_read()?.engine()?;
    let chosen = select(args.selector.as_deref(), &engine, &settings, io)?;
    let export = Export { engine: &engine, chosen: &chosen, range, settings: &settings };
    let path = args.output.as_deref().filter(|path| *path != Path::new("-"));
    let count = match path {
        None => export.write(format_of(args.format), &mut *io.out, &io.cancel),
        Some(path) => {
            let mut target = Target::create(path)?;
            let done = export.write(format_of(args.format), &mut target, &io.cancel);
            done.and_then(|count| Ok(target.finish().map(|()| count)?))
        }
    }
    .map_err(|fault| fault.explain(path))?;
    let aside = if args.format == ExportFormat::Jsonl { None } else { export.write_metas_aside(path)? };
    if !settings.quiet {
        if count == 0 {
            io.print_note("no samples were found in that range");
        }
        if let Some(note) = aside {
            io.print_note(&note);
        }
    }
    Ok(())
}

fn format_of(format: ExportFormat) -> Format {
    match format {
        ExportFormat::Influx => Format::Influx,
        ExportFormat::Csv => Format::Csv,
        ExportFormat::Jsonl => Format::Jsonl,
    }
}

/// Why an export did not get through.
enum Fault {
    /// What the store says.
    Store(Error),
    /// What the output says.
    Output(io::Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

impl Fault {
    fn explain(self, path: Option<&Path>) -> Error {
        match (self, path) {
            (Self::Store(error), _) => error,
            (Self::Output(e), _) if e.kind() == io::ErrorKind::InvalidInput => {
                Error::usage_hint(e.to_string(), "`--format jsonl` carries every name and label")
            }
            (Self::Output(e), Some(path)) => Error::io("write", path, e),
            (Self::Output(e), None) => super::io::out_error(e),
        }
    }
}

struct Export<'a> {
    engine: &'a Embedded,
    chosen: &'a [Chosen],
    range: TimeRange,
    settings: &'a Settings,
}

impl Export<'_> {
    /// Writes everything to `out`, and says how many samples that were.
    fn write(&self, format: Format, out: &mut dyn io::Write, cancel: &crate::model::Cancel) -> Result<u64, Fault> {
        let keys: BTreeSet<&str> =
            self.chosen.iter().flat_map(|c| &c.1).flat_map(|s| s.labels.iter().map(|(key, _)| key)).collect();
        let keys: Vec<String> = keys.into_iter().map(str::to_owned).collect();
        let mut writer = writer(format, out, &keys);
        let mut count = 0;
        for (metric, series) in self.chosen {
            if let Some(meta) = said(&metric.meta) {
                writer.metadata(&metric.name, &meta)?;
            }
            for (part, range) in self.parts(metric, series)? {
                cancel.check()?;
                count += self.write_part(metric, part, range, &mut *writer, cancel)?;
            }
        }
        writer.finish()?;
        Ok(count)
    }

    fn write_part(
        &self,
        metric: &MetricInfo,
        series: &[SeriesInfo],
        range: TimeRange,
        writer: &mut dyn SampleWriter,
        cancel: &crate::model::Cancel,
    ) -> Result<u64, Fault> {
        let scan = |(group, s): (usize, &SeriesInfo)| ScanSeries {
            metric: s.metric,
            series: s.id,
            group: group as u32,
            filter: 0,
        };
        let scan = Scan {
            series: series.iter().enumerate().map(scan).collect(),
            group_count: series.len() as u32,
            range,
            bucketing: None,
            filters: vec![ValueFilter::True],
            needs: Needs { values: true, ..Needs::default() },
            memory_max: self.settings.memory,
            rollups: Rollups::Never,
        };
        let mut count = 0;
        for samples in self.engine.samples(&scan, cancel)?.0 {
            let labels = series[samples.index as usize].labels.clone();
            writer.series(&Series { metric: metric.name.as_str().into(), labels }, &samples.times, &samples.values)?;
            count += samples.times.len() as u64;
        }
        Ok(count)
    }

    /// `series` of `metric` in pieces of about [`HELD_COUNT`] samples each: several series, or a stretch of time of one.
    fn parts<'s>(&self, metric: &MetricInfo, series: &'s [SeriesInfo]) -> Result<Vec<(&'s [SeriesInfo], TimeRange)>> {
        // By series, where its chunks begin and how many samples they have.
        let mut chunks: HashMap<u32, Vec<(i64, u64)>> = HashMap::new();
        for chunk in self.engine.snapshot().chunks(metric.id, self.range, |_| true, None)? {
            chunks.entry(chunk.series()).or_default().push((chunk.extent().0, chunk.count() as u64));
        }
        let mut parts = Vec::new();
        let (mut first, mut held) = (0, 0);
        for (i, one) in series.iter().enumerate() {
            let chunks = chunks.remove(&one.id).unwrap_or_default();
            let count: u64 = chunks.iter().map(|c| c.1).sum();
            if held + count > HELD_COUNT && first < i {
                parts.push((&series[first..i], self.range));
                (first, held) = (i, 0);
            }
            held += count;
            if count > HELD_COUNT {
                parts.extend(stretches(chunks, self.range).into_iter().map(|range| (&series[i..=i], range)));
                (first, held) = (i + 1, 0);
            }
        }
        if first < series.len() {
            parts.push((&series[first..], self.range));
        }
        Ok(parts)
    }

    /// Writes what the format of `path` cannot carry into a file beside it. What is to be said about that.
    fn write_metas_aside(&self, path: Option<&Path>) -> Result<Option<String>> {
        let metas: Vec<(&str, MetricMeta)> =
            self.chosen.iter().filter_map(|(m, _)| Some((m.name.as_str(), said(&m.meta)?))).collect();
        if metas.is_empty() {
            return Ok(None);
        }
        let Some(path) = path else {
            return Ok(Some(
                "units, kinds and descriptions are not in this; `--format jsonl` or `--output FILE` keeps them".into(),
            ));
        };
        let mut beside = path.as_os_str().to_owned();
        beside.push(".meta.jsonl");
        let beside = PathBuf::from(beside);
        let mut target = Target::create(&beside)?;
        let mut write = || -> Result<(), Fault> {
            let mut writer = writer(Format::Jsonl, &mut target, &[]);
            for (name, meta) in &metas {
                writer.metadata(name, meta)?;
            }
            Ok(writer.finish()?)
        };
        write().and_then(|()| Ok(target.finish()?)).map_err(|fault| fault.explain(Some(&beside)))?;
        Ok(Some(format!("units, kinds and descriptions are in `{}`; ingest both", beside.display())))
    }
}

/// What somebody said about a metric; what was guessed is guessed again.
fn said(meta: &MetricMeta) -> Option<MetricMeta> {
    let mut meta = meta.clone();
    if meta.guessed {
        (meta.unit, meta.kind, meta.guessed) = (None, None, false);
    }
    let says_something =
        meta.unit.is_some() || meta.kind.is_some() || meta.better != Better::Unknown || !meta.description.is_empty();
    says_something.then_some(meta)
}

/// `range` cut where `chunks` (beginning, samples) of one series begin, into stretches of about [`HELD_COUNT`] samples.
fn stretches(mut chunks: Vec<(i64, u64)>, range: TimeRange) -> Vec<TimeRange> {
    chunks.sort_unstable();
    let (mut cuts, mut held) = (vec![range.start], 0);
    for (start, count) in chunks {
        if held + count > HELD_COUNT && cuts.last().is_some_and(|cut| *cut < start) {
            cuts.push(start);
            held = 0;
        }
        held += count;
    }
    cuts.push(range.end);
    cuts.windows(2).map(|pair| TimeRange { start: pair[0], end: pair[1] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_series_is_cut_where_chunks_begin_and_nothing_falls_between() {
        let chunks = (0..10).map(|i| (i * 100, 300_000)).collect();
        let parts = stretches(chunks, TimeRange { start: 50, end: 5_000 });
        assert_eq!(parts.iter().map(|r| r.start).collect::<Vec<_>>(), [50, 300, 600, 900]);
        assert!(parts.windows(2).all(|w| w[0].end == w[1].start) && parts[3].end == 5_000);
        assert_eq!(stretches(Vec::new(), TimeRange::ALL), [TimeRange::ALL]);
    }
}
