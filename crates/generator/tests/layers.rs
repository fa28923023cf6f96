//! Every kind of layer against what PyTorch makes of the same weights, written by
//! `scripts/make_generator_layers_golden.py`; and what a manifest with them is refused for.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use zview_generator::directions::factorised_directions;
use zview_generator::manifest::Layer;
use zview_generator::{Generator, LatentSpace, Manifest};
use zview_runtime::device::{on_test_devices, read_floats};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The manifest of each case.
fn manifests() -> BTreeMap<String, String> {
    serde_json::from_slice(&std::fs::read(golden("layers.json")).unwrap()).unwrap()
}

/// Puts the weights of case `name` into `folder`, without the tensors that `without` names, and reads `text`.
fn case(folder: &Path, bytes: &[u8], name: &str, text: &str, without: &[&str]) -> Result<Manifest, String> {
    let all = SafeTensors::deserialize(bytes).unwrap();
    let prefix = format!("{name}/weights/");
    let tensors = all.tensors();
    let own = tensors.iter().filter_map(|(key, view)| {
        let key = key.strip_prefix(&prefix).filter(|key| !without.contains(key))?;
        Some((key, view))
    });
    let file = safetensors::serialize(own, None).unwrap();
    std::fs::write(folder.join("weights.safetensors"), file).unwrap();
    Manifest::parse(&folder.join("generator.toml"), text).map_err(|error| error.to_string())
}

/// The tensor of the golden file: shape and values.
fn floats(bytes: &[u8], key: &str) -> (Vec<usize>, Vec<f32>) {
    let all = SafeTensors::deserialize(bytes).unwrap();
    let view = all.tensor(key).unwrap();
    let values =
        view.data().chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
    (view.shape().to_vec(), values)
}

#[test]
fn every_kind_of_layer_is_pytorchs() {
    let bytes = std::fs::read(golden("layers.safetensors")).unwrap();
    on_test_devices(|on, device| {
        let mut wrong = Vec::new();
        let mut kinds = BTreeSet::new();
        for (name, text) in manifests() {
            let folder = tempfile::tempdir().unwrap();
            let manifest = case(folder.path(), &bytes, &name, &text, &[])
                .unwrap_or_else(|error| panic!("{name}: {error}"));
            kinds.extend(manifest.layers.iter().map(Layer::kind));
            let generator =
                Generator::load(&manifest, None, device).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (shape, z) = floats(&bytes, &format!("{name}/z"));
            let rows = shape[0];
            let z = Tensor::<2>::from_data(TensorData::new(z, [rows, shape[1]]), device);
            let classes = generator.classes().map(|count| {
                let y: Vec<i32> = (0..rows).map(|row| (row % count) as i32).collect();
                Tensor::from_data(TensorData::new(y, [rows]), device)
            });
            let image = generator.raw_image_from_latent(z, classes).unwrap();
            let (shape, expected) = floats(&bytes, &format!("{name}/x"));
            assert_eq!(image.dims().to_vec(), shape, "{name}");
            let got = read_floats(image).unwrap();
            let error = got.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let allowed = if on == "cpu" { 1e-5 } else { 1e-4 };
            if error.is_nan() || error > allowed * expected.iter().fold(1.0, |most, x| x.abs().max(most)) {
                wrong.push(format!("{name}: {error:.1e}"));
            }
        }
        assert!(wrong.is_empty(), "on {on}: {wrong:?}");
        let missing: Vec<&&str> = Layer::KINDS.iter().filter(|kind| !kinds.contains(*kind)).collect();
        assert!(missing.is_empty(), "no case of {missing:?}");
    });
}

