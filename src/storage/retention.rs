//! How long samples and rollups are kept, and dropping what is older.
//!
//! What stays true: a day is dropped whole, and only after its rollups are there, fresh; where a rollup would not save three quarters of the
//! samples' bytes, the samples stay as long as the rollup would have. The limit is counted back from the earlier of now and the newest
//! sample, so that a clock that jumps forward deletes nothing.

use super::chunk;
use super::ingests::forget_empty_series;
use super::records;
use super::rollup::Level;
use super::rollup::days::{self, Day, Kept, Touched};
use super::rollup::roll::remove_level;
use super::schema::{CHUNKS, ChunkKey, DAY_NS, DAYS, POLICIES, ROLLUPS, day_key, day_of};
use super::snapshot::Snapshot;
use super::store::Store;
use crate::error::{Error, Result};
use crate::model::{Cancel, Progress, TimeRange, Timestamp, matches};
use redb::ReadableTable;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How long the metrics that match a pattern are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A name, or a pattern with `*`.
    pub pattern: String,
    /// How long samples are kept, ns; `None` for ever.
    pub raw: Option<i64>,
    /// The rollups that are made, and how long each is kept, ns; `None` for ever.
    pub rollups: Vec<(Level, Option<i64>)>,
    /// Whether gauges keep the distribution in buckets of a minute too.
    pub histograms: bool,
}

impl Policy {
    /// Whether rollups of `level` are made.
    pub fn keeps(&self, level: Level) -> bool {
        self.rollups.iter().any(|r| r.0 == level)
    }
}

/// The policies of a store.
pub(super) struct Policies(pub(super) Vec<Policy>);

impl Policies {
    /// The one that counts for a metric: its own name before patterns, and of patterns the one that says more of the name.
    pub(super) fn of(&self, name: &str) -> Option<&Policy> {
        let literal = |p: &&Policy| p.pattern.bytes().filter(|b| *b != b'*').count();
        let is_name = |p: &&Policy| p.pattern == name;
        self.0.iter().filter(|p| matches(&p.pattern, name)).max_by_key(|p| (is_name(p), literal(p), p.pattern.clone()))
    }
}

/// All policies, by pattern.
pub(super) fn policies(table: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Vec<Policy>> {
    let mut all = Vec::new();
    for entry in table.iter()? {
        let (pattern, bytes) = entry?;
        all.push(records::from_bytes("a retention policy", pattern.value().as_bytes(), bytes.value())?);
    }
    Ok(all)
}

/// How [`Store::apply_retention`] goes about it.
#[derive(Debug, Clone, Copy, Default)]
pub struct ApplyOptions {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Go on although the newest sample and the clock are more than a day apart.
    pub yes: bool,
}

/// What retention did, or would do, to one metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// The metric.
    pub metric: String,
    /// What happens to what.
    pub action: &'static str,
    /// What of it: `samples`, `1m`, `1h` or `1d`.
    pub what: &'static str,
    /// Days concerned.
    pub days: u64,
    /// The first and the last of them, as start of the day, ns.
    pub span: (i64, i64),
    /// Samples dropped.
    pub samples: u64,
    /// Bytes of columns or rollups that go.
    pub bytes: u64,
}

impl Store {
    /// Sets how long the metrics that match a pattern are kept, instead of what was set for the same pattern before. Days whose rollups that
    /// concerns become stale.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write.
    pub fn set_policy(&self, policy: &Policy) -> Result<()> {
        let txn = self.begin_write()?;
        let bytes = records::to_bytes(policy.pattern.as_bytes(), policy)?;
        txn.open_table(POLICIES)?.insert(policy.pattern.as_str(), bytes.as_slice())?;
        self.mark_all(&txn, &policy.pattern)?;
        self.commit(txn)?;
        Ok(())
    }

