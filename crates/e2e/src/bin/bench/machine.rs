//! What the figures were taken on.

use std::{fs, io::Write as _, thread::available_parallelism, time::Instant};

use crate::figures::Latencies;

/// Prints the machine, and the programs under test.
pub(crate) fn print(programs: &[(&str, &str)]) {
    println!("machine: {} cores, {}, {} of memory, {}", cores(), processor(), memory(), kernel());
    println!("an append of 4 KB with fsync: {}", fsync());
    println!("load before: {}", load());
    for (name, version) in programs {
        println!("{name}: {version}");
    }
}

/// The load averages of 1, 5 and 15 minutes. Above the number of cores, others had work too.
pub(crate) fn load() -> String {
    let text = read("/proc/loadavg");
    text.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

/// What the disk under the temporary folder takes, where the gateway's data is too.
fn fsync() -> String {
    let mut file = tempfile::tempfile().expect("a temporary file");
    let mut took = Latencies::default();
    for _ in 0..200 {
        file.write_all(&[0; 4096]).expect("the disk takes it");
        let began = Instant::now();
        file.sync_data().expect("the disk has it");
        took.push(began.elapsed());
    }
    let (half, most) = took.percentiles();
    format!("p50 {half:.2} ms, p99 {most:.2} ms")
}

fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}

fn processor() -> String {
    field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn memory() -> String {
    let kib = field(&read("/proc/meminfo"), "MemTotal").and_then(|total| total.split(' ').next()?.parse::<u64>().ok());
    kib.map_or_else(|| "unknown amount".to_owned(), |kib| format!("{} GiB", (kib + (1 << 19)) >> 20))
}

fn kernel() -> String {
    format!("{} {}", std::env::consts::OS, read("/proc/sys/kernel/osrelease").trim())
}

/// The value behind the first `name: ` in a file of /proc.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().find_map(|line| Some(line.strip_prefix(name)?.split_once(':')?.1.trim().to_owned()))
}

/// Empty where there is no /proc.
fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
