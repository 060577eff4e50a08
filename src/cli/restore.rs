//! `perfdb restore`: a snapshot put back as the store.

use super::args::{Global, RestoreArgs};
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use super::snapshot::told;
use crate::error::{Error, Result};
use crate::storage;

/// Carries out `perfdb restore`.
///
/// # Errors
/// What both stores and the streams report; the store is as it was then.
pub fn run(args: &RestoreArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    if settings.db.exists() && !args.force {
        return Err(Error::usage_hint(
            format!("there is a store at `{}`", settings.db.display()),
            "name another place with `--db FILE`, or replace it with `--force`",
        ));
    }
    let bar = Bar::new(&settings, io);
    let copied = storage::restore(&args.snapshot, &settings.db, args.force, settings.wait, &bar, &io.cancel)?;
    drop(bar);
    if !settings.quiet {
        io.print_line(&told("put", &args.snapshot, "back as", &settings.db, copied));
    }
    Ok(())
}
