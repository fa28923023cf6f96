//! Nearest neighbours in feature space.

mod knn;

pub use knn::{KnnConfig, KnnScore, Vote, knn, knn_on};