/// Every tensor that is left out of a file is named; and every tensor that a manifest leaves out.
#[test]
fn no_layer_does_without_a_tensor_of_its_own() {
    let bytes = std::fs::read(golden("layers.safetensors")).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    for (name, text) in manifests() {
        let prefix = format!("{name}/weights/");
        let names = all.names();
        for key in names.iter().filter_map(|key| key.strip_prefix(&prefix)) {
            if key.ends_with("num_batches_tracked") || key == "unused" {
                continue;
            }
            let folder = tempfile::tempdir().unwrap();
            let manifest = case(folder.path(), &bytes, &name, &text, &[key]).unwrap();
            match Generator::load(&manifest, None, &Device::flex()) {
                Err(error) => {
                    let error = error.to_string();
                    assert!(
                        error.contains(key)
                            || error.contains("running_mean")
                            || error.contains("holds no tensors"),
                        "{name} without {key}: {error}"
                    );
                }
                Ok(_) => panic!("{name} loads without {key}"),
            }
        }
    }
}

/// The message with which case `name` is refused once `from` in its manifest is `to`.
fn refused(name: &str, from: &str, to: &str) -> String {
    let bytes = std::fs::read(golden("layers.safetensors")).unwrap();
    let text = &manifests()[name];
    assert!(text.contains(from), "{text}");
    let folder = tempfile::tempdir().unwrap();
    match case(folder.path(), &bytes, name, &text.replacen(from, to, 1), &[]) {
        Err(error) => error,
        Ok(manifest) => match Generator::load(&manifest, None, &Device::flex()) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{name} loads with {to}"),
        },
    }
}

#[test]
fn a_manifest_that_does_not_say_all_of_its_network_is_refused_by_name() {
    for (name, from, to, message) in [
        // The file has what the manifest denies.
        (
            "conv-stride",
            "padding = 1",
            "padding = 1, bias = false",
            "`m.bias` [3]: `layers[1]` (conv) says `bias = false`",
        ),
        (
            "condition",
            "outputs = 4",
            "outputs = 4, bias = false",
            "`l.bias` [4]: `layers[1]` (linear) says `bias = false`",
        ),
        (
            "batch-norm",
            "\"m\", channels = 4",
            "\"m\", channels = 4, affine = false",
            "(batch-norm) says `affine = false`",
        ),
        (
            "group-norm",
            "\"group-norm\", key = \"m\"",
            "\"group-norm\", affine = false",
            "`m.` (bias [4], weight [4]): no layer has this key",
        ),
        (
            "instance-norm-tracked",
            ", track_running_stats = true",
            "",
            "`m.running_mean` [4]: `layers[1]` (instance-norm) says `track_running_stats = false`",
        ),
        ("instance-norm-affine", ", affine = true", "", "expected no `key`, because it has no tensors"),
        // A layer is left out.
        (
            "flat-norms",
            "{ kind = \"layer-norm\", key = \"1\" },",
            "",
            "`1.` (bias [6], weight [6]): no layer has this key; add the layer",
        ),
        (
            "residual-scaled",
            "{ kind = \"residual\", scale = 0.2, layers = [{ kind = \"linear\", key = \"l\", inputs = 4, outputs = 4 }, { kind = \"silu\" }] },",
            "{ kind = \"condition\", key = \"l\", dimension = 4, combine = \"add\" },",
            "expected a section [condition]",
        ),
        (
            "attention",
            ", values = \"v\"",
            ", values = \"v\", bias = false",
            "`layers[1]` (self-attention) says `bias = false`",
        ),
        // Of another kind.
        (
            "batch-norm",
            "kind = \"batch-norm\"",
            "kind = \"instance-norm\", affine = true",
            "`m.running_mean` [4]",
        ),
        ("attention-pooled", ", pool = 2", ", pool = 3", "expected `pool` of 1 or 2, got 3"),
        (
            "attention-pooled",
            "output = \"o\", ",
            "",
            "`a.v.weight` has shape [4, 8, 1, 1], expected [8, 8, 1, 1]",
        ),
        ("attention-fastai", ", bias = false", "", "no tensor `a.key.bias`"),
    ] {
        let error = refused(name, from, to);
        assert!(error.contains(message), "{name}, {to}: {error}");
    }
}

