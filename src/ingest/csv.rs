//! CSV with a header: rows into samples, as the plan says.

use super::block::{Fault, Parse, Parsed, clipped, too_long, utf8_no_nul};
use super::csv_plan::{MetricFrom, Plan};
use super::csv_record::{Row, row_len, without_end};
use super::number::{TimeFault, number};
use super::series::{Budget, Cache, Registry};
use super::{LINE_LEN_MAX, csv_plan::TimeForm};
use std::sync::{Arc, OnceLock};

/// Stands for a series that no value was seen of yet.
const NONE: u32 = u32::MAX;

/// Ends a cell in a cache key. Valid UTF-8 never holds it, so different cells never make the same key.
const CELL_END: u8 = 0xFF;

/// Reads rows.
pub(super) struct Csv {
    plan: Arc<OnceLock<Plan>>,
    registry: Arc<Registry>,
    row: Row,
    /// The contents of the row's key cells.
    key: Vec<u8>,
    cache: Cache<()>,
    /// For each cached key the series of the value columns.
    series: Vec<u32>,
}

impl Csv {
    pub(super) fn new(plan: Arc<OnceLock<Plan>>, registry: Arc<Registry>) -> Self {
        Self { plan, registry, row: Row::default(), key: Vec::new(), cache: Cache::new(), series: Vec::new() }
    }
}

impl Parse for Csv {
    fn parse(&mut self, bytes: &[u8], out: &mut Parsed) {
        let plan = Arc::clone(&self.plan);
        // The reader sends no block before it has made the plan.
        let Some(plan) = plan.get() else { return };
        let has_quotes = memchr::memchr(b'"', bytes).is_some();
        let mut rest = bytes;
        while !rest.is_empty() {
            let len = if has_quotes {
                row_len(rest, plan.delimiter).0
            } else {
                memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)
            };
            let (whole, next) = rest.split_at(len);
            rest = next;
            let lines_before = out.lines;
            out.lines += if has_quotes { (memchr::memchr_iter(b'\n', whole).count() as u64).max(1) } else { 1 };
            let text = without_end(whole);
            if text.is_empty() {
                continue;
            }
            if out.attempt(lines_before, text, |out| self.row(plan, text, out)).is_break() {
                return;
            }
        }
    }
}

impl Csv {
    fn row(&mut self, plan: &Plan, text: &[u8], out: &mut Parsed) -> Result<(), Fault> {
        if text.len() > LINE_LEN_MAX {
            return Err(too_long());
        }
        self.row.split(text, plan.delimiter)?;
        self.check_count(plan, text)?;
        if plan.has_ignored {
            utf8_no_nul(text, 0)?;
        }
        let time = self.time(plan, text)?;
        self.key.clear();
        for &column in &plan.keys {
            self.key.extend_from_slice(self.row.content(text, column));
            self.key.push(CELL_END);
        }
        let at = match self.cache.find(&self.key) {
            Some(at) => at,
            None => self.miss(plan, text)?,
        };
        let from = at * plan.values.len();
        let mut budget = Budget::new();
        let before = out.columns.count();
        for (i, (column, metric)) in plan.values.iter().enumerate() {
            let content = self.row.content(text, *column).trim_ascii();
            if content.is_empty() {
                continue;
            }
            let number = number(content).ok_or_else(|| self.no_number(plan, *column, content))?;
            if !number.value.is_finite() {
                return Err(Fault::new(
                    format!("a number too large for column `{}`", plan.names[*column]),
                    self.row.cells[*column].span.clone(),
                ));
            }
            out.counts.rounded += u64::from(number.rounded);
            if self.series[from + i] == NONE {
                self.series[from + i] = self.register(plan, text, metric, &mut budget)?;
            }
            out.columns.push(self.series[from + i], time, number.value);
        }
        if out.columns.count() > before {
            out.saw_time(time);
        }
        Ok(())
    }

