//! A run can only be continued with the configuration that it was started with.

/// `section.key` of every value that differs between two resolved configurations.
pub(super) fn differing_keys(stored: &toml::Table, resolved: &toml::Table) -> Vec<String> {
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
                keys.extend(inner.map(|key| format!("{name}.{key}")));
            }
            (a, b) if a != b => keys.push(name),
            _ => {}
        }
    }
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_configuration_is_told_by_its_keys() {
        let table = |text: &str| text.parse::<toml::Table>().unwrap();
        let keys = differing_keys(
            &table("seed = 1\n[train]\nsteps = 4\nbatch = 8\n"),
            &table("seed = 2\n[train]\nsteps = 5\nbatch = 8\n"),
        );
        assert_eq!(keys, ["seed", "train.steps"]);
    }
}
