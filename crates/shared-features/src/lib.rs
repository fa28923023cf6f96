//! No code: this package only settles the features of shared dependencies, see its Cargo.toml.
