//! A first manifest for a weights file that has none.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use zview_network::weights::{KeyInfo, StateDict};

use crate::GeneratorError;
use crate::manifest::hash_of;

/// What the tensors of a weights file say of a manifest, and what somebody has to fill in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Draft {
    /// The weights.
    pub weights: PathBuf,
    /// Every tensor of the file, in the order of layers.
    pub keys: Vec<KeyInfo>,
    /// A manifest to be completed.
    pub manifest: String,
}

impl Draft {
    /// Drafts a manifest with a layer for each tensor that is a layer's weight.
    ///
    /// # Errors
    /// [`GeneratorError::Weights`] for a file that cannot be read.
    pub fn of(path: &Path) -> Result<Self, GeneratorError> {
        let mut keys = StateDict::read(path, None)?.keys();
        keys.sort_by_cached_key(|info| in_order(&info.key));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let mut manifest = format!(
            "name = {name:?}\nsource = \"?\"   # where the weights are from\nlicence = \"?\"\nweights = {file:?}   # from the folder of this manifest\n\
             sha256 = \"{}\"\narchitecture = \"sequential\"\n\n[latent]\ndimension = {}\ndistribution = \"normal\"   # \
             or uniform, ..\n\n[output]\nchannels = 3   # correct these\nheight = 64\nwidth = 64\nrange = [-1.0, 1.0]\n",
            hash_of(path)?,
            latent_dimension(&keys)
        );
        manifest.push_str(
            "\n# Guessed from names and shapes: activations, strides, paddings and reshapes are not in the file. Every \
             layer: docs/generators-layers.md\n",
        );
        for info in &keys {
            if let Some(layer) = layer(&keys, info) {
                let _ = writeln!(manifest, "\n[[layers]]\n{layer}");
            }
        }
        Ok(Self { weights: path.to_owned(), keys, manifest })
    }
}

/// Numbers within names count as numbers: `net.2` comes before `net.10`.
fn in_order(key: &str) -> Vec<(u64, String)> {
    key.split('.')
        .map(|part| part.parse().map_or((u64::MAX, part.to_owned()), |n| (n, String::new())))
        .collect()
}

fn shape<'a>(keys: &'a [KeyInfo], key: &str) -> Option<&'a [usize]> {
    keys.iter().find(|info| info.key == key).map(|info| info.shape.as_slice())
}

/// The values that the first layer takes.
fn latent_dimension(keys: &[KeyInfo]) -> usize {
    keys.iter()
        .find_map(|info| match info.shape[..] {
            [_, inputs] if !info.key.contains("emb") => Some(inputs),
            [inputs, _, _, _] => Some(inputs),
            _ => None,
        })
        .unwrap_or(100)
}

/// The entry of a layer whose weight is `info`.
fn layer(keys: &[KeyInfo], info: &KeyInfo) -> Option<String> {
    let key = info.key.strip_suffix(".weight").or_else(|| info.key.strip_suffix(".weight_orig"))?;
    let bias = shape(keys, &format!("{key}.bias"));
    let no_bias = if bias.is_none() { "\nbias = false" } else { "" };
    Some(match info.shape[..] {
        [classes, dimension] if key.contains("emb") => {
            format!(
                "kind = \"condition\"   # needs [condition] classes = {classes}\nkey = {key:?}\ndimension = {dimension}"
            )
        }
        [outputs, inputs] => {
            format!("kind = \"linear\"\nkey = {key:?}\ninputs = {inputs}\noutputs = {outputs}{no_bias}")
        }
        [a, b, kernel, _] => {
            // (out, in, ..) of a convolution and (in, out, ..) of a transposed one: the bias or the next norm tells.
            let outputs = bias.map_or_else(|| next_channels(keys, info), |bias| bias.first().copied());
            let (kind, r#in, out) =
                if outputs == Some(a) && a != b { ("conv", b, a) } else { ("conv-transpose", a, b) };
            let padding = if kind == "conv" { kernel / 2 } else { 1 };
            let stride = if kind == "conv" { 1 } else { 2 };
            format!(
                "kind = \"{kind}\"\nkey = {key:?}\nin = {in}\nout = {out}\nkernel = {kernel}\nstride = {stride}   # \
                 ?\npadding = {padding}   # ?{no_bias}"
            )
        }
        [channels] if shape(keys, &format!("{key}.running_mean")).is_some() => {
            format!("kind = \"batch-norm\"\nkey = {key:?}\nchannels = {channels}")
        }
        _ => return None,
    })
}

/// The channels of the first normalisation after `info`.
fn next_channels(keys: &[KeyInfo], info: &KeyInfo) -> Option<usize> {
    let after = keys.iter().skip_while(|other| other.key != info.key).skip(1);
    after
        .take_while(|other| other.shape.len() < 2)
        .find(|other| other.shape.len() == 1)?
        .shape
        .first()
        .copied()
}
