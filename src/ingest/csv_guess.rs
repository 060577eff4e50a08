//! What the columns of a CSV file mean, guessed from their names and first cells where no option says it.

use super::block::Fault;
use super::csv_plan::{MetricFrom, Plan, TimeForm};
use super::csv_record::{Row, row_len, without_end};
use super::number::{number, time_text};
use super::options::{CsvOptions, Precision};
use super::series::check_name;
use crate::error::nearest;
use crate::model::{MetricMeta, Unit};
use hashbrown::{HashMap, HashSet};
use std::ops::Range;

/// How many rows are looked at where the first one has an empty cell.
const ROWS_SEEN_MAX: usize = 100;

/// Names of time columns, the likelier ones first.
const TIME_NAMES: [&str; 9] =
    ["time", "timestamp", "ts", "_time", "datetime", "date_time", "@timestamp", "epoch", "date"];

/// How many names a guess lists.
const NAMES_SHOWN_MAX: usize = 8;

/// The first non-empty cell of each column within the first rows.
pub(super) struct Sample {
    cells: Vec<Option<Vec<u8>>>,
}

impl Sample {
    /// `None` while there is no whole row.
    pub(super) fn of(bytes: &[u8], at_end: bool, delimiter: u8) -> Option<Self> {
        let mut sample = Self { cells: Vec::new() };
        let mut row = Row::default();
        let (mut rest, mut rows) = (bytes, 0);
        while rows < ROWS_SEEN_MAX && !rest.is_empty() {
            let (len, ended) = row_len(rest, delimiter);
            if !ended && !at_end {
                break;
            }
            let text = without_end(&rest[..len]);
            rest = &rest[len..];
            if text.is_empty() {
                continue;
            }
            rows += 1;
            // A broken row is told where all rows are read.
            if row.split(text, delimiter).is_ok() {
                sample.cells.resize(sample.cells.len().max(row.cells.len()), None);
                for i in 0..row.cells.len() {
                    let content = row.content(text, i).trim_ascii();
                    if sample.cells[i].is_none() && !content.is_empty() {
                        sample.cells[i] = Some(content.to_vec());
                    }
                }
            }
        }
        (rows > 0 || at_end).then_some(sample)
    }

    fn get(&self, column: usize) -> Option<&[u8]> {
        self.cells.get(column).and_then(Option::as_deref)
    }

    /// Whether the column holds text, as far as it was seen.
    fn is_text(&self, column: usize) -> bool {
        self.get(column).is_some_and(|cell| number(cell).is_none())
    }

    fn is_number(&self, column: usize) -> bool {
        self.get(column).is_some_and(|cell| number(cell).is_some())
    }
}

/// Decides what the columns mean.
pub(super) struct Planner<'a> {
    pub(super) options: &'a CsvOptions,
    /// The columns' names.
    pub(super) names: Vec<String>,
    /// Where the names stand in the header.
    pub(super) spans: Vec<Range<usize>>,
    pub(super) sample: Sample,
}

