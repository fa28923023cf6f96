//! The nearest training images of each test image, found on a graphics adapter.
//!
//! Similarities never leave the device: they are computed tile by tile (T training rows by B test
//! rows), and of each group of [`GROUP`] neighbouring columns only the [`BEST_OF_GROUP`] largest are
//! read and merged on the host. That is exact: where the last one read of a group is still near enough
//! to be kept, others of the group may be too, and then that row of the tile is read as a whole.

use burn::backend::DispatchDevice;
use burn::tensor::{Device, Int, Tensor, TensorData};
use rayon::prelude::*;
use zview_runtime::device::read_floats;

use super::nearest::{Neighbour, keep_nearest, nearest, test_groups, unit_rows};
use crate::{FeatureError, Features, pieces};

/// Columns of which the best are chosen on the device.
const GROUP: usize = 128;
/// How many. An adapter keeps them in registers, so they are few.
const BEST_OF_GROUP: usize = 8;
/// Test rows of a tile.
const TEST_TILE: usize = 512;
/// Training rows of a tile at most, and bytes of their features at most: a storage binding may be
/// limited to 128 MiB.
const TRAIN_TILE: usize = 16_384;
const TRAIN_TILE_BYTES: usize = 64 << 20;
/// Added to the similarities of rows that only fill up the last tile.
const OUT_OF_REACH: f32 = -4.0;

/// As [`crate::nearest_neighbours`], computed on `device`.
///
/// # Errors
/// As there, and a device that fails.
pub fn nearest_neighbours_on(
    device: &Device,
    train: &Features,
    test: &Features,
    k: usize,
) -> Result<Vec<Vec<Neighbour>>, FeatureError> {
    Features::check_train_and_test(train, test)?;
    let k = k.clamp(1, train.len());
    Ok(nearest_on(device, train, test, k)?.chunks(k).map(<[Neighbour]>::to_vec).collect())
}

/// The `k` nearest training images of every test image, nearest first, (N, k) row by row: on the
/// processor by its own means, elsewhere by tensors.
pub fn nearest_on(
    device: &Device,
    train: &Features,
    test: &Features,
    k: usize,
) -> Result<Vec<Neighbour>, FeatureError> {
    let device = &device.clone().inner();
    if matches!(device.as_dispatch(), DispatchDevice::Flex(_)) {
        return Ok(nearest(train, test, k));
    }
    nearest_by_tensors(device, train, test, k, train_tile(train.dimension()))
}

/// Training rows of a tile: a multiple of [`GROUP`].
fn train_tile(dimension: usize) -> usize {
    let by_memory = TRAIN_TILE_BYTES / (size_of::<f32>() * dimension);
    by_memory.min(TRAIN_TILE).next_multiple_of(GROUP)
}

fn nearest_by_tensors(
    device: &Device,
    train: &Features,
    test: &Features,
    k: usize,
    train_tile: usize,
) -> Result<Vec<Neighbour>, FeatureError> {
    let dimension = train.dimension();
    let tile_columns = train_tile.min(train.len().next_multiple_of(GROUP));
    let upload = |mut rows: Vec<f32>, count: usize| -> Tensor<2> {
        rows.resize(count * dimension, 0.0);
        Tensor::from_data(TensorData::new(rows, [count, dimension]), device)
    };
    let mut all = Vec::with_capacity(test.len());
    for group in test_groups(test, TEST_TILE) {
        let test_rows: Vec<Vec<f32>> =
            pieces(group.clone(), TEST_TILE).into_par_iter().map(|rows| unit_rows(test, rows)).collect();
        let mut kept: Vec<Vec<Neighbour>> = vec![Vec::new(); group.len()];
        for rows in pieces(0..train.len(), tile_columns) {
            let (first_image, columns) = (rows.start, rows.len());
            let train_tile = upload(unit_rows(train, rows), tile_columns).transpose(); // [D, T]
            let filler: Vec<f32> =
                (0..tile_columns).map(|column| if column < columns { 0.0 } else { OUT_OF_REACH }).collect();
            let filler = (columns < tile_columns)
                .then(|| Tensor::<2>::from_data(TensorData::new(filler, [1, tile_columns]), device));
            for (test_tile, kept) in test_rows.iter().zip(kept.chunks_mut(TEST_TILE)) {
                let test_tile = upload(test_tile.clone(), TEST_TILE.min(test.len()));
                let similarities = test_tile.matmul(train_tile.clone()); // [B, T]
                let similarities = match &filler {
                    Some(filler) => similarities + filler.clone(),
                    None => similarities,
                };
                merge_tile(kept, similarities, first_image, columns, k)?;
            }
        }
        all.extend(kept.into_iter().flatten());
    }
    Ok(all)
}

