//! Where every tensor of a file went: into the network, aside for a known reason, or nowhere, which refuses the file.

use std::collections::BTreeMap;

use super::branch;
use super::naming::{Candidate, Naming};
use super::other;
use super::tensors::EncoderTensors;

/// Names of one reason that a message shows.
const SHOWN: usize = 3;

/// First parts of names beside the encoder, and what they belong to.
const NOT_NEEDED: [(&str, &[&str]); 11] = [
    (
        "a head",
        &[
            "fc",
            "head",
            "heads",
            "classifier",
            "linear",
            "linear_head",
            "classification_head",
            "cls_head",
            "online_classifier",
            "last_linear",
        ],
    ),
    (
        "a projector",
        &[
            "projector",
            "projection_head",
            "proj_head",
            "projection",
            "g",
            "contrastive_head",
            "global_projector",
            "mlp_head",
            "dino_head",
            "ibot_head",
        ],
    ),
    ("a predictor", &["predictor", "prediction_head", "pred_head"]),
    ("prototypes", &["prototypes", "prototype", "last_layer"]),
    ("a queue", &["queue", "queue_ptr", "queue2", "memory_bank", "bank"]),
    ("a token for hidden patches", &["mask_token"]),
    (
        "a decoder",
        &["decoder", "decoder_blocks", "decoder_embed", "decoder_norm", "decoder_pos_embed", "decoder_pred"],
    ),
    ("the pooler of a head", &["pooler"]),
    (
        "the optimizer's state",
        &[
            "optimizer",
            "optimizer_states",
            "optimizer_state_dict",
            "opt",
            "optim",
            "lr_scheduler",
            "lr_schedulers",
            "scheduler",
            "scaler",
            "amp",
            "amp_scaler",
        ],
    ),
    ("a loss's state", &["loss", "criterion", "loss_fn", "dino_loss", "ibot_patch_loss", "center"]),
    ("a counter", &["n_averaged", "epoch", "step", "iteration", "global_step"]),
];

/// First parts of an encoder's own names, which beside its prefix are those of an encoder that was taken apart.
const OWN: [&str; 16] = [
    "norm",
    "fc_norm",
    "norm_pre",
    "cls_token",
    "reg_token",
    "register_tokens",
    "pos_embed",
    "patch_embed",
    "layernorm",
    "blocks",
    "conv1",
    "bn1",
    "layer1",
    "layer2",
    "layer3",
    "layer4",
];
/// Last parts of the names of what is subtracted from pixels, and of what they are divided by.
const SCALE: [&str; 6] = ["mean", "std", "pixel_mean", "pixel_std", "image_mean", "image_std"];

/// What became of the tensors of a file of other origin.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Tensors that the network has.
    pub used: usize,
    /// Names that it does not need, by the reason.
    pub not_needed: BTreeMap<String, Vec<String>>,
    /// What the user may have to judge of those.
    pub doubts: Vec<String>,
}

impl Account {
    /// The names that are not needed.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        self.not_needed.values().flatten().cloned().collect()
    }

    /// What is not needed, in words; empty where everything is used.
    #[must_use]
    pub fn in_words(&self) -> String {
        let one = |(reason, names): (&String, &Vec<String>)| format!("{reason} ({})", shown(names));
        self.not_needed.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// The first few of these names, and how many more there are.
fn shown(names: &[String]) -> String {
    let count = names.len();
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("`{name}`")).collect();
    let more = if count > SHOWN { format!(" and {} more", count - SHOWN) } else { String::new() };
    format!("{}{more}", shown.join(", "))
}

/// Tensors of the network that have no place in it, and what they belong to where that is known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) keys: Vec<String>,
    pub(super) what: Option<String>,
}

