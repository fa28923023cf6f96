//! Every reader of files from outside, fed with damaged ones: small golden files (of this repository, and of
//! `corpus/`, which `scripts/mutation_corpus.py` writes) with up to four mutations each, drawn from keyed streams. No
//! case may panic, take more than a second or hold more than 256 MiB.
//!
//! The suite takes a few thousand cases of each reader. More of them, from another place in the stream, one reader or
//! all, and a case again by its number:
//!
//! ```text
//! ZVIEW_MUTATIONS=1000000 cargo test --release -p zview-cli --test mutations -- --nocapture --test-threads 1
//! ZVIEW_MUTATIONS=1000000 cargo test --release -p zview-cli --test mutations pytorch -- --nocapture
//! ZVIEW_MUTATIONS=1 ZVIEW_MUTATION_FIRST=4711 cargo test --release -p zview-cli --test mutations pytorch
//! ```
//!
//! A case that fails is kept, with its number, in the folder that the message names.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

mod containers;
mod corpus;
mod damage;
mod memory;
mod readers;
mod trial;

use readers::{
    cifar_binary, cifar_python, comparisons, encoders, evaluations, generator_recipes, idx, image_files,
    manifests, packed_files, pytorch, recipes, safetensors, tar_files, view_shards,
};
use trial::hold;

#[global_allocator]
static ALLOCATOR: memory::Counting = memory::Counting;

macro_rules! trials {
    ($($name:ident => $reader:expr;)*) => {
        $(#[test]
        fn $name() {
            hold(stringify!($name), &mut $reader);
        })*
    };
}

trials! {
    pytorch_files => pytorch();
    safetensors_files => safetensors();
    encoder_files => encoders();
    idx_files => idx();
    cifar_binary_files => cifar_binary();
    cifar_python_files => cifar_python();
    pictures => image_files();
    files_of_packed_images => packed_files();
    tar_archives => tar_files();
    shards_of_views => view_shards();
    generator_manifests => manifests();
    training_recipes => recipes();
    recipes_of_generators => generator_recipes();
    evaluation_configurations => evaluations();
    comparison_configurations => comparisons();
}
