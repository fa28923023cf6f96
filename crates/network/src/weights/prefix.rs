//! What wrappers put before the names of a network's tensors.

/// Words that say of a dictionary or wrapper that the network to be loaded lies in it. A discriminator's or an
/// optimizer's are not among them.
const WORDS: [&str; 46] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_forward_module",
    "model",
    "models",
    "net",
    "network",
    "nets",
    "state_dict",
    "model_state_dict",
    "model_state",
    "state",
    "weights",
    "params",
    "params_ema",
    "generator",
    "Generator",
    "gen",
    "netG",
    "net_g",
    "net_G",
    "G",
    "g",
    "netG_A",
    "G_state_dict",
    "g_state_dict",
    "netG_state_dict",
    "generator_state_dict",
    "gen_state_dict",
    "G_ema",
    "g_ema",
    "Gs",
    "netG_ema",
    "generator_ema",
    "gen_ema",
    "ema",
    "ema_model",
    "model_ema",
    "ema_state_dict",
    "state_dict_ema",
    "shadow",
    "shadow_params",
    "decoder",
    "dec",
    "averaged_model",
];

/// Whether `prefix` ("state_dict.module.") is made of such words alone.
pub(super) fn is_wrapper(prefix: &str) -> bool {
    prefix.strip_suffix('.').is_some_and(|words| words.split('.').all(|word| WORDS.contains(&word)))
}

/// Words that wrappers of single layers put into the middle of names.
const INNER_WORDS: [&str; 6] = [
    "module",
    "_orig_mod",
    "_fsdp_wrapped_module",
    "_checkpoint_wrapped_module",
    "_forward_module",
    "_original_module",
];

/// `name` without such words but for those at its start; `None` where it has none.
pub(super) fn without_inner_wrappers(name: &str) -> Option<String> {
    let inner = |word: &&str| INNER_WORDS.contains(word);
    let start = name.split('.').take_while(inner).count();
    let rest = || name.split('.').skip(start);
    if !rest().any(|word| inner(&word)) {
        return None;
    }
    let words: Vec<&str> = name.split('.').take(start).chain(rest().filter(|word| !inner(word))).collect();
    Some(words.join("."))
}

/// What stands before `key` in each of the names that end with it, each once.
pub(super) fn before<'a>(key: &str, names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = names
        .filter_map(|name| name.strip_suffix(key))
        .filter(|prefix| prefix.is_empty() || prefix.ends_with('.'))
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrappers_are_known_alone_and_stacked() {
        for prefix in ["module.", "_orig_mod.", "netG.", "module._orig_mod.", "state_dict.generator.module."]
        {
            assert!(is_wrapper(prefix), "{prefix}");
        }
        for prefix in ["", "netD.", "discriminator.module.", "optimizer.state.", "module", "generatormodule."]
        {
            assert!(!is_wrapper(prefix), "{prefix}");
        }
    }
}
