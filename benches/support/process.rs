//! Measuring: processor time of this process, of one thread and of child processes; wall time and peak memory of a child.
//!
//! What stays true: where the system has no `/proc`, a figure is missing, never wrong.

use super::Result;
use std::hint::black_box;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Ticks a second in `/proc/PID/stat`, on every Linux that Rust runs on.
const TICKS: f64 = 100.0;
/// How long a limit is repeated for: the thread's clock may lag behind by a few ms.
const LIMIT_S: f64 = 0.1;

/// What a child process took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Measured {
    /// From before it starts to after its end, in s.
    pub(crate) wall_s: f64,
    /// Processor time of all threads, user and system, in s; a multiple of 10 ms.
    pub(crate) cpu_s: Option<f64>,
    /// The most memory that it held, in bytes, where that was watched.
    pub(crate) peak_bytes: Option<u64>,
}

/// Runs `command` to its end and watches its memory.
pub(crate) fn watch(command: &mut Command) -> Result<Measured> {
    let done = AtomicBool::new(false);
    let (cpu, start) = (cpu_of_children(), Instant::now());
    let child = spawn(command)?;
    let id = child.id();
    let (output, peak_bytes) = std::thread::scope(|scope| {
        let peak = scope.spawn(|| watch_memory(id, &done));
        let output = child.wait_with_output();
        done.store(true, Ordering::Relaxed);
        (output, peak.join().unwrap_or(None))
    });
    let wall_s = start.elapsed().as_secs_f64();
    succeeded(command, output?)?;
    Ok(Measured { wall_s, cpu_s: since(cpu, cpu_of_children()), peak_bytes })
}

/// Runs `command` to its end and gives what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = spawn(command)?.wait_with_output()?;
    succeeded(command, output)
}

/// Starts `command` with nothing to read.
fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    child.map_err(|e| format!("cannot run {}: {e}", command.get_program().display()).into())
}

/// What a child printed; an error that says what it said where it failed.
fn succeeded(command: &Command, output: std::process::Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{} failed: {}", command.get_program().display(), said.trim()).into())
}

/// The high-water mark of process `id`, read until `done`: it only rises, so the last reading is the peak but for the last 2 ms.
fn watch_memory(id: u32, done: &AtomicBool) -> Option<u64> {
    let mut peak = None;
    while !done.load(Ordering::Relaxed) {
        peak = peak.max(high_water(id));
        std::thread::sleep(Duration::from_millis(2));
    }
    peak
}

fn high_water(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Processor time of the children that ended, in s.
pub(crate) fn cpu_of_children() -> Option<f64> {
    ticks(13)
}

/// Seconds of the two counters from `first` on in `/proc/self/stat`, counted behind the process's name.
pub(crate) fn ticks(first: usize) -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let two = [fields.get(first)?, fields.get(first + 1)?].map(|n| n.parse::<f64>());
    two.into_iter().sum::<std::result::Result<f64, _>>().ok().map(|n| n / TICKS)
}

/// The time from `start` to `end`, if both are known.
pub(crate) fn since(start: Option<f64>, end: Option<f64>) -> Option<f64> {
    Some(end? - start?)
}

/// Watches how much of the machine others use, because that spoils wall time and says how far to trust it.
pub(crate) struct Neighbours {
    start: Instant,
    others: Option<f64>,
}

impl Neighbours {
    /// Watches from now on.
    pub(crate) fn watch() -> Self {
        Self { start: Instant::now(), others: cpu_of_others() }
    }

    /// How many cores they used since, on average.
    pub(crate) fn cores(&self) -> Option<f64> {
        since(self.others, cpu_of_others()).map(|s| (s / self.start.elapsed().as_secs_f64()).max(0.0))
    }
}

/// Processor time of everything but this process and its children that ended, in s.
fn cpu_of_others() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let fields: Vec<f64> = line.split_whitespace().map_while(|n| n.parse().ok()).collect();
    // user, nice, system, irq, softirq and steal: not idle, not waiting for a device, and guests are in user already.
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&i| fields.get(i)).sum::<f64>() / TICKS;
    Some(busy - ticks(11)? - ticks(13)?)
}

/// Processor time of the calling thread in s; wall time where the system does not tell it.
fn cpu_of_thread(start: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
    let ns = text.and_then(|t| t.split_whitespace().next()?.parse::<f64>().ok());
    ns.map_or_else(|| start.elapsed().as_secs_f64(), |ns| ns / 1e9)
}

/// Seconds of one core for `work`, which gets a fresh `prepare()` each time: the mean of a few runs.
pub(crate) fn one_core<T, R>(mut prepare: impl FnMut() -> T, mut work: impl FnMut(T) -> R) -> f64 {
    let start = Instant::now();
    let (mut total, mut count) = (0.0, 0);
    while count == 0 || (total < LIMIT_S && count < 1000) {
        let input = black_box(prepare());
        let from = cpu_of_thread(start);
        black_box(work(input));
        total += cpu_of_thread(start) - from;
        count += 1;
    }
    total / f64::from(count)
}
