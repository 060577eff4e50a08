//! Every file of `query-examples/` is a query with its answer; here they all run.
//!
//! A file begins with comments and directives: `#@ data: FILE` (may repeat), `#@ unit: METRIC=UNIT, ...`, `#@ now: TIME`,
//! `#@ timezone: ZONE` (else UTC), `#@ format: FORMAT` (else table). Behind an empty line stands the query, and behind
//! `#>` the answer: the table and its notes, or the error. `UPDATE_EXPECT=1 cargo test --test query_examples` rewrites the
//! answers; then read the diff.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails right there")]

use perfdb::db::Database;
use perfdb::engine::Memory;
use perfdb::error::Result;
use perfdb::ingest::{self, Options, Sink};
use perfdb::model::{Cancel, Columns, MetricMeta, SeriesSet, Table, Timestamp, Zone};
use perfdb::query::exec::{self, Settings};
use perfdb::query::functions::{Class, FUNCTIONS, Lookup, find};
use perfdb::query::parser::{self, Parameters};
use perfdb::query::source::Source;
use perfdb::render::{self, Format, Style};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// One file.
struct Example {
    /// Below the repository's root.
    path: String,
    /// All of it.
    text: String,
    /// What stands before the query, as it is.
    head: String,
    query: String,
    /// The answer that the file has, each line without its `#>`.
    answer: String,
    recording: Recording,
    now: Timestamp,
    zone: Zone,
    format: Format,
}

/// The data that an example is asked of.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Recording {
    files: Vec<String>,
    /// Metrics and their units.
    units: Vec<(String, String)>,
}

