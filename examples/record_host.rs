//! Records this machine to a wide CSV on stdout: one row each interval, percentages over the interval, totals since boot.
//!
//! `cargo run --release --example record_host -- --interval 2s --for 31m > host.csv`. Linux only: the split of the CPU's
//! time comes from `/proc/stat`, the rest from the `sysinfo` crate. The host's name is not written: it is `host-a`.

#![expect(clippy::print_stdout, reason = "the recording goes to stdout")]

use perfdb::error::{Error, Result};
use perfdb::model::{Duration, Timestamp};
use std::io::Write;
use std::path::Path;
use std::time::{Instant, SystemTime, UNIX_EPOCH};
use sysinfo::{Disks, MemoryRefreshKind, Networks, ProcessRefreshKind, ProcessesToUpdate, System};

const HEADER: &str = "time,host,cpu.usage,cpu.user,cpu.system,cpu.iowait,load1,memory.used_bytes,memory.available_bytes,\
                      swap.used_bytes,disk.read_bytes_total,disk.written_bytes_total,network.received_bytes_total,\
                      network.sent_bytes_total,process.count";

fn main() -> Result<()> {
    let (interval, total) = arguments()?;
    let mut host = Host::new()?;
    println!("{HEADER}");
    let begun = Instant::now();
    let mut next = begun + interval;
    while next.duration_since(begun) <= total {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        println!("{}", host.row()?);
        std::io::stdout().flush().map_err(|e| Error::io("write", Path::new("stdout"), e))?;
        next += interval;
    }
    Ok(())
}

/// The values of `--interval` and `--for`.
fn arguments() -> Result<(std::time::Duration, std::time::Duration)> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str, default: &str| -> Result<std::time::Duration> {
        let at = given.iter().position(|a| a == name).map(|i| i + 1);
        let text = at.and_then(|i| given.get(i)).map_or(default, String::as_str);
        let span: Duration = text.parse().map_err(Error::usage)?;
        match u64::try_from(span.ns_mean()) {
            Ok(ns) if ns > 0 => Ok(std::time::Duration::from_nanos(ns)),
            _ => Err(Error::usage(format!("{name} needs a length above zero"))),
        }
    };
    Ok((value("--interval", "2s")?, value("--for", "1m")?))
}

/// What is read at each row, and the CPU times at the row before.
struct Host {
    system: System,
    disks: Disks,
    networks: Networks,
    before: CpuTimes,
}

impl Host {
    fn new() -> Result<Self> {
        let refused = |e: sysinfo::Error| Error::usage(format!("this machine cannot be read: {e}"));
        Ok(Self {
            system: System::new().map_err(refused)?,
            disks: Disks::new_with_refreshed_list().map_err(refused)?,
            networks: Networks::new_with_refreshed_list().map_err(refused)?,
            before: CpuTimes::read()?,
        })
    }

    /// One line of the CSV: now, over the time since the row before.
    fn row(&mut self) -> Result<String> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::everything());
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::All,
            true,
            ProcessRefreshKind::nothing().without_tasks(),
        );
        self.disks.refresh(true);
        self.networks.refresh(true);
        let load = System::load_average().map_or(0.0, |l| l.one);
        let cpu = CpuTimes::read()?;
        let share = cpu.percent_since(&self.before);
        self.before = cpu;
        let disk = self.disks.iter().map(sysinfo::Disk::usage);
        let (read, written) = disk.fold((0, 0), |sum, d| (sum.0 + d.total_read_bytes, sum.1 + d.total_written_bytes));
        let (received, sent) =
            self.networks.values().fold((0, 0), |sum, n| (sum.0 + n.total_received(), sum.1 + n.total_transmitted()));
        Ok(format!(
            "{},host-a,{},{},{},{},{},{},{},{},{read},{written},{received},{sent},{}",
            now().utc().to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            rounded(share.busy),
            rounded(share.user),
            rounded(share.system),
            rounded(share.iowait),
            rounded(load),
            self.system.used_memory(),
            self.system.available_memory(),
            self.system.used_swap(),
            self.system.processes().len(),
        ))
    }
}

fn now() -> Timestamp {
    Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as i64))
}

fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

/// What the CPUs did since boot, in clock ticks summed over all of them; or the shares of it, in percent.
struct CpuTimes {
    busy: f64,
    user: f64,
    system: f64,
    iowait: f64,
    all: f64,
}

impl CpuTimes {
    /// Reads the first line of `/proc/stat`: user nice system idle iowait irq softirq steal, see proc_stat(5).
    fn read() -> Result<Self> {
        let path = Path::new("/proc/stat");
        let text = std::fs::read_to_string(path).map_err(|e| Error::io("read", path, e))?;
        let line = text.lines().next().unwrap_or_default();
        let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
        let &[user, nice, system, idle, iowait, irq, softirq, steal, ..] = ticks.as_slice() else {
            return Err(Error::usage("/proc/stat does not begin with the times of all CPUs"));
        };
        let busy = user + nice + system + irq + softirq + steal;
        Ok(Self { busy, user: user + nice, system: system + irq + softirq, iowait, all: busy + idle + iowait })
    }

    /// Each part's share of the time since `before`, in percent.
    fn percent_since(&self, before: &Self) -> Self {
        let all = (self.all - before.all).max(1.0);
        let share = |now: f64, then: f64| ((now - then) / all * 100.0).clamp(0.0, 100.0);
        Self {
            busy: share(self.busy, before.busy),
            user: share(self.user, before.user),
            system: share(self.system, before.system),
            iowait: share(self.iowait, before.iowait),
            all,
        }
    }
}
