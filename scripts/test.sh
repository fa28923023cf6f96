#!/usr/bin/env bash
# The test command of the README: formatting, lints, documentation, then every test. One build profile for running and
# testing, so that a machine compiles the tensor framework once.
set -eu
cd "$(dirname "$0")/.."
cargo fmt --all -- --check
cargo clippy --release --workspace --all-targets --locked -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc --release --workspace --no-deps --locked --quiet
cargo test --release --workspace --locked
# The ONNX runtime is not in the default build.
cargo test --release -p zview-generator --features onnx --locked --test onnx
