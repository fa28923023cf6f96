//! Counter-based random streams: every draw is keyed by (run seed, purpose, step, index).
//!
//! Nothing depends on thread count, device, or how often a run was interrupted: the stream for
//! anchor 17 of step 4,000 is the same bits whoever asks for it, and whenever.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What a stream is used for. Two purposes never share a stream.
///
/// The numbers are part of the file format of a run (they decide its bits): never reuse one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights of a network.
    Weights = 1,
    /// Anchor latents.
    Anchor = 2,
    /// Offsets from an anchor to its views.
    View = 3,
    /// The generator's condition (class) of an anchor.
    Condition = 4,
    /// Parameters of pixel augmentation.
    Augmentation = 5,
    /// The order in which real images are visited.
    Order = 6,
    /// Which anchors of a mixed batch are real.
    Mix = 7,
    /// Splits into training and validation part.
    Split = 8,
    /// Which labelled images a few-shot draw takes.
    FewShot = 9,
    /// Bootstrap resampling.
    Bootstrap = 10,
    /// Pictures made for people to look at.
    Picture = 11,
    /// Inputs of self-checks, benchmarks and tests.
    Check = 12,
    /// Latents whose images a discriminator in training is shown.
    DiscriminatorLatent = 13,
    /// Latents that a generator in training is moved on.
    GeneratorLatent = 14,
    /// Noise of an approximate posterior (VAE).
    PosteriorNoise = 15,
    /// Directions onto which an objective projects embeddings.
    Direction = 16,
    /// Which patches of an image are hidden or predicted.
    Mask = 17,
    /// What a queue of keys holds before its first keys.
    Queue = 18,
    /// Latents and edits from which directions in a latent space are found.
    Walk = 19,
    /// The fixed views of a fixed number of anchors.
    UniqueView = 20,
    /// Conditions of which every class comes equally often.
    BalancedCondition = 21,
    /// Latents that a latent space is measured by.
    Calibration = 22,
    /// Latents behind the mean latent of a generator whose file does not hold it.
    MeanLatent = 23,
    /// Noise maps of a generator whose file does not hold them.
    NoiseMap = 24,
    /// Which of an anchor's stored views a batch takes.
    StoredViews = 25,
    /// Augmentation of the images that a linear classifier is trained on by steps.
    ProbeAugmentation = 26,
    /// The order in which such training visits its images.
    ProbeOrder = 27,
    /// How a test image is corrupted.
    Corruption = 28,
    /// First centres of clusters, and which images a measure of clusters looks at.
    Cluster = 29,
}

/// A random stream of its own for one (run seed, purpose, step, index).
#[derive(Debug, Clone)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The stream for `index` (an image or anchor) within `step` (a batch or epoch) of a run.
    #[must_use]
    pub fn new(run_seed: u64, purpose: Purpose, step: u64, index: u64) -> Self {
        let mut key = [0u8; 32];
        key[0..8].copy_from_slice(&run_seed.to_le_bytes());
        key[8..16].copy_from_slice(&(purpose as u64).to_le_bytes());
        key[16..24].copy_from_slice(&step.to_le_bytes());
        key[24..32].copy_from_slice(&index.to_le_bytes());
        Self { generator: ChaCha8Rng::from_seed(key) }
    }

    /// Uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// Uniform in [0, 1), on a grid of 2^-24 so that every value is exact in f32.
    pub fn uniform(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [low, high].
    pub fn uniform_in(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.uniform()
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.uniform() < probability
    }

    /// Uniform in 0..bound without bias (Lemire's method). `bound` 0 gives 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            let low = product as u64;
            if low >= bound || low >= bound.wrapping_neg() % bound.max(1) {
                return (product >> 64) as u64;
            }
        }
    }

    /// Standard normal (Box and Muller, in double precision).
    pub fn normal(&mut self) -> f32 {
        let radius_draw = ((self.bits() >> 11) as f64 + 1.0) * (1.0 / 9_007_199_254_740_992.0);
        let angle_draw = (self.bits() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0);
        ((-2.0 * radius_draw.ln()).sqrt() * (std::f64::consts::TAU * angle_draw).cos()) as f32
    }

    /// Standard normal truncated to [-bound, bound] by rejection. At bound 2 its standard
    /// deviation is 0.88. A bound that is not positive or not finite means no truncation.
    pub fn truncated_normal(&mut self, bound: f32) -> f32 {
        loop {
            let value = self.normal();
            if !(bound > 0.0 && bound.is_finite()) || value.abs() <= bound {
                return value;
            }
        }
    }

    /// Fisher-Yates shuffle.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1) as usize;
            items.swap(last, other);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_key_same_bits_and_any_other_key_other_bits() {
        let bits = |seed, purpose, step, index| Stream::new(seed, purpose, step, index).bits();
        let reference = bits(1, Purpose::Anchor, 2, 3);
        assert_eq!(reference, bits(1, Purpose::Anchor, 2, 3));
        for other in [
            bits(2, Purpose::Anchor, 2, 3),
            bits(1, Purpose::View, 2, 3),
            bits(1, Purpose::Anchor, 3, 3),
            bits(1, Purpose::Anchor, 2, 4),
        ] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn the_bits_of_a_stream_never_change_between_versions() {
        let mut stream = Stream::new(7, Purpose::Anchor, 11, 13);
        let drawn: Vec<u64> = (0..3).map(|_| stream.bits()).collect();
        assert_eq!(drawn, GOLDEN);
    }

    #[test]
    fn truncated_normals_have_the_moments_of_their_formula() {
        // 1 - 2 a pdf(a) / (2 cdf(a) - 1).
        for (bound, variance_expected) in
            [(0.5, 0.080_589), (1.0, 0.291_125), (2.0, 0.773_741), (3.0, 0.973_337), (f32::INFINITY, 1.0)]
        {
            let mut stream = Stream::new(0, Purpose::Check, 0, 0);
            let draws: Vec<f64> = (0..200_000).map(|_| f64::from(stream.truncated_normal(bound))).collect();
            let mean = draws.iter().sum::<f64>() / draws.len() as f64;
            let variance = draws.iter().map(|x| x * x).sum::<f64>() / draws.len() as f64;
            assert!(mean.abs() < 0.01, "bound {bound}: mean {mean}");
            let error = variance / variance_expected - 1.0;
            assert!(error.abs() < 0.012, "bound {bound}: variance {variance}, expected {variance_expected}");
            assert!(draws.iter().all(|x| x.abs() <= f64::from(bound)));
        }
    }

    #[test]
    fn below_is_in_range_and_even() {
        let mut stream = Stream::new(0, Purpose::Check, 1, 0);
        let mut counts = [0usize; 7];
        for _ in 0..70_000 {
            counts[stream.below(7) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_500..10_500).contains(&count)), "{counts:?}");
        assert_eq!(stream.below(1), 0);
        assert_eq!(stream.below(0), 0);
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut items: Vec<usize> = (0..1_000).collect();
        Stream::new(3, Purpose::Order, 0, 0).shuffle(&mut items);
        assert_ne!(items, (0..1_000).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..1_000).collect::<Vec<_>>());
    }

    // From an implementation of ChaCha8 of its own, written out in Python.
    const GOLDEN: [u64; 3] =
        [17_630_208_456_513_306_826, 17_621_452_822_480_235_464, 16_730_281_137_488_766_035];
}
