//! How published networks name their tensors, and the names that the networks here have for them.

use std::collections::{BTreeMap, BTreeSet};

/// A family of networks, and whose names its tensors have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Naming {
    /// A residual network of torchvision, timm, or (with `shortcut`) of the usual CIFAR code.
    ResNet,
    /// The numbered children of one, `nn.Sequential(*list(resnet.children())[:-1])`; the number of the first blocks.
    NumberedResNet(usize),
    /// A Vision Transformer of timm, or of DINOv2's authors.
    TimmVit,
    /// A Vision Transformer of torchvision.
    TorchvisionVit,
    /// A Vision Transformer of Hugging Face's transformers: ViT, ViTMAE, DINOv2.
    TransformersVit,
    /// This project's `conv`.
    Conv,
}

/// A network among a file's tensors: how its names begin, and whose they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) prefix: String,
    pub(crate) naming: Naming,
}

/// A name that only such a network has.
const TELLING: [(&str, Naming); 5] = [
    ("layer1.0.conv1.weight", Naming::ResNet),
    ("patch_embed.proj.weight", Naming::TimmVit),
    ("conv_proj.weight", Naming::TorchvisionVit),
    ("embeddings.patch_embeddings.projection.weight", Naming::TransformersVit),
    ("stages.0.conv.weight", Naming::Conv),
];
/// Stages of a residual network.
const STAGES: usize = 4;
/// The number of the first blocks among the children: after convolution and norm, with or without ReLU and pooling.
const FIRST_BLOCKS: [usize; 3] = [2, 3, 4];

/// The networks among these tensors.
pub(crate) fn candidates(keys: &BTreeSet<&str>) -> Vec<Candidate> {
    let mut found = Vec::new();
    let mut add = |prefix: &str, naming| {
        if prefix.is_empty() || prefix.ends_with('.') {
            found.push(Candidate { prefix: prefix.to_owned(), naming });
        }
    };
    for key in keys {
        for (telling, naming) in TELLING {
            if let Some(prefix) = key.strip_suffix(telling) {
                add(prefix, naming);
            }
        }
        for first in FIRST_BLOCKS {
            if let Some(prefix) = key.strip_suffix(&format!("{first}.0.conv1.weight")) {
                let has = |name: String| keys.contains(&*format!("{prefix}{name}"));
                let blocks = |stage: usize| has(format!("{stage}.0.conv1.weight"));
                let stem = has("0.weight".to_owned()) || has("0.0.weight".to_owned());
                if stem && !blocks(first - 1) && blocks(first + STAGES - 1) {
                    add(prefix, Naming::NumberedResNet(first));
                }
            }
        }
    }
    found
}

/// What a name of the networks here stands for in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Names {
    /// One tensor.
    One(String),
    /// Tensors one below the other: queries, keys and values.
    Stacked([String; 3]),
}

impl Naming {
    /// The networks' names of `keys`, which are what follows the candidate's prefix; keys that have none are left out.
    pub(crate) fn names(self, keys: &BTreeSet<&str>) -> BTreeMap<String, Names> {
        let mut names = BTreeMap::new();
        // DINOv2 trains with its blocks in chunks, `blocks.<chunk>.<block>`.
        let chunked = keys.iter().any(|key| in_chunks(key).is_some());
        for key in keys {
            let name = match self {
                Self::ResNet => Some(key.replace(".shortcut.", ".downsample.")),
                Self::NumberedResNet(first) => numbered(key, first),
                Self::TimmVit if chunked => in_chunks(key).or_else(|| Some(timm(key))),
                Self::TimmVit => Some(timm(key)),
                Self::TorchvisionVit => torchvision(key),
                Self::TransformersVit => match transformers(key) {
                    Some(Part::One(name)) => Some(name),
                    Some(Part::Query(name, others)) => {
                        names.insert(
                            name,
                            Names::Stacked([(*key).to_owned(), others[0].clone(), others[1].clone()]),
                        );
                        None
                    }
                    None => None,
                },
                Self::Conv => Some((*key).to_owned()),
            };
            if let Some(name) = name {
                names.insert(name, Names::One((*key).to_owned()));
            }
        }
        names
    }

