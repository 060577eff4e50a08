//! A team of small agents that do real work, and a recording of how long each phase of it takes.
//!
//! The planner solves sliding puzzles, the scout finds ways through mazes and over hills, the librarian looks questions up
//! in an index of notes, the courier plans rounds and packs parcels. They work side by side, each in a thread of its own,
//! and write each other letters. The work comes from a seed and is the same everywhere; the times are measured. Nothing
//! inside a phase waits for the sake of waiting: pauses, where they are asked for, lie between two pieces of work.

mod agent;
mod cache;
mod command;
mod corpus;
mod courier;
mod host;
mod librarian;
mod mail;
mod maze;
mod pack;
mod planner;
mod puzzle;
mod rng;
mod route;
mod scout;

pub use command::run;

use crate::error::{Error, Result};
use crate::model::{Better, Cancel, Columns, Kind, Labels, MetricMeta, Series, SeriesSet, Timestamp};
use agent::{Entry, work};
use std::time::{Duration, Instant};

/// The longest recording: it is kept in memory.
const DURATION_MAX: Duration = Duration::from_secs(24 * 3600);

/// How the team works.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// How long, at most a day. Work that has begun by then is finished.
    pub duration: Duration,
    /// How long each agent pauses after a piece of work, on average; meanwhile it answers letters.
    pub pause: Duration,
    /// Decides what the work is.
    pub seed: u64,
    /// The value of the label `host`.
    pub host: &'a str,
    /// Gives the samples their times.
    pub clock: Clock,
}

/// A wall clock that never goes back: the time at which it was started, and what has passed since.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    wall: Timestamp,
    started: Instant,
}

impl Clock {
    /// A clock that shows `now` now.
    pub fn starting_at(now: Timestamp) -> Self {
        Self { wall: now, started: Instant::now() }
    }

    /// ns since the Unix epoch.
    fn now(&self) -> i64 {
        self.wall.0.saturating_add(self.started.elapsed().as_nanos() as i64)
    }
}

/// What was measured.
#[derive(Debug, Default)]
pub struct Recording {
    /// The series that `columns` refers to.
    pub series: SeriesSet,
    /// The samples, in order of time.
    pub columns: Columns,
    /// What is known about each metric that was recorded, by name.
    pub metrics: Vec<(&'static str, MetricMeta)>,
}

/// Name, kind, unit, direction and description of everything the team and its host can record.
const METRICS: [(&str, Kind, &str, Better, &str); 10] = [
    ("action_execution", Kind::Sample, "ms", Better::Lower, "Time an agent takes to carry a plan out."),
    ("cache.hits", Kind::Counter, "", Better::Higher, "Look-ups that the cache answered, since the start."),
    ("cache.misses", Kind::Counter, "", Better::Lower, "Look-ups that went past the cache, since the start."),
    ("communication", Kind::Sample, "ms", Better::Lower, "Time from an agent's letter to the answer."),
    ("cpu.usage", Kind::Gauge, "%", Better::Unknown, "Share of all CPUs' time that is not idle."),
    ("decision", Kind::Sample, "ms", Better::Lower, "Time an agent takes to decide what to do."),
    ("load1", Kind::Gauge, "", Better::Unknown, "Runnable tasks, a mean over about one minute."),
    ("memory.available_bytes", Kind::Gauge, "B", Better::Higher, "Memory that programs can still get."),
    ("memory.used_bytes", Kind::Gauge, "B", Better::Lower, "Memory in use."),
    ("memory_retrieval", Kind::Sample, "ms", Better::Lower, "Time an agent takes to find what it knows."),
];

/// Lets the team work and records its phases `memory_retrieval`, `decision`, `action_execution` and `communication` in ms
/// with the labels `agent`, `host` and `task`, the librarian's counters `cache.hits` and `cache.misses`, and this machine.
///
/// Cancelling ends the work early; what was measured until then is kept.
///
/// # Errors
/// [`Error::Bug`] where an agent fails.
pub fn record(options: &Options<'_>, cancel: &Cancel) -> Result<Recording> {
    let until = Instant::now() + options.duration.min(DURATION_MAX);
    let mut known = rng::Rng::new(options.seed);
    let librarian = librarian::Librarian::new(&mut known);
    let courier = courier::Courier::new(&mut known);
    let [to_planner, to_scout, to_librarian, to_courier] =
        mail::mailboxes(["planner", "scout", "librarian", "courier"]);
    std::thread::scope(|scope| {
        let agents = [
            ("planner", scope.spawn(|| work(planner::Planner::default(), to_planner, options, until, cancel))),
            ("scout", scope.spawn(|| work(scout::Scout::default(), to_scout, options, until, cancel))),
            ("librarian", scope.spawn(|| work(librarian, to_librarian, options, until, cancel))),
            ("courier", scope.spawn(|| work(courier, to_courier, options, until, cancel))),
        ];
        let machine = scope.spawn(|| host::watch(options.clock, until, cancel));
        let mut gathered = Gathered::default();
        for (name, thread) in agents {
            let entries = thread.join().map_err(|_| Error::Bug(format!("the {name} of the demo panicked")))?;
            gathered.agent(name, options.host, &entries)?;
        }
        let readings = machine.join().map_err(|_| Error::Bug("the demo could not read this machine".into()))?;
        gathered.machine(options.host, &readings)?;
        Ok(gathered.sorted())
    })
}

/// Samples of all threads, not yet in order.
#[derive(Default)]
struct Gathered {
    series: SeriesSet,
    samples: Vec<(i64, u32, f64)>,
}

impl Gathered {
    fn agent(&mut self, name: &str, host: &str, entries: &[Entry]) -> Result<()> {
        for entry in entries {
            self.push(entry.metric, &[("agent", name), ("host", host), entry.label], entry.time, entry.value)?;
        }
        Ok(())
    }

