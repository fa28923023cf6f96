//! Test images that a classifier has already seen: exact copies and near-duplicates among its training images.

mod exact;
mod near;
mod report;
#[cfg(test)]
mod tests;
mod thumbnail;

pub use exact::same_pixels;
pub use report::{Overlap, OverlapConfig, OverlapPair, find_overlap};
