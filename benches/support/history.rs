//! A long history of latencies: events of many series at irregular times, three decimals, in order of time.

use super::support::random::Random;
use perfdb::model::{Columns, Labels, Series, SeriesSet};

/// 2026-01-01, ns.
pub(crate) const START_NS: i64 = 1_767_225_600_000_000_000;

/// Samples still to be made.
pub(crate) struct History {
    random: Random,
    set: SeriesSet,
    series: u32,
    span: i64,
    samples: u64,
    done: u64,
}

impl History {
    /// `samples` samples of `series` series, ten of them to an agent, spread evenly over `span` ns.
    pub(crate) fn new(seed: u64, series: u32, span: i64, samples: u64) -> Self {
        let mut set = SeriesSet::new();
        for i in 0..series {
            let (agent, host) = (format!("agent-{:02}", i / 10), format!("host-{}", i % 10));
            let labels = Labels::new([("agent", agent.as_str()), ("host", host.as_str())]).unwrap_or_default();
            set.id(Series { metric: "decision".into(), labels });
        }
        Self { random: Random::new(seed), set, series, span, samples, done: 0 }
    }

    /// The next `count` samples; `None` at the end.
    pub(crate) fn next(&mut self, count: usize) -> Option<(Columns, &SeriesSet)> {
        let count = (count as u64).min(self.samples - self.done);
        if count == 0 {
            return None;
        }
        let mut columns = Columns::default();
        let step = self.span as f64 / self.samples as f64;
        for i in self.done..self.done + count {
            let time = START_NS + ((i as f64 + self.random.unit()) * step) as i64;
            let value = ((3.0 + 0.6 * self.random.normal()).exp() * 1000.0).round() / 1000.0;
            columns.push(self.random.below(self.series as usize) as u32, time, value);
        }
        self.done += count;
        Some((columns, &self.set))
    }

    /// Time after the last sample, ns.
    pub(crate) fn end(&self) -> i64 {
        START_NS + self.span
    }
}
