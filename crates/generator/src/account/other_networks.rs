//! Tensors beside a generator's that are another network's, as their names say.

use std::collections::{BTreeMap, BTreeSet};

use zview_network::weights::KeyInfo;

/// First parts of names that networks of a training script are put under together.
const WRAPPERS: [&str; 9] =
    ["state_dict", "model", "module", "_orig_mod", "models", "networks", "gan", "vae", "net"];

/// What other networks are called, in lower case.
const NAMES: [&str; 12] = [
    "d",
    "netd",
    "net_d",
    "disc",
    "dis",
    "enc",
    "encoder",
    "inception",
    "vgg",
    "lpips",
    "perceptual_loss",
    "classifier",
];

/// What names of other networks, or of what trains them, begin with.
const BEGINNINGS: [&str; 5] = ["discriminator", "critic", "netd_", "optim", "opt_"];

/// Parts of the names of averages and other copies.
const COPIES: [&str; 6] = ["ema", "average", "avg", "shadow", "copy", "swa"];

/// Latents that a training script keeps to draw the same pictures again.
const KEPT: [&str; 7] =
    ["fixed_noise", "fixed_z", "fixed_latent", "validation_z", "sample_z", "test_z", "example_input_array"];

/// The names of a file's tensors, and which parts of them lead to tensors that layers take.
pub(super) struct Tree {
    /// Every beginning, up to a dot, of the name of a tensor that a layer takes.
    leading_to_used: BTreeSet<String>,
    /// Shapes of all tensors.
    shapes: BTreeMap<String, Vec<usize>>,
    used: BTreeSet<String>,
}

impl Tree {
    pub(super) fn of(keys: &[KeyInfo]) -> Self {
        let mut leading_to_used = BTreeSet::new();
        for info in keys.iter().filter(|info| info.used) {
            leading_to_used.extend(info.key.match_indices('.').map(|(dot, _)| info.key[..dot].to_owned()));
        }
        let shapes = keys.iter().map(|info| (info.key.clone(), info.shape.clone())).collect();
        let used = keys.iter().filter(|info| info.used).map(|info| info.key.clone()).collect();
        Self { leading_to_used, shapes, used }
    }

    /// The shortest beginning of `key` that leads to no tensor that a layer takes, with its dot; or `key`.
    pub(super) fn own_prefix(&self, key: &str) -> String {
        let mut dots = key.match_indices('.').map(|(dot, _)| dot);
        let own = dots.find(|dot| !self.leading_to_used.contains(&key[..*dot]));
        own.map_or_else(|| key.to_owned(), |dot| key[..=dot].to_owned())
    }

    /// Whether the tensors under `prefix` hold all that layers take, under another name.
    fn is_copy(&self, prefix: &str) -> bool {
        let (parent, name) = split(prefix.trim_end_matches('.'));
        let Some(first) = self.used.first().and_then(|key| key.strip_prefix(parent)) else { return false };
        let Some((of, _)) = first.split_once('.') else { return false };
        let original = format!("{parent}{of}.");
        let looks_so = |name: &str| COPIES.iter().any(|part| name.to_lowercase().contains(part));
        let same = |key: &String| {
            let rest = key.strip_prefix(&original)?;
            (self.shapes.get(&format!("{prefix}{rest}")) == self.shapes.get(key)).then_some(())
        };
        (looks_so(name) || looks_so(of)) && self.used.iter().all(|key| same(key).is_some())
    }
}

/// What comes before the last part of a name, with its dot, and the last part.
fn split(name: &str) -> (&str, &str) {
    name.rfind('.').map_or(("", name), |dot| (&name[..=dot], &name[dot + 1..]))
}

/// The prefix and the reason, where a tensor that no layer takes clearly is no layer's.
pub(super) fn other_network(tree: &Tree, info: &KeyInfo) -> Option<(String, String)> {
    let prefix = tree.own_prefix(&info.key);
    let (parent, name) = split(prefix.trim_end_matches('.'));
    let name = name.to_lowercase();
    if !parent.split_terminator('.').all(|part| WRAPPERS.contains(&part)) {
        return None;
    }
    if prefix == info.key {
        let reason = "a latent that its training kept to draw pictures, by its name";
        return KEPT.contains(&name.as_str()).then(|| (prefix, reason.to_owned()));
    }
    let other = NAMES.contains(&name.as_str())
        || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || name.ends_with("_optimizer");
    if other {
        return Some((prefix, "another network or its training, by its name".to_owned()));
    }
    tree.is_copy(&prefix).then(|| {
        (prefix, "another copy of the same network, such as an average; to use it, name its keys".to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(used: &[&str], unused: &[&str]) -> Vec<Option<String>> {
        let info = |key: &str, used| KeyInfo {
            key: key.to_owned(),
            shape: vec![2],
            element_type: "float32".to_owned(),
            used,
        };
        let keys: Vec<KeyInfo> =
            used.iter().map(|key| info(key, true)).chain(unused.iter().map(|key| info(key, false))).collect();
        let tree = Tree::of(&keys);
        keys[used.len()..].iter().map(|key| other_network(&tree, key).map(|(prefix, _)| prefix)).collect()
    }

    #[test]
    fn other_networks_are_known_by_their_names_and_nothing_of_the_generator_is() {
        let used = ["generator.net.0.weight", "generator.net.3.weight"];
        let others = [
            "discriminator.net.0.weight",
            "netD.0.bias",
            "optimizer_g.x",
            "g_ema.net.0.weight",
            "fixed_noise",
        ];
        let found = reasons(&used, &others);
        assert_eq!(found[0].as_deref(), Some("discriminator."));
        assert_eq!(found[1].as_deref(), Some("netD."));
        assert_eq!(found[2].as_deref(), Some("optimizer_g."));
        assert_eq!(found[3], None, "a copy holds all of it");
        assert_eq!(found[4].as_deref(), Some("fixed_noise"));
        let copy = reasons(&used, &["g_ema.net.0.weight", "g_ema.net.3.weight"]);
        assert_eq!(copy[0].as_deref(), Some("g_ema."));
        let own =
            ["generator.net.0.bias", "generator.net.1.weight", "generator.encoder.weight", "fc2.weight"];
        assert_eq!(reasons(&used, &own), [None, None, None, None]);
        // A layer that was left out is no copy of the one that was named.
        assert_eq!(reasons(&["fc1.weight"], &["fc2.weight"]), [None]);
    }
}