    /// Removes the policy of `pattern`; says whether there was one. Rollups that stand for dropped samples stay.
    ///
    /// # Errors
    /// A busy or damaged store, a failed write.
    pub fn remove_policy(&self, pattern: &str) -> Result<bool> {
        let txn = self.begin_write()?;
        let there = txn.open_table(POLICIES)?.remove(pattern)?.is_some();
        if there {
            self.mark_all(&txn, pattern)?;
            forget_rollups(&txn, &self.snapshot()?)?;
        }
        self.commit(txn)?;
        Ok(there)
    }

    /// Marks all days of the metrics that match `pattern`.
    pub(super) fn mark_all(&self, txn: &redb::WriteTransaction, pattern: &str) -> Result<()> {
        let snapshot = self.snapshot()?;
        let mut touched = Touched::new();
        for (metric, name, _) in snapshot.metrics()? {
            if matches(pattern, &name) {
                for day in days_with_samples(txn, metric)? {
                    days::touch(&mut touched, metric, day, i64::MIN);
                }
            }
        }
        days::mark(txn, &touched)
    }

    /// Drops what is older than its policy keeps, at `now` (ns). Rolls up first what is stale.
    ///
    /// # Errors
    /// [`Error::Usage`] where the newest sample and `now` are more than a day apart and `yes` was not said; a busy or damaged store, a failed
    /// write, cancellation: days already dropped stay so.
    pub fn apply_retention(
        &self,
        now: i64,
        options: ApplyOptions,
        progress: &dyn Progress,
        cancel: &Cancel,
    ) -> Result<Vec<Applied>> {
        if !options.dry_run {
            self.roll(progress, cancel)?;
        }
        let snapshot = self.snapshot()?;
        let policies = Policies(snapshot.policies()?);
        let Some(newest) = snapshot.newest()? else { return Ok(Vec::new()) };
        let limit = Limit { from: now.min(newest) };
        let mut applied = Vec::new();
        let mut plans = Vec::new();
        for (metric, name, _) in snapshot.metrics()? {
            if let Some(policy) = policies.of(&name) {
                plans.push((name.clone(), plan(&snapshot, metric, policy, limit, options.dry_run)?));
            }
        }
        drop(snapshot);
        if plans.iter().any(|p| p.1.deletes())
            && now.abs_diff(newest) > DAY_NS as u64
            && !options.yes
            && !options.dry_run
        {
            let time = |t: i64| Timestamp(t).rfc3339();
            return Err(Error::usage_hint(
                format!(
                    "the newest sample is of {}, and the clock says {}: one of them may be wrong",
                    time(newest),
                    time(now)
                ),
                format!(
                    "retention would count back from {}; `--dry-run` shows what it would drop, `--yes` goes on",
                    time(limit.from)
                ),
            ));
        }
        let mut emptied = BTreeSet::new();
        for (name, plan) in plans {
            cancel.check()?;
            if !options.dry_run {
                self.carry_out(&plan, &mut emptied)?;
            }
            applied.extend(plan.report(&name));
        }
        if !emptied.is_empty() {
            let txn = self.begin_write()?;
            forget_empty_series(&txn, emptied)?;
            self.commit(txn)?;
        }
        Ok(applied)
    }

    /// Drops what `plan` says, a day a transaction.
    fn carry_out(&self, plan: &Plan, emptied: &mut BTreeSet<(u32, u32)>) -> Result<()> {
        for step in &plan.steps {
            if step.is_nothing() {
                continue;
            }
            let txn = self.begin_write()?;
            let key = day_key(plan.metric, step.day);
            let before = days::get(&txn.open_table(DAYS)?, plan.metric, step.day)?;
            // Samples came meanwhile: the next time is early enough.
            if before.map(|d| d.marks) != step.marks {
                continue;
            }
            let mut day = before.unwrap_or_default();
            if step.drop_raw {
                let removed = chunk::remove_keys(&txn, plan.metric, step.day, &step.chunks)?;
                emptied.extend(removed.series);
                day.dropped = true;
            }
            for level in &step.drop_levels {
                remove_level(&mut txn.open_table(ROLLUPS)?, plan.metric, step.day, *level)?;
                day.kept[usize::from(level.number())] = Kept::No;
                day.rolled_len[usize::from(level.number())] = 0;
            }
            let mut table = txn.open_table(DAYS)?;
            if day.dropped && Level::ALL.iter().all(|l| !day.has(*l)) {
                table.remove(&key)?;
            } else {
                table.insert(&key, day.to_bytes(key).as_slice())?;
            }
            drop(table);
            self.commit(txn)?;
        }
        Ok(())
    }
}