impl Planner<'_> {
    /// The plan of a file with this delimiter.
    pub(super) fn plan(self, delimiter: u8) -> Result<Plan, Fault> {
        self.check_unique()?;
        let mut guesses = Vec::new();
        let time = self.time_column(&mut guesses)?;
        let time_form = self.time_form(time, &mut guesses);
        let labels = self.label_columns()?;
        let value = self.position("value").filter(|v| *v != time && !labels.contains(v));
        let metric = self.position("metric").filter(|m| *m != time && !labels.contains(m));
        let mut plan = Plan {
            delimiter,
            names: Vec::new(),
            time,
            time_form,
            keys: Vec::new(),
            values: Vec::new(),
            has_ignored: false,
            guesses,
            metadata: Vec::new(),
        };
        match (&self.options.metric, metric, value) {
            (Some(name), ..) => {
                let value = value.map_or_else(|| self.only_number(time, &labels), Ok)?;
                plan.values.push((value, MetricFrom::Name(name.clone())));
                self.long_keys(&mut plan, value, None, &labels);
            }
            (None, Some(metric), Some(value)) => {
                self.long_keys(&mut plan, value, Some(metric), &labels);
                let key = plan.keys.iter().position(|k| *k == metric).unwrap_or_default();
                plan.values.push((value, MetricFrom::Key(key)));
            }
            _ => self.wide(&mut plan, &labels)?,
        }
        for key in &plan.keys {
            check_name("label", &self.names[*key]).map_err(|m| Fault::new(m, self.spans[*key].clone()))?;
        }
        plan.names = self.names;
        Ok(plan)
    }

    fn check_unique(&self) -> Result<(), Fault> {
        let mut seen = HashSet::new();
        match (0..self.names.len()).find(|i| !self.names[*i].is_empty() && !seen.insert(&self.names[*i])) {
            Some(twice) => {
                Err(Fault::new(format!("column `{}` occurs twice", self.names[twice]), self.spans[twice].clone()))
            }
            None => Ok(()),
        }
    }

    /// The column called `name`, in any case.
    fn position(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n.eq_ignore_ascii_case(name))
    }

    /// The column that the option `option` calls `name`.
    fn named(&self, option: &str, name: &str) -> Result<usize, Fault> {
        if let Some(exact) = self.names.iter().position(|n| n == name) {
            return Ok(exact);
        }
        let fault = Fault::new(format!("no column `{name}`, which `{option}` names"), 0..0);
        Err(match nearest(name, self.names.iter().map(String::as_str)).first() {
            Some(near) => fault.label(format!("did you mean `{near}`?")),
            None => fault.label(format!("the columns are {}", listed(self.names.iter()))),
        })
    }

    fn label_columns(&self) -> Result<Vec<usize>, Fault> {
        self.options.labels.iter().map(|name| self.named("--labels", name)).collect()
    }

    fn time_column(&self, guesses: &mut Vec<String>) -> Result<usize, Fault> {
        if let Some(name) = &self.options.time {
            return self.named("--time", name);
        }
        let by_name = |name: &&str| {
            self.names.iter().position(|n| {
                let lower = n.to_ascii_lowercase();
                lower == **name || suffix_unit(&lower).is_some_and(|(stem, _)| *stem == **name)
            })
        };
        if let Some(found) = TIME_NAMES.iter().find_map(by_name) {
            return Ok(found);
        }
        let looks_like_time = |column: &usize| {
            let big = |cell| number(cell).is_some_and(|n| (1e9..9.3e18).contains(&n.value));
            self.sample.get(*column).is_some_and(|cell| time_text(cell).is_ok() || big(cell))
        };
        let found = (0..self.names.len()).find(looks_like_time).ok_or_else(|| {
            Fault::new("no column of times", 0..0)
                .label(format!("the columns are {}", listed(self.names.iter())))
                .help("name it with `--time COLUMN`; times are RFC 3339, or numbers of s, ms, us or ns since 1970")
        })?;
        guesses.push(format!("column `{}` is the time", self.names[found]));
        Ok(found)
    }

    fn time_form(&self, time: usize, guesses: &mut Vec<String>) -> TimeForm {
        let name = &self.names[time];
        let given = self.options.time_unit;
        let by_suffix = suffix_unit(&name.to_ascii_lowercase()).map(|(_, unit)| unit);
        let Some(cell) = self.sample.get(time) else {
            return TimeForm::Number(given.or(by_suffix).unwrap_or_default());
        };
        if time_text(cell).is_ok() {
            let has_offset = cell.ends_with(b"Z")
                || cell.get(19..).is_some_and(|rest| rest.iter().any(|b| matches!(b, b'+' | b'-')));
            if !has_offset {
                guesses.push(format!("time column `{name}` has no offset from UTC and is read as UTC"));
            }
            return TimeForm::Text;
        }
        if let Some(unit) = given.or(by_suffix) {
            return TimeForm::Number(unit);
        }
        // What is no time at all is told at its own line, where the rows are read.
        let Some(size) = number(cell).map(|n| n.value.abs()) else { return TimeForm::Text };
        let unit = match size {
            s if s < 1e11 => Precision::Seconds,
            s if s < 1e14 => Precision::Milliseconds,
            s if s < 1e17 => Precision::Microseconds,
            _ => Precision::Nanoseconds,
        };
        guesses.push(format!("time column `{name}` is read as {}", unit.noun()));
        TimeForm::Number(unit)
    }

    /// The only column of numbers that is neither time nor label.
    fn only_number(&self, time: usize, labels: &[usize]) -> Result<usize, Fault> {
        let free = |i: &usize| *i != time && !labels.contains(i) && self.sample.is_number(*i);
        let numbers: Vec<usize> = (0..self.names.len()).filter(free).collect();
        match numbers[..] {
            [only] => Ok(only),
            _ => Err(Fault::new("`--metric` needs to know which column holds the values", 0..0)
                .help("call that column `value`, or leave `--metric` away so that each column of numbers is a metric")),
        }
    }

    /// The key columns of the long form: all that are neither time nor value, unless labels are given.
    fn long_keys(&self, plan: &mut Plan, value: usize, metric: Option<usize>, labels: &[usize]) {
        let mut ignored = Vec::new();
        for column in (0..self.names.len()).filter(|c| *c != plan.time && *c != value) {
            let is_label = if labels.is_empty() { !self.names[column].is_empty() } else { labels.contains(&column) };
            if is_label || Some(column) == metric {
                plan.keys.push(column);
            } else {
                ignored.push(column);
            }
        }
        self.say_ignored(plan, &ignored);
    }

    /// The wide form: columns of numbers are metrics, columns of text are labels.
    fn wide(&self, plan: &mut Plan, labels: &[usize]) -> Result<(), Fault> {
        let mut stems: HashMap<&str, usize> = HashMap::new();
        for name in &self.names {
            *stems.entry(name_and_unit(name).0).or_default() += 1;
        }
        let (mut guessed, mut ignored) = (Vec::new(), Vec::new());
        for column in (0..self.names.len()).filter(|c| *c != plan.time) {
            let is_text = self.sample.is_text(column);
            if labels.contains(&column) {
                plan.keys.push(column);
            } else if self.names[column].is_empty() || (is_text && !labels.is_empty()) {
                ignored.push(column);
            } else if is_text {
                plan.keys.push(column);
                guessed.push(column);
            } else {
                let (stem, unit) = name_and_unit(&self.names[column]);
                // Two columns that differ in their unit only are two metrics, each by its whole name.
                let name = if stems.get(stem) == Some(&1) { stem } else { &self.names[column] };
                check_name("metric", name).map_err(|m| Fault::new(m, self.spans[column].clone()))?;
                plan.metadata.extend(
                    unit.map(|unit| (name.to_owned(), MetricMeta { unit: Some(unit), ..MetricMeta::default() })),
                );
                plan.values.push((column, MetricFrom::Name(name.to_owned())));
            }
        }
        if plan.values.is_empty() {
            return Err(Fault::new("no column of numbers", 0..0)
                .help("each column of numbers is a metric; or have columns `metric` and `value`"));
        }
        if !guessed.is_empty() {
            plan.guesses.push(format!("text columns are labels: {}", self.listed(&guessed)));
        }
        let metrics: Vec<usize> = plan.values.iter().map(|v| v.0).collect();
        plan.guesses.push(format!("columns of numbers are metrics: {}", self.listed(&metrics)));
        self.say_ignored(plan, &ignored);
        Ok(())
    }

    fn say_ignored(&self, plan: &mut Plan, ignored: &[usize]) {
        plan.has_ignored = !ignored.is_empty();
        let named: Vec<usize> = ignored.iter().copied().filter(|c| !self.names[*c].is_empty()).collect();
        if named.len() < ignored.len() {
            plan.guesses.push("a column without a name is left out".into());
        }
        if !named.is_empty() {
            plan.guesses.push(format!("columns that `--labels` does not name are left out: {}", self.listed(&named)));
        }
    }

    fn listed(&self, columns: &[usize]) -> String {
        listed(columns.iter().map(|c| &self.names[*c]))
    }
}

