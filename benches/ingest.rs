//! Ingest: text on disk to a durable store, beside peers and the limits of the machine. See `benches/README.md`.

mod support;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;
use support::contender::{self, Loaded};
use support::options::Options;
use support::process::one_core;
use support::set::{Kind, Set};
use support::table::{Cell, Table};
use support::{Result, progress};

/// As much of the text is scanned for the limits.
const TEXT_MAX: u64 = 256 << 20;

fn main() -> Result<()> {
    let options = Options::of_process();
    for &kind in &options.sets {
        measure(kind, &options)?;
    }
    Ok(())
}

fn measure(kind: Kind, options: &Options) -> Result<()> {
    let folder = tempfile::tempdir_in(&options.dir)?;
    let set = Set::generate(kind, options, folder.path())?;
    let mut table = costs_table(&set);
    let mut loads = Vec::new();
    for contender in contender::all(options, folder.path()) {
        let loaded = contender.load(&set)?;
        progress(&format!("{}: {}", contender.name, loaded.describe()));
        loads.push((contender.name, loaded));
    }
    costs(&set, &loads, &mut table);
    table.print(options.json)?;
    limits(&set, &loads[0].1, folder.path())?.print(options.json)
}

/// What each store took. In brackets: how many times perfdb's figure.
fn costs_table(set: &Set) -> Table {
    let columns = ["store", "M samples/s", "wall s", "CPU s", "bytes", "bytes/sample", "peak MiB"];
    Table::new(format!("Ingest, {}", set.title()), columns.map(String::from))
}

fn costs(set: &Set, loads: &[(&str, Loaded)], table: &mut Table) {
    let ours = &loads[0].1;
    let samples = set.samples as f64;
    let mib = |l: &Loaded| l.cost.peak_bytes.map(|b| b as f64 / 1_048_576.0);
    for (name, theirs) in loads {
        table.push(vec![
            Cell::Text((*name).into()),
            Cell::Number(samples / theirs.cost.wall_s / 1e6),
            Cell::beside(Some(theirs.cost.wall_s), Some(ours.cost.wall_s)),
            Cell::beside(theirs.cost.cpu_s, ours.cost.cpu_s),
            Cell::Count(theirs.bytes),
            Cell::beside(Some(theirs.bytes as f64 / samples), Some(ours.bytes as f64 / samples)),
            Cell::beside(mib(theirs), mib(ours)),
        ]);
    }
}

/// How far perfdb is from what the machine and the data allow.
fn limits(set: &Set, ours: &Loaded, folder: &Path) -> Result<Table> {
    progress("measuring limits");
    let columns = ["limit", "limit's figure", "perfdb's", "perfdb / limit"];
    let mut table = Table::new("Limits of ingest", columns.map(String::from));
    let mut row = |name: &str, limit: f64, ours: Option<f64>| {
        table.push(vec![Cell::Text(name.into()), Cell::Number(limit), Cell::of(ours), Cell::ratio(ours, Some(limit))]);
    };
    let file_len = std::fs::metadata(&set.lp)?.len();
    let mut text = Vec::new();
    File::open(&set.lp)?.take(TEXT_MAX).read_to_end(&mut text)?;
    let share = file_len as f64 / text.len() as f64;
    let scan = one_core(|| (), |()| memchr::memchr_iter(b'\n', &text).count()) * share;
    let split = one_core(|| (), |()| split(&text)) * share;
    row("find the ends of all lines, one core: CPU s", scan, ours.cost.cpu_s);
    row("split and read all fields, one core: CPU s", split, ours.cost.cpu_s);
    row("write the store's bytes and sync: wall s", write_and_sync(folder, ours.bytes)?, Some(ours.cost.wall_s));
    row("information in the data: bytes/sample", set.floor_bytes, Some(ours.bytes as f64 / set.samples as f64));
    Ok(table)
}

/// The least that reading line protocol can be: each line's values and time as numbers, with no series looked up, nothing checked.
fn split(text: &[u8]) -> (u64, u64) {
    let (mut values, mut times) = (0u64, 0u64);
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        let line = &text[start..end];
        start = end + 1;
        let Some(head) = memchr::memchr(b' ', line) else { continue };
        let Some(fields) = memchr::memrchr(b' ', line) else { continue };
        for field in line.get(head + 1..fields).unwrap_or_default().split(|&b| b == b',') {
            let Some(name) = memchr::memchr(b'=', field) else { continue };
            values = values.wrapping_add(digits(&field[name + 1..]));
        }
        times = times.wrapping_add(digits(&line[fields + 1..]));
    }
    (values, times)
}

/// The number that the digits of `text` make.
fn digits(text: &[u8]) -> u64 {
    let only = text.iter().map(|b| b.wrapping_sub(b'0')).filter(|&d| d < 10);
    only.fold(0, |number, digit| number.wrapping_mul(10).wrapping_add(u64::from(digit)))
}

/// Seconds to write `len` bytes to one file and sync it: the better of two.
fn write_and_sync(folder: &Path, len: u64) -> Result<f64> {
    // Bytes that no device can shrink.
    let mut random = support::random::Random::new(1);
    let block: Vec<u8> = (0..1 << 17).flat_map(|_| random.bits().to_le_bytes()).collect();
    let mut best = f64::INFINITY;
    for _ in 0..2 {
        let path = folder.join("limit");
        let start = Instant::now();
        let mut file = File::create(&path)?;
        let mut left = len as usize;
        while left > 0 {
            let part = left.min(block.len());
            file.write_all(&block[..part])?;
            left -= part;
        }
        file.sync_all()?;
        best = best.min(start.elapsed().as_secs_f64());
        std::fs::remove_file(&path)?;
    }
    Ok(best)
}