/// The moment that ages are counted from.
#[derive(Clone, Copy)]
struct Limit {
    from: i64,
}

impl Limit {
    /// Whether all of `day` is older than `keep`.
    fn is_over(self, day: i32, keep: Option<i64>) -> bool {
        let end = (i64::from(day) + 1).saturating_mul(DAY_NS);
        keep.is_some_and(|keep| end <= self.from.saturating_sub(keep))
    }
}

/// What is to be done to one metric.
struct Plan {
    metric: u32,
    steps: Vec<Step>,
}

/// What is to be done to one day of a metric.
struct Step {
    day: i32,
    marks: Option<u32>,
    drop_raw: bool,
    /// The samples stay because rollups would not be much smaller.
    stays: bool,
    drop_levels: Vec<Level>,
    chunks: Vec<ChunkKey>,
    samples: u64,
    raw_len: u64,
    rolled_len: [u64; 3],
}

impl Step {
    fn is_nothing(&self) -> bool {
        !self.drop_raw && self.drop_levels.is_empty()
    }
}

fn plan(snapshot: &Snapshot, metric: u32, policy: &Policy, limit: Limit, dry_run: bool) -> Result<Plan> {
    let mut steps = Vec::new();
    let known: std::collections::BTreeMap<i32, Day> = snapshot.days(metric)?.into_iter().collect();
    let mut all: BTreeSet<i32> = known.keys().copied().collect();
    all.extend(snapshot.days_with_chunks(metric)?);
    for day in all {
        if !limit.is_over(day, policy.raw) && !policy.rollups.iter().any(|r| limit.is_over(day, r.1)) {
            continue;
        }
        let state = known.get(&day).copied();
        steps.push(step(snapshot, metric, policy, limit, day, state, dry_run)?);
    }
    Ok(Plan { metric, steps })
}

fn step(
    snapshot: &Snapshot,
    metric: u32,
    policy: &Policy,
    limit: Limit,
    day: i32,
    state: Option<Day>,
    dry_run: bool,
) -> Result<Step> {
    let known = state.unwrap_or_default();
    let start = i64::from(day).saturating_mul(DAY_NS);
    let range = TimeRange { start, end: start.saturating_add(DAY_NS) };
    let chunks = snapshot.chunks(metric, range, |_| true, None)?;
    let raw_over = limit.is_over(day, policy.raw) && !chunks.is_empty();
    // A rollup that is still wanted and is not there keeps the samples.
    let missing = |(level, keep): &(Level, Option<i64>)| !limit.is_over(day, *keep) && !known.has(*level);
    let stays = raw_over && !known.dropped && policy.rollups.iter().any(missing);
    let drop_raw = raw_over && (!stays || dry_run && known.is_stale()) && (dry_run || !known.is_stale());
    let over = |(level, keep): &(Level, Option<i64>)| limit.is_over(day, *keep) && known.has(*level);
    let drop_levels = policy.rollups.iter().filter(|r| over(r)).map(|r| r.0).collect();
    Ok(Step {
        day,
        marks: state.map(|d| d.marks),
        drop_raw,
        stays: stays && !drop_raw,
        drop_levels,
        samples: chunks.iter().map(|c| c.count() as u64).sum(),
        raw_len: chunks.iter().map(super::snapshot::Chunk::len).sum(),
        chunks: chunks.iter().map(super::snapshot::Chunk::key).collect(),
        rolled_len: known.rolled_len,
    })
}

