//! Which patches I-JEPA shows the context encoder, and which it predicts.
//!
//! Assran et al. 2023, <https://arxiv.org/abs/2301.08243>, section 3 and appendix A.1: some target blocks with 15 to
//! 20 % of the patches and an aspect ratio of 0.75 to 1.5; the context is a square block with 85 to 100 % of the
//! patches without those of the targets. Block sizes are drawn once per batch, places per image. Contexts are cut to
//! the batch's smallest by leaving out patches at random (the published code leaves out the last).

use zview_runtime::seed::{Purpose, Stream};

const TARGET_SCALE: [f32; 2] = [0.15, 0.2];
const TARGET_ASPECT: [f32; 2] = [0.75, 1.5];
const CONTEXT_SCALE: [f32; 2] = [0.85, 1.0];
/// A context of fewer patches is drawn again, so often at most; then the largest is taken.
const MIN_CONTEXT: usize = 4;
const MOST_DRAWS: u64 = 50;

/// Patches by number (row by row) for every image of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BlockMasks {
    /// (images, n): those of the context.
    pub context: Vec<i32>,
    /// (targets, images, m): those of every target block.
    pub targets: Vec<Vec<i32>>,
}

impl BlockMasks {
    /// Draws the masks of `images` images with `side` x `side` patches.
    pub fn draw(run_seed: u64, step: u64, images: usize, side: usize, targets: usize) -> Self {
        let patches = (side * side) as f32;
        let mut sizes = Stream::new(run_seed, Purpose::Mask, step, 0);
        let area = patches * sizes.uniform_in(TARGET_SCALE[0], TARGET_SCALE[1]);
        let aspect = sizes.uniform_in(TARGET_ASPECT[0], TARGET_ASPECT[1]);
        let extent = |length: f32| (length.round() as usize).clamp(1, side);
        let target = [extent((area * aspect).sqrt()), extent((area / aspect).sqrt())];
        let context = extent((patches * sizes.uniform_in(CONTEXT_SCALE[0], CONTEXT_SCALE[1])).sqrt());

        let mut contexts = Vec::with_capacity(images);
        let mut blocks = vec![Vec::new(); targets];
        for image in 0..images {
            let draws = (0..MOST_DRAWS).map(|draw| {
                let index = 1 + image as u64 * MOST_DRAWS + draw;
                let mut places = Stream::new(run_seed, Purpose::Mask, step, index);
                let targets: Vec<Vec<i32>> = (0..targets).map(|_| block(target, side, &mut places)).collect();
                let mut context = block([context, context], side, &mut places);
                context.retain(|patch| !targets.iter().any(|target| target.contains(patch)));
                shuffle(&mut context, &mut places);
                (context, targets)
            });
            let mut best: Option<(Vec<i32>, Vec<Vec<i32>>)> = None;
            for drawn in draws {
                let enough = drawn.0.len() >= MIN_CONTEXT;
                if best.as_ref().is_none_or(|best| drawn.0.len() > best.0.len()) {
                    best = Some(drawn);
                }
                if enough {
                    break;
                }
            }
            if let Some((context, targets)) = best {
                contexts.push(context);
                for (all, target) in blocks.iter_mut().zip(targets) {
                    all.extend(target);
                }
            }
        }
        let smallest = contexts.iter().map(Vec::len).min().unwrap_or(0);
        let context = contexts.iter().flat_map(|context| context[..smallest].to_vec()).collect();
        Self { context, targets: blocks }
    }
}

/// The patches of a block of `[rows, columns]` at a random place.
fn block([rows, columns]: [usize; 2], side: usize, random: &mut Stream) -> Vec<i32> {
    let top = random.below((side - rows + 1) as u64) as usize;
    let left = random.below((side - columns + 1) as u64) as usize;
    let row = |row: usize| (left..left + columns).map(move |column| (row * side + column) as i32);
    (top..top + rows).flat_map(row).collect()
}

fn shuffle(values: &mut [i32], random: &mut Stream) {
    for last in (1..values.len()).rev() {
        values.swap(last, random.below(last as u64 + 1) as usize);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn contexts_and_targets_are_disjoint_blocks_of_the_papers_sizes() {
        for (step, side) in (0..20).zip([4, 7, 8, 14].into_iter().cycle()) {
            let (images, patches) = (16, side * side);
            let masks = BlockMasks::draw(3, step, images, side, 4);
            let context = masks.context.len() / images;
            assert!(context >= 1 && masks.context.len() == context * images, "{side}: {context}");
            for image in 0..images {
                let shown: BTreeSet<i32> =
                    masks.context[image * context..][..context].iter().copied().collect();
                assert_eq!(shown.len(), context, "no patch twice");
                for target in &masks.targets {
                    let size = target.len() / images;
                    let share = size as f32 / patches as f32;
                    // Extents are rounded to whole patches.
                    assert!((0.05..0.3).contains(&share), "{side}: {share}");
                    let target = &target[image * size..][..size];
                    assert!(target.iter().all(|patch| (0..patches as i32).contains(patch)));
                    assert!(target.iter().all(|patch| !shown.contains(patch)), "side {side}");
                }
            }
            assert_eq!(masks, BlockMasks::draw(3, step, images, side, 4));
            assert_ne!(masks, BlockMasks::draw(4, step, images, side, 4));
        }
    }
}
