//! Aggregation: pieces to groups and buckets, on all cores.
//!
//! Pieces are cut into tasks, each of one group; tasks of one group join at the end, and the finisher turns the joined state into a row's
//! outputs. A piece is answered from its summary where that is enough; otherwise its values are decoded, straight into the group's buffer
//! where they go there whole; its times only where a bucket, the range or a condition cuts it.

use super::piece::{Piece, Reader, bucket_of};
use super::samples::{gather, retain};
use crate::error::{Error, Result};
use crate::model::Cancel;
use crate::query::aggregate::{GroupState, Point};
use crate::query::source::{AggregateRow, Finish, Needs, Scan, ValueFilter};
use crate::storage::{Head, RecordReader, Rollup, SpreadRef};
use hashbrown::HashMap;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Samples that make a task worth its own scheduling.
const TASK_COUNT_MIN: usize = 64 * 1024;

/// Aggregates `pieces`, which are ordered by group, then series, then order of arrival.
pub(super) fn aggregate(
    scan: &Scan,
    pieces: &[Piece],
    reader: &Reader<'_>,
    finish: Finish<'_>,
    cancel: &Cancel,
) -> Result<Vec<AggregateRow>> {
    let context = Context { scan, reader, cancel, held: AtomicU64::new(0) };
    let group = |piece: &Piece| scan.series[piece.index as usize].group;
    let groups: Vec<&[Piece]> = pieces.chunk_by(|a, b| group(a) == group(b)).collect();
    let rows_of = |pieces: &[Piece]| {
        let mut states = context.group(pieces)?;
        let mut rows: Vec<AggregateRow> = states
            .iter_mut()
            .filter(|(_, state)| state.count > 0)
            .map(|(bucket, state)| {
                let number = group(&pieces[0]);
                AggregateRow { group: number, bucket: *bucket, outputs: finish(number, *bucket, state) }
            })
            .collect();
        rows.sort_by_key(|r| r.bucket);
        context.release(states.iter().map(|s| s.1.held()).sum());
        Ok(rows)
    };
    // To start the threads takes longer than to go through a few samples.
    let few = pieces.iter().map(Piece::count).sum::<usize>() < TASK_COUNT_MIN;
    let rows: Vec<Vec<AggregateRow>> = if few {
        groups.into_iter().map(rows_of).collect::<Result<_>>()?
    } else {
        groups.into_par_iter().map(rows_of).collect::<Result<_>>()?
    };
    Ok(rows.into_iter().flatten().collect())
}

/// Start of each bucket and what is known of it, in no order.
type States = Vec<(i64, GroupState)>;

struct Context<'a> {
    scan: &'a Scan,
    reader: &'a Reader<'a>,
    cancel: &'a Cancel,
    /// Bytes of values held.
    held: AtomicU64,
}

