//! The reference of the language is true: its functions are those of the table, and its queries run.

use super::ask;
use super::naive::Naive;
use perfdb::model::Kind;
use perfdb::query::functions::{Class, FUNCTIONS, Function, UnitRule};
use std::path::Path;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/query/LANGUAGE.md");
const BEGIN: &str = "rewrites this section -->\n";
const END: &str = "<!-- end of functions -->";

/// Every metric and label that the reference speaks of.
fn store() -> Naive {
    let one = [(-60.0, 1.0)];
    Naive::default()
        .with("decision", "agent=scout host=web-1", &one)
        .meta("decision", "ms", None)
        .with("tokens", "agent=scout", &one)
        .with("cpu.usage", "host=web-1", &one)
        .with("process.memory.rss", "process=perfdb", &one)
        .meta("process.memory.rss", "B", Some(Kind::Gauge))
        .with("cache.hits", "cache=files", &one)
        .with("cache.misses", "cache=files", &one)
        .with("db.query", "statement=select", &one)
        .meta("db.query", "ms", None)
        .with("temperature", "host=web-1", &one)
        .with("time", "benchmark=json", &one)
        .with("requests_total", "host=web-1", &one)
}

fn section() -> String {
    let classes = [
        (Class::Aggregate, "Aggregates of a group's points"),
        (Class::Counter, "Counters"),
        (Class::Distribution, "Distribution and rows; each is the only column of its query"),
        (Class::Analysis, "Analyses of an aggregate over time or runs (not in this version)"),
    ];
    let part = |(class, title): (Class, &str)| {
        let (example, rule) = if class == Class::Analysis { ("", "") } else { (" Example |", " --- |") };
        let rows: String = FUNCTIONS.iter().filter(|f| f.class == class).map(row).collect();
        format!("\n### {title}\n\n| Function | What it gives |{example}\n| --- | --- |{rule}\n{rows}")
    };
    classes.into_iter().map(part).collect::<String>() + "\n"
}

fn row(f: &Function) -> String {
    let unit = match f.unit {
        UnitRule::Same | UnitRule::Without => "",
        UnitRule::Squared => " In the square of the metric's unit.",
        UnitRule::PerSecond => " In the metric's unit per second.",
    };
    let example = if f.example.is_empty() { String::new() } else { format!(" `{}` |", f.example) };
    format!("| `{}` | {}{unit} |{example}\n", f.signature(), f.doc)
}

#[test]
fn the_functions_of_the_reference_are_those_of_the_table() {
    let file = std::fs::read_to_string(Path::new(FILE)).unwrap();
    let from = file.find(BEGIN).unwrap() + BEGIN.len();
    let to = file.find(END).unwrap();
    let wanted = format!("{}{}{}", &file[..from], section(), &file[to..]);
    if std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1") {
        std::fs::write(FILE, &wanted).unwrap();
    } else {
        assert!(file == wanted, "src/query/LANGUAGE.md is out of date: UPDATE_EXPECT=1 cargo test rewrites it");
    }
}

#[test]
fn every_example_of_the_table_and_every_query_of_the_reference_runs() {
    let file = std::fs::read_to_string(Path::new(FILE)).unwrap();
    let blocks = file.split("```query\n").skip(1).map(|b| b.split("```").next().unwrap());
    let mut queries: Vec<&str> = blocks.flat_map(str::lines).collect();
    queries.extend(FUNCTIONS.iter().map(|f| f.example).filter(|e| !e.is_empty()));
    assert!(queries.len() > 40);
    for query in queries {
        if let Err(e) = ask(&store(), query) {
            panic!("{query}\n{e}");
        }
    }
}

#[test]
fn names_of_functions_are_unique_and_lower_case_but_for_the_pattern_of_percentiles() {
    for (i, f) in FUNCTIONS.iter().enumerate() {
        assert!(f.name == "pNN" || f.name == f.name.to_lowercase());
        assert!(FUNCTIONS[i + 1..].iter().all(|g| g.name != f.name), "{} is there twice", f.name);
        assert!(f.doc.ends_with('.'), "{}", f.name);
    }
}
