//! The query language over a source that is simple enough to be right by reading it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod aggregates;
mod agreement;
mod conditions;
mod errors;
mod language;
mod naive;
mod rows;
mod shows;
mod time;
mod units;

use naive::Naive;
use perfdb::model::{Cancel, Cells, Table, Timestamp, Zone};
use perfdb::query::exec::{Settings, run};
use perfdb::query::parser::parse;

/// Now, for all tests: noon of 2026-11-20, UTC, in seconds.
const NOON: i64 = 1_795_176_000;

/// Answers `query` at noon.
fn ask(store: &Naive, query: &str) -> perfdb::error::Result<Table> {
    ask_with(store, query, 1_000_000, 1 << 30)
}

fn ask_with(store: &Naive, query: &str, row_max: usize, memory_max: u64) -> perfdb::error::Result<Table> {
    let cancel = Cancel::new();
    let now = Timestamp(NOON * 1_000_000_000);
    let settings = Settings { now, zone: Zone::UTC, memory_max, row_max, cancel: &cancel, elapsed: None };
    let statement = parse(query).map_err(perfdb::error::Error::Query)?;
    run(query, &statement, store, &settings)
}

/// The answer as lines: names and units, then rows. Times of the day are without their date.
fn answer(store: &Naive, query: &str) -> String {
    let table = ask(store, query).unwrap_or_else(|e| panic!("{query}\n{e}"));
    let mut lines = vec![table.columns.iter().map(heading).collect::<Vec<_>>().join(" | ")];
    for row in 0..table.row_count() {
        lines.push(table.columns.iter().map(|c| cell(&c.cells, row)).collect::<Vec<_>>().join(" | "));
    }
    lines.join("\n")
}

fn heading(column: &perfdb::model::Column) -> String {
    let unit = column.unit.as_ref().map_or(String::new(), |u| format!(" [{u}]"));
    format!("{}{unit}", column.name)
}

fn cell(cells: &Cells, row: usize) -> String {
    let text = match cells {
        Cells::Time(v) => v[row].map(|t| {
            let text = Timestamp(t).rfc3339();
            text.strip_prefix("2026-11-20T").unwrap_or(&text).trim_end_matches('Z').to_owned()
        }),
        Cells::Text(v) => v[row].as_ref().map(ToString::to_string),
        Cells::Number(v) => v[row].map(|n| format!("{n}")),
        Cells::Integer(v) => v[row].map(|n| format!("{n}i")),
    };
    text.unwrap_or_else(|| "-".into())
}

/// The rows of an answer, without its heading.
fn rows(store: &Naive, query: &str) -> Vec<String> {
    answer(store, query).lines().skip(1).map(str::to_owned).collect()
}

/// The codes and texts of the notes of an answer.
fn notes(store: &Naive, query: &str) -> Vec<String> {
    let table = ask(store, query).unwrap_or_else(|e| panic!("{query}\n{e}"));
    table.notes.iter().map(|n| format!("{}: {}", n.code, n.text)).collect()
}

/// The message of a query that fails.
fn error(store: &Naive, query: &str) -> String {
    match ask(store, query) {
        Ok(table) => panic!("{query} has an answer: {table:?}"),
        Err(e) => e.to_string(),
    }
}