impl Context<'_> {
    /// The states of one group.
    fn group(&self, pieces: &[Piece]) -> Result<States> {
        let tasks = self.cut(pieces);
        if let [task] = tasks.as_slice() {
            return self.task(task);
        }
        let parts: Vec<States> = tasks.into_par_iter().map(|task| self.task(task)).collect::<Result<_>>()?;
        let mut joined: States = Vec::new();
        let mut at: HashMap<i64, usize> = HashMap::new();
        for (bucket, state) in parts.into_iter().flatten() {
            let next = joined.len();
            let index = *at.entry(bucket).or_insert(next);
            if index == next { joined.push((bucket, state)) } else { joined[index].1.join(state) }
        }
        Ok(joined)
    }

    /// Cuts a group's pieces into tasks. Steps between neighbours need a series whole.
    fn cut<'p>(&self, pieces: &'p [Piece]) -> Vec<&'p [Piece]> {
        let mut tasks = Vec::new();
        let mut start = 0;
        let mut count = 0;
        for (i, piece) in pieces.iter().enumerate() {
            count += piece.count();
            let series_ends = pieces.get(i + 1).is_none_or(|next| next.index != piece.index);
            if count >= TASK_COUNT_MIN && (series_ends || !self.scan.needs.steps) {
                tasks.push(&pieces[start..=i]);
                (start, count) = (i + 1, 0);
            }
        }
        if start < pieces.len() {
            tasks.push(&pieces[start..]);
        }
        tasks
    }

    fn task(&self, pieces: &[Piece]) -> Result<States> {
        let mut task = Task {
            context: self,
            states: Vec::new(),
            at: HashMap::new(),
            latest: None,
            times: Vec::new(),
            values: Vec::new(),
            records: RecordReader::default(),
        };
        if self.scan.needs.steps {
            for series in pieces.chunk_by(|a, b| a.index == b.index) {
                self.cancel.check()?;
                task.whole_series(series)?;
            }
        } else {
            for piece in pieces {
                self.cancel.check()?;
                task.piece(piece)?;
            }
        }
        Ok(task.states)
    }

    /// Counts `len` more bytes of values against the limit.
    fn hold(&self, len: usize) -> Result<()> {
        if len == 0 {
            return Ok(());
        }
        let held = self.held.fetch_add(len as u64, Ordering::Relaxed) + len as u64;
        if held > self.scan.memory_max {
            return Err(Error::limit(
                format!(
                    "the query must hold more than {} of values at once, in {} groups",
                    bytes(self.scan.memory_max),
                    self.scan.group_count
                ),
                "ask for a shorter range, add `every` with a finer bucket or more `by` keys so that fewer values are held at once, or raise `--memory`",
            ));
        }
        Ok(())
    }

    fn release(&self, len: usize) {
        // Joined states may hold more than was counted. In one step, or two threads take off more than is there.
        let less = |held: u64| Some(held.saturating_sub(len as u64));
        let _ = self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// A number of bytes for people.
pub(super) fn bytes(n: u64) -> String {
    match "B".parse::<crate::model::Unit>() {
        Ok(unit) => unit.human(n as f64),
        Err(_) => format!("{n} B"),
    }
}

struct Task<'a> {
    context: &'a Context<'a>,
    states: States,
    at: HashMap<i64, usize>,
    /// The bucket of the sample before: start, first time after it, index of the state.
    latest: Option<(i64, i64, usize)>,
    times: Vec<i64>,
    values: Vec<f64>,
    records: RecordReader,
}

/// What a series has in one bucket, from its first to its last value.
struct Stretch {
    index: usize,
    first: f64,
    last: f64,
}

