//! Nearest neighbours in feature space.

mod knn;
mod nearest;
mod nearest_on_device;

pub use knn::{KnnConfig, KnnScore, Vote, knn, knn_on};
pub use nearest::{Neighbour, nearest_neighbours};
pub use nearest_on_device::nearest_neighbours_on;
