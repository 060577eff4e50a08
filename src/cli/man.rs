//! `perfdb man`: manual pages, from the definition of the command line.

use super::args::{Cli, ManArgs};
use super::io::{Io, out_error};
use crate::error::{Error, Result};
use clap::CommandFactory;

/// Prints the main page, or writes a page for each command into a folder, which is created.
///
/// # Errors
/// A failed write.
pub fn run(args: &ManArgs, io: &mut Io<'_>) -> Result<()> {
    let Some(folder) = &args.dir else {
        let mut page = Vec::new();
        clap_mangen::Man::new(Cli::command()).render(&mut page).map_err(out_error)?;
        return io.write_out(&page);
    };
    std::fs::create_dir_all(folder).map_err(|e| Error::io("create the folder", folder, e))?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(|e| Error::io("write manual pages into", folder, e))
}
