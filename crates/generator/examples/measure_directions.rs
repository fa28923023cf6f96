//! Measures what steps along learned directions change: the table of docs/views-steered.md.
//!
//! ```sh
//! zview generator directions GENERATOR --method learned --out walks.safetensors
//! cargo run --release -p zview-generator --example measure_directions -- GENERATOR walks.safetensors [ANCHORS]
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::path::Path;

use burn::tensor::Device;
use support::response;
use zview_generator::directions::{Directions, Edit};
use zview_generator::{Generator, Manifest};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [generator, path, rest @ ..] = arguments.as_slice() else {
        panic!("expected GENERATOR DIRECTIONS [ANCHORS]")
    };
    let anchors = rest.first().map_or(500, |count| count.parse().expect("a number of anchors"));
    let manifest = Manifest::find(generator, &[]).unwrap_or_else(|error| panic!("{error}"));
    let generator =
        Generator::load(&manifest, None, &Device::flex()).unwrap_or_else(|error| panic!("{error}"));
    let directions =
        Directions::read_for(Path::new(path), &generator).unwrap_or_else(|error| panic!("{error}"));
    println!(
        "| walk | measured | -2 | -1 | 0 | +1 | +2 | every step rises |\n|---|---|---|---|---|---|---|---|"
    );
    for (k, name) in directions.names.iter().enumerate() {
        let edit = Edit::ALL.iter().find(|edit| edit.name() == name).copied();
        let edit = edit.unwrap_or_else(|| panic!("{name}: expected learned directions"));
        let measured = match edit {
            Edit::Zoom => "rms radius, pixels",
            Edit::ShiftX => "centre of mass x, pixels",
            Edit::ShiftY => "centre of mass y, pixels",
            Edit::Rotation => "principal axis, degrees",
            Edit::Brightness => "mean pixel",
        };
        let response = response(&generator, directions.row(k), edit, anchors, 2);
        let cells: Vec<String> = response
            .change
            .iter()
            .map(|mean| match mean.half_width {
                0.0 => "0".to_owned(),
                half_width => format!("{:+.3} ± {half_width:.3}", mean.value),
            })
            .collect();
        let rises = if response.rises() { "yes" } else { "no" };
        println!("| {name} | {measured} | {} | {rises} |", cells.join(" | "));
    }
}
