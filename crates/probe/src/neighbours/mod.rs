//! Nearest neighbours in feature space.

mod knn;

pub use knn::{KnnConfig, KnnScore, Neighbour, Vote, knn, nearest_neighbours};
