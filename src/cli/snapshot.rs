//! `perfdb snapshot`: a consistent copy of the store.

use super::answer::{counted, human_bytes};
use super::args::{Global, SnapshotArgs};
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::Result;
use crate::storage::Copied;
use std::path::Path;

/// Carries out `perfdb snapshot`.
///
/// # Errors
/// What the store and the streams report; nothing is left of the copy then.
pub fn run(args: &SnapshotArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let db = settings.open_to_read()?;
    let bar = Bar::new(&settings, io);
    let copied = db.store().copy_to(&args.file, args.force, &bar, &io.cancel)?;
    drop(bar);
    db.close()?;
    if !settings.quiet {
        io.print_line(&told("saved", &settings.db, "as", &args.file, copied));
    }
    Ok(())
}

/// A copy in a sentence.
pub(super) fn told(what: &str, from: &Path, preposition: &str, to: &Path, copied: Copied) -> String {
    format!(
        "{what} `{}` {preposition} `{}`: {} in {} and the log, {}, verified",
        from.display(),
        to.display(),
        counted(copied.samples, "sample"),
        counted(copied.chunks, "chunk"),
        human_bytes(copied.file_len),
    )
}
