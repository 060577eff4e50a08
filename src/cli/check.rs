//! `perfdb check`: reads every byte of the store and lists what is damaged.

use super::answer::{counted, human_bytes};
use super::args::Global;
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::{Error, Result, printable};
use crate::storage::{CheckReport, OpenOptions, Store};
use std::io::ErrorKind;

/// The exit code of a damaged store, as of [`Error::Corrupt`].
const DAMAGED: u8 = 4;

/// Carries out `perfdb check`, and gives the exit code.
///
/// # Errors
/// What the store and the streams report, damage apart.
pub fn run(global: &Global, io: &mut Io<'_>) -> Result<u8> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let shown = printable(&settings.db.display().to_string());
    let mut store = match open(&settings) {
        // What cannot even be opened is what a check is there to tell.
        Err(Error::Corrupt { what }) => {
            io.write_out(format!("damaged: {}\n{shown} cannot be opened\n", printable(&what)).as_bytes())?;
            return Ok(DAMAGED);
        }
        other => other?,
    };
    let bar = Bar::new(&settings, io);
    let report = store.check(&bar, &io.cancel)?;
    drop(bar);
    drop(store);
    if !settings.quiet {
        for note in &report.notes {
            io.print_note(note);
        }
    }
    io.write_out(text(&report, &shown).as_bytes())?;
    Ok(if report.damages.is_empty() { 0 } else { DAMAGED })
}

/// The store, for writing where that can be: the database checks itself only then.
fn open(settings: &Settings) -> Result<Store> {
    let options = OpenOptions { create: false, wait: settings.wait, ..OpenOptions::write() };
    match Store::open(&settings.db, options) {
        Err(Error::Io { source, .. })
            if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            Store::open(&settings.db, OpenOptions { wait: settings.wait, ..OpenOptions::read() })
        }
        other => other,
    }
}

fn text(report: &CheckReport, shown: &str) -> String {
    let CheckReport { chunks, samples, bytes, damages, .. } = report;
    let bytes = human_bytes(*bytes);
    let read = format!("{} in {} of {bytes} were read", counted(*samples, "sample"), counted(*chunks, "chunk"));
    let mut lines: Vec<String> = damages.iter().map(|what| format!("damaged: {}", printable(what))).collect();
    lines.push(match damages.len() {
        0 => format!("{shown} is sound: {read}\n"),
        count => format!("{shown} is damaged in {}: {read}\n", counted(count as u64, "place")),
    });
    lines.join("\n")
}
