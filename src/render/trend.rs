//! A column of small bars that shows the course of a value over time.

use super::cells::TextColumn;
use crate::model::{Cells, Table};
use std::collections::HashMap;

/// Columns that a full bar takes.
pub(super) const BAR_WIDTH: usize = 10;

/// Parts of a column's width, in eighths.
const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/// More keys than this make a table of points rather than of buckets.
const KEYS_MAX: usize = 3;

/// A bar for each row of a table whose rows are buckets of time, `None` for other tables. A bar is the first number of
/// its row, as a share of the largest of its group: rows with equal texts. Where a group goes below zero, its smallest
/// number has no bar.
pub(super) fn column(table: &Table, ascii: bool) -> Option<TextColumn> {
    let (first, rest) = table.columns.split_first()?;
    let texts: Vec<&Cells> = rest.iter().map(|c| &c.cells).filter(|c| matches!(c, Cells::Text(_))).collect();
    let value = rest.iter().find(|c| matches!(c.cells, Cells::Number(_) | Cells::Integer(_)))?;
    if first.name != "time" || !matches!(first.cells, Cells::Time(_)) || texts.len() > KEYS_MAX {
        return None;
    }
    let number = |row: usize| value.cells.number(row).filter(|n| n.is_finite());
    let group = |row: usize| texts.iter().map(|t| t.text(row)).collect::<Vec<_>>();
    let mut ends: HashMap<Vec<Option<&str>>, (f64, f64)> = HashMap::new();
    for row in 0..table.row_count() {
        if let Some(n) = number(row) {
            let (low, high) = ends.entry(group(row)).or_insert((0.0, n));
            (*low, *high) = (low.min(n), high.max(n));
        }
    }
    let bar_of = |row: usize| {
        let (n, (low, high)) = (number(row)?, ends.get(&group(row))?);
        // Halves cannot overflow.
        let share = (n / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0);
        share.is_finite().then(|| bar(share, ascii))
    };
    let cells = (0..table.row_count()).map(|row| bar_of(row).unwrap_or_default()).collect();
    Some(TextColumn { header: "trend".into(), right: false, cut: false, cells })
}

fn bar(share: f64, ascii: bool) -> String {
    if ascii {
        return "#".repeat((share * BAR_WIDTH as f64).round() as usize);
    }
    let eighths = (share * (BAR_WIDTH * 8) as f64).round() as usize;
    "█".repeat(eighths / 8) + EIGHTHS[eighths % 8]
}
