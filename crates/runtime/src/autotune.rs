//! Where a build with the feature `autotune` keeps what it measured: which shader is fastest for which shapes.
//! Other builds measure nothing, and every function here does nothing.

use std::path::PathBuf;

use serde::Serialize;

/// The kept measurements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AutotuneCache {
    /// The file that holds them; shared by all processes.
    pub file: PathBuf,
    /// Shapes that are measured, over all operations and devices.
    pub entries: u64,
}

/// Keeps measurements in `folder`, or only until the process ends where there is none. To be called before the
/// first device is started; later calls change nothing. What the user says in the framework's own variables
/// (`CUBECL_*`) or files (`burn.toml`, `cubecl.toml`) wins.
pub fn keep_autotune_cache_in(folder: Option<PathBuf>) {
    #[cfg(feature = "autotune")]
    with_autotune::keep_in(folder);
    #[cfg(not(feature = "autotune"))]
    drop(folder);
}

/// What is kept so far; `None` where the build has no autotune or keeps nothing.
#[must_use]
pub fn autotune_cache() -> Option<AutotuneCache> {
    #[cfg(feature = "autotune")]
    return with_autotune::cache();
    #[cfg(not(feature = "autotune"))]
    None
}

#[cfg(feature = "autotune")]
mod with_autotune {
    use burn::cubecl::config::cache::CacheConfig;
    use burn::cubecl::config::{CubeClRuntimeConfig, RuntimeConfig};
    use burn::cubecl::environment;

    use super::{AutotuneCache, PathBuf};

    pub(super) fn keep_in(folder: Option<PathBuf>) {
        let _ = CubeClRuntimeConfig::try_set(
            config(CubeClRuntimeConfig::from_current_dir(), folder).override_from_env(),
        );
    }

    /// `config`, with `folder` in place of the framework's default, the `target` folder of the source tree or
    /// package that the program happens to be started in.
    pub(super) fn config(mut config: CubeClRuntimeConfig, folder: Option<PathBuf>) -> CubeClRuntimeConfig {
        if matches!(config.environment.path, CacheConfig::Target) {
            config.autotune.disable_cache |= folder.is_none();
            config.throughput.disable_cache |= folder.is_none();
            config.environment.path = folder.map_or(CacheConfig::Global, CacheConfig::Directory);
        }
        config
    }

    pub(super) fn cache() -> Option<AutotuneCache> {
        if CubeClRuntimeConfig::get().autotune.disable_cache {
            return None;
        }
        let tables = environment::namespaces(); // opens the file, or makes it
        let file = environment::path();
        let tuned = tables.iter().filter(|table| table.namespace.starts_with("autotune/"));
        let entries = tuned.map(|table| table.entries).sum();
        // Where it cannot be written, everything stays in memory.
        file.is_file().then_some(AutotuneCache { file, entries })
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_folder_replaces_the_default_and_nothing_else() {
            let folder = || Some(PathBuf::from("/cache/zview/autotune"));
            let placed = config(CubeClRuntimeConfig::default(), folder());
            assert_eq!(placed.environment.path.root(), PathBuf::from("/cache/zview/autotune"));
            assert!(!placed.autotune.disable_cache);

            let mut own = CubeClRuntimeConfig::default();
            own.environment.path = CacheConfig::Directory(PathBuf::from("/own"));
            assert_eq!(config(own, folder()).environment.path.root(), PathBuf::from("/own"));

            assert!(config(CubeClRuntimeConfig::default(), None).autotune.disable_cache);
        }
    }
}
