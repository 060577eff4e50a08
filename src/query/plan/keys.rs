//! `by`: what the rows are keyed by.

use super::context::Context;
use super::groups::Key;
use super::unavailable;
use crate::error::Result;
use crate::query::ast::{By, Span, Spanned};
use std::collections::BTreeSet;

/// The keys of `by` over `metrics`, each with where it stood. For `by *` those are the labels of `matched` (index of a metric and
/// place of a series), behind `metric` where there are several metrics.
pub(crate) fn keys(
    ctx: &Context<'_>,
    by: Option<&Spanned<By>>,
    metrics: &[usize],
    matched: impl Iterator<Item = (usize, usize)>,
) -> Result<Vec<(Key, Span)>> {
    let Some(by) = by else { return Ok(Vec::new()) };
    match &by.value {
        By::Series => {
            let several = (metrics.len() > 1).then_some(Key::Metric);
            let labels = labels_of(ctx, matched)?.into_iter().map(Key::Label);
            Ok(several.into_iter().chain(labels).map(|k| (k, by.span.clone())).collect())
        }
        By::Keys(names) => names
            .iter()
            .map(|name| {
                let label = &name.value;
                if label == "metric" {
                    return Ok((Key::Metric, name.span.clone()));
                }
                if !ctx.label_exists(metrics, label)? {
                    unavailable::check_attribute(ctx, label, &name.span)?;
                    ctx.check_label(metrics, label, &name.span)?;
                }
                Ok((Key::Label(label.clone()), name.span.clone()))
            })
            .collect(),
    }
}

fn labels_of(ctx: &Context<'_>, matched: impl Iterator<Item = (usize, usize)>) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for (metric, place) in matched {
        for (name, _) in ctx.series(metric)?[place].labels.iter() {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    }
    Ok(names)
}
