//! Aligned columns for people, fitted to the terminal where there is one.

use super::cells::{TextColumn, text_columns};
use super::sink::Sink;
use super::{Style, trend};
use crate::model::Table;
use anstyle::Style as Look;
use std::borrow::Cow;
use std::io;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns that separate two columns of the table.
const GAP: usize = 2;

/// Longer cells stick out instead of widening their column: a padding of each row to one huge label would be huge itself.
const ALIGNED_MAX: usize = 200;

/// No column of texts gets narrower than this to fit a terminal.
const CUT_MIN: usize = 8;

/// Writes the table.
pub(super) fn write(table: &Table, style: &Style, sink: &mut Sink<'_>) -> io::Result<()> {
    let columns = text_columns(table, style);
    if columns.is_empty() {
        return Ok(());
    }
    let layout = Layout::new(table, columns, style);
    let look = |look: Look| if style.color { look } else { Look::new() };
    let (bold, dim) = (look(Look::new().bold()), look(Look::new().dimmed()));
    sink.text(&bold.render().to_string());
    layout.push_line(sink, |column| (&column.header, layout.terminal));
    sink.text(&bold.render_reset().to_string());
    sink.end_line_trimmed()?;
    sink.text(&dim.render().to_string());
    layout.push_rule(sink);
    sink.text(&dim.render_reset().to_string());
    sink.end_line_trimmed()?;
    for row in 0..table.row_count() {
        layout.push_line(sink, |column| (&column.cells[row], layout.terminal && column.cut));
        sink.end_line_trimmed()?;
    }
    Ok(())
}

/// The columns and how wide each is.
struct Layout {
    columns: Vec<TextColumn>,
    widths: Vec<usize>,
    terminal: bool,
    ascii: bool,
}

impl Layout {
    fn new(table: &Table, mut columns: Vec<TextColumn>, style: &Style) -> Self {
        let mut widths: Vec<usize> = columns.iter().map(natural_width).collect();
        if let Some(width) = style.width {
            if total(&widths) + GAP + trend::BAR_WIDTH <= width
                && let Some(bars) = trend::column(table, style.ascii)
            {
                widths.push(trend::BAR_WIDTH);
                columns.push(bars);
            }
            fit(&columns, &mut widths, width);
        }
        Self { columns, widths, terminal: style.width.is_some(), ascii: style.ascii }
    }

    /// Appends a cell of each column, padded to its column's width; `of` says which text, and whether it may be cut.
    fn push_line<'t>(&'t self, sink: &mut Sink<'_>, of: impl Fn(&'t TextColumn) -> (&'t str, bool)) {
        for (i, (column, width)) in self.columns.iter().zip(&self.widths).enumerate() {
            let (text, cut) = of(column);
            let text = if cut { shorten(text, *width, self.ascii) } else { Cow::Borrowed(text) };
            let padding = width.saturating_sub(text.width());
            sink.repeat(" ", if i > 0 { GAP } else { 0 });
            sink.repeat(" ", if column.right { padding } else { 0 });
            sink.text(&text);
            // The last column needs no padding behind it.
            sink.repeat(" ", if column.right || i + 1 == self.columns.len() { 0 } else { padding });
        }
    }

    fn push_rule(&self, sink: &mut Sink<'_>) {
        for (i, width) in self.widths.iter().enumerate() {
            sink.repeat(" ", if i > 0 { GAP } else { 0 });
            sink.repeat(if self.ascii { "-" } else { "─" }, *width);
        }
    }
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

fn cells_width(column: &TextColumn) -> usize {
    column.cells.iter().map(|c| c.width().min(ALIGNED_MAX)).max().unwrap_or(0)
}

fn natural_width(column: &TextColumn) -> usize {
    cells_width(column).max(column.header.width().min(ALIGNED_MAX))
}

/// Narrows `widths` until all fit into `width`: the widest first, texts to no less than [`CUT_MIN`], numbers and times to
/// their cells (only their header is cut). What cannot fit stays too wide.
fn fit(columns: &[TextColumn], widths: &mut [usize], width: usize) {
    let least: Vec<usize> = columns
        .iter()
        .zip(widths.iter())
        .map(|(column, natural)| if column.cut { CUT_MIN.min(*natural) } else { cells_width(column) })
        .collect();
    let at = |limit: usize| -> Vec<usize> {
        widths.iter().zip(&least).map(|(natural, least)| (*natural).min(limit.max(*least))).collect()
    };
    // The largest limit under which all fits; a search by halves, since it only grows with the limit.
    let (mut low, mut high) = (0, ALIGNED_MAX);
    while low < high {
        let limit = (low + high).div_ceil(2);
        if total(&at(limit)) <= width { low = limit } else { high = limit - 1 }
    }
    let fitted = at(low);
    widths.copy_from_slice(&fitted);
}

/// `text` cut to `width` columns, with a sign that something is missing.
fn shorten(text: &str, width: usize, ascii: bool) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    let sign = if ascii { "..." } else { "…" };
    let room = width.saturating_sub(sign.width());
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    Cow::Owned(format!("{}{sign}", &text[..end.map_or(text.len(), |(i, _)| i)]))
}
