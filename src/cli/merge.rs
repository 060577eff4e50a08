//! `perfdb merge`: brings the samples of other stores in.

use super::answer::counted;
use super::args::{Global, MergeArgs};
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use crate::db::Database;
use crate::error::{Error, Result};
use crate::storage::{MergeOptions, Merged, OpenOptions, Store};
use std::path::Path;

/// Carries out `perfdb merge`.
///
/// # Errors
/// The first store that cannot be merged; those before it stay merged. What the streams report.
pub fn run(args: &MergeArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    for (i, path) in args.others.iter().enumerate() {
        let done = merge(path, args, &settings, io);
        if done.is_err() && i > 0 {
            io.print_note(&format!("{i} of {} stores were merged before this one", args.others.len()));
        }
        let merged = done?;
        if !settings.quiet {
            for conflict in &merged.conflicts {
                io.print_warning(conflict, settings.color);
            }
            io.print_line(&told(path, &merged));
        }
    }
    Ok(())
}

fn merge(path: &Path, args: &MergeArgs, settings: &Settings, io: &Io<'_>) -> Result<Merged> {
    let other = Store::open(path, OpenOptions { wait: settings.wait, ..OpenOptions::read() })?;
    let is_new = !settings.store_exists();
    let db = settings.open_to_fill()?;
    let bar = Bar::new(settings, io);
    let options = MergeOptions { ignore_units: args.ignore_units, now: io.now.0 };
    let merged = db.store().merge_from(&other, options, &bar, &io.cancel);
    drop(bar);
    close(db, is_new && merged.is_err())?;
    other.close()?;
    merged
}

/// Closes the store, and takes it away where it was made for nothing.
fn close(db: Database, for_nothing: bool) -> Result<(), Error> {
    if for_nothing {
        // An empty store that stays does no harm.
        drop(db.discard_if_empty());
        return Ok(());
    }
    db.close()
}

/// What was done, in a sentence.
fn told(path: &Path, merged: &Merged) -> String {
    let name = path.display();
    let known = match merged.known {
        0 => String::new(),
        1 => "; 1 more was here already".to_owned(),
        more => format!("; {more} more were here already"),
    };
    if merged.samples == 0 && merged.ingests + merged.streams == 0 {
        return format!("{name}: nothing new");
    }
    format!(
        "{name}: added {} of {} and {}{known}",
        counted(merged.samples, "sample"),
        counted(merged.ingests, "ingest"),
        counted(merged.streams, "stream"),
    )
}