    /// Whether they are a Vision Transformer's.
    pub(crate) fn is_vit(self) -> bool {
        matches!(self, Self::TimmVit | Self::TorchvisionVit | Self::TransformersVit)
    }

    /// Whose names these are.
    pub(crate) fn of(self) -> &'static str {
        match self {
            Self::ResNet => "torchvision's and timm's",
            Self::NumberedResNet(_) => "numbered children of torchvision's",
            Self::TimmVit => "timm's",
            Self::TorchvisionVit => "torchvision's",
            Self::TransformersVit => "transformers'",
            Self::Conv => "zview's",
        }
    }
}

/// `4.0.conv1.weight` is `layer1.0.conv1.weight` where the first blocks have the number 4.
fn numbered(key: &str, first: usize) -> Option<String> {
    let (number, rest) = key.split_once('.')?;
    let number: usize = number.parse().ok()?;
    match number {
        0 => Some(format!("conv1.{rest}")),
        1 => Some(format!("bn1.{rest}")),
        number if (first..first + STAGES).contains(&number) => {
            Some(format!("layer{}.{}", number - first + 1, rest.replace("shortcut.", "downsample.")))
        }
        _ => None,
    }
}

fn timm(key: &str) -> String {
    if key == "register_tokens" { "reg_token".to_owned() } else { key.to_owned() }
}

/// `blocks.1.7.norm1.weight` is `blocks.7.norm1.weight`.
fn in_chunks(key: &str) -> Option<String> {
    let mut parts = key.strip_prefix("blocks.")?.splitn(3, '.');
    let (chunk, block, rest) = (parts.next()?, parts.next()?, parts.next()?);
    let _: usize = chunk.parse().ok()?;
    let _: usize = block.parse().ok()?;
    Some(format!("blocks.{block}.{rest}"))
}

fn torchvision(key: &str) -> Option<String> {
    match key {
        "class_token" => return Some("cls_token".to_owned()),
        "encoder.pos_embedding" => return Some("pos_embed".to_owned()),
        _ => {}
    }
    if let Some(rest) = key.strip_prefix("conv_proj.") {
        return Some(format!("patch_embed.proj.{rest}"));
    }
    if let Some(rest) = key.strip_prefix("encoder.ln.") {
        return Some(format!("norm.{rest}"));
    }
    let (block, rest) = key.strip_prefix("encoder.layers.encoder_layer_")?.split_once('.')?;
    const PARTS: [(&str, &str); 10] = [
        ("ln_1.", "norm1."),
        ("ln_2.", "norm2."),
        ("self_attention.in_proj_weight", "attn.qkv.weight"),
        ("self_attention.in_proj_bias", "attn.qkv.bias"),
        ("self_attention.out_proj.", "attn.proj."),
        ("mlp.0.", "mlp.fc1."),
        ("mlp.3.", "mlp.fc2."),
        ("mlp.linear_1.", "mlp.fc1."),
        ("mlp.linear_2.", "mlp.fc2."),
        ("", "not-read."),
    ];
    let (theirs, ours) = PARTS.into_iter().find(|(theirs, _)| rest.starts_with(theirs))?;
    Some(format!("blocks.{block}.{ours}{}", &rest[theirs.len()..]))
}

enum Part {
    One(String),
    /// The queries' tensor, and those of keys and values.
    Query(String, [String; 2]),
}

