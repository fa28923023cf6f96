//! Points and their squared distances to centres.

use rayon::prelude::*;

use crate::Features;
use crate::features::matrix::multiply_transposed;

/// Points whose distances are in memory at once, per thread.
const TILE: usize = 512;

/// Points (N, D) and their squared lengths (N).
pub(super) struct Points {
    pub values: Vec<f32>,
    pub squares: Vec<f32>,
    pub dimension: usize,
}

impl Points {
    /// Features divided by their length; a row of zeros stays.
    pub(super) fn unit(features: &Features) -> Self {
        let mut values = features.values().to_vec();
        for row in values.chunks_exact_mut(features.dimension()) {
            let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
            }
        }
        Self::new(values, features.dimension())
    }

    pub(super) fn new(values: Vec<f32>, dimension: usize) -> Self {
        let squares = values.chunks_exact(dimension).map(squared_length).collect();
        Self { values, squares, dimension }
    }

    pub(super) fn len(&self) -> usize {
        self.squares.len()
    }

    pub(super) fn row(&self, point: usize) -> &[f32] {
        &self.values[point * self.dimension..(point + 1) * self.dimension]
    }

    /// What `each` makes of every point's squared distances to `centres`, (K), in order of the points.
    pub(super) fn map_distances<R: Send>(
        &self,
        centres: &Self,
        each: impl Fn(usize, &[f32]) -> R + Sync,
    ) -> Vec<R> {
        let columns = centres.len();
        let tiles = self.values.par_chunks(TILE * self.dimension).enumerate();
        tiles
            .flat_map_iter(|(tile, rows)| {
                let mut products = vec![0.0; rows.len() / self.dimension * columns];
                multiply_transposed(rows, &centres.values, self.dimension, &mut products);
                let mut results = Vec::with_capacity(rows.len() / self.dimension);
                for (row, distances) in products.chunks_exact_mut(columns).enumerate() {
                    let point = tile * TILE + row;
                    for (distance, square) in distances.iter_mut().zip(&centres.squares) {
                        *distance = (self.squares[point] + square - 2.0 * *distance).max(0.0);
                    }
                    results.push(each(point, distances));
                }
                results
            })
            .collect()
    }

    /// The nearest centre of every point (of equally near ones the first), and the squared distance to it.
    pub(super) fn nearest(&self, centres: &Self) -> Vec<(u32, f32)> {
        self.map_distances(centres, |_, distances| {
            let mut best = (0, f32::INFINITY);
            for (centre, &distance) in (0..).zip(distances) {
                if distance < best.1 {
                    best = (centre, distance);
                }
            }
            best
        })
    }
}

fn squared_length(row: &[f32]) -> f32 {
    row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() as f32
}
