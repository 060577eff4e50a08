//! The command line: arguments and the world in, exit code out. One file a command.
//!
//! What stays true: whatever happens, [`run`] answers with an exit code; errors are `error: ...` on the standard error, with
//! nothing in them that could act on a terminal; a reader that went away ends a command quietly.

pub mod answer;
pub mod args;
mod bar;
pub mod check;
pub mod compact;
pub mod completions;
pub mod config;
pub mod delete;
pub mod demo;
pub mod export;
pub mod ingest;
pub mod io;
pub mod man;
pub mod merge;
pub mod metric;
mod open;
pub mod query;
pub mod restore;
pub mod retention;
mod select;
pub mod snapshot;
pub mod source;
pub mod stats;

#[cfg(test)]
mod tests;

pub use io::{Io, Surroundings, Terminal};

use crate::error::{Error, Result};
use args::{Cli, Color, Command};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, ValueEnum};
use std::ffi::OsString;

/// Width of help where there is no terminal.
const HELP_WIDTH: usize = 100;

/// Runs one command line, whose first argument is the program's name, and gives the exit code: see [`Error::exit_code`].
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let cli = match parse(args, io) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let color = cli.global.color;
    let done = dispatch(cli, io).and_then(|code| io.out.flush().map(|()| code).map_err(io::out_error));
    match done {
        Ok(code) => code,
        Err(e) => fail(&e, color, io),
    }
}

/// Prints `error` and gives its exit code.
fn fail(error: &Error, color: Option<Color>, io: &mut Io<'_>) -> u8 {
    if let Error::Io { source, .. } = error
        && source.kind() == std::io::ErrorKind::BrokenPipe
    {
        return 0;
    }
    // What is already answered stands before the error.
    let _ = io.out.flush();
    io.print_error(&error.to_string(), color);
    error.exit_code()
}

/// The arguments as a type; the exit code where there is nothing left to do: help was asked for, or they are wrong.
fn parse(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> Result<Cli, u8> {
    let args: Vec<OsString> = args.into_iter().collect();
    let width = io.terminal.width.unwrap_or(HELP_WIDTH);
    let choice = color_of(&args);
    let parsed = Cli::command().term_width(width).try_get_matches_from(args).and_then(|m| Cli::from_arg_matches(&m));
    parsed.map_err(|e| match e.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            let styled = e.render();
            let color = io.surroundings.color(choice, io.terminal.out);
            let text = if color { styled.ansi().to_string() } else { styled.to_string() };
            let done = io.write_out(text.as_bytes()).and_then(|()| io.out.flush().map_err(io::out_error));
            done.map_or_else(|e| fail(&e, choice, io), |()| 0)
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            io.print_error(&format!("there is nothing to do\n\n{}", e.render()), choice);
            2
        }
        _ => {
            let text = e.render().to_string();
            io.print_error(text.strip_prefix("error: ").unwrap_or(&text), choice);
            2
        }
    })
}

/// The color that was asked for, read without understanding the rest: wrong arguments are told about in it too.
fn color_of(args: &[OsString]) -> Option<Color> {
    let words: Vec<&str> = args.iter().map_while(|a| a.to_str()).take_while(|a| *a != "--").collect();
    let value = words.iter().enumerate().find_map(|(i, word)| match *word {
        "--color" => words.get(i + 1).copied(),
        word => word.strip_prefix("--color="),
    });
    value.and_then(|v| Color::from_str(v, false).ok())
}

/// Carries out a command and gives the exit code.
fn dispatch(cli: Cli, io: &mut Io<'_>) -> Result<u8> {
    let global = &cli.global;
    let done = match cli.command {
        Command::Check => return check::run(global, io),
        Command::Ingest(args) => ingest::run(&args, global, io),
        Command::Query(args) => query::run(&args, global, io),
        Command::Show(args) => query::show(&args, global, io),
        Command::Export(args) => export::run(&args, global, io),
        Command::Stats(args) => stats::run(&args, global, io),
        Command::Metric(args) => metric::run(&args, global, io),
        Command::Retention(args) => retention::run(&args, global, io),
        Command::Delete(args) => delete::run(&args, global, io),
        Command::Snapshot(args) => snapshot::run(&args, global, io),
        Command::Restore(args) => restore::run(&args, global, io),
        Command::Compact(args) => compact::run(&args, global, io),
        Command::Merge(args) => merge::run(&args, global, io),
        Command::Demo(args) => demo::run(&args, global, io),
        Command::Completions(args) => completions::run(&args, io),
        Command::Man(args) => man::run(&args, io),
    };
    done.map(|()| 0)
}
