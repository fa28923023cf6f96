//! The files of `configs/` that are compiled in, so that an installed zview has them.

use zview_runtime::config::Shipped;

macro_rules! shipped {
    ($($name:literal,)*) => {
        &[$(Shipped { name: $name, text: include_str!(concat!("../../../configs/", $name, ".toml")) },)*]
    };
}

/// Every recipe, training recipe of a generator and comparison. Manifests of generators are not among them: their
/// weights are not here.
pub const SHIPPED: &[Shipped] = shipped! {
    "demo",
    "fashion-real",
    "imagenet100-real",
    "imagenet100-synthetic-gaussian-0.2",
    "mnist-random",
    "mnist-real",
    "mnist-synthetic-gaussian-0.2",
    "mnist-synthetic-gaussian-0.5",
    "mnist-synthetic-gaussian-1.0",
    "mnist-synthetic-tx",
    "photos",
    "bench/resnet18-32",
    "generators/train/fashion-gan",
    "generators/train/fashion-gan-conditional",
    "generators/train/glyphs-gan",
    "generators/train/glyphs-gan-conditional",
    "generators/train/mnist-gan-conditional",
    "methods/barlow-twins-generated",
    "methods/barlow-twins-real",
    "methods/byol-generated",
    "methods/byol-real",
    "methods/cross-entropy-generated",
    "methods/cross-entropy-real",
    "methods/i-jepa-generated",
    "methods/i-jepa-real",
    "methods/inverter-generated",
    "methods/latent-step-generated",
    "methods/lejepa-generated",
    "methods/lejepa-real",
    "methods/moco-v3-generated",
    "methods/moco-v3-queue-generated",
    "methods/moco-v3-queue-real",
    "methods/moco-v3-real",
    "methods/simclr-generated",
    "methods/simclr-real",
    "methods/simsiam-generated",
    "methods/simsiam-real",
    "methods/supcon-generated",
    "methods/supcon-real",
    "methods/vicreg-generated",
    "methods/vicreg-real",
    "studies/augment-cifar10",
    "studies/contrasts-fashion-conditional",
    "studies/contrasts-glyphs-conditional",
    "studies/contrasts-mnist-conditional",
    "studies/demo",
    "studies/digits",
    "studies/generators-fashion",
    "studies/generators-glyphs",
    "studies/generators-mnist",
    "studies/hybrid-fashion-conditional",
    "studies/hybrid-fashion-tx",
    "studies/hybrid-glyphs-conditional",
    "studies/hybrid-glyphs-tx",
    "studies/hybrid-mnist-conditional",
    "studies/hybrid-mnist-tx",
    "studies/inverted-u-fashion",
    "studies/inverted-u-fashion-conditional",
    "studies/inverted-u-glyphs",
    "studies/inverted-u-glyphs-conditional",
    "studies/inverted-u-mnist",
    "studies/inverted-u-mnist-conditional",
    "studies/methods-best-glyphs",
    "studies/methods-distance-glyphs",
    "studies/methods-fashion",
    "studies/methods-glyphs",
    "studies/methods-rates-glyphs",
    "studies/objectives-fashion-conditional",
    "studies/objectives-glyphs-conditional",
    "studies/objectives-mnist-conditional",
    "studies/recipes/cifar10",
    "studies/recipes/fashion",
    "studies/recipes/fashion-conditional",
    "studies/recipes/fashion-real",
    "studies/recipes/glyphs",
    "studies/recipes/glyphs-conditional",
    "studies/recipes/glyphs-real",
    "studies/recipes/mnist",
    "studies/recipes/mnist-conditional",
    "studies/recipes/mnist-real",
    "studies/reuse-fashion-conditional",
    "studies/reuse-glyphs-conditional",
    "studies/reuse-mnist-conditional",
    "studies/samples-fashion-conditional",
    "studies/samples-glyphs-conditional",
    "studies/samples-mnist-conditional",
    "studies/transfer",
    "studies/truncation-mnist-conditional",
    "studies/tx-tz-fashion",
    "studies/tx-tz-fashion-conditional",
    "studies/tx-tz-glyphs",
    "studies/tx-tz-glyphs-conditional",
    "studies/tx-tz-mnist",
    "studies/tx-tz-mnist-conditional",
    "studies/views-glyphs",
    "studies/views-mnist",
    "studies/views-mnist-conditional",
    "studies/views-tune-glyphs",
    "studies/views-tune-mnist",
    "studies/views-tune-mnist-conditional",
    "views/glyphs",
    "views/mnist",
    "views/mnist-conditional",
};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    use zview_contrastive::train::Recipe;
    use zview_generator::training::GeneratorTraining;

    use super::*;

    fn files(folder: &Path, root: &Path, names: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                files(&entry, root, names);
                continue;
            }
            let name = entry.strip_prefix(root).unwrap().with_extension("");
            let name = name.to_str().unwrap().replace('\\', "/");
            let is_manifest = name.starts_with("generators/") && !name.starts_with("generators/train/");
            if entry.extension().is_some_and(|ending| ending == "toml") && !is_manifest {
                names.insert(name);
            }
        }
    }

    #[test]
    fn every_recipe_of_the_folder_is_compiled_in_and_can_be_read() {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let mut names = BTreeSet::new();
        files(&root, &root, &mut names);
        let shipped: BTreeSet<String> = SHIPPED.iter().map(|file| file.name.to_owned()).collect();
        assert_eq!(shipped, names);
        zview_runtime::config::ship(SHIPPED);
        for name in names {
            let path = Path::new(&name);
            let is_comparison = name.starts_with("studies/") && !name.starts_with("studies/recipes/");
            if name.starts_with("generators/") {
                GeneratorTraining::load(path, &[]).unwrap();
            } else if !is_comparison {
                Recipe::load(path, &[]).unwrap();
            }
        }
    }
}
