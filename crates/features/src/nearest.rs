//! The nearest training images of each test image, found on the processor.

use std::ops::Range;

use rayon::prelude::*;

use crate::{FeatureError, Features, pieces};
use zview_numerics::matrix::multiply_transposed;

/// Test rows and training rows of one tile of similarities: 2 MB.
const TEST_TILE: usize = 256;
const TRAIN_TILE: usize = 2_048;
/// A small train set is filled up to a multiple of this.
const TRAIN_ROWS_ALIGNED: usize = 64;
/// Bytes of training rows, and of test rows, that are held at once.
const TRAIN_BYTES: usize = 64 << 20;
const TEST_BYTES: usize = 512 << 20;

/// A training image and its cosine similarity to a test image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Neighbour {
    /// Cosine of the angle between the two features, -1 to 1.
    pub similarity: f32,
    /// Which row of the training features.
    pub image: usize,
}

impl Neighbour {
    /// Whether it ranks before `other`: it is nearer, or as near and stored earlier.
    pub(super) fn ranks_before(&self, other: &Self) -> bool {
        self.similarity > other.similarity
            || (self.similarity == other.similarity && self.image < other.image)
    }
}

/// The `k` nearest of `train` (all, if there are fewer) for each of `test`, nearest first; of equally
/// near ones the one stored earlier.
///
/// # Errors
/// Sets that are empty or do not fit together.
pub fn nearest_neighbours(
    train: &Features,
    test: &Features,
    k: usize,
) -> Result<Vec<Vec<Neighbour>>, FeatureError> {
    Features::check_train_and_test(train, test)?;
    let k = k.clamp(1, train.len());
    Ok(nearest(train, test, k).chunks(k).map(<[Neighbour]>::to_vec).collect())
}

/// The `k` nearest training images of every test image, nearest first: (N, k) row by row.
///
/// The training rows are read once for each 512 MiB of test rows, some megabytes at a time.
#[must_use]
pub fn nearest(train: &Features, test: &Features, k: usize) -> Vec<Neighbour> {
    let (dimension, images) = (train.dimension(), train.len());
    // Rows of zeros fill up the last tile: a product of another width may sum in another order, and then
    // copies of one image would not be equally near.
    let tile = TRAIN_TILE.min(images.next_multiple_of(TRAIN_ROWS_ALIGNED));
    let tiles_at_once = (TRAIN_BYTES / (tile * dimension * size_of::<f32>())).max(1);
    let nearest_of = |group: Range<usize>| {
        let test_rows: Vec<Vec<f32>> =
            pieces(group.clone(), TEST_TILE).into_par_iter().map(|rows| unit_rows(test, rows)).collect();
        let mut kept: Vec<Vec<Neighbour>> = vec![Vec::with_capacity(k + 1); group.len()];
        for part in pieces(0..images, tile * tiles_at_once) {
            let train_tiles: Vec<(usize, Vec<f32>)> = pieces(part, tile)
                .into_par_iter()
                .map(|rows| {
                    let first_image = rows.start;
                    let mut values = unit_rows(train, rows);
                    values.resize(tile * dimension, 0.0);
                    (first_image, values)
                })
                .collect();
            kept.par_chunks_mut(TEST_TILE).zip(&test_rows).for_each(|(kept, test_rows)| {
                let mut similarities = vec![0.0; kept.len() * tile];
                for (first_image, train_rows) in &train_tiles {
                    multiply_transposed(test_rows, train_rows, dimension, &mut similarities);
                    let columns = tile.min(images - first_image);
                    for (kept, row) in kept.iter_mut().zip(similarities.chunks_exact(tile)) {
                        keep_nearest(kept, &row[..columns], *first_image, k);
                    }
                }
            });
        }
        kept.into_iter().flatten()
    };
    test_groups(test, TEST_TILE).into_iter().flat_map(nearest_of).collect()
}

/// The test images in groups of whole tiles whose rows are held in memory together.
pub(super) fn test_groups(test: &Features, tile: usize) -> Vec<Range<usize>> {
    let tiles = (TEST_BYTES / (tile * test.dimension() * size_of::<f32>())).max(1);
    pieces(0..test.len(), tiles * tile)
}

/// Takes the images of a tile, in ascending order, into the sorted list of the `k` nearest. Only a
/// strictly nearer image moves ahead of an earlier one.
pub(super) fn keep_nearest(kept: &mut Vec<Neighbour>, similarities: &[f32], first_image: usize, k: usize) {
    let mut threshold = if kept.len() < k { f32::NEG_INFINITY } else { kept[k - 1].similarity };
    for (column, &similarity) in similarities.iter().enumerate() {
        if similarity <= threshold {
            continue;
        }
        let position = kept.partition_point(|neighbour| neighbour.similarity >= similarity);
        kept.insert(position, Neighbour { similarity, image: first_image + column });
        kept.truncate(k);
        if kept.len() == k {
            threshold = kept[k - 1].similarity;
        }
    }
}