#[test]
fn numbers_and_shapes_that_cannot_be_are_refused_when_the_manifest_is_read() {
    for (name, from, to, message) in [
        ("elu", "alpha = 0.7", "alpha = nan", "`layers[1]` (elu): expected a finite `alpha`, got NaN"),
        ("softplus", "beta = 2.0", "beta = 0.0", "expected `beta` above 0, got 0"),
        ("hard-tanh", "low = 0.0", "low = 2.0", "expected `low` below `high`, got 2 and 1"),
        ("hard-tanh", "range = [0.0, 1.0]", "range = [-1.0, 1.0]", "`output.range`: expected [0.0, 1.0]"),
        (
            "prelu-channels",
            "\"m\", channels = 4",
            "\"m\", channels = 3",
            "expected 3 channels (`channels`), or `channels = 1`",
        ),
        (
            "conv-grouped",
            "groups = 2",
            "groups = 3",
            "expected `groups` that divide `in` and `out` (4 and 6), got 3",
        ),
        ("conv-dilated", "dilation = 2", "dilation = 0", "expected `dilation` of 1 or above"),
        ("conv-reflect", "padding = 2", "padding = 3", "expected at most 2 and 2 pixels of padding"),
        ("conv-reflect", "\"reflect\"", "\"mirror\"", "unknown variant `mirror`"),
        ("pad-reflect", "[1, 2, 0, 2]", "[1, 2, 0, 3]", "expected at most 2 and 2 pixels of padding"),
        (
            "pad-replicate",
            "padding = 2",
            "padding = [1, 2]",
            "a number of pixels, or [left, right, top, bottom]",
        ),
        ("crop", "[1, 2, 1, 0]", "[1, 2, 3, 2]", "expected fewer `pixels`"),
        ("batch-norm", "eps = 0.3", "eps = -1.0", "expected `eps` of 0 or above, got -1"),
        (
            "batch-norm",
            "eps = 0.3",
            "track_running_stats = false",
            "normalises by the statistics of the batch",
        ),
        ("group-norm", "groups = 2", "groups = 3", "expected `groups` that divide 4 channels, got 3"),
        ("layer-norm", ", key = \"m\"", "", "expected the `key` of its `weight` and `bias`"),
        (
            "upsample-nearest",
            "factor = 3",
            "factor = 3, size = [3, 3]",
            "expected `factor` or `size`, got both",
        ),
        ("upsample-nearest", ", factor = 3", "", "expected `factor` or `size`, got none"),
        ("upsample-bilinear", "factor = 2", "scale = 2", "unknown field `scale`, expected one of `factor`"),
        ("upsample-bicubic", "factor = 2", "size = [100000000, 2]", "expected a smaller map"),
        (
            "condition-one-hot",
            "classes = 4",
            "classes = 100000",
            "expected at most 4096 classes that are one-hot",
        ),
        ("pixel-shuffle", "factor = 2", "factor = 3", "expected channels that `factor` squared divides"),
        ("average-pool", "kernel = 2", "kernel = 2, padding = 2", "`padding` of at most half the kernel"),
        ("max-pool", "stride = 1", "stride = 0", "expected `kernel` and `stride` of 1 or above"),
        (
            "residual-up",
            "{ kind = \"conv\", key = \"sc\", in = 4, out = 3, kernel = 1 }",
            "{ kind = \"dropout\" }",
            "expected the same from `layers` and from `shortcut`, got a map of 3 x 6 x 6",
        ),
        (
            "residual-up",
            "in = 3, out = 3",
            "in = 4, out = 3",
            "`layers[1]` (residual): `layers[6]` (conv): expected 4 channels",
        ),
        (
            "condition-one-hot",
            "class_as = \"one-hot\"",
            "class_as = \"one-hot\", dimension = 5",
            "expected `dimension = 4`, the number of classes, got 5",
        ),
        (
            "condition-one-hot",
            "class_as = \"one-hot\"",
            "class_as = \"one-hot\", key = \"e\"",
            "expected no `key`, because one-hot classes have no tensor",
        ),
        (
            "condition-one-hot",
            ", class_as = \"one-hot\"",
            "",
            "expected the `key` of the embedding, or `class_as = \"one-hot\"`",
        ),
        (
            "condition-multiplied",
            "dimension = 7, combine",
            "dimension = 6, combine",
            "expected features of the class's shape, got 7 flat features and a class of 6",
        ),
        (
            "condition-map",
            "{ kind = \"reshape\", shape = [1, 3, 3] }",
            "{ kind = \"reshape\", shape = [1, 9, 1] }",
            "or a map of the class's size",
        ),
        ("condition-before", "\"prepend\"", "\"first\"", "unknown variant `first`"),
        ("condition", "condition = { classes = 4 }", "", "expected a section [condition], got none"),
    ] {
        let error = refused(name, from, to);
        assert!(error.contains(message), "{name}, {to}: {error}");
    }
}