impl Plan {
    fn deletes(&self) -> bool {
        self.steps.iter().any(|s| !s.is_nothing())
    }

    /// One line for each kind of thing that happens.
    fn report(&self, name: &str) -> Vec<Applied> {
        let line = |action, what, steps: Vec<&Step>, samples: u64, bytes: u64| {
            let start = |s: &&Step| i64::from(s.day).saturating_mul(DAY_NS);
            let span = (steps.first().map_or(0, start), steps.last().map_or(0, start));
            let metric = name.to_owned();
            (!steps.is_empty()).then_some(Applied {
                metric,
                action,
                what,
                days: steps.len() as u64,
                span,
                samples,
                bytes,
            })
        };
        let of = |which: &dyn Fn(&Step) -> bool| self.steps.iter().filter(|s| which(s)).collect::<Vec<_>>();
        let mut lines = Vec::new();
        let raw = of(&|s| s.drop_raw);
        let (samples, len) = (raw.iter().map(|s| s.samples).sum(), raw.iter().map(|s| s.raw_len).sum());
        lines.extend(line("drop", "samples", raw, samples, len));
        let kept = of(&|s| s.stays);
        lines.extend(line("keep: rollups would not save three quarters", "samples", kept, 0, 0));
        for level in Level::ALL {
            let steps = of(&|s| s.drop_levels.contains(&level));
            let len = steps.iter().map(|s| s.rolled_len[usize::from(level.number())]).sum();
            lines.extend(line("drop", level.name(), steps, 0, len));
        }
        lines
    }
}

/// The days of a metric that have chunks, those of incomplete ingests too.
fn days_with_samples(txn: &redb::WriteTransaction, metric: u32) -> Result<Vec<i32>> {
    let table = txn.open_table(CHUNKS)?;
    let mut found = Vec::new();
    let mut from = i32::MIN;
    loop {
        let (first, last) = (ChunkKey::first(metric, from, 0), ChunkKey::last(metric, i32::MAX, u32::MAX));
        let Some(entry) = table.range::<&[u8; ChunkKey::LEN]>(&first.to_bytes()..=&last.to_bytes())?.next() else {
            return Ok(found);
        };
        let day = ChunkKey::from_bytes(entry?.0.value()).day;
        found.push(day);
        let Some(next) = day.checked_add(1) else { return Ok(found) };
        from = next;
    }
}

/// Removes the rollups of metrics that have no policy any more, where their samples are there.
fn forget_rollups(txn: &redb::WriteTransaction, snapshot: &Snapshot) -> Result<()> {
    let policies = Policies(policies(&txn.open_table(POLICIES)?)?);
    for (metric, name, _) in snapshot.metrics()? {
        if policies.of(&name).is_some() {
            continue;
        }
        for (day, state) in snapshot.days(metric)? {
            if state.dropped {
                continue;
            }
            for level in Level::ALL {
                remove_level(&mut txn.open_table(ROLLUPS)?, metric, day, level)?;
            }
            txn.open_table(DAYS)?.remove(&day_key(metric, day))?;
        }
    }
    Ok(())
}

impl Snapshot {
    /// Time of the newest sample of all, ns.
    pub(crate) fn newest(&self) -> Result<Option<i64>> {
        let mut newest = None;
        for (metric, _, _) in self.metrics()? {
            newest = newest.max(self.extent(metric)?.map(|e| e.1));
        }
        Ok(newest)
    }

    /// The days of `metric` that have chunks.
    fn days_with_chunks(&self, metric: u32) -> Result<Vec<i32>> {
        let mut found = Vec::new();
        let mut from = day_of(i64::MIN);
        while let Some(day) = self.day_from(metric, from)? {
            found.push(day);
            from = day + 1;
        }
        Ok(found)
    }
}