/// Takes a tile's `similarities` (B, T), of which `columns` columns and the rows of `kept` count, into
/// the sorted lists of the `k` nearest of each row.
fn merge_tile(
    kept: &mut [Vec<Neighbour>],
    similarities: Tensor<2>,
    first_image: usize,
    columns: usize,
    k: usize,
) -> Result<(), FeatureError> {
    let [rows, tile_columns] = similarities.dims();
    let groups = tile_columns / GROUP;
    // [B * groups, BEST_OF_GROUP]
    let (best, places) =
        similarities.clone().reshape([rows * groups, GROUP]).topk_with_indices(BEST_OF_GROUP, 1);
    let best = read_floats(best).map_err(|source| failed(&source))?;
    let places: Vec<i32> =
        places.into_data().convert::<i32>().try_into_vec().map_err(|error| failed(&error))?;
    let row_values = groups * BEST_OF_GROUP;
    let incomplete: Vec<Option<Vec<Neighbour>>> = kept
        .par_iter_mut()
        .zip(best.par_chunks_exact(row_values).zip(places.par_chunks_exact(row_values)))
        .map(|(kept, (best, places))| {
            let before = kept.clone();
            merge_row(kept, best, places, first_image, k);
            let threshold = if kept.len() < k { f32::NEG_INFINITY } else { kept[k - 1].similarity };
            let cut_off = best.chunks_exact(BEST_OF_GROUP).any(|group| group[BEST_OF_GROUP - 1] >= threshold);
            cut_off.then_some(before)
        })
        .collect();
    let again: Vec<usize> = (0..kept.len()).filter(|&row| incomplete[row].is_some()).collect();
    if again.is_empty() {
        return Ok(());
    }
    let numbers = TensorData::new(again.iter().map(|&row| row as i32).collect(), [again.len()]);
    let numbers = Tensor::<1, Int>::from_data(numbers, &similarities.device());
    let whole = read_floats(similarities.select(0, numbers)).map_err(|source| failed(&source))?;
    for ((row, before), whole) in incomplete
        .into_iter()
        .enumerate()
        .filter_map(|(row, before)| Some((row, before?)))
        .zip(whole.chunks_exact(tile_columns))
    {
        kept[row] = before;
        keep_nearest(&mut kept[row], &whole[..columns], first_image, k);
    }
    Ok(())
}

/// Takes the best of each group, largest first within the group, into the sorted list.
fn merge_row(kept: &mut Vec<Neighbour>, best: &[f32], places: &[i32], first_image: usize, k: usize) {
    let groups = best.chunks_exact(BEST_OF_GROUP).zip(places.chunks_exact(BEST_OF_GROUP));
    for (group, (best, places)) in groups.enumerate() {
        for (&similarity, &place) in best.iter().zip(places) {
            // Fillers are below any cosine.
            if similarity < 0.5 * OUT_OF_REACH {
                break;
            }
            let found = Neighbour { similarity, image: first_image + group * GROUP + place as usize };
            if kept.len() == k && !found.ranks_before(&kept[k - 1]) {
                if similarity < kept[k - 1].similarity {
                    break;
                }
                continue;
            }
            let position = kept.partition_point(|neighbour| neighbour.ranks_before(&found));
            kept.insert(position, found);
            kept.truncate(k);
        }
    }
}

