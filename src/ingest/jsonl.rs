//! JSON Lines: one object a line, a sample or the metadata of a metric.
//!
//! `{"metric": "decision", "ts": 1767225600123456789, "value": 1.5, "labels": {"agent": "a"}}` is a sample; `time` is
//! another name of `ts`, which is a whole number (ns, unless the options say otherwise), a decimal one or RFC 3339.
//! `{"metric": "decision", "unit": "ms", "kind": "sample", "better": "lower", "description": "..."}` is metadata.

use super::block::{Fault, Parse, Parsed, each_line, utf8};
use super::jsonl_row::{Row, Scalar};
use super::number::{TimeFault, rounds, time_decimal, time_scaled, time_text};
use super::options::{Clock, Options, Precision};
use super::series::{Budget, Cache, Registry};
use crate::model::MetricMeta;
use std::sync::Arc;

/// Ends a text in a cache key. UTF-8 never holds it, so different texts never make the same key.
const TEXT_END: u8 = 0xFF;

/// Reads lines.
pub(super) struct Jsonl {
    registry: Arc<Registry>,
    precision: Precision,
    clock: Clock,
    /// Metric and labels as they stand in the line.
    key: Vec<u8>,
    /// The series of each cached key.
    cache: Cache<u32>,
}

impl Jsonl {
    pub(super) fn new(registry: Arc<Registry>, options: &Options) -> Self {
        Self { registry, precision: options.precision, clock: options.clock(), key: Vec::new(), cache: Cache::new() }
    }
}

impl Parse for Jsonl {
    fn parse(&mut self, bytes: &[u8], out: &mut Parsed) {
        each_line(bytes, out, |line, out| self.line(line, out));
    }
}

impl Jsonl {
    fn line(&mut self, line: &[u8], out: &mut Parsed) -> Result<(), Fault> {
        let text = utf8(line, 0)?;
        if text.trim_ascii().is_empty() {
            return Ok(());
        }
        let row = Row::parse(text).map_err(|e| syntax(text, &e))?;
        let Some(metric) = &row.metric else {
            return Err(Fault::new("an object without `metric`", 0..1).label("expected a member `metric` with a name"));
        };
        if let Some(meta) = metadata(&row, text)? {
            // The name is checked like that of a series.
            super::series::check_name("metric", metric).map_err(|m| member(m, text, "metric"))?;
            out.metadata.push((metric.clone().into_owned(), meta));
            if row.value.is_none() {
                return Ok(());
            }
        }
        let value = match &row.value {
            None => {
                return Err(
                    Fault::new("an object without `value`", 0..1).label("expected a member `value` with a number")
                );
            }
            Some(Scalar::Null) => {
                out.counts.nulls += 1;
                return Ok(());
            }
            Some(Scalar::Float(value)) => *value,
            Some(Scalar::Whole(whole)) => {
                out.counts.rounded += u64::from(rounds(*whole));
                *whole as f64
            }
            Some(_) => return Err(member("a value that is no number", text, "value")),
        };
        let time = match &row.ts {
            None | Some(Scalar::Null) => {
                out.missing_time = true;
                self.clock.now()
            }
            Some(ts) => self.time(ts).map_err(|fault| no_time(text, fault, self.precision))?,
        };
        let series = self.series(&row, metric, text)?;
        out.columns.push(series, time, value);
        out.saw_time(time);
        Ok(())
    }

    fn time(&self, ts: &Scalar<'_>) -> Result<i64, TimeFault> {
        match ts {
            Scalar::Whole(count) => {
                i64::try_from(*count).map_err(|_| TimeFault::OutOfRange).and_then(|c| time_scaled(c, self.precision))
            }
            // The shortest text of the number is what programs write, so this gives their digits back.
            Scalar::Float(count) => time_decimal(count.to_string().as_bytes(), self.precision),
            Scalar::Text(text) => time_text(text.as_bytes())
                .or_else(|fault| time_decimal(text.as_bytes(), self.precision).map_err(|_| fault)),
            _ => Err(TimeFault::NotATime),
        }
    }

    fn series(&mut self, row: &Row<'_>, metric: &str, text: &str) -> Result<u32, Fault> {
        self.key.clear();
        let labels = row.labels.iter().map(|(key, value)| (&**key, value.label()));
        for (key, value) in labels.clone() {
            for part in [key, &*value] {
                self.key.extend_from_slice(part.as_bytes());
                self.key.push(TEXT_END);
            }
        }
        self.key.extend_from_slice(metric.as_bytes());
        if let Some(at) = self.cache.find(&self.key) {
            return Ok(*self.cache.at(at));
        }
        let labels: Vec<_> = labels.collect();
        let labels = self
            .registry
            .labels(labels.iter().map(|(key, value)| (*key, &**value)))
            .map_err(|message| member(message, text, "labels"))?;
        let id =
            self.registry.id(metric, &labels, &mut Budget::new()).map_err(|message| member(message, text, "metric"))?;
        self.cache.insert(&self.key, id);
        Ok(id)
    }
}

/// The metadata that the row carries, if any.
fn metadata(row: &Row<'_>, text: &str) -> Result<Option<MetricMeta>, Fault> {
    if row.unit.is_none() && row.kind.is_none() && row.better.is_none() && row.description.is_none() {
        return Ok(None);
    }
    let fault = |key: &'static str| move |message: String| member(message, text, key);
    Ok(Some(MetricMeta {
        kind: row.kind.as_deref().map(str::parse).transpose().map_err(fault("kind"))?,
        unit: row.unit.as_deref().map(str::parse).transpose().map_err(fault("unit"))?,
        better: row.better.as_deref().map(str::parse).transpose().map_err(fault("better"))?.unwrap_or_default(),
        description: row.description.as_deref().unwrap_or_default().to_owned(),
        guessed: false,
    }))
}

/// A fault of the member `key` of the object `text`; of the whole object where the key is not to be found.
#[cold]
fn member(message: impl Into<String>, text: &str, key: &str) -> Fault {
    let quoted = format!("\"{key}\"");
    match text.find(&quoted) {
        Some(at) => Fault::new(message, at..at + quoted.len()),
        None => Fault::new(message, 0..text.len()),
    }
}

#[cold]
fn syntax(text: &str, error: &serde_json::Error) -> Fault {
    let at = error.column().saturating_sub(1).min(text.len());
    let message = error.to_string();
    let plain = message.rfind(" at line ").map_or(message.as_str(), |end| &message[..end]);
    let fault = Fault::new(format!("not the JSON of a sample: {plain}"), at..(at + 1).min(text.len()));
    let tail = text.get(at..).unwrap_or_default();
    if tail.starts_with("NaN") || tail.starts_with("Inf") {
        return fault.help("JSON has no NaN and no infinity; write null for a value that is missing");
    }
    fault
}

#[cold]
fn no_time(text: &str, fault: TimeFault, precision: Precision) -> Fault {
    let key = if text.contains("\"ts\"") { "ts" } else { "time" };
    match fault {
        TimeFault::OutOfRange => member("a time outside the years 1677 to 2262", text, key)
            .label(format!("it is read as {}", precision.noun()))
            .help("is the precision right? `--precision` takes ns, us, ms and s"),
        TimeFault::NotATime => member("a time that is none", text, key)
            .label(format!("expected a number of {} since 1970, or RFC 3339", precision.noun())),
    }
}