impl Example {
    fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(ROOT).unwrap().to_str().unwrap().to_owned();
        let (head, rest) = text.split_once("\n\n").unwrap_or_else(|| panic!("{path}: no empty line before the query"));
        let (query, answer) = rest.find("#>").map_or((rest, ""), |at| rest.split_at(at));
        let answer = answer.lines().map(|l| {
            let line = l.strip_prefix("#>").unwrap_or_else(|| panic!("{path}: `{l}` stands behind the answer"));
            line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n"
        });
        let mut example = Self {
            head: head.to_owned(),
            query: query.trim().to_owned(),
            answer: answer.collect(),
            recording: Recording::default(),
            now: Timestamp(0),
            zone: Zone::UTC,
            format: Format::Table,
            path,
            text: text.clone(),
        };
        for directive in head.lines().filter_map(|l| l.strip_prefix("#@")) {
            example.direct(directive).unwrap_or_else(|| panic!("{}: `#@{directive}` is no directive", example.path));
        }
        assert!(head.starts_with("# "), "{}: says nothing about itself", example.path);
        assert!(!example.recording.files.is_empty() && example.now.0 > 0, "{}: needs `data` and `now`", example.path);
        example
    }

    fn direct(&mut self, directive: &str) -> Option<()> {
        let (name, value) = directive.split_once(": ")?;
        match name.trim() {
            "data" => self.recording.files.push(value.to_owned()),
            "unit" => {
                for pair in value.split(", ") {
                    let (metric, unit) = pair.split_once('=')?;
                    self.recording.units.push((metric.to_owned(), unit.to_owned()));
                }
            }
            "now" => self.now = Timestamp::parse(value, Zone::UTC)?,
            "timezone" => self.zone = value.parse().ok()?,
            "format" => self.format = value.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    /// The answer, and the zone that it is shown in.
    fn ask(&self, source: &dyn Source) -> Result<(Table, Zone)> {
        let statement = parser::parse_with(&self.query, &Parameters::new()).map_err(perfdb::error::Error::Query)?;
        let cancel = Cancel::new();
        let settings = Settings {
            now: self.now,
            zone: self.zone,
            memory_max: 1 << 30,
            row_max: 10_000_000,
            cancel: &cancel,
            elapsed: None,
        };
        let table = exec::run(&self.query, &statement, source, &settings)?;
        Ok((table, statement.zone().unwrap_or(self.zone)))
    }

    /// Whether it shows a plan. Plans tell of chunks, so a store is asked for them.
    fn explains(&self) -> bool {
        self.query.to_ascii_lowercase().starts_with("explain ")
    }

    /// What a person would see who runs it.
    fn answer(&self, source: &dyn Source) -> String {
        let (table, zone) = match self.ask(source) {
            Ok(answer) => answer,
            Err(error) => return format!("error: {error}\n"),
        };
        let mut out = Vec::new();
        render::write(&table, &Style::new(self.format, zone), &mut out).unwrap();
        if self.format != Format::Json {
            render::write_notes(&table, &mut out).unwrap();
        }
        String::from_utf8(out).unwrap()
    }

    fn write(&self, answer: &str) {
        let answer: String = answer.lines().map(|l| format!("#> {l}").trim_end().to_owned() + "\n").collect();
        let text = format!("{}\n\n{}\n\n{answer}", self.head, self.query);
        std::fs::write(Path::new(ROOT).join(&self.path), text).unwrap();
    }
}

/// Samples of files, as the command line gathers them.
#[derive(Default)]
struct Samples {
    series: SeriesSet,
    columns: Columns,
    metas: Vec<(String, MetricMeta)>,
    /// The numbers that series have here, by those in the file at hand.
    ids: Vec<u32>,
}

impl Sink for Samples {
    fn accept(&mut self, mut columns: Columns, series: &SeriesSet) -> Result<Columns> {
        for one in &series.list()[self.ids.len()..] {
            self.ids.push(self.series.id(one.clone()));
        }
        for i in 0..columns.count() {
            self.columns.push(self.ids[columns.series[i] as usize], columns.times[i], columns.values[i]);
        }
        columns.clear();
        Ok(columns)
    }
}

impl Samples {
    fn of(recording: &Recording) -> Self {
        let mut all = Self::default();
        for name in &recording.files {
            let path = Path::new(ROOT).join(name);
            let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
            let format = ingest::detect(Some(&path), &bytes).unwrap();
            let (options, count, cancel) = (Options::default(), std::sync::atomic::AtomicU64::new(0), Cancel::new());
            all.ids.clear();
            let input = Box::new(std::io::Cursor::new(bytes));
            let read = ingest::read(input, name.as_ref(), format, &options, false, &mut all, &count, &cancel);
            all.metas.extend(read.unwrap_or_else(|e| panic!("{e}")).metadata);
        }
        for (metric, unit) in &recording.units {
            let meta = MetricMeta { unit: Some(unit.parse().unwrap()), ..MetricMeta::default() };
            assert!(all.series.list().iter().any(|s| *s.metric == **metric), "no metric `{metric}`");
            all.metas.retain(|m| m.0 != *metric);
            all.metas.push((metric.clone(), meta));
        }
        all
    }

    fn memory(&self) -> Memory {
        Memory::new(&self.series, &self.columns, &self.metas)
    }

    /// A store in `folder` that got everything at once.
    fn bulk(&self, folder: &Path) -> Database {
        let db = Database::create(&folder.join("bulk.redb")).unwrap();
        let mut bulk = db.bulk("recording");
        bulk.add(&self.columns, &self.series).unwrap();
        bulk.finish(&self.metas, None, 0, 0).unwrap();
        db
    }

    /// A store in `folder` that got it bit by bit.
    fn appended(&self, folder: &Path) -> Database {
        let db = Database::create(&folder.join("appended.redb")).unwrap();
        let all: Vec<usize> = (0..self.columns.count()).collect();
        for rows in all.chunks(397) {
            let mut columns = Columns::default();
            for &i in rows {
                columns.push(self.columns.series[i], self.columns.times[i], self.columns.values[i]);
            }
            db.append(&columns, &self.series, &self.metas, Timestamp(0)).unwrap();
        }
        db
    }
}

/// All examples, read once, before any is rewritten.
static EXAMPLES: LazyLock<Vec<Example>> = LazyLock::new(examples);

fn examples() -> Vec<Example> {
    let mut folders = vec![Path::new(ROOT).join("query-examples")];
    let mut paths: Vec<PathBuf> = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "query") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|p| Example::read(p)).collect()
}