/// Rows of `images` divided by their length; a row of zeros stays, and is equally far from everything.
pub(super) fn unit_rows(features: &Features, images: Range<usize>) -> Vec<f32> {
    let rows = features.tile(images);
    let mut values = Vec::with_capacity(rows.len());
    for row in rows.chunks_exact(features.dimension()) {
        let length = row.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        values.extend(row.iter().map(|&value| (f64::from(value) * scale) as f32));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{clouds, mapped, numbered};

    /// Sorts all training images by similarity; sums in the same precision, so it may differ from
    /// the tiled form only where two similarities agree to the last bits.
    fn brute_force(train: &Features, test: &Features, k: usize) -> Vec<Vec<usize>> {
        let (train_rows, test_rows) = (unit_rows(train, 0..train.len()), unit_rows(test, 0..test.len()));
        let d = train.dimension();
        test_rows
            .chunks_exact(d)
            .map(|row| {
                let similarity = |image: usize| -> f64 {
                    let other = &train_rows[image * d..(image + 1) * d];
                    row.iter().zip(other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
                };
                let mut images: Vec<usize> = (0..train.len()).collect();
                images.sort_by(|&a, &b| similarity(b).total_cmp(&similarity(a)).then(a.cmp(&b)));
                images.truncate(k);
                images
            })
            .collect()
    }

    #[test]
    fn tiles_find_the_neighbours_that_sorting_finds() {
        // More than one tile in both directions, with a partial one at each end.
        let (train, test) = (clouds(TRAIN_TILE + 37, 5, 4, 1.0, 0), clouds(TEST_TILE + 3, 5, 4, 1.0, 1));
        let found = nearest(&train, &test, 7);
        let expected = brute_force(&train, &test, 7);
        let mut different = 0;
        for (row, expected) in found.chunks_exact(7).zip(&expected) {
            assert!(row.is_sorted_by(|a, b| a.similarity >= b.similarity));
            different += row.iter().zip(expected).filter(|(a, b)| a.image != **b).count();
        }
        // Of 1,813 neighbours, only those within f32 rounding of another may be swapped.
        assert!(different <= 20, "{different}");
    }

    #[test]
    fn ties_go_to_the_lower_index() {
        // Images 0 and 2 lie on the same ray as the test image; 1 and 3 at right angles.
        let values = vec![1., 0., 0., 1., 2., 0., 0., 3.];
        let train = Features::new(values, 2, vec![1, 0, 0, 0], numbered(2)).unwrap();
        let test = Features::new(vec![5., 0.], 2, vec![1], numbered(2)).unwrap();
        let images: Vec<usize> = nearest(&train, &test, 4).iter().map(|neighbour| neighbour.image).collect();
        assert_eq!(images, [0, 2, 1, 3]);
    }

    #[test]
    fn copies_of_an_image_rank_by_index_wherever_they_are() {
        for (images, dimension) in [(TRAIN_TILE + 3, 67), (300, 67), (131, 5), (70, 512)] {
            let train = clouds(images, dimension, 4, 1.0, 0);
            let mut copies = vec![5, 9, images / 2, images - 3, images - 2, images - 1];
            copies.sort_unstable();
            let mut values = train.whole().unwrap().into_owned();
            for copy in &copies {
                values[copy * dimension..(copy + 1) * dimension].copy_from_slice(&train.row(9));
            }
            let train = Features::new(values, dimension, train.labels().to_vec(), numbered(4)).unwrap();
            for queries in [vec![9], vec![9; 3], vec![9; TEST_TILE + 5]] {
                for row in nearest(&train, &train.select(&queries), copies.len()).chunks_exact(copies.len()) {
                    let found: Vec<usize> = row.iter().map(|neighbour| neighbour.image).collect();
                    assert_eq!(found, copies, "{images} x {dimension}, {} queries", queries.len());
                }
            }
        }
    }

    #[test]
    fn a_mapped_file_has_the_same_neighbours() {
        let (train, test) = (clouds(2 * TRAIN_TILE + 37, 5, 4, 1.0, 0), clouds(TEST_TILE + 3, 5, 4, 1.0, 1));
        assert_eq!(nearest(&mapped(&train), &mapped(&test), 7), nearest(&train, &test, 7));
    }
}
