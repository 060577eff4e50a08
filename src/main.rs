//! Arguments in, exit code out: hands the process's streams, clock and terminal to [`perfdb::cli::run`].

use perfdb::cli::{Io, Surroundings, Terminal, run};
use perfdb::error::printable;
use perfdb::model::{Cancel, Timestamp};
use signal_hook::{consts, flag};
use std::io::{IsTerminal, Write, stderr, stdin, stdout};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Signals that ask the program to end.
#[cfg(unix)]
const ENDING: [i32; 3] = [consts::SIGINT, consts::SIGTERM, consts::SIGHUP];
#[cfg(not(unix))]
const ENDING: [i32; 2] = [consts::SIGINT, consts::SIGTERM];

/// Exit code where a signal ended the program.
const EXIT_INTERRUPTED: i32 = 130;

/// Exit code of a bug, as `sysexits.h` has it.
const EXIT_BUG: u8 = 70;

fn main() -> ExitCode {
    set_hook(Box::new(report_bug));
    let cancel = Cancel::new();
    for signal in ENDING {
        // Where a handler cannot be set, the signal still ends the process, only less politely. The second one ends it in any case.
        let _ = flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED, cancel.flag());
        let _ = flag::register(signal, cancel.flag());
    }
    let code = catch_unwind(AssertUnwindSafe(|| run_in_process(cancel))).unwrap_or(EXIT_BUG);
    ExitCode::from(code)
}

fn run_in_process(cancel: Cancel) -> u8 {
    let (mut out, mut err) = (stdout().lock(), stderr());
    let terminal = Terminal {
        out: out.is_terminal(),
        err: err.is_terminal(),
        width: terminal_size::terminal_size().map(|(width, _)| width.0.into()),
    };
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut io = Io {
        out: &mut out,
        err: &mut err,
        input: Box::new(stdin()),
        now: Timestamp(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX)),
        cancel,
        terminal,
        surroundings: Surroundings::of_process(),
    };
    run(std::env::args_os(), &mut io)
}

/// Says that perfdb is at fault, and where, instead of the usual message of a panic.
fn report_bug(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    let message = text.unwrap_or("no message");
    let place = info.location().map_or_else(String::new, |l| format!(" ({}:{})", l.file(), l.line()));
    let _ = writeln!(
        stderr(),
        "error: this is a bug in perfdb: {}{place}\n  help: please report it with the command that led here",
        printable(message)
    );
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0") {
        let _ = writeln!(stderr(), "{}", std::backtrace::Backtrace::force_capture());
    }
}
