//! The cells of a table as people read them: numbers with units, local times, texts that cannot act on a terminal.

use super::{Style, Times, time};
use crate::error::printable;
use crate::model::{Cells, Column, Table, Unit};
use std::collections::HashMap;
use std::sync::Arc;

/// One column as people read it.
pub(super) struct TextColumn {
    /// What stands above it.
    pub(super) header: String,
    /// Whether it is aligned at its right end.
    pub(super) right: bool,
    /// Whether its cells may be cut to fit: numbers and times never are.
    pub(super) cut: bool,
    /// The cells.
    pub(super) cells: Vec<String>,
}

/// The columns of `table` as people read them.
pub(super) fn text_columns(table: &Table, style: &Style) -> Vec<TextColumn> {
    table.columns.iter().map(|column| text_column(column, style)).collect()
}

fn text_column(column: &Column, style: &Style) -> TextColumn {
    let header = printable(&column.name);
    match &column.cells {
        Cells::Text(values) => {
            let cell = |value: &Option<Arc<str>>| value.as_deref().map_or_else(|| "(none)".to_owned(), printable);
            TextColumn { header, right: false, cut: true, cells: values.iter().map(cell).collect() }
        }
        Cells::Time(values) => times(header, values, style),
        Cells::Integer(values) => {
            let cell = |value: i64| match &column.unit {
                Some(unit) => unit.human(value as f64),
                None => value.to_string(),
            };
            numbers(header, values.iter().map(|v| v.map(cell)).collect(), column, style)
        }
        Cells::Number(values) => {
            let cell = |value: f64| match &column.unit {
                Some(unit) => unit.human(value),
                None => Unit::digits(value),
            };
            let mut cells: Vec<_> = values.iter().map(|v| v.filter(|v| v.is_finite()).map(cell)).collect();
            align_decimals(&mut cells);
            numbers(header, cells, column, style)
        }
    }
}

fn times(header: String, values: &[Option<i64>], style: &Style) -> TextColumn {
    let missing = || "-".to_owned();
    if style.times == Times::Local {
        let local = time::local(values, style.zone);
        let header = match local.zone {
            Some(zone) => format!("{header} ({zone})"),
            None => header,
        };
        let cells = local.cells.into_iter().map(|c| c.unwrap_or_else(missing)).collect();
        return TextColumn { header, right: false, cut: false, cells };
    }
    let cell = |ns: i64| {
        let mut text = Vec::new();
        time::push_exact(&mut text, ns, style.times, style.zone);
        String::from_utf8_lossy(&text).into_owned()
    };
    let cells = values.iter().map(|v| v.map_or_else(missing, cell)).collect();
    TextColumn { header, right: style.times != Times::Rfc3339, cut: false, cells }
}

/// Finishes a column of numbers: missing ones, and the signs of an approximate column.
fn numbers(header: String, cells: Vec<Option<String>>, column: &Column, style: &Style) -> TextColumn {
    let (about, within) = if style.ascii { ("~", "+-") } else { ("≈", "±") };
    let header = match column.error_bound {
        Some(bound) => format!("{header} {within}{} %", Unit::digits(bound * 100.0)),
        None => header,
    };
    let finish = |cell: Option<String>| {
        let Some(cell) = cell else { return "-".to_owned() };
        // The one unit outside ASCII is the microsecond.
        let cell = if style.ascii { cell.replace('µ', "u") } else { cell };
        // A unit is free text, so it is made harmless like any other.
        let cell = printable(&cell);
        if column.error_bound.is_some() { format!("{about}{cell}") } else { cell }
    };
    TextColumn { header, right: true, cut: false, cells: cells.into_iter().map(finish).collect() }
}

/// How many digits a number shows at most.
const DIGITS_MAX: usize = 4;

/// Gives numbers of one scale the same decimals where four digits allow: `118 ms` below `412.5 ms` is `118.0 ms`.
fn align_decimals(cells: &mut [Option<String>]) {
    let mut decimals_max: HashMap<String, usize> = HashMap::new();
    for (number, unit) in cells.iter().flatten().map(|c| split_unit(c)) {
        if let Some(decimals) = decimals(number) {
            let most = match decimals_max.get_mut(unit) {
                Some(most) => most,
                None => decimals_max.entry(unit.to_owned()).or_default(),
            };
            *most = decimals.max(*most);
        }
    }
    for cell in cells.iter_mut().flatten() {
        let (number, unit) = split_unit(cell);
        let Some(have) = decimals(number) else { continue };
        let whole = number.trim_start_matches('-').split('.').next().unwrap_or_default();
        let whole_digits = if whole == "0" { 0 } else { whole.len() };
        // Below one, zeros after the point are no digits shown; such numbers stay as they are.
        let room = if whole_digits == 0 { have.max(DIGITS_MAX) } else { DIGITS_MAX.saturating_sub(whole_digits) };
        let want = decimals_max.get(unit).copied().unwrap_or(0).min(room);
        if want > have {
            let point = if have == 0 { "." } else { "" };
            *cell = format!("{number}{point}{}{unit}", "0".repeat(want - have));
        }
    }
}

/// The number and, with the space before it, the unit.
fn split_unit(cell: &str) -> (&str, &str) {
    cell.split_at(cell.find(' ').unwrap_or(cell.len()))
}

/// How many decimals `number` has; `None` where it has an exponent.
fn decimals(number: &str) -> Option<usize> {
    if number.contains('e') { None } else { Some(number.split_once('.').map_or(0, |(_, d)| d.len())) }
}
