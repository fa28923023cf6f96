//! A small comparison of real and generated images.

use super::{write_generator, write_idx, write_recipe};

/// Four arms, of which two are one that varies.
pub const STUDY: &str = r#"question = "Do the rows, columns and diagonals need real images?"
reference = "real"
recipe = "recipe.toml"
seeds = [3, 5]
data = ["./shapes"]

[gap]
real = "real"
synthetic = "same"
views = "gaussian-0.5"

[evaluation]
protocols = ["linear", "knn"]
train_pool = 120
linear = { penalties = [1e-3, 0.1] }

[[arms]]
name = "real"
recipe = "real.toml"

[[arms]]
name = "same"
set = ["views.kind=same"]

[[arms]]
name = "gaussian"
vary = { key = "views.std", values = [0.5, 1.0] }
"#;

/// A folder with a generator, data and `study.toml`: four arms, two seeds.
pub fn study() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write_generator(folder.path());
    write_idx(folder.path(), 120, 45);
    let recipe = std::fs::read_to_string(write_recipe(folder.path())).unwrap();
    let real = recipe
        .replace("kind = \"generator\"\ngenerator = \"generator\"", "kind = \"real\"\ndata = \"./shapes\"");
    let real = real.replace("kind = \"gaussian\"\nstd = 0.5", "kind = \"same\"");
    std::fs::write(folder.path().join("real.toml"), real).unwrap();
    std::fs::write(folder.path().join("study.toml"), STUDY).unwrap();
    folder
}
