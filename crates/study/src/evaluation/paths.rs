//! Paths in an evaluation's file, which are from its folder.

use std::path::Path;

use zview_contrastive::train::path_in_file;
use zview_runtime::config::Written;

use super::config::SuiteConfig;

impl SuiteConfig {
    /// The same with the paths that `file` itself says, in a section such as `evaluation.` or at its top, as it means them.
    #[must_use]
    pub fn with_paths_from(mut self, file: &Path, written: &Written, section: &str) -> Self {
        let of_file = |key: &str| written.layer(&format!("{section}{key}")) == Some(0);
        let data = of_file("data");
        self.data.iter_mut().filter(|_| data).for_each(|named| *named = path_in_file(file, "data", named));
        if let Some(named) = self.outlier_data.as_mut().filter(|_| of_file("outlier_data")) {
            *named = path_in_file(file, "outlier_data", named);
        }
        self
    }
}
