//! Arms: encoders that differ in nothing but what they are taught by.

use zview_contrastive::train::Recipe;

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Arm {
    /// What it is called, on the page and as a folder.
    pub name: String,
    /// What its encoder learns from, in a few words.
    pub taught_by: String,
    /// Everything that decides what it learns.
    pub recipe: Recipe,
}

/// `section.key` of every value in which two recipes differ.
#[must_use]
pub fn differing_keys(a: &Recipe, b: &Recipe) -> Vec<String> {
    let values = |recipe| serde_json::to_value(recipe).unwrap_or_default();
    let mut keys = Vec::new();
    collect_differing("", &values(a), &values(b), &mut keys);
    keys
}

fn collect_differing(name: &str, a: &serde_json::Value, b: &serde_json::Value, keys: &mut Vec<String>) {
    let empty = serde_json::Map::new();
    match (a.as_object(), b.as_object()) {
        (Some(_), _) | (_, Some(_)) => {
            let (a, b) = (a.as_object().unwrap_or(&empty), b.as_object().unwrap_or(&empty));
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in names {
                let inner = if name.is_empty() { key.clone() } else { format!("{name}.{key}") };
                let value = |of: &serde_json::Map<String, serde_json::Value>| {
                    of.get(key).cloned().unwrap_or_default()
                };
                collect_differing(&inner, &value(a), &value(b), keys);
            }
        }
        _ if a != b => keys.push(name.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;

    use super::*;
    use zview_runtime::config::parse_toml;

    pub(crate) fn base() -> Recipe {
        let text = "seed = 5\n[source]\nkind = \"generator\"\ngenerator = \"gan\"\nweights = \"w.pt\"\n\
                    [views]\nkind = \"gaussian\"\nstd = 0.25\n[train]\nsteps = 40\nwarmup_steps = 4\n\
                    [probe]\ndata = \"letters\"\n";
        parse_toml(Path::new("base.toml"), text).unwrap()
    }

    #[test]
    fn recipes_differ_in_the_keys_whose_values_do() {
        let mut other = base();
        (other.seed, other.views.std, other.source.weights) = (6, 0.5, None);
        assert_eq!(differing_keys(&base(), &other), ["seed", "source.weights", "views.std"]);
        assert!(differing_keys(&base(), &base()).is_empty());
    }
}