/// The keys that a refusal of an unknown one lists.
fn keys_of(error: &str) -> Vec<String> {
    let listed = error.split_once("expected").map_or("", |(_, listed)| listed);
    listed.lines().next().unwrap_or_default().split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_table_in_the_docs_has_every_key_of_every_kind_and_no_other() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generators-layers.md");
    let docs = std::fs::read_to_string(path).unwrap();
    let rows: BTreeSet<(String, String)> = docs
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split(" | ");
            let kind = cells.next()?.strip_suffix('`')?;
            let key = cells.next()?.trim_matches(['`', '|', ' ']);
            Layer::KINDS.contains(&kind).then(|| (kind.to_owned(), key.to_owned()))
        })
        .collect();
    let mut known = BTreeSet::new();
    for kind in Layer::KINDS {
        let error = toml::from_str::<Layer>(&format!("kind = \"{kind}\"\nnot_a_key = 1\n")).unwrap_err();
        let keys = keys_of(error.message());
        assert!(error.message().contains("unknown field `not_a_key`"), "{error}");
        if keys.is_empty() {
            known.insert(((*kind).to_owned(), String::new()));
        }
        known.extend(keys.into_iter().map(|key| ((*kind).to_owned(), key)));
    }
    let missing: Vec<_> = known.difference(&rows).collect();
    let stale: Vec<_> = rows.difference(&known).collect();
    assert!(missing.is_empty() && stale.is_empty(), "missing {missing:?}, unknown {stale:?}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/generators.md");
    let docs = std::fs::read_to_string(path).unwrap();
    for distribution in ["normal", "uniform", "truncated-normal", "one-hot"] {
        assert!(docs.contains(&format!("| `{distribution}`")), "{distribution}");
    }
}

/// The product that z meets first holds the columns of its own values, wherever the class is put.
#[test]
fn directions_are_found_in_the_columns_of_z_wherever_the_class_is_joined() {
    let bytes = std::fs::read(golden("layers.safetensors")).unwrap();
    for (name, columns) in [
        ("condition", Some(0..5)),
        ("condition-before", Some(2..7)),
        ("condition-added", Some(0..7)),
        ("condition-multiplied", None),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let manifest = case(folder.path(), &bytes, name, &manifests()[name], &[]).unwrap();
        let generator = Generator::load(&manifest, None, &Device::flex()).unwrap();
        let found = factorised_directions(&generator, LatentSpace::Z, generator.latent_dimension());
        let Some(columns) = columns else {
            assert!(found.unwrap_err().to_string().contains(name), "its class is a factor of z");
            continue;
        };
        let (_, weight) = floats(&bytes, &format!("{name}/weights/l.weight"));
        let own = weight.chunks_exact(7).flat_map(|row| &row[columns.clone()]);
        let expected: f32 = own.map(|value| value * value).sum();
        let sum: f32 = found.unwrap().eigenvalues.unwrap().iter().sum();
        assert!((sum / expected - 1.0).abs() < 1e-4, "{name}: {sum} {expected}");
    }
}

#[test]
fn what_training_writes_is_as_it_was() {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../assets/generators");
    for name in ["glyphs-gan", "glyphs-gan-conditional"] {
        let path = assets.join(name).join("generator.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let manifest = Manifest::parse(&path, &text).unwrap();
        assert_eq!(toml::to_string(&manifest).unwrap(), text, "{name}");
    }
}