fn transformers(key: &str) -> Option<Part> {
    let one = |name: String| Some(Part::One(name));
    match key {
        "embeddings.cls_token" => return one("cls_token".to_owned()),
        "embeddings.register_tokens" => return one("reg_token".to_owned()),
        "embeddings.position_embeddings" => return one("pos_embed".to_owned()),
        _ => {}
    }
    if let Some(rest) = key.strip_prefix("embeddings.patch_embeddings.projection.") {
        return one(format!("patch_embed.proj.{rest}"));
    }
    if let Some(rest) = key.strip_prefix("layernorm.") {
        return one(format!("norm.{rest}"));
    }
    let (block, rest) = key.strip_prefix("encoder.layer.")?.split_once('.')?;
    const ATTENTION: &str = "attention.attention.";
    if let Some(part) = rest.strip_prefix(ATTENTION) {
        let (which, part) = part.split_once('.')?;
        let other = |which: &str| format!("encoder.layer.{block}.{ATTENTION}{which}.{part}");
        return match which {
            "query" => {
                Some(Part::Query(format!("blocks.{block}.attn.qkv.{part}"), [other("key"), other("value")]))
            }
            "key" | "value" => None,
            _ => one(format!("blocks.{block}.not-read.{rest}")),
        };
    }
    const PARTS: [(&str, &str); 11] = [
        ("layernorm_before.", "norm1."),
        ("layernorm_after.", "norm2."),
        ("norm1.", "norm1."),
        ("norm2.", "norm2."),
        ("attention.output.dense.", "attn.proj."),
        ("intermediate.dense.", "mlp.fc1."),
        ("output.dense.", "mlp.fc2."),
        ("mlp.", "mlp."),
        ("layer_scale1.lambda1", "ls1.gamma"),
        ("layer_scale2.lambda1", "ls2.gamma"),
        ("", "not-read."),
    ];
    let (theirs, ours) = PARTS.into_iter().find(|(theirs, _)| rest.starts_with(theirs))?;
    one(format!("blocks.{block}.{ours}{}", &rest[theirs.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(naming: Naming, keys: &[&str]) -> Vec<String> {
        naming.names(&keys.iter().copied().collect()).into_keys().collect()
    }

    #[test]
    fn numbered_children_are_known_with_and_without_relu_and_pooling() {
        for first in FIRST_BLOCKS {
            let stages: Vec<String> =
                (0..4).map(|stage| format!("m.{}.0.conv1.weight", first + stage)).collect();
            let mut keys: BTreeSet<&str> = stages.iter().map(String::as_str).collect();
            assert!(candidates(&keys).is_empty(), "there is no stem");
            keys.insert("m.0.weight");
            let expected = Candidate { prefix: "m.".to_owned(), naming: Naming::NumberedResNet(first) };
            assert_eq!(candidates(&keys), [expected]);
        }
        let keys = ["0.weight", "1.bias", "4.0.downsample.0.weight", "9.weight"];
        let expected = ["bn1.bias", "conv1.weight", "layer1.0.downsample.0.weight"];
        assert_eq!(renamed(Naming::NumberedResNet(4), &keys), expected);
    }

    #[test]
    fn names_of_other_libraries_become_timms() {
        let keys = ["blocks.0.3.norm1.weight", "register_tokens", "cls_token"];
        assert_eq!(renamed(Naming::TimmVit, &keys), ["blocks.3.norm1.weight", "cls_token", "reg_token"]);
        let keys = ["class_token", "encoder.layers.encoder_layer_2.mlp.3.bias", "encoder.ln.bias"];
        assert_eq!(
            renamed(Naming::TorchvisionVit, &keys),
            ["blocks.2.mlp.fc2.bias", "cls_token", "norm.bias"]
        );
        let block = "encoder.layer.1.attention.attention";
        let [query, key, value] = ["query", "key", "value"].map(|which| format!("{block}.{which}.bias"));
        let names = Naming::TransformersVit.names(&[&*query, &*key, &*value].into());
        assert_eq!(names["blocks.1.attn.qkv.bias"], Names::Stacked([query, key, value]));
        assert_eq!(names.len(), 1);
    }
}
