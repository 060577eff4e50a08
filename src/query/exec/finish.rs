//! From the state of a group and bucket to the numbers that were asked for.

use crate::query::aggregate::GroupState;
use crate::query::functions::Compute;
use crate::query::plan::calls::Reduction;
use crate::stats;

/// The part that `trimmed_mean` cuts at each end.
const TRIMMED: f64 = 0.1;

const NS_PER_SECOND: i64 = 1_000_000_000;

/// How many outputs a reduction has. Times have two, whole seconds and the ns beyond, since one f64 does not hold a time exactly.
pub(crate) fn width(reduction: &Reduction) -> usize {
    if matches!(reduction.compute, Compute::FirstTime | Compute::LastTime) { 2 } else { 1 }
}

/// The time that two outputs stand for.
pub(crate) fn time_of(seconds: f64, ns: f64) -> i64 {
    (seconds as i64).saturating_mul(NS_PER_SECOND).saturating_add(ns as i64)
}

/// The outputs of `reductions` for one group and bucket of which `seconds` lie in the range. What is not defined, or no
/// finite number, is `None`. May leave the state's values changed.
pub(crate) fn finish(reductions: &[Reduction], state: &mut GroupState, seconds: f64) -> Vec<Option<f64>> {
    let mut outputs = vec![None; reductions.iter().map(width).sum()];
    quantiles(reductions, state, &mut outputs);
    let mut at = 0;
    let mut deferred = None;
    for reduction in reductions {
        match reduction.compute {
            Compute::Quantile if !reduction.nearest => {}
            // Comes last, since it may leave deviations where the values were.
            Compute::Mad => deferred = Some(at),
            Compute::FirstTime | Compute::LastTime => {
                let point = if reduction.compute == Compute::FirstTime { state.first } else { state.last };
                outputs[at] = point.map(|p| p.time.div_euclid(NS_PER_SECOND) as f64);
                outputs[at + 1] = point.map(|p| p.time.rem_euclid(NS_PER_SECOND) as f64);
            }
            _ => outputs[at] = number(reduction, state, seconds).filter(|n| n.is_finite()),
        }
        at += width(reduction);
    }
    if let Some(at) = deferred {
        outputs[at] = stats::mad(&mut state.values).filter(|n| n.is_finite());
    }
    outputs
}

/// All quantiles by interpolation in one pass over the values.
fn quantiles(reductions: &[Reduction], state: &mut GroupState, outputs: &mut [Option<f64>]) {
    let mut wanted = Vec::new();
    let mut at = 0;
    for reduction in reductions {
        if reduction.compute == Compute::Quantile && !reduction.nearest {
            wanted.push((at, reduction.fraction));
        }
        at += width(reduction);
    }
    if wanted.is_empty() {
        return;
    }
    let fractions: Vec<f64> = wanted.iter().map(|w| w.1).collect();
    if let Some(values) = quantiles_of(state, &fractions) {
        for ((at, _), value) in wanted.iter().zip(values) {
            outputs[*at] = Some(value).filter(|v| v.is_finite());
        }
    }
}

/// The quantiles of what is known of the values: exact, or with values of rollups among them.
fn quantiles_of(state: &mut GroupState, fractions: &[f64]) -> Option<Vec<f64>> {
    if state.cells.is_empty() && state.runs.is_empty() {
        return stats::quantiles(&mut state.values, fractions);
    }
    let (min, max) = (state.min, state.max);
    let found = if state.values.is_empty() && state.runs.is_empty() {
        stats::cell_quantiles(&mut state.cells, fractions)
    } else {
        weighted(state).quantiles(fractions)
    };
    // No value lies beyond those that rollups keep exactly; of samples read beside them these may not be known.
    let within = |v: f64| if state.values.is_empty() { v.clamp(min, max) } else { v };
    found.map(|values| values.into_iter().map(within).collect())
}

/// All values, each with how often it occurs.
fn weighted(state: &GroupState) -> stats::Weighted {
    let mut all: Vec<(f64, u64)> = state.values.iter().map(|v| (*v, 1)).collect();
    all.extend(state.cells.iter().map(|c| (stats::cell_value(*c), 1)));
    all.extend(state.runs.iter().map(|(c, n)| (stats::cell_value(*c), *n)));
    stats::Weighted::new(all)
}

/// The quantile by nearest rank of what is known of the values.
fn nearest(state: &mut GroupState, fraction: f64) -> Option<f64> {
    if state.cells.is_empty() && state.runs.is_empty() {
        return stats::quantile_nearest(&mut state.values, fraction);
    }
    weighted(state).nearest(fraction)
}

fn number(reduction: &Reduction, state: &mut GroupState, seconds: f64) -> Option<f64> {
    if state.count == 0 {
        return None;
    }
    let count = state.count as f64;
    let variance = |state: &GroupState| (state.count > 1).then(|| state.squares / (count - 1.0));
    match reduction.compute {
        Compute::Count => Some(count),
        Compute::Sum => Some(state.sum.value()),
        Compute::Avg => Some(state.sum.value() / count),
        Compute::Min => Some(state.min),
        Compute::Max => Some(state.max),
        Compute::Range => Some(state.max - state.min),
        Compute::Quantile => nearest(state, reduction.fraction),
        Compute::Variance => variance(state),
        Compute::Stddev => variance(state).map(f64::sqrt),
        Compute::Cv => variance(state).map(|v| v.sqrt() / state.mean.abs()),
        Compute::Iqr => stats::iqr(&mut state.values),
        Compute::TrimmedMean => stats::trimmed_mean(&mut state.values, TRIMMED),
        Compute::First => state.first.map(|p| p.value),
        Compute::Last => state.last.map(|p| p.value),
        Compute::Geomean => (!state.not_positive).then(|| (state.logs.value() / count).exp()),
        Compute::Increase => (state.step_count > 0).then(|| state.increase.value()),
        Compute::Rate => (state.step_count > 0 && seconds > 0.0).then(|| state.increase.value() / seconds),
        Compute::Delta => Some(state.delta.value()),
        Compute::Mad
        | Compute::FirstTime
        | Compute::LastTime
        | Compute::Histogram
        | Compute::Points
        | Compute::Slowest
        | Compute::Analysis => None,
    }
}
