//! Which parts of the tensor framework this program was built with.

/// A feature of `zview-cli` and whether this build has it.
const FEATURES: [(&str, bool); 6] = [
    ("cpu", true),
    ("wgpu", cfg!(feature = "wgpu")),
    ("vulkan", cfg!(feature = "vulkan")),
    ("metal", cfg!(feature = "metal")),
    ("fusion", cfg!(feature = "fusion")),
    ("autotune", cfg!(feature = "autotune")),
];

/// The features this program was built with, by the names they have in `cargo build --features`.
#[must_use]
pub fn build_features() -> Vec<&'static str> {
    FEATURES.into_iter().filter(|(_, built)| *built).map(|(name, _)| name).collect()
}

/// The features of this build without which a graphics adapter runs simpler shaders: the first suspects where
/// it computes wrongly.
#[must_use]
pub fn optional_shader_features() -> Vec<&'static str> {
    let plain = |name: &str| name == "cpu" || name == "wgpu";
    build_features().into_iter().filter(|name| !plain(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_names_the_cpu_first_and_suspects_neither_it_nor_plain_wgpu() {
        assert_eq!(build_features()[0], "cpu");
        assert_eq!(build_features().contains(&"wgpu"), cfg!(feature = "wgpu"));
        let suspects = optional_shader_features();
        assert!(!suspects.contains(&"cpu") && !suspects.contains(&"wgpu"), "{suspects:?}");
        assert_eq!(suspects.contains(&"fusion"), cfg!(feature = "fusion"));
    }
}
