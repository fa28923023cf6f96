//! Writes a labelled data set as IDX files, the format of MNIST, for tools that read no other.
//!
//!     cargo run --release -p zview-data --example write_idx -- glyphs FOLDER
#![allow(clippy::print_stderr)]

use std::error::Error;
use std::path::Path;

use zview_data::{LoadOptions, Split, load};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, folder] = arguments.as_slice() else {
        eprintln!("usage: write_idx DATA FOLDER");
        std::process::exit(2);
    };
    std::fs::create_dir_all(folder)?;
    for (split, start) in [(Split::Train, "train"), (Split::Test, "t10k")] {
        let set = load(name, split, &LoadOptions::default())?;
        let shape = set.shape;
        if shape.channels != 1 {
            return Err(
                format!("{name} has {} channels; IDX files here hold grey images", shape.channels).into()
            );
        }
        let sizes = [set.len(), shape.height, shape.width].map(|size| size as u32);
        let mut images = idx_header(&sizes);
        for index in 0..set.len() {
            images.extend_from_slice(&set.pixels(index)?);
        }
        std::fs::write(Path::new(folder).join(format!("{start}-images-idx3-ubyte")), images)?;
        let mut labels = idx_header(&sizes[..1]);
        labels.extend(set.labels.iter().flatten().map(|&label| label as u8));
        std::fs::write(Path::new(folder).join(format!("{start}-labels-idx1-ubyte")), labels)?;
    }
    Ok(())
}

/// Two zeros, the type (8: unsigned bytes), the number of sizes, the sizes.
fn idx_header(sizes: &[u32]) -> Vec<u8> {
    let mut header = vec![0, 0, 8, sizes.len() as u8];
    header.extend(sizes.iter().flat_map(|size| size.to_be_bytes()));
    header
}