impl Task<'_> {
    /// The state of the bucket that holds `time`, and the first time after that bucket.
    fn bucket(&mut self, time: i64) -> (usize, i64) {
        if let Some((start, end, index)) = self.latest
            && start <= time
            && time < end
        {
            return (index, end);
        }
        let bucketing = self.context.scan.bucketing;
        let (start, end) = bucket_of(bucketing, time);
        let next = self.states.len();
        let index = *self.at.entry(start).or_insert(next);
        if index == next {
            self.states.push((start, GroupState::default()));
        }
        if bucketing.is_some() {
            self.latest = Some((start, end, index));
        }
        (index, end)
    }

    fn piece(&mut self, piece: &Piece) -> Result<()> {
        if let Some(rollup) = piece.rollup() {
            return self.rollup(piece, rollup, &mut |_| {});
        }
        let scan = self.context.scan;
        let reader = self.context.reader;
        let needs = scan.needs;
        let filter = &scan.filters[scan.series[piece.index as usize].filter as usize];
        let (min, max) = piece.min_max();
        if !filter.can_match(min, max) {
            reader.note_pruned();
            return Ok(());
        }
        let filter = if filter.must_match(min, max) { &ValueFilter::True } else { filter };
        let (first, last) = piece.extent();
        let whole = scan.range.covers(first, last) && *filter == ValueFilter::True;
        if whole {
            let (index, end) = self.bucket(first);
            if last < end {
                return self.whole_piece(piece, index);
            }
        }
        let part = reader.within(piece, scan.range)?;
        if part.is_empty() {
            return Ok(());
        }
        self.times.clear();
        self.values.clear();
        let cut = scan.bucketing.is_some() || needs.ends;
        if cut {
            reader.times(piece, part.clone(), &mut self.times)?;
        }
        let order = piece.order() + part.start as u64;
        let values_needed =
            needs.summary || needs.values || needs.moments || needs.logs || needs.ends || *filter != ValueFilter::True;
        if values_needed {
            reader.values(piece, part.clone(), &mut self.values)?;
        } else {
            // Only the count is asked for: any values do.
            self.values.resize(part.len(), 0.0);
        }
        if *filter != ValueFilter::True {
            retain(filter, cut.then_some(&mut self.times), &mut self.values);
        }
        self.spread(cut, order)
    }

    /// Takes in the buckets of a rollup that begin in the range, and shows them to `each`.
    fn rollup(&mut self, piece: &Piece, rollup: &Rollup, each: &mut dyn FnMut(&Head)) -> Result<()> {
        let needs = self.context.scan.needs;
        let mut records = std::mem::take(&mut self.records);
        let (mut held, mut cells, mut missing) = (0, 0, false);
        rollup.read(&mut records, needs.values, |head, spread| {
            if !self.context.scan.range.contains(head.start) {
                return;
            }
            each(head);
            let (index, _) = self.bucket(head.start);
            let state = &mut self.states[index].1;
            state.add_summary(head.count, head.sum, head.min, head.max);
            if needs.ends {
                let order = piece.order();
                state.offer_first(Point { time: head.first.1, order, value: head.first.0 });
                state.offer_last(Point { time: head.last.1, order, value: head.last.0 });
            }
            if needs.values {
                let before = state.held();
                match spread {
                    SpreadRef::None => missing = true,
                    SpreadRef::Exact(values) => state.values.extend_from_slice(values),
                    SpreadRef::Singles(of_values) => state.cells.extend_from_slice(of_values),
                    SpreadRef::Runs(distinct, extra) => {
                        state.runs.extend(distinct.iter().zip(extra).map(|(c, n)| (*c, n + 1)));
                    }
                }
                cells += if matches!(spread, SpreadRef::Exact(_)) { 0 } else { head.count };
                held += state.held() - before;
            }
        })?;
        self.records = records;
        self.context.reader.note_cells(cells);
        if missing {
            return Err(Error::usage_hint(
                format!(
                    "the {} rollups of a gauge or counter keep no distribution, and its samples were dropped",
                    rollup.level()
                ),
                "ask for a coarser bucket, for avg, min or max, or have it kept from now on with `perfdb retention set ... --histograms`",
            ));
        }
        self.context.hold(held)
    }

    /// A piece that falls into one bucket whole, without a condition.
    fn whole_piece(&mut self, piece: &Piece, index: usize) -> Result<()> {
        let needs = self.context.scan.needs;
        let state = &mut self.states[index].1;
        if needs.ends {
            let (first, last) = piece.ends();
            state.offer_first(first);
            state.offer_last(last);
        }
        if needs.moments || needs.logs {
            self.values.clear();
            self.context.reader.values(piece, 0..piece.count(), &mut self.values)?;
            let rest = Needs { summary: false, ends: false, steps: false, ..needs };
            // The count goes in with these values.
            let before = state.held();
            state.add(rest, None, &self.values, 0);
            self.context.hold(state.held() - before)?;
            state.add_summary(0, piece.sum(), piece.min_max().0, piece.min_max().1);
            return Ok(());
        }
        if needs.values {
            let before = state.held();
            self.context.reader.values(piece, 0..piece.count(), &mut state.values)?;
            self.context.hold(state.held() - before)?;
        } else {
            self.context.reader.note_summary();
        }
        state.add_summary(piece.count() as u64, piece.sum(), piece.min_max().0, piece.min_max().1);
        Ok(())
    }

    /// Spreads the samples in `times` (where they were needed) and `values` over their buckets.
    fn spread(&mut self, cut: bool, order: u64) -> Result<()> {
        let needs = self.context.scan.needs;
        let (times, values) = (std::mem::take(&mut self.times), std::mem::take(&mut self.values));
        let mut at = 0;
        while at < values.len() {
            let (index, end) = if cut { self.bucket(times[at]) } else { self.bucket(0) };
            let next = if cut && end != i64::MAX { at + run_len(&times[at..], end) } else { values.len() };
            let state = &mut self.states[index].1;
            let before = state.held();
            state.add(needs, cut.then(|| &times[at..next]), &values[at..next], order + at as u64);
            let grown = state.held() - before;
            self.context.hold(grown)?;
            at = next;
        }
        (self.times, self.values) = (times, values);
        Ok(())
    }

    /// A series in order of time, for the steps between neighbours.
    fn whole_series(&mut self, pieces: &[Piece]) -> Result<()> {
        let scan = self.context.scan;
        let filter = &scan.filters[scan.series[pieces[0].index as usize].filter as usize];
        // Rollups come before chunks, in order of time among themselves.
        let rollups = pieces.iter().take_while(|p| p.rollup().is_some()).count();
        let (rollups, pieces) = pieces.split_at(rollups);
        let mut heads = Vec::new();
        for piece in rollups {
            if let Some(rollup) = piece.rollup() {
                self.rollup(piece, rollup, &mut |head| heads.push(*head))?;
            }
        }
        let (times, values) = gather(self.context.reader, pieces, scan.range, filter)?;
        let order = pieces.first().map_or(0, Piece::order);
        let mut heads = heads.into_iter().peekable();
        let mut at = 0;
        let mut before: Option<f64> = None;
        let mut open: Option<Stretch> = None;
        while at < values.len() || heads.peek().is_some() {
            if let Some(head) = heads.next_if(|head| at == values.len() || head.first.1 <= times[at]) {
                self.step_of_rollup(&head, &mut before);
                let (index, _) = self.bucket(head.start);
                self.stretch(&mut open, index, head.first.0, head.last.0);
                continue;
            }
            let (index, end) = self.bucket(times[at]);
            let next_head = heads.peek().map_or(i64::MAX, |head| head.first.1);
            let end = end.min(next_head);
            let next = if end == i64::MAX { values.len() } else { at + run_len(&times[at..], end) };
            let state = &mut self.states[index].1;
            let held = state.held();
            state.add(scan.needs, Some(&times[at..next]), &values[at..next], order);
            for value in &values[at..next] {
                if let Some(before) = before {
                    state.add_step(before, *value);
                }
                before = Some(*value);
            }
            let grown = state.held() - held;
            self.context.hold(grown)?;
            self.stretch(&mut open, index, values[at], values[next - 1]);
            at = next;
        }
        if let Some(last) = open {
            self.states[last.index].1.add_delta(last.first, last.last);
        }
        Ok(())
    }

    /// Goes on with a series' stretch in a bucket, or ends it where the next bucket begins.
    fn stretch(&mut self, open: &mut Option<Stretch>, index: usize, first: f64, last: f64) {
        match open {
            Some(open) if open.index == index => open.last = last,
            _ => {
                if let Some(done) = open.replace(Stretch { index, first, last }) {
                    self.states[done.index].1.add_delta(done.first, done.last);
                }
            }
        }
    }

    /// The steps within a bucket of a rollup, and the one that leads to it.
    fn step_of_rollup(&mut self, head: &Head, before: &mut Option<f64>) {
        let (index, _) = self.bucket(head.start);
        let state = &mut self.states[index].1;
        if let Some(before) = *before {
            state.add_step(before, head.first.0);
        }
        // Without a count of its own, a fall within the bucket cannot be told from its ends.
        state.increase.add(head.increase.unwrap_or((head.last.0 - head.first.0).max(0.0)));
        state.step_count += head.count - 1;
        *before = Some(head.last.0);
    }
}

/// How many of the ascending `times` lie before `end`; at least one, the first. Looks near the front first: runs are often short.
fn run_len(times: &[i64], end: i64) -> usize {
    let mut step = 1;
    let mut low = 0;
    while low + step < times.len() && times[low + step] < end {
        low += step;
        step *= 2;
    }
    let high = (low + step).min(times.len());
    low + times[low..high].partition_point(|t| *t < end)
}
