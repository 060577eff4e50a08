//! From the inputs of a plan to as few scans as do the work: inputs that need the same and read different metrics share one.

use super::Plan;
use super::context::Context;
use super::inputs::Input;
use super::points::{LabelSet, PointColumns};
use crate::query::source::{Needs, Rollups, Scan, ScanSeries, ValueFilter};
use hashbrown::{HashMap, HashSet};

/// One scan and what its groups stand for.
pub(crate) struct Batch {
    /// The scan.
    pub(crate) scan: Scan,
    /// For each group of the scan, the input and the group of the plan.
    pub(crate) groups: Vec<(u32, u32)>,
}

/// The scans of `plan`. Groups of a scan are ordered by input, then by group of the plan. `metric_ids` gives the catalog's
/// number of a metric.
pub(crate) fn batches(plan: &Plan, memory_max: u64, metric_ids: impl Fn(u32) -> u32) -> Vec<Batch> {
    let filters: Vec<_> = plan.filters.iter().map(super::residual::RowFilter::value_filter).collect();
    let mut shared: Vec<(Vec<usize>, HashSet<usize>)> = Vec::new();
    for (i, input) in plan.inputs.list.iter().enumerate() {
        if input.series.is_empty() {
            continue;
        }
        let fits = |(inputs, metrics): &(Vec<usize>, HashSet<usize>)| {
            let same_needs = inputs.first().is_some_and(|f| plan.inputs.list[*f].needs == input.needs);
            same_needs && input.metrics.iter().all(|m| !metrics.contains(m))
        };
        let at = shared.iter().position(fits).unwrap_or_else(|| {
            shared.push((Vec::new(), HashSet::new()));
            shared.len() - 1
        });
        shared[at].0.push(i);
        shared[at].1.extend(&input.metrics);
    }
    let to_batch = |inputs: Vec<usize>| {
        let mut groups = Vec::new();
        let mut series = Vec::new();
        for i in &inputs {
            add_input(&plan.inputs.list[*i], *i as u32, &mut groups, &mut series, &metric_ids);
        }
        let scan = Scan {
            series,
            group_count: groups.len() as u32,
            range: plan.window.range,
            bucketing: plan.window.bucketing,
            filters: filters.clone(),
            needs: inputs.first().map_or_else(Default::default, |i| plan.inputs.list[*i].needs),
            memory_max,
            rollups: plan.rollups,
        };
        Batch { scan, groups }
    };
    shared.into_iter().map(|(inputs, _)| to_batch(inputs)).collect()
}

fn add_input(
    input: &Input,
    number: u32,
    groups: &mut Vec<(u32, u32)>,
    series: &mut Vec<ScanSeries>,
    metric_ids: impl Fn(u32) -> u32,
) {
    let mut present: Vec<u32> = input.series.iter().map(|s| s.group).collect();
    present.sort_unstable();
    present.dedup();
    let first = groups.len() as u32;
    let place: HashMap<u32, u32> = present.iter().enumerate().map(|(i, g)| (*g, first + i as u32)).collect();
    groups.extend(present.iter().map(|g| (number, *g)));
    series.extend(input.series.iter().map(|s| ScanSeries {
        metric: metric_ids(s.metric),
        series: s.series,
        group: place[&s.group],
        filter: s.filter,
    }));
}

/// The scan of all samples that `points` may look at, for an estimate.
pub(crate) fn points_scan(ctx: &Context<'_>, plan: &Plan, columns: &PointColumns, sets: &[LabelSet]) -> Scan {
    let series = sets.iter().flat_map(|set| {
        let of_columns = set.series.iter().zip(&columns.metrics);
        of_columns.filter_map(|(series, metric)| {
            Some(ScanSeries { metric: ctx.metrics[*metric].id, series: (*series)?, group: 0, filter: 0 })
        })
    });
    Scan {
        series: series.collect(),
        group_count: 1,
        range: plan.window.range,
        bucketing: None,
        filters: vec![ValueFilter::True],
        needs: Needs::default(),
        memory_max: ctx.settings.memory_max,
        rollups: Rollups::Never,
    }
}
