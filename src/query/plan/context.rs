//! What planning looks at: the query's text, the catalog behind a small cache, and the settings.

use crate::error::{Diagnostic, Result, nearest};
use crate::model::{Cancel, Timestamp, Zone};
use crate::query::ast::Span;
use crate::query::source::{MetricInfo, SeriesInfo, Source};
use hashbrown::HashMap;
use std::cell::RefCell;
use std::sync::Arc;

/// What a query runs under. `now latest` and the like are resolved by the caller.
pub struct Settings<'a> {
    /// The moment that `since 1h` looks back from.
    pub now: Timestamp,
    /// The zone of bare dates and calendar buckets, unless the query says `in`.
    pub zone: Zone,
    /// Bytes of values that may be held at once.
    pub memory_max: u64,
    /// Rows that an answer may have.
    pub row_max: usize,
    /// Stops the query from outside.
    pub cancel: &'a Cancel,
    /// Nanoseconds since some fixed moment, for the times of `explain analyze`.
    pub elapsed: Option<&'a dyn Fn() -> u64>,
}

/// Series of one metric, shared.
pub(crate) type SeriesList = Arc<Vec<SeriesInfo>>;

/// Labels and the values that series must have.
pub(crate) type Wanted = Vec<(String, String)>;

/// What planning looks at.
pub(crate) struct Context<'a> {
    /// The text that spans point into.
    pub(crate) text: &'a str,
    /// The place where samples are.
    pub(crate) source: &'a dyn Source,
    /// Limits and the clock.
    pub(crate) settings: &'a Settings<'a>,
    /// All metrics, by name. Planning refers to them by their index here.
    pub(crate) metrics: Vec<MetricInfo>,
    /// What the catalog said, by metric and by the labels that were asked for.
    series: RefCell<HashMap<(usize, Wanted), SeriesList>>,
}

impl<'a> Context<'a> {
    /// Reads the list of metrics.
    pub(crate) fn new(text: &'a str, source: &'a dyn Source, settings: &'a Settings<'a>) -> Result<Self> {
        let mut metrics = source.metrics()?;
        metrics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { text, source, settings, metrics, series: RefCell::default() })
    }

    /// The metric called `name`.
    pub(crate) fn metric(&self, name: &str) -> Option<usize> {
        self.metrics.binary_search_by(|m| m.name.as_str().cmp(name)).ok()
    }

    /// All series of the metric at `metric`.
    pub(crate) fn series(&self, metric: usize) -> Result<SeriesList> {
        self.series_with(metric, &Vec::new())
    }

    /// The series of the metric at `metric` that have the labels `wanted`. The catalog finds few among many quickly.
    pub(crate) fn series_with(&self, metric: usize, wanted: &Wanted) -> Result<SeriesList> {
        let key = (metric, wanted.clone());
        if let Some(list) = self.series.borrow().get(&key) {
            return Ok(Arc::clone(list));
        }
        self.settings.cancel.check()?;
        let id = self.metrics[metric].id;
        let list = if wanted.is_empty() {
            self.source.series(id)?
        } else {
            let pairs: Vec<(&str, &str)> = wanted.iter().map(|(label, value)| (&**label, &**value)).collect();
            self.source.series_with(id, &pairs)?
        };
        let list = Arc::new(list);
        self.series.borrow_mut().insert(key, Arc::clone(&list));
        Ok(list)
    }

    /// A diagnostic about `span`.
    pub(crate) fn wrong(&self, span: &Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message, self.text, span.clone())
    }

    /// A diagnostic about `span` that offers the candidates nearest to `name`, or else `otherwise`.
    pub(crate) fn wrong_name<'c>(
        &self,
        span: &Span,
        message: impl Into<String>,
        name: &str,
        candidates: impl IntoIterator<Item = &'c str>,
        otherwise: &str,
    ) -> Diagnostic {
        let d = self.wrong(span, message);
        match did_you_mean(&nearest(name, candidates)) {
            Some(label) => d.label(label),
            None if otherwise.is_empty() => d,
            None => d.label(otherwise),
        }
    }

    /// Whether some series of `metrics` has the label `label`. Looks at the series that are known already before it asks for
    /// all of them.
    pub(crate) fn label_exists(&self, metrics: &[usize], label: &str) -> Result<bool> {
        let has_label = |list: &SeriesList| list.iter().any(|s| s.labels.get(label).is_some());
        if self.series.borrow().iter().any(|((m, _), list)| metrics.contains(m) && has_label(list)) {
            return Ok(true);
        }
        for metric in metrics {
            if has_label(&self.series(*metric)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// `Ok` where some series of `metrics` has the label `label`, else the diagnostic.
    pub(crate) fn check_label(&self, metrics: &[usize], label: &str, span: &Span) -> Result<()> {
        if self.label_exists(metrics, label)? {
            return Ok(());
        }
        let names = self.label_names(metrics)?;
        let (of, they) = match metrics {
            [one] => (format!("on metric `{}`", self.metrics[*one].name), "it has"),
            _ => ("on these metrics".to_owned(), "they have"),
        };
        let otherwise = if names.is_empty() { format!("{they} no labels") } else { list(they, &names) };
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        Err(self.wrong_name(span, format!("no label `{label}` {of}"), label, names, &otherwise).into())
    }

    /// The names of all labels of `metrics`, sorted.
    pub(crate) fn label_names(&self, metrics: &[usize]) -> Result<Vec<String>> {
        let mut names = hashbrown::HashSet::new();
        for metric in metrics {
            for series in self.series(*metric)?.iter() {
                for (name, _) in series.labels.iter() {
                    if !names.contains(name) {
                        names.insert(name.to_owned());
                    }
                }
            }
        }
        let mut names: Vec<String> = names.into_iter().collect();
        names.sort_unstable();
        Ok(names)
    }

    /// The distinct values of label `label` on `metrics`, sorted.
    pub(crate) fn label_values(&self, metrics: &[usize], label: &str) -> Result<Vec<String>> {
        let mut values = hashbrown::HashSet::new();
        for metric in metrics {
            for series in self.series(*metric)?.iter() {
                if let Some(value) = series.labels.get(label)
                    && !values.contains(value)
                {
                    values.insert(value.to_owned());
                }
            }
        }
        let mut values: Vec<String> = values.into_iter().collect();
        values.sort_unstable();
        Ok(values)
    }
}

/// ``did you mean `a` or `b`?``; nothing without names.
pub(crate) fn did_you_mean<T: AsRef<str>>(names: &[T]) -> Option<String> {
    let quoted: Vec<String> = names.iter().map(|n| format!("`{}`", n.as_ref())).collect();
    match quoted.as_slice() {
        [] => None,
        [one] => Some(format!("did you mean {one}?")),
        [rest @ .., last] => Some(format!("did you mean {} or {last}?", rest.join(", "))),
    }
}

/// How many names a message lists.
const LISTED_MAX: usize = 8;

/// ``it has `a`, `b`, ... (12 in all)``.
pub(crate) fn list<T: AsRef<str>>(what: &str, names: &[T]) -> String {
    let shown: Vec<String> = names.iter().take(LISTED_MAX).map(|n| format!("`{}`", n.as_ref())).collect();
    let more = if names.len() > LISTED_MAX { format!(", ... ({} in all)", names.len()) } else { String::new() };
    format!("{what} {}{more}", shown.join(", "))
}