    fn check_count(&self, plan: &Plan, text: &[u8]) -> Result<(), Fault> {
        let (count, expected) = (self.row.cells.len(), plan.names.len());
        if count == expected {
            return Ok(());
        }
        let span = match self.row.cells.get(expected) {
            Some(extra) => extra.span.start..text.len(),
            None => text.len()..text.len(),
        };
        let label = if count > expected { "too many" } else { "too few" };
        Err(Fault::new(format!("this row has {count} cells and the header has {expected}"), span).label(label))
    }

    #[inline]
    fn time(&self, plan: &Plan, text: &[u8]) -> Result<i64, Fault> {
        let content = self.row.content(text, plan.time).trim_ascii();
        plan.time_form.read(content).map_err(|fault| self.no_time(plan, content, fault))
    }

    #[cold]
    fn no_time(&self, plan: &Plan, content: &[u8], fault: TimeFault) -> Fault {
        let span = self.row.cells[plan.time].span.clone();
        let (shown, name) = (clipped(content), &plan.names[plan.time]);
        match (fault, plan.time_form) {
            _ if content.is_empty() => Fault::new(format!("no time in column `{name}`"), span),
            (TimeFault::OutOfRange, _) => {
                Fault::new(format!("the time `{shown}` lies outside the years 1677 to 2262"), span)
                    .help("is the unit wrong? name another time column with `--time`, or another unit")
            }
            (TimeFault::NotATime, TimeForm::Text) => Fault::new(format!("`{shown}` is no time"), span)
                .label("expected RFC 3339, such as 2026-11-20T12:00:00Z"),
            (TimeFault::NotATime, TimeForm::Number(unit)) => Fault::new(format!("`{shown}` is no time"), span)
                .label(format!("expected {} since 1970, as in the first row", unit.noun())),
        }
    }

    #[cold]
    fn no_number(&self, plan: &Plan, column: usize, content: &[u8]) -> Fault {
        let (shown, name) = (clipped(content), &plan.names[column]);
        let fault = Fault::new(
            format!("`{shown}` in column `{name}` is no finite number"),
            self.row.cells[column].span.clone(),
        );
        match &plan.values[..] {
            [(_, MetricFrom::Key(_))] => fault.help("an empty cell stands for a missing value"),
            _ => fault.help(format!(
                "an empty cell stands for a missing value; if `{name}` is a label, name the labels with `--labels`"
            )),
        }
    }

    /// Checks the row's key cells and makes room for its series.
    #[cold]
    fn miss(&mut self, plan: &Plan, text: &[u8]) -> Result<usize, Fault> {
        for &column in &plan.keys {
            utf8_no_nul(self.row.content(text, column), self.row.cells[column].span.start)?;
        }
        let at = self.cache.insert(&self.key, ());
        if at == 0 {
            self.series.clear();
        }
        self.cache.grown(plan.values.len() * size_of::<u32>());
        self.series.resize((at + 1) * plan.values.len(), NONE);
        Ok(at)
    }

    /// The number of the row's series of `metric`.
    #[cold]
    fn register(&self, plan: &Plan, text: &[u8], metric: &MetricFrom, budget: &mut Budget) -> Result<u32, Fault> {
        let content = |column: usize| utf8_no_nul(self.row.content(text, column), self.row.cells[column].span.start);
        let metric_column = match metric {
            MetricFrom::Key(key) => Some(plan.keys[*key]),
            MetricFrom::Name(_) => None,
        };
        let mut pairs = Vec::new();
        for &column in plan.keys.iter().filter(|c| Some(**c) != metric_column) {
            pairs.push((plan.names[column].as_str(), content(column)?));
        }
        let whole = |message| Fault::new(message, 0..text.len());
        let labels = self.registry.labels(pairs).map_err(whole)?;
        match (metric, metric_column) {
            (MetricFrom::Name(name), _) => self.registry.id(name, &labels, budget).map_err(whole),
            (MetricFrom::Key(_), Some(column)) => {
                let span = self.row.cells[column].span.clone();
                self.registry.id(content(column)?, &labels, budget).map_err(|message| Fault::new(message, span))
            }
            (MetricFrom::Key(_), None) => Err(whole("a plan without a metric column".into())),
        }
    }
}
