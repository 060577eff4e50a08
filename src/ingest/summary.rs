//! What became of an input.

use super::block::{BAD_KEPT_MAX, Counts, Parsed};
use crate::error::Diagnostic;
use crate::model::{MetricMeta, SeriesSet, Timestamp};
use std::collections::BTreeMap;

/// Something that was done to values which are not quite what a sample holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// A stable name for programs, such as `strings_skipped`.
    pub code: &'static str,
    /// The words for people, behind the count: `string fields left out`.
    pub what: &'static str,
    /// How often it was done; never 0.
    pub count: u64,
}

/// What became of an input.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadSummary {
    /// How many samples the sink got.
    pub samples: u64,
    /// How many lines the input has, wrong and empty ones and the header included.
    pub lines: u64,
    /// How many bytes it has.
    pub bytes: u64,
    /// What was left out or rounded, and how often.
    pub skipped: Vec<Counted>,
    /// The wrong lines that were tolerated: the first 100 of them.
    pub bad: Vec<Diagnostic>,
    /// How many wrong lines were tolerated.
    pub bad_count: u64,
    /// The earliest time of a sample.
    pub first_time: Option<Timestamp>,
    /// The latest time of a sample.
    pub last_time: Option<Timestamp>,
    /// Whether some line had no time and got the present one, so that reading the input again gives other samples.
    pub missing_time: bool,
    /// What was guessed about the input, each a sentence such as ``time column `ts` is read as milliseconds``.
    pub guesses: Vec<String>,
    /// What is known about metrics by name: what the format says, and guesses from suffixes for the others.
    pub metadata: Vec<(String, MetricMeta)>,
}

/// A summary in the making.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) summary: ReadSummary,
    counts: Counts,
    metadata: BTreeMap<String, MetricMeta>,
}

impl Tally {
    /// Adds what a block had, save for its wrong lines.
    pub(super) fn add(&mut self, parsed: &mut Parsed) {
        let summary = &mut self.summary;
        summary.samples += parsed.columns.count() as u64;
        summary.missing_time |= parsed.missing_time;
        if parsed.time_first <= parsed.time_last {
            let (first, last) = (Timestamp(parsed.time_first), Timestamp(parsed.time_last));
            summary.first_time = Some(summary.first_time.map_or(first, |t| t.min(first)));
            summary.last_time = Some(summary.last_time.map_or(last, |t| t.max(last)));
        }
        self.counts.add(parsed.counts);
        for (name, meta) in parsed.metadata.drain(..) {
            self.describe(name, meta);
        }
    }

    /// Notes what the input says about a metric; the last word counts.
    pub(super) fn describe(&mut self, name: String, meta: MetricMeta) {
        self.metadata.insert(name, meta);
    }

    /// Notes a tolerated wrong line.
    pub(super) fn tolerate(&mut self, diagnostic: Diagnostic) {
        if self.summary.bad.len() < BAD_KEPT_MAX {
            self.summary.bad.push(diagnostic);
        }
    }

    /// The summary of an input with these `series`.
    pub(super) fn finish(mut self, series: &SeriesSet) -> ReadSummary {
        for series in series.list() {
            if !self.metadata.contains_key(&*series.metric)
                && let Some(guess) = MetricMeta::guess(&series.metric)
            {
                self.metadata.insert(series.metric.to_string(), guess);
            }
        }
        self.summary.metadata = self.metadata.into_iter().collect();
        let counted = [
            ("strings_skipped", "string fields left out", self.counts.strings),
            ("integers_rounded", "whole numbers beyond 2^53 rounded", self.counts.rounded),
            ("booleans_as_numbers", "booleans read as 1 and 0", self.counts.booleans),
            ("nulls_skipped", "null values left out", self.counts.nulls),
        ];
        self.summary.skipped =
            counted.into_iter().filter(|c| c.2 > 0).map(|(code, what, count)| Counted { code, what, count }).collect();
        self.summary
    }
}
