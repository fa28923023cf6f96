//! A run can only be continued with the configuration that it was started with.

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::EventReader;

/// Where the events `started` and `extended` have the configuration that the run goes on with.
pub const CONFIG: &str = "config";
/// Where an event has the one before it.
const CONFIG_BEFORE: &str = "config_before";

/// `section.key` of every value that differs between two resolved configurations, and both values.
pub(super) fn differing_keys<'a>(
    stored: &'a toml::Table,
    resolved: &'a toml::Table,
) -> Vec<(String, [Option<&'a toml::Value>; 2])> {
    let mut keys = Vec::new();
    let names = |a: &toml::Table, b: &toml::Table| -> Vec<String> {
        let mut names: Vec<String> = a.keys().chain(b.keys()).cloned().collect();
        names.sort();
        names.dedup();
        names
    };
    for name in names(stored, resolved) {
        match (stored.get(&name), resolved.get(&name)) {
            (Some(toml::Value::Table(a)), Some(toml::Value::Table(b))) => {
                let inner = names(a, b).into_iter().filter(|key| a.get(key) != b.get(key));
                keys.extend(inner.map(|key| (format!("{name}.{key}"), [a.get(&key), b.get(&key)])));
            }
            (a, b) if a != b => keys.push((name, [a, b])),
            _ => {}
        }
    }
    keys
}

/// What differs between `config` and the configurations that the log at `events` has, apart from the keys `free`: empty
/// where one of them is the same, or there is none, as in runs of earlier versions.
pub(super) fn edited<T: Serialize + DeserializeOwned>(
    events: &Path,
    config: &T,
    free: &[&str],
) -> Vec<String> {
    let events = EventReader::new(events).new_events().unwrap_or_default();
    // A process may have died between writing the event and the file.
    let recorded = events.iter().flat_map(|event| [CONFIG_BEFORE, CONFIG].map(|key| &event[key]));
    let recorded = recorded.filter_map(|value| serde_json::from_value::<T>(value.clone()).ok());
    let now = table(config);
    let mut last = Vec::new();
    for then in recorded.map(|then| table(&then)) {
        let shown = |value: Option<&toml::Value>| value.map_or("not set".to_owned(), ToString::to_string);
        let differing = differing_keys(&then, &now).into_iter().filter(|(key, _)| !free.contains(&&**key));
        last = differing
            .map(|(key, [then, now])| format!("{key} ({} then, {} now)", shown(then), shown(now)))
            .collect();
        if last.is_empty() {
            break;
        }
    }
    last
}

pub(super) fn table(config: &impl Serialize) -> toml::Table {
    toml::Table::try_from(config).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_configuration_is_told_by_its_keys() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let stored = table("seed = 1\n[train]\nsteps = 4\nbatch = 8\n");
        let resolved = table("seed = 2\n[train]\nsteps = 5\nbatch = 8\n");
        let keys: Vec<String> = differing_keys(&stored, &resolved).into_iter().map(|(key, _)| key).collect();
        assert_eq!(keys, ["seed", "train.steps"]);
    }
}
