//! Records the team of agents that `perfdb demo` runs, as line protocol on stdout.
//!
//! `cargo run --release --example record_agents -- --for 25m --pause 4200ms > agents.lp`. Each agent pauses between two pieces
//! of work, so that a long recording stays small. The host's name is not written: it is `host-a`.

#![expect(clippy::print_stdout, reason = "the recording goes to stdout")]

use perfdb::cli::demo::{Clock, Options, record};
use perfdb::error::{Error, Result};
use perfdb::model::{Cancel, Duration, Timestamp};
use std::io::Write;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

fn main() -> Result<()> {
    let now = Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64));
    let options = Options {
        duration: argument("--for", "20s")?,
        pause: argument("--pause", "0s")?,
        seed: 1,
        host: "host-a",
        clock: Clock::starting_at(now),
    };
    let recording = record(&options, &Cancel::new())?;
    for i in 0..recording.columns.count() {
        // The host's own metrics are left out: `record_host` records them in full.
        let series = recording.series.get(recording.columns.series[i]).filter(|s| s.labels.get("agent").is_some());
        let Some(series) = series else { continue };
        print!("{}", series.metric);
        for (key, value) in series.labels.iter() {
            print!(",{key}={value}");
        }
        println!(" value={} {}", recording.columns.values[i], recording.columns.times[i]);
    }
    std::io::stdout().flush().map_err(|e| Error::io("write", Path::new("stdout"), e))
}

/// The length of time behind `name`, or `default`.
fn argument(name: &str, default: &str) -> Result<std::time::Duration> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let at = given.iter().position(|a| a == name).map(|i| i + 1);
    let span: Duration = at.and_then(|i| given.get(i)).map_or(default, String::as_str).parse().map_err(Error::usage)?;
    Ok(std::time::Duration::from_nanos(u64::try_from(span.ns_mean()).unwrap_or(0)))
}
