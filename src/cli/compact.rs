//! `perfdb compact`: gives back the space that a store does not need.

use super::answer::{counted, human_bytes};
use super::args::{CompactArgs, Global};
use super::bar::Bar;
use super::config::{Layer, Settings};
use super::io::Io;
use crate::error::Result;
use crate::storage::{OpenOptions, Space, Store};

/// Carries out `perfdb compact`.
///
/// # Errors
/// What the store and the streams report.
pub fn run(args: &CompactArgs, global: &Global, io: &mut Io<'_>) -> Result<()> {
    let settings = Settings::resolve(Layer::default(), global, &io.surroundings)?;
    let options = OpenOptions { create: false, wait: settings.wait, ..OpenOptions::write() };
    let mut store = Store::open(&settings.db, options)?;
    let before = store.space()?;
    if args.dry_run || !settings.quiet {
        io.print_line(&forecast(&settings, before));
    }
    if args.dry_run {
        return store.close();
    }
    let bar = Bar::new(&settings, io);
    store.compact(&bar, &io.cancel)?;
    drop(bar);
    store.close()?;
    if !settings.quiet {
        let after = settings.store_len();
        io.print_line(&format!(
            "`{}` took {} and takes {} now",
            settings.db.display(),
            human_bytes(before.file_len),
            human_bytes(after)
        ));
    }
    Ok(())
}

/// What compacting will do and cost.
fn forecast(settings: &Settings, space: Space) -> String {
    let mut parts = vec![format!(
        "`{}` takes {}, {} of it unused; up to {} will move",
        settings.db.display(),
        human_bytes(space.file_len),
        human_bytes(space.free_len()),
        human_bytes(space.moved_len_max()),
    )];
    if space.short_chunks > 0 {
        parts.push(format!(
            "{} will be joined to {}",
            counted(space.short_chunks, "short chunk"),
            counted(space.joined_chunks, "longer one")
        ));
    }
    parts.join("; ")
}
