//! What a query reads: for each distinct selector one input, which all columns over that selector share.

use super::calls::{Bound, Reduction};
use super::condition::Chooser;
use super::context::{Context, SeriesList, Wanted};
use super::groups::Groups;
use super::select::Selected;
use crate::error::Result;
use crate::model::{Kind, Labels, Note, Unit};
use crate::query::ast::{MatchOp, Selector, Span};
use crate::query::functions::{Class, Compute, Function, ResultType, UnitRule};
use crate::query::source::{Needs, SeriesId};
use hashbrown::HashMap;

/// A series that is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InputSeries {
    /// Index of its metric in the context.
    pub(crate) metric: u32,
    /// Its number.
    pub(crate) series: SeriesId,
    /// Which of the input's lists it is in, and where.
    pub(crate) list: u32,
    pub(crate) place: u32,
    /// Index of its filter.
    pub(crate) filter: u32,
    /// Its group, once groups are made.
    pub(crate) group: u32,
}

/// One selector with all that is computed over it.
pub(crate) struct Input {
    /// The selector in canonical form.
    pub(crate) text: String,
    /// Its metrics and matchers.
    pub(crate) selected: Selected,
    lists: Vec<SeriesList>,
    /// The series that match it and `where`.
    pub(crate) series: Vec<InputSeries>,
    /// The metrics of those series.
    pub(crate) metrics: Vec<usize>,
    /// What is computed, without repetition.
    pub(crate) reductions: Vec<Reduction>,
    /// What that needs.
    pub(crate) needs: Needs,
    /// Whether a column that is shown reads it.
    pub(crate) shown: bool,
}

/// One call of the query.
pub(crate) struct InputCall {
    /// The input that it reads.
    pub(crate) input: usize,
    /// Which of the input's reductions it is.
    pub(crate) slot: usize,
    function: &'static Function,
    span: Span,
}

/// All inputs and calls of a query.
#[derive(Default)]
pub(crate) struct Inputs {
    /// The inputs.
    pub(crate) list: Vec<Input>,
    /// The calls, numbered as the drafts refer to them.
    pub(crate) calls: Vec<InputCall>,
    by_text: HashMap<String, usize>,
    /// Whether `metric` is a key, so that metrics of different units may meet in one column.
    pub(crate) by_metric: bool,
}

impl Inputs {
    /// Adds a call, and its selector where that is new. Gives the call's number.
    pub(crate) fn add(&mut self, ctx: &Context<'_>, bound: &Bound<'_>, span: &Span) -> Result<usize> {
        let Some(selector) = bound.selectors.first() else {
            return Err(crate::error::Error::Bug(format!("`{}` without a selector", bound.function.name)));
        };
        let input = self.input(ctx, selector)?;
        let entry = &mut self.list[input];
        let known = entry.reductions.iter().position(|r| *r == bound.reduction);
        let slot = known.unwrap_or_else(|| {
            entry.reductions.push(bound.reduction);
            entry.reductions.len() - 1
        });
        entry.needs = union(entry.needs, bound.function.needs);
        self.calls.push(InputCall { input, slot, function: bound.function, span: span.clone() });
        Ok(self.calls.len() - 1)
    }

    /// The input of `selector`.
    pub(crate) fn input(&mut self, ctx: &Context<'_>, selector: &Selector) -> Result<usize> {
        let text = selector_text(selector);
        if let Some(known) = self.by_text.get(&text) {
            return Ok(*known);
        }
        let selected = Selected::new(ctx, selector)?;
        let (lists, series, metrics) = (Vec::new(), Vec::new(), Vec::new());
        let (reductions, needs) = (Vec::new(), Needs::default());
        self.list.push(Input { text: text.clone(), selected, lists, series, metrics, reductions, needs, shown: false });
        self.by_text.insert(text, self.list.len() - 1);
        Ok(self.list.len() - 1)
    }

    /// Marks all inputs so far as those of columns that are shown.
    pub(crate) fn mark_shown(&mut self) {
        self.list.iter_mut().for_each(|input| input.shown = true);
    }

