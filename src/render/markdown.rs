//! A table of GitHub's Markdown, with the cells that people read.

use super::Style;
use super::cells::text_columns;
use super::sink::Sink;
use crate::model::Table;
use std::io;

/// Writes the table.
pub(super) fn write(table: &Table, style: &Style, sink: &mut Sink<'_>) -> io::Result<()> {
    let columns = text_columns(table, style);
    if columns.is_empty() {
        return Ok(());
    }
    sink.text("|");
    for column in &columns {
        push_cell(sink.buffer(), &column.header);
    }
    sink.text("\n|");
    for column in &columns {
        sink.text(if column.right { " ---: |" } else { " --- |" });
    }
    sink.text("\n");
    for row in 0..table.row_count() {
        sink.text("|");
        for column in &columns {
            push_cell(sink.buffer(), &column.cells[row]);
        }
        sink.text("\n");
        sink.row_done()?;
    }
    Ok(())
}

/// Appends one cell, with everything escaped that Markdown or HTML would act on.
fn push_cell(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b' ');
    let bytes = text.as_bytes();
    for (i, byte) in bytes.iter().enumerate() {
        // Inside a word an underscore is only itself.
        let inside = |i: Option<usize>| i.and_then(|i| bytes.get(i)).is_some_and(u8::is_ascii_alphanumeric);
        let escaped = match byte {
            b'|' | b'\\' | b'<' | b'>' | b'`' | b'*' | b'[' | b']' | b'~' | b'&' => true,
            b'_' => !(inside(i.checked_sub(1)) && inside(Some(i + 1))),
            _ => false,
        };
        if escaped {
            buffer.push(b'\\');
        }
        buffer.push(*byte);
    }
    buffer.extend_from_slice(b" |");
}
