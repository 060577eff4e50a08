//! Reads this machine while the team works.

use super::Clock;
use crate::model::Cancel;
use std::time::{Duration, Instant};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// How often the machine is read. The share of a CPU's time is a mean over this long.
const INTERVAL: Duration = Duration::from_millis(250);

/// A reading: metric, time in ns since the Unix epoch, value.
pub(super) type Reading = (&'static str, i64, f64);

/// Reads `cpu.usage`, `load1`, `memory.used_bytes` and `memory.available_bytes` until `until`. Empty where the system
/// does not let itself be read.
pub(super) fn watch(clock: Clock, until: Instant, cancel: &Cancel) -> Vec<Reading> {
    let kinds = RefreshKind::nothing().with_memory(MemoryRefreshKind::everything());
    let Ok(mut system) = System::new_with_specifics(kinds.with_cpu(CpuRefreshKind::nothing().with_usage())) else {
        return Vec::new();
    };
    let mut readings = Vec::new();
    let mut next = Instant::now() + INTERVAL;
    while next <= until && !cancel.is_cancelled() {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        system.refresh_cpu_usage();
        system.refresh_memory_specifics(MemoryRefreshKind::everything());
        let time = clock.now();
        let mut read = |metric, value| readings.push((metric, time, value));
        read("cpu.usage", f64::from((system.global_cpu_usage() * 100.0).round()) / 100.0);
        if let Ok(load) = System::load_average() {
            read("load1", load.one);
        }
        read("memory.used_bytes", system.used_memory() as f64);
        read("memory.available_bytes", system.available_memory() as f64);
        next += INTERVAL;
    }
    readings
}