    /// The metrics of all selectors, by name.
    pub(crate) fn metrics(&self) -> Vec<usize> {
        let mut all: Vec<usize> = self.list.iter().flat_map(|i| i.selected.metrics.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }

    /// Asks the catalog for the series that have the labels `wanted`, so that checks of names find them without asking for all.
    pub(crate) fn look_ahead(&self, ctx: &Context<'_>, wanted: &Wanted) -> Result<()> {
        if !wanted.is_empty() {
            for input in &self.list {
                for metric in &input.selected.metrics {
                    input.selected.series(ctx, *metric, wanted)?;
                }
            }
        }
        Ok(())
    }

    /// The labels of all matched series.
    pub(crate) fn labels(&self) -> impl Iterator<Item = &Labels> {
        self.list.iter().flat_map(|i| i.series.iter().map(|s| i.labels(s)))
    }

    /// Finds the series of every input. `wanted` is what `where` asks of all of them.
    pub(crate) fn select(&mut self, ctx: &Context<'_>, chooser: &mut Chooser<'_>, wanted: &Wanted) -> Result<()> {
        for input in &mut self.list {
            for metric in &input.selected.metrics {
                let before = input.series.len();
                let list = input.selected.series(ctx, *metric, wanted)?;
                for (place, series) in list.iter().enumerate() {
                    if !input.selected.holds(series) {
                        continue;
                    }
                    if let Some(filter) = chooser.choose(ctx, *metric, series)? {
                        let (metric, list, place) = (*metric as u32, input.lists.len() as u32, place as u32);
                        input.series.push(InputSeries { metric, series: series.id, list, place, filter, group: 0 });
                    }
                }
                if input.series.len() > before {
                    input.metrics.push(*metric);
                }
                input.lists.push(list);
            }
        }
        Ok(())
    }

    /// Puts every series into its group, numbered in the order of the keys.
    pub(crate) fn group(&mut self, ctx: &Context<'_>, groups: &mut Groups) {
        for input in &mut self.list {
            for entry in &mut input.series {
                let labels = &input.lists[entry.list as usize][entry.place as usize].labels;
                entry.group = groups.group_of(&ctx.metrics[entry.metric as usize].name, labels);
            }
        }
        let sorted = groups.sort();
        for entry in self.list.iter_mut().flat_map(|i| &mut i.series) {
            entry.group = sorted[entry.group as usize];
        }
    }

    /// The unit and the type of the result of a call.
    pub(crate) fn measure(&self, ctx: &Context<'_>, call: usize) -> Result<(Option<Unit>, ResultType)> {
        let call = &self.calls[call];
        let rule = call.function.unit;
        if rule == UnitRule::Without {
            return Ok((None, call.function.result));
        }
        let unit = self.unit(ctx, call.input, &call.span)?;
        let unit = match rule {
            UnitRule::Squared => unit.and_then(|u| format!("{u}^2").parse().ok()),
            UnitRule::PerSecond => Some(unit.map_or_else(Unit::per_second_of_nothing, |u| u.per_second())),
            UnitRule::Same | UnitRule::Without => unit,
        };
        Ok((unit, call.function.result))
    }

    /// The common unit of the metrics of an input. Different ones are an error unless each metric has its own rows.
    pub(crate) fn unit(&self, ctx: &Context<'_>, input: usize, span: &Span) -> Result<Option<Unit>> {
        let metrics = &self.list[input].metrics;
        let unit_of = |m: &usize| ctx.metrics[*m].meta.unit.as_ref();
        let Some(first) = metrics.first() else { return Ok(None) };
        let Some(other) = metrics.iter().find(|m| unit_of(m) != unit_of(first)) else {
            return Ok(unit_of(first).cloned());
        };
        if self.by_metric {
            return Ok(None);
        }
        let name = |m: &usize| {
            let unit = unit_of(m).map_or("has no unit".to_owned(), |u| format!("is in {u}"));
            format!("`{}` {unit}", ctx.metrics[*m].name)
        };
        let d = ctx.wrong(span, "one column over metrics of different units");
        Err(d
            .label(format!("{}, {}", name(first), name(other)))
            .help("`by metric` gives each metric its own row")
            .into())
    }

    /// What a reader should know about the functions and the kinds of their metrics.
    pub(crate) fn notes(&self, ctx: &Context<'_>) -> Vec<Note> {
        let mut notes: Vec<Note> = Vec::new();
        for call in &self.calls {
            let of_kind = |kind: Kind| {
                let metrics = self.list[call.input].metrics.iter().map(|m| &ctx.metrics[*m]);
                metrics.clone().find(|m| m.meta.kind == Some(kind)).map(|m| m.name.clone())
            };
            let counted = call.function.class == Class::Counter && call.function.compute != Compute::Delta;
            let note = if call.function.compute == Compute::Sum {
                of_kind(Kind::Counter).map(|name| {
                    let why = "the sum adds running totals: `increase` or `rate` is what it grew by";
                    Note::new("sum_of_counter", format!("`{name}` is a counter, and {why}"))
                })
            } else if counted {
                of_kind(Kind::Gauge).map(|name| {
                    let why = format!("`{}` takes every fall for a reset: `delta` is its change", call.function.name);
                    Note::new("counter_of_gauge", format!("`{name}` is a gauge, and {why}"))
                })
            } else {
                None
            };
            notes.extend(note.filter(|n| !notes.contains(n)));
        }
        let mixed =
            |i: &Input| i.metrics.windows(2).any(|w| ctx.metrics[w[0]].meta.unit != ctx.metrics[w[1]].meta.unit);
        let with_unit = |c: &InputCall| c.function.unit != UnitRule::Without && mixed(&self.list[c.input]);
        if self.by_metric && self.calls.iter().any(with_unit) {
            notes.push(Note::new(
                "mixed_units",
                "the metrics have different units: each row is in the unit of its metric",
            ));
        }
        notes
    }
}

impl Input {
    /// The labels of one of its series.
    pub(crate) fn labels(&self, series: &InputSeries) -> &Labels {
        &self.lists[series.list as usize][series.place as usize].labels
    }
}

/// All that either of two needs.
pub(crate) fn union(a: Needs, b: Needs) -> Needs {
    Needs {
        summary: a.summary || b.summary,
        ends: a.ends || b.ends,
        moments: a.moments || b.moments,
        logs: a.logs || b.logs,
        values: a.values || b.values,
        steps: a.steps || b.steps,
        raw: a.raw || b.raw,
    }
}

/// A selector in canonical form: two that read the same have the same text.
pub(crate) fn selector_text(selector: &Selector) -> String {
    let name = &selector.metric.value;
    let plain = |c: char| c.is_ascii_alphanumeric() || "_.:/-*".contains(c);
    let bare = !selector.quoted || (name.chars().all(plain) && !name.contains('*'));
    let name = if bare { name.clone() } else { format!("{name:?}") };
    let matchers: Vec<String> = selector
        .matchers
        .iter()
        .map(|m| {
            let op = match m.op {
                MatchOp::Equal => "=",
                MatchOp::NotEqual => "!=",
                MatchOp::Regex => "=~",
                MatchOp::NotRegex => "!~",
            };
            format!("{}{op}{:?}", m.label.value, m.value.value)
        })
        .collect();
    if matchers.is_empty() { name } else { format!("{name}{{{}}}", matchers.join(", ")) }
}
