//! `perfdb completions`: a shell's completions, from the definition of the command line.

use super::args::{Cli, CompletionsArgs};
use super::io::Io;
use crate::error::Result;
use clap::CommandFactory;

/// Prints the completions of a shell.
///
/// # Errors
/// A failed write.
pub fn run(args: &CompletionsArgs, io: &mut Io<'_>) -> Result<()> {
    // Into memory first: the generator panics where a write fails, as into a closed pipe.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "perfdb", &mut script);
    io.write_out(&script)
}
