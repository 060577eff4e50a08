//! What every agent does with a piece of work, and how long each phase of it takes.

use super::mail::Mailbox;
use super::rng::Rng;
use super::{Clock, Options};
use crate::model::Cancel;
use std::time::{Duration, Instant};

/// One of the team. The work is drawn from a seed; what it costs is measured.
pub(super) trait Agent {
    /// A piece of work.
    type Item;
    /// What memory has to say about an item.
    type Memory;
    /// What to do about an item.
    type Plan;

    /// The value of the label `agent`.
    const NAME: &'static str;

    /// The next piece of work, and the value of its label `task`.
    fn draw(&mut self, rng: &mut Rng) -> (Self::Item, &'static str);

    /// Phase `memory_retrieval`: what is known that may help.
    fn remember(&mut self, item: &Self::Item) -> Self::Memory;

    /// Phase `decision`: what to do.
    fn decide(&mut self, item: &Self::Item, memory: Self::Memory) -> Self::Plan;

    /// Phase `action_execution`: does it, and learns. Gives the peer to tell, and what.
    fn act(&mut self, item: Self::Item, plan: Self::Plan) -> (&'static str, String);

    /// What it answers to a peer's letter; the time goes to the peer's `communication`.
    fn answer(&mut self, letter: &str) -> String;

    /// Hits and misses of its cache so far, where it has one.
    fn hits_and_misses(&self) -> Option<(u64, u64)> {
        None
    }
}

/// A measured value on its way into a recording.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) metric: &'static str,
    /// A label beside `agent` and `host`.
    pub(super) label: (&'static str, &'static str),
    /// When the phase ended, in ns since the Unix epoch.
    pub(super) time: i64,
    pub(super) value: f64,
}

/// Works through items until `until`; gives what was measured, in order of time.
pub(super) fn work<A: Agent>(
    mut agent: A,
    mut mail: Mailbox,
    options: &Options<'_>,
    until: Instant,
    cancel: &Cancel,
) -> Vec<Entry> {
    let seed = A::NAME.bytes().fold(options.seed, |seed, b| seed.wrapping_mul(31).wrapping_add(b.into()));
    let (mut items, mut pauses) = (Rng::new(seed), Rng::new(!seed));
    let mut watch = Watch { clock: options.clock, entries: Vec::new() };
    let stop = || cancel.is_cancelled();
    let over = || cancel.is_cancelled() || Instant::now() >= until;
    while !over() {
        let (item, task) = agent.draw(&mut items);
        let memory = watch.time("memory_retrieval", task, || agent.remember(&item));
        mail.serve(Duration::ZERO, &mut |letter| agent.answer(letter), &stop);
        let plan = watch.time("decision", task, || agent.decide(&item, memory));
        mail.serve(Duration::ZERO, &mut |letter| agent.answer(letter), &stop);
        let (to, news) = watch.time("action_execution", task, || agent.act(item, plan));
        watch.time_some("communication", task, || mail.ask(to, news, &mut |letter| agent.answer(letter), &stop));
        if let Some((hits, misses)) = agent.hits_and_misses() {
            watch.count("cache.hits", hits);
            watch.count("cache.misses", misses);
        }
        mail.serve(pause(&mut pauses, options.pause), &mut |letter| agent.answer(letter), &over);
    }
    mail.close(&mut |letter| agent.answer(letter));
    watch.entries
}

/// Between half and one and a half of `mean`.
fn pause(rng: &mut Rng, mean: Duration) -> Duration {
    mean.mul_f64(0.5 + rng.below(1 << 20) as f64 / f64::from(1 << 20))
}

struct Watch {
    clock: Clock,
    entries: Vec<Entry>,
}

impl Watch {
    fn time<T>(&mut self, phase: &'static str, task: &'static str, work: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let done = work();
        self.note(phase, task, begun.elapsed());
        done
    }

    /// Like `time`, but what came to nothing is no measurement.
    fn time_some<T>(&mut self, phase: &'static str, task: &'static str, work: impl FnOnce() -> Option<T>) {
        let begun = Instant::now();
        if work().is_some() {
            self.note(phase, task, begun.elapsed());
        }
    }

    fn note(&mut self, phase: &'static str, task: &'static str, took: Duration) {
        let value = took.as_nanos() as f64 / 1e6;
        self.entries.push(Entry { metric: phase, label: ("task", task), time: self.clock.now(), value });
    }

    fn count(&mut self, metric: &'static str, value: u64) {
        let time = self.clock.now();
        self.entries.push(Entry { metric, label: ("cache", "answers"), time, value: value as f64 });
    }
}
