//! `by`: what the rows are keyed by.

use super::context::Context;
use super::groups::Key;
use super::unavailable;
use crate::error::Result;
use crate::model::Labels;
use crate::query::ast::{By, Span, Spanned};
use std::collections::BTreeSet;

/// The keys of `by` over `metrics`, each with where it stood. For `by *` those are the labels in
/// `matched`, behind `metric` where there are several metrics.
pub(crate) fn keys<'l>(
    ctx: &Context<'_>,
    by: Option<&Spanned<By>>,
    metrics: &[usize],
    matched: impl Iterator<Item = &'l Labels>,
) -> Result<Vec<(Key, Span)>> {
    let Some(by) = by else { return Ok(Vec::new()) };
    match &by.value {
        By::Series => {
            let several = (metrics.len() > 1).then_some(Key::Metric);
            let labels = label_names(matched).into_iter().map(Key::Label);
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
                    if label == "time" {
                        let d = ctx.wrong(&name.span, "`time` is no label");
                        return Err(d.label("`every` cuts time into buckets").into());
                    }
                    unavailable::check_attribute(ctx, label, &name.span)?;
                    ctx.check_label(metrics, label, &name.span)?;
                }
                Ok((Key::Label(label.clone()), name.span.clone()))
            })
            .collect(),
    }
}

fn label_names<'l>(matched: impl Iterator<Item = &'l Labels>) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for labels in matched {
        for (name, _) in labels.iter() {
            if !names.contains(name) {
                names.insert(name.to_owned());
            }
        }
    }
    names
}