/// Where each tensor of `file` goes when the network takes `used` of the file's keys; `others` are the networks that were
/// not chosen.
pub(super) fn account(
    file: &EncoderTensors,
    used: &[String],
    others: &[Candidate],
) -> Result<Account, Refused> {
    let mut account = Account { used: used.len(), ..Account::default() };
    let mut refused = Refused::default();
    let used: std::collections::BTreeSet<&str> = used.iter().map(String::as_str).collect();
    let chosen = &file.candidate;
    let (mut beside, mut scale, mut apart) = (Vec::new(), Vec::new(), false);
    for info in file.state.keys() {
        if used.contains(&*info.key) {
            continue;
        }
        let reason = match info.key.strip_prefix(&*chosen.prefix) {
            Some(relative) => {
                match (other_network(&info.key, chosen, others), within(relative, chosen.naming)) {
                    (Some(reason), _) => Some(reason),
                    (None, reason) => reason.map(str::to_owned),
                }
            }
            None => match (other_network(&info.key, chosen, others), is_own(&info.key, &chosen.prefix)) {
                (Some(reason), _) => Some(reason),
                (None, true) => {
                    apart = true;
                    None
                }
                (None, false) if is_known(&info.key) => {
                    info.key.split('.').find_map(known_part).map(str::to_owned)
                }
                (None, false) => {
                    let gives_scale = info.key.rsplit('.').next().is_some_and(|last| SCALE.contains(&last));
                    let of = if gives_scale { &mut scale } else { &mut beside };
                    of.push(info.key.clone());
                    Some(format!("beside {}", branch::name(chosen)))
                }
            },
        };
        match reason {
            Some(reason) => account.not_needed.entry(reason).or_default().push(info.key),
            None => refused.keys.push(info.key),
        }
    }
    if refused.keys.is_empty() {
        if !beside.is_empty() {
            account.doubts.push(format!(
                "what is beside {} and of no known use is left out: {}; if the encoder passes through it, its features are \
                 others",
                branch::name(chosen),
                shown(&beside)
            ));
        }
        if !scale.is_empty() {
            account.doubts.push(format!(
                "{} give the scale of its pixels, which is not taken from there: say it with --pixels MEAN:STD",
                shown(&scale)
            ));
        }
        return Ok(account);
    }
    let part = refused.keys.iter().find_map(|key| other::part(key)).map(str::to_owned);
    let of_encoder =
        || format!("names of an encoder's own tensors beside the encoder {}", branch::name(chosen));
    refused.what = part.or_else(|| apart.then(of_encoder));
    Err(refused)
}

/// Whether a tensor outside of `prefix` has an encoder's own name, at the top or beside one of the prefix's parts.
fn is_own(key: &str, prefix: &str) -> bool {
    let ends = prefix.match_indices('.').map(|(place, _)| place + 1).filter(|&end| end < prefix.len());
    std::iter::once(0).chain(ends).any(|end| {
        let relative = key.strip_prefix(&prefix[..end]);
        relative.and_then(|name| name.split('.').next()).is_some_and(|first| OWN.contains(&first))
    })
}

/// Whether a tensor of this name belongs to what is known not to be an encoder's.
pub(super) fn is_known(key: &str) -> bool {
    key.split('.').any(|part| known_part(part).is_some())
}

/// The network that was not chosen and has this tensor.
fn other_network(key: &str, chosen: &Candidate, others: &[Candidate]) -> Option<String> {
    let of = |other: &&Candidate| {
        key.starts_with(&*other.prefix)
            && (other.prefix.len() > chosen.prefix.len() || !key.starts_with(&*chosen.prefix))
    };
    let other = others.iter().filter(of).max_by_key(|other| other.prefix.len())?;
    Some(format!("another network, {}", branch::name(other)))
}

/// Why a tensor under the encoder's own prefix is not needed.
fn within(relative: &str, naming: Naming) -> Option<&'static str> {
    if relative.ends_with("num_batches_tracked") {
        return Some("a counter");
    }
    if relative == "embeddings.mask_token" {
        return Some("a token for hidden patches");
    }
    let first = relative.split('.').next().unwrap_or_default();
    if let (Naming::NumberedResNet(first_blocks), Ok(number)) = (naming, first.parse::<usize>()) {
        return (number > first_blocks + 3).then_some("what follows the last block");
    }
    known_part(first)
}

fn known_part(part: &str) -> Option<&'static str> {
    NOT_NEEDED.iter().find(|(_, parts)| parts.contains(&part)).map(|(reason, _)| *reason)
}
