//! Points and their squared distances to centres.

use rayon::prelude::*;

use crate::{FeatureError, Features};
use zview_numerics::matrix::multiply_transposed;

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
    ///
    /// # Errors
    /// [`FeatureError::Memory`].
    pub(super) fn unit(features: &Features) -> Result<Self, FeatureError> {
        let mut values = features.whole()?.into_owned();
        for row in values.chunks_exact_mut(features.dimension()) {
            let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
            if length > 0.0 {
                row.iter_mut().for_each(|value| *value = (f64::from(*value) / length) as f32);
            }
        }
        Ok(Self::new(values, features.dimension()))
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

    /// What `each` makes of tiles of points: of the number of a tile's first point and the squared distances
    /// of its points to `centres`, (points, K). In order of the tiles, whatever the number of threads.
    pub(super) fn map_tiles<R: Send>(
        &self,
        centres: &Self,
        each: impl Fn(usize, Vec<f32>) -> R + Sync,
    ) -> Vec<R> {
        let columns = centres.len();
        let tiles = self.values.par_chunks(TILE * self.dimension).enumerate();
        tiles
            .map(|(tile, rows)| {
                let mut distances = vec![0.0; rows.len() / self.dimension * columns];
                multiply_transposed(rows, &centres.values, self.dimension, &mut distances);
                for (row, point) in distances.chunks_exact_mut(columns).zip(&self.squares[tile * TILE..]) {
                    for (distance, centre) in row.iter_mut().zip(&centres.squares) {
                        *distance = (point + centre - 2.0 * *distance).max(0.0);
                    }
                }
                each(tile * TILE, distances)
            })
            .collect()
    }

    /// The nearest centre of every point (of equally near ones the first), and the squared distance to it.
    pub(super) fn nearest(&self, centres: &Self) -> Vec<(u32, f32)> {
        let of_point = |distances: &[f32]| {
            let mut best = (0, f32::INFINITY);
            for (centre, &distance) in (0..).zip(distances) {
                if distance < best.1 {
                    best = (centre, distance);
                }
            }
            best
        };
        let tiles = self.map_tiles(centres, |_, distances| -> Vec<(u32, f32)> {
            distances.chunks_exact(centres.len()).map(of_point).collect()
        });
        tiles.concat()
    }
}

fn squared_length(row: &[f32]) -> f32 {
    row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>() as f32
}
