//! How much memory there is.

use std::path::Path;

use serde::Serialize;

use super::adapters::AdapterKind;
use super::choice::ChosenDevice;

/// The main memory that this process may use, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MemoryLimit {
    /// All of it: what is installed, or what the process's control group may take, the smaller.
    pub total: u64,
    /// What is free of it, or can be freed.
    pub available: u64,
}

impl MemoryLimit {
    /// The limit where `device` computes in main memory; `None` for a GPU with memory of its own (graphics interfaces do
    /// not say how much that is), and where the system does not tell.
    #[must_use]
    pub fn of(device: &ChosenDevice) -> Option<Self> {
        let own = [AdapterKind::DiscreteGpu, AdapterKind::VirtualGpu, AdapterKind::Other];
        if device.adapter.as_ref().is_some_and(|adapter| own.contains(&adapter.kind)) {
            return None;
        }
        Self::of_main_memory()
    }

    /// The limit of what lies in main memory; `None` where the system does not tell.
    #[must_use]
    pub fn of_main_memory() -> Option<Self> {
        let read = |path: &str| std::fs::read_to_string(Path::new(path)).ok();
        let group = read("/proc/self/cgroup").as_deref().and_then(group_of).map(|group| {
            let of = |file: &str| read(&format!("/sys/fs/cgroup{group}/{file}"));
            (of("memory.max"), of("memory.current"))
        });
        let group = group.and_then(|(most, now)| Some((number(&most?)?, number(&now?)?)));
        Self::from(&read("/proc/meminfo")?, group)
    }

    /// From `/proc/meminfo`, and what a control group may take and takes.
    fn from(meminfo: &str, group: Option<(u64, u64)>) -> Option<Self> {
        let field = |name: &str| {
            let line = meminfo.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
            line.split_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
        };
        let (total, available) = (field("MemTotal")?, field("MemAvailable")?);
        Some(match group {
            Some((most, now)) if most < total => {
                Self { total: most, available: available.min(most.saturating_sub(now)) }
            }
            _ => Self { total, available },
        })
    }
}

/// The path of the control group (version 2) in `/proc/self/cgroup`.
fn group_of(text: &str) -> Option<String> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::"))?;
    Some(path.trim_end_matches('/').to_owned())
}

/// `None` for `max`.
fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_machine_and_control_group_counts() {
        let meminfo = "MemTotal:       8000 kB\nMemFree: 1 kB\nMemAvailable:   6000 kB\n";
        let limit = |group| MemoryLimit::from(meminfo, group).map(|limit| (limit.total, limit.available));
        assert_eq!(limit(None), Some((8000 << 10, 6000 << 10)));
        assert_eq!(limit(Some((4000 << 10, 1000 << 10))), Some((4000 << 10, 3000 << 10)));
        assert_eq!(limit(Some((1 << 40, 0))), Some((8000 << 10, 6000 << 10)));
        assert_eq!(MemoryLimit::from("MemFree: 1 kB\n", None), None);
        assert_eq!((number("max\n"), number("12\n")), (None, Some(12)));
        assert_eq!(group_of("1:cpu:/x\n0::/user.slice\n").as_deref(), Some("/user.slice"));
    }
}