    fn machine(&mut self, host: &str, readings: &[host::Reading]) -> Result<()> {
        readings.iter().try_for_each(|(metric, time, value)| self.push(metric, &[("host", host)], *time, *value))
    }

    fn push(&mut self, metric: &str, labels: &[(&str, &str)], time: i64, value: f64) -> Result<()> {
        let twice = |label| Error::Bug(format!("the demo labels `{metric}` with `{label}` twice"));
        let labels = Labels::new(labels.iter().copied()).map_err(twice)?;
        let series = self.series.id(Series { metric: metric.into(), labels });
        self.samples.push((time, series, value));
        Ok(())
    }

    fn sorted(mut self) -> Recording {
        // Stable, so that samples of one moment stay in order of arrival.
        self.samples.sort_by_key(|sample| sample.0);
        let mut columns = Columns::default();
        for (time, series, value) in self.samples {
            columns.push(series, time, value);
        }
        let recorded = |name: &str| self.series.list().iter().any(|s| &*s.metric == name);
        let metrics = METRICS.into_iter().filter(|m| recorded(m.0)).map(|(name, kind, unit, better, about)| {
            let meta = MetricMeta {
                kind: Some(kind),
                unit: unit.parse().ok(),
                better,
                description: about.to_owned(),
                guessed: false,
            };
            (name, meta)
        });
        let metrics = metrics.collect();
        Recording { series: self.series, columns, metrics }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn options(duration_ms: u64) -> Options<'static> {
        let clock = Clock::starting_at(Timestamp(1_700_000_000_000_000_000));
        Options { duration: Duration::from_millis(duration_ms), pause: Duration::ZERO, seed: 1, host: "test", clock }
    }

    #[test]
    fn a_recording_holds_all_phases_of_all_agents_in_order_of_time() {
        let recording = record(&options(600), &Cancel::new()).unwrap();
        let mut agents: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for series in recording.series.list() {
            assert_eq!(series.labels.get("host"), Some("test"));
            if let (Some(agent), Some(_)) = (series.labels.get("agent"), series.labels.get("task")) {
                agents.entry(agent).or_default().insert(&series.metric);
            }
        }
        let phases = BTreeSet::from(["action_execution", "communication", "decision", "memory_retrieval"]);
        assert_eq!(agents.keys().copied().collect::<Vec<_>>(), ["courier", "librarian", "planner", "scout"]);
        assert!(agents.values().all(|found| *found == phases), "{agents:?}");
        assert!(recording.columns.times.is_sorted());
        assert!(recording.columns.times[0] > 1_700_000_000_000_000_000);
        for (series, value) in recording.columns.series.iter().zip(&recording.columns.values) {
            let timed = recording.series.get(*series).unwrap().labels.get("task").is_some();
            assert!(value.is_finite() && (*value > 0.0 || (!timed && *value == 0.0)));
        }
    }

    #[test]
    fn the_cache_counters_only_grow() {
        let recording = record(&options(300), &Cancel::new()).unwrap();
        let mut last: BTreeMap<u32, f64> = BTreeMap::new();
        for (series, value) in recording.columns.series.iter().zip(&recording.columns.values) {
            if recording.series.get(*series).unwrap().metric.starts_with("cache.") {
                assert!(last.insert(*series, *value).is_none_or(|before| before <= *value));
            }
        }
        assert_eq!(last.len(), 2);
    }

    #[test]
    fn every_recorded_metric_is_described() {
        let recording = record(&options(300), &Cancel::new()).unwrap();
        let described: BTreeSet<&str> = recording.metrics.iter().map(|m| m.0).collect();
        let recorded: BTreeSet<&str> = recording.series.list().iter().map(|s| &*s.metric).collect();
        assert_eq!(described, recorded);
        let decision = &recording.metrics.iter().find(|m| m.0 == "decision").unwrap().1;
        assert_eq!(decision.unit.as_ref().unwrap().to_string(), "ms");
    }

    #[test]
    fn the_same_seed_gives_the_same_work() {
        use agent::Agent;
        let boards = || {
            let mut rng = rng::Rng::new(9);
            (0..50).map(|_| planner::Planner::default().draw(&mut rng)).collect::<Vec<_>>()
        };
        assert_eq!(boards(), boards());
    }

    #[test]
    fn a_cancelled_team_stops_at_once() {
        let cancel = Cancel::new();
        cancel.cancel();
        let recording = record(&options(60_000), &cancel).unwrap();
        assert!(recording.columns.is_empty());
    }
}