/// The examples by what they are asked of.
fn by_recording() -> BTreeMap<&'static Recording, Vec<&'static Example>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for example in &*EXAMPLES {
        all.entry(&example.recording).or_default().push(example);
    }
    all
}

/// Whether the answers are being rewritten; what they were says nothing then.
fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some()
}

/// The lines that differ, behind `-` those of `old` and behind `+` those of `new`.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[same..], &new[same..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let removed = old[..old.len() - end].iter().map(|l| format!("  -{l}\n"));
    removed.chain(new[..new.len() - end].iter().map(|l| format!("  +{l}\n"))).collect()
}

#[test]
fn every_example_has_the_answer_that_it_shows() {
    let update = updating();
    let mut wrong = String::new();
    for (recording, examples) in by_recording() {
        let samples = Samples::of(recording);
        let folder = tempfile::tempdir().unwrap();
        let (memory, store) = (samples.memory(), samples.bulk(folder.path()));
        let store = store.engine().unwrap();
        for example in examples {
            let answer = example.answer(if example.explains() { &store } else { &memory });
            if update {
                example.write(&answer);
            } else if answer != example.answer {
                wrong += &format!("{}\n{}", example.path, difference(&example.answer, &answer));
            }
        }
    }
    assert!(wrong.is_empty(), "`UPDATE_EXPECT=1 cargo test --test query_examples` rewrites these:\n{wrong}");
}

#[test]
fn every_example_has_the_same_answer_from_a_store() {
    for (recording, mut examples) in by_recording() {
        examples.retain(|e| !e.explains());
        let samples = Samples::of(recording);
        let folder = tempfile::tempdir().unwrap();
        let (memory, bulk, appended) = (samples.memory(), samples.bulk(folder.path()), samples.appended(folder.path()));
        let (bulk, appended) = (bulk.engine().unwrap(), appended.engine().unwrap());
        for example in examples {
            let told = |source: &dyn Source| example.ask(source).map_err(|e| e.to_string());
            let expected = told(&memory);
            assert_eq!(told(&bulk), expected, "{}, ingested as a whole", example.path);
            assert_eq!(told(&appended), expected, "{}, appended bit by bit", example.path);
        }
    }
}

#[test]
fn a_file_is_a_query_as_it_is() {
    for example in &*EXAMPLES {
        let Ok(statement) = parser::parse(&example.query) else { continue };
        let whole = parser::parse_file(&example.text).unwrap_or_else(|e| panic!("{}: {e}", example.path));
        let printed: Vec<String> = whole.iter().map(parser::print).collect();
        assert_eq!(printed, [parser::print(&statement)], "{}", example.path);
    }
}

#[test]
fn every_function_has_an_example() {
    if updating() {
        return;
    }
    let mut used = BTreeSet::new();
    for example in EXAMPLES.iter().filter(|e| !e.answer.starts_with("error: ")) {
        let calls = example.query.split('(').map(|before| {
            let name = before.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.');
            &before[name.len()..]
        });
        used.extend(calls.filter_map(|name| match find(name) {
            Lookup::Found(function, _) => Some(function.name),
            _ => None,
        }));
    }
    let without = FUNCTIONS.iter().filter(|f| f.class != Class::Analysis && !used.contains(f.name));
    assert_eq!(without.map(|f| f.name).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn every_kind_of_mistake_in_a_text_has_an_example() {
    if updating() {
        return;
    }
    let shown: BTreeSet<String> = EXAMPLES.iter().filter_map(|e| kind_of_error(&e.answer)).collect();
    let known = include_str!("parser_errors.txt").lines().filter_map(kind_of_error);
    let without: BTreeSet<String> = known.filter(|kind| !shown.contains(kind)).collect();
    assert!(without.is_empty(), "no example in query-examples/10-errors: {without:#?}");
}

/// The message that `answer` begins with, if it is an error, without what it quotes.
fn kind_of_error(answer: &str) -> Option<String> {
    let message = answer.lines().next()?.strip_prefix("error: ")?;
    Some(message.split('`').step_by(2).collect::<Vec<_>>().join("`_`"))
}
