//! What becomes of every tensor of a file: used, known not to be needed, or unused.

/// Every tensor of a file by what becomes of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    /// Names of the tensors that were taken.
    pub used: Vec<String>,
    /// Names of those that are known not to be needed, each with the reason.
    pub unneeded: Vec<(String, String)>,
    /// Names of all others: the file may hold another network than the one that was read.
    pub unused: Vec<String>,
}

/// What the last part of a name says of tensors that optimizers keep.
const KEPT_BY_OPTIMIZERS: [&str; 10] = [
    "exp_avg",
    "exp_avg_sq",
    "max_exp_avg_sq",
    "exp_inf",
    "momentum_buffer",
    "square_avg",
    "grad_avg",
    "sum",
    "step",
    "acc_delta",
];

/// Why a tensor that nothing took is not needed, if its name says so.
pub(super) fn reason_by_name(name: &str) -> Option<&'static str> {
    let words: Vec<&str> = name.split('.').collect();
    let last = words.last().copied().unwrap_or(name);
    if last == "num_batches_tracked" {
        return Some("a count of training steps");
    }
    if last == "n_averaged" {
        return Some("a count of averaged models");
    }
    if is_optimizer(name) {
        return Some("the state of an optimizer");
    }
    let any = |known: &[&str]| words.iter().any(|word| known.contains(word));
    if any(&["rng_state", "cuda_rng_state", "torch_rng_state", "random_state", "cuda_rng_states"]) {
        return Some("the state of a random generator");
    }
    if any(&[
        "scaler",
        "grad_scaler",
        "amp",
        "scheduler",
        "lr_scheduler",
        "lr_schedulers",
        "callbacks",
        "loops",
    ]) {
        return Some("a state of the training");
    }
    let first = words.first().copied().unwrap_or_default();
    if words.len() > 1 && is_discriminator(first) {
        return Some("a discriminator's");
    }
    None
}

/// Whether a name is that of an optimizer's state.
pub(super) fn is_optimizer(name: &str) -> bool {
    let words: Vec<&str> = name.split('.').collect();
    let holder = |word: &str| {
        let word = word.to_lowercase();
        word.starts_with("optim")
            || word.starts_with("opt_")
            || word.ends_with("_optimizer")
            || word.ends_with("_opt")
            || word == "opt"
    };
    let [.., number, last] = words.as_slice() else { return false };
    // The first word alone: a network may have a part of such a name.
    words.iter().take(2).any(|word| holder(word)) && words.len() > 1
        || number.parse::<u32>().is_ok() && KEPT_BY_OPTIMIZERS.contains(last) && words.contains(&"state")
}

fn is_discriminator(word: &str) -> bool {
    let word = word.to_lowercase();
    let kinds =
        ["discriminator", "netd", "net_d", "d", "critic", "disc", "dis", "d_state_dict", "netd_state_dict"];
    kinds.contains(&word.as_str()) || word.starts_with("discriminator")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_training_leaves_in_a_file_is_known() {
        for name in [
            "optimizer.state.0.exp_avg",
            "optimizer_states.0.state.3.exp_avg_sq",
            "opt_g.state.1.step",
            "g_optimizer.state.0.momentum_buffer",
            "optim.0.state.1.step",
        ] {
            assert_eq!(reason_by_name(name), Some("the state of an optimizer"), "{name}");
        }
        assert_eq!(reason_by_name("bn1.num_batches_tracked"), Some("a count of training steps"));
        assert_eq!(reason_by_name("n_averaged"), Some("a count of averaged models"));
        assert_eq!(reason_by_name("netD.main.0.weight"), Some("a discriminator's"));
        for name in ["net.0.weight", "D", "layer1.0.step", "blocks.0.ls1.gamma", "encoder.sum"] {
            assert_eq!(reason_by_name(name), None, "{name}");
        }
    }
}