fn failed(error: &dyn std::fmt::Display) -> FeatureError {
    FeatureError::OnDevice { task: "look for nearest neighbours", message: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::{clouds, mapped, numbered};
    use zview_runtime::device::on_test_devices;

    /// Neighbours by tensors and by the processor's own path, (N, k) each.
    fn both(device: &Device, train: &Features, test: &Features, k: usize) -> [Vec<Neighbour>; 2] {
        [nearest_by_tensors(device, train, test, k, 3 * GROUP).unwrap(), nearest(train, test, k)]
    }

    #[test]
    fn tensors_find_what_the_processor_finds_but_for_rounding() {
        // Two tiles and a partial one; the last test tile is partial too. One class after the other, so
        // that the neighbours of an image crowd in a few groups.
        let mut order: Vec<usize> = (0..6 * GROUP + 50).collect();
        order.sort_by_key(|image| image % 3);
        let train = clouds(6 * GROUP + 50, 19, 3, 1.0, 0).select(&order);
        let test = clouds(TEST_TILE + 20, 19, 3, 1.0, 1);
        on_test_devices(|name, device| {
            for k in [1, 5, 60, train.len()] {
                let [found, expected] = both(device, &train, &test, k);
                assert_eq!(found.len(), expected.len());
                for (place, (a, b)) in found.iter().zip(&expected).enumerate() {
                    assert!((a.similarity - b.similarity).abs() < 1e-6, "{name} {k} {place}: {a:?} {b:?}");
                }
                let different = found.iter().zip(&expected).filter(|(a, b)| a.image != b.image).count();
                assert!(different * 100 <= found.len(), "{name}, k = {k}: {different} of {}", found.len());
            }
        });
    }

    #[test]
    fn equal_similarities_rank_by_index_on_every_device() {
        // Features are axes, so similarities are exactly 0 or 1: many more ties than a group gives.
        let axis = |image: usize| [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]][image % 3];
        let set = |images: usize| {
            let values = (0..images).flat_map(axis).collect();
            Features::new(values, 3, vec![0; images], numbered(2)).unwrap()
        };
        let (train, test) = (set(5 * GROUP + 9), set(7));
        on_test_devices(|name, device| {
            for k in [1, 9, 300] {
                let [found, expected] = both(device, &train, &test, k);
                assert_eq!(found, expected, "{name}, k = {k}");
            }
        });
    }

    #[test]
    fn a_row_of_zeros_takes_the_first_images() {
        let train = clouds(2 * GROUP, 4, 2, 1.0, 0);
        let test = Features::new(vec![0.0; 4], 4, vec![0], numbered(2)).unwrap();
        on_test_devices(|name, device| {
            let found = nearest_neighbours_on(device, &train, &test, 20).unwrap();
            let images: Vec<usize> = found[0].iter().map(|neighbour| neighbour.image).collect();
            assert_eq!(images, (0..20).collect::<Vec<_>>(), "{name}");
            let [found, expected] = both(device, &train, &test, 20);
            assert_eq!(found, expected, "{name}");
        });
    }

    #[test]
    fn a_tile_fits_a_storage_binding_whatever_the_dimension() {
        for dimension in [1, 512, 2_048, 100_000] {
            let tile = train_tile(dimension);
            assert!(tile.is_multiple_of(GROUP) && (GROUP..=TRAIN_TILE).contains(&tile), "{tile}");
            assert!(tile * dimension * 4 <= 128 << 20, "{dimension}: {tile}");
        }
    }

    #[test]
    fn a_mapped_file_has_the_same_neighbours() {
        let (train, test) = (clouds(3 * GROUP + 5, 4, 2, 1.0, 0), clouds(9, 4, 2, 1.0, 1));
        on_test_devices(|name, device| {
            let found = |train: &Features, test: &Features| both(device, train, test, 6)[0].clone();
            assert_eq!(found(&mapped(&train), &mapped(&test)), found(&train, &test), "{name}");
        });
    }
}