/// Some names, and how many more there are.
fn listed<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    let more = names.len().saturating_sub(NAMES_SHOWN_MAX);
    let shown: Vec<String> = names.take(NAMES_SHOWN_MAX).map(|n| format!("`{n}`")).collect();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// The unit that a suffix of a time column's name tells, and the name without it.
fn suffix_unit(name: &str) -> Option<(&str, Precision)> {
    let units = [
        ("_ns", Precision::Nanoseconds),
        ("_us", Precision::Microseconds),
        ("_ms", Precision::Milliseconds),
        ("_s", Precision::Seconds),
    ];
    units.into_iter().find_map(|(suffix, unit)| name.strip_suffix(suffix).map(|stem| (stem, unit)))
}

/// A column's name without its unit, as in `cpu (ms)` and `latency[ms]`.
fn name_and_unit(name: &str) -> (&str, Option<Unit>) {
    let split = |open: char, close: char| {
        let (stem, unit) = name.strip_suffix(close)?.split_once(open)?;
        let stem = stem.trim_end();
        (!stem.is_empty()).then_some(())?;
        Some((stem, unit.parse::<Unit>().ok()?))
    };
    match split('(', ')').or_else(|| split('[', ']')) {
        Some((stem, unit)) => (stem, Some(unit)),
        None => (name, None),
    }
}
