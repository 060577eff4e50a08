//! CSV after RFC 4180, with a header. Lines end in `\n` alone, as tools of today expect; a missing value is empty.

use super::sink::{Sink, push_integer, push_number};
use super::{Style, time};
use crate::model::{Cells, Table};
use std::io;

/// Writes the table.
pub(super) fn write(table: &Table, style: &Style, sink: &mut Sink<'_>) -> io::Result<()> {
    // An empty line is no record to most readers: a lone missing value must show.
    let alone = table.columns.len() == 1;
    for (i, column) in table.columns.iter().enumerate() {
        push_separator(sink.buffer(), i);
        push_text(sink.buffer(), &column.name, alone);
    }
    if !table.columns.is_empty() {
        sink.text("\n");
    }
    for row in 0..table.row_count() {
        let buffer = sink.buffer();
        for (i, column) in table.columns.iter().enumerate() {
            push_separator(buffer, i);
            let start = buffer.len();
            push_cell(buffer, &column.cells, row, style);
            if alone && buffer.len() == start {
                buffer.extend_from_slice(b"\"\"");
            }
        }
        buffer.push(b'\n');
        sink.row_done()?;
    }
    Ok(())
}

fn push_separator(buffer: &mut Vec<u8>, index: usize) {
    if index > 0 {
        buffer.push(b',');
    }
}

fn push_cell(buffer: &mut Vec<u8>, cells: &Cells, row: usize, style: &Style) {
    match cells {
        Cells::Number(values) => {
            if let Some(value) = values[row].filter(|v| v.is_finite()) {
                push_number(buffer, value);
            }
        }
        Cells::Integer(values) => {
            if let Some(value) = values[row] {
                push_integer(buffer, value);
            }
        }
        Cells::Text(values) => {
            if let Some(text) = &values[row] {
                push_text(buffer, text, false);
            }
        }
        Cells::Time(values) => {
            if let Some(ns) = values[row] {
                time::push_exact(buffer, ns, style.times, style.zone);
            }
        }
    }
}

/// Appends `text`, in quotes where it needs them.
fn push_text(buffer: &mut Vec<u8>, text: &str, quote_empty: bool) {
    let quoted = text.bytes().any(|b| matches!(b, b'"' | b',' | b'\n' | b'\r')) || (quote_empty && text.is_empty());
    if !quoted {
        buffer.extend_from_slice(text.as_bytes());
        return;
    }
    buffer.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            buffer.push(b'"');
        }
        buffer.push(byte);
    }
    buffer.push(b'"');
}
