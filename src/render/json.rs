//! JSON: the stable interface for programs.
//!
//! One line, `{"columns":[{"name","type","unit","error_bound"}],"rows":[[...]],"notes":[{"code","text"}]}`. `type` is
//! `time`, `text`, `number` or `integer`; numbers are in the column's unit; `error_bound` is null where they are exact.
//! NDJSON is one object a row, whose keys are the columns' names.

use super::sink::{Sink, push_integer, push_number};
use super::{Style, Times, time};
use crate::model::{Cells, Column, ColumnType, Table};
use std::io;

/// Writes the table as one object.
pub(super) fn write(table: &Table, style: &Style, sink: &mut Sink<'_>) -> io::Result<()> {
    sink.text("{\"columns\":[");
    for (i, column) in table.columns.iter().enumerate() {
        push_comma(sink.buffer(), i);
        push_column(sink.buffer(), column);
    }
    sink.text("],\"rows\":[");
    for row in 0..table.row_count() {
        let buffer = sink.buffer();
        buffer.extend_from_slice(if row == 0 { b"[" } else { b",[" });
        for (i, column) in table.columns.iter().enumerate() {
            push_comma(buffer, i);
            push_cell(buffer, &column.cells, row, style);
        }
        buffer.push(b']');
        sink.row_done()?;
    }
    sink.text("],\"notes\":[");
    for (i, note) in table.notes.iter().enumerate() {
        let buffer = sink.buffer();
        push_comma(buffer, i);
        buffer.extend_from_slice(b"{\"code\":");
        push_text(buffer, note.code);
        buffer.extend_from_slice(b",\"text\":");
        push_text(buffer, &note.text);
        buffer.push(b'}');
    }
    sink.text("]}\n");
    Ok(())
}

/// Writes the rows as one object each.
pub(super) fn write_lines(table: &Table, style: &Style, sink: &mut Sink<'_>) -> io::Result<()> {
    let key = |(i, column): (usize, &Column)| {
        let mut key = vec![if i == 0 { b'{' } else { b',' }];
        push_text(&mut key, &column.name);
        key.push(b':');
        key
    };
    let keys: Vec<Vec<u8>> = table.columns.iter().enumerate().map(key).collect();
    for row in 0..table.row_count() {
        let buffer = sink.buffer();
        for (key, column) in keys.iter().zip(&table.columns) {
            buffer.extend_from_slice(key);
            push_cell(buffer, &column.cells, row, style);
        }
        buffer.extend_from_slice(b"}\n");
        sink.row_done()?;
    }
    Ok(())
}

fn push_comma(buffer: &mut Vec<u8>, index: usize) {
    if index > 0 {
        buffer.push(b',');
    }
}

fn push_column(buffer: &mut Vec<u8>, column: &Column) {
    buffer.extend_from_slice(b"{\"name\":");
    push_text(buffer, &column.name);
    buffer.extend_from_slice(b",\"type\":");
    push_text(buffer, type_name(column.cells.column_type()));
    buffer.extend_from_slice(b",\"unit\":");
    match &column.unit {
        Some(unit) => push_text(buffer, unit.symbol()),
        None => buffer.extend_from_slice(b"null"),
    }
    buffer.extend_from_slice(b",\"error_bound\":");
    push_number_or_null(buffer, column.error_bound);
    buffer.push(b'}');
}

fn type_name(column_type: ColumnType) -> &'static str {
    match column_type {
        ColumnType::Time => "time",
        ColumnType::Text => "text",
        ColumnType::Number => "number",
        ColumnType::Integer => "integer",
    }
}

fn push_cell(buffer: &mut Vec<u8>, cells: &Cells, row: usize, style: &Style) {
    match cells {
        Cells::Number(values) => push_number_or_null(buffer, values[row]),
        Cells::Integer(values) => match values[row] {
            Some(value) => push_integer(buffer, value),
            None => buffer.extend_from_slice(b"null"),
        },
        Cells::Text(values) => match &values[row] {
            Some(text) => push_text(buffer, text),
            None => buffer.extend_from_slice(b"null"),
        },
        Cells::Time(values) => match values[row] {
            Some(ns) => push_time(buffer, ns, style),
            None => buffer.extend_from_slice(b"null"),
        },
    }
}

fn push_number_or_null(buffer: &mut Vec<u8>, value: Option<f64>) {
    match value.filter(|v| v.is_finite()) {
        Some(value) => push_number(buffer, value),
        None => buffer.extend_from_slice(b"null"),
    }
}

fn push_time(buffer: &mut Vec<u8>, ns: i64, style: &Style) {
    let quoted = matches!(style.times, Times::Rfc3339 | Times::Local);
    if quoted {
        buffer.push(b'"');
    }
    time::push_exact(buffer, ns, style.times, style.zone);
    if quoted {
        buffer.push(b'"');
    }
}

/// Appends `text` in quotes. Control characters, those beyond ASCII too, are escaped: it is the same text to a program, and
/// nothing happens to a terminal that shows it.
fn push_text(buffer: &mut Vec<u8>, text: &str) {
    buffer.push(b'"');
    if text.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b'"' && b != b'\\') {
        buffer.extend_from_slice(text.as_bytes());
    } else {
        for c in text.chars() {
            push_char(buffer, c);
        }
    }
    buffer.push(b'"');
}

fn push_char(buffer: &mut Vec<u8>, c: char) {
    match c {
        '"' => buffer.extend_from_slice(b"\\\""),
        '\\' => buffer.extend_from_slice(b"\\\\"),
        '\n' => buffer.extend_from_slice(b"\\n"),
        '\r' => buffer.extend_from_slice(b"\\r"),
        '\t' => buffer.extend_from_slice(b"\\t"),
        c if c.is_control() => buffer.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes()),
        c => buffer.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}
