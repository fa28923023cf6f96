//! Multinomial logistic regression.
//!
//! Minimises the mean cross-entropy plus (l2 / 2) ||W||^2, the biases not penalised, over weights W
//! (C, D) and biases b (C). scikit-learn minimises C_sk * (sum of cross-entropies) + ||W||^2 / 2, so
//! its C_sk is 1 / (l2 * N).

use std::ops::Range;

use rayon::prelude::*;

use super::predictions::Predictions;
use zview_features::{Features, pieces};
use zview_numerics::matrix::{add_transposed_product, dot, multiply_transposed};

/// Rows widened to f64 and multiplied at once.
pub(super) const BLOCK_ROWS: usize = 256;
/// The rows are summed in this many pieces, whatever the number of threads.
const PIECES: usize = 16;

/// A linear classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// W (C, D), row by row.
    pub(super) weights: Vec<f64>,
    /// b (C), shifted to mean 0: a common shift changes no prediction.
    pub(super) bias: Vec<f64>,
}
impl Logistic {
    /// On the line from `before` through this one, `share` of their distance further.
    #[must_use]
    pub fn beyond(&self, before: &Self, share: f64) -> Self {
        let ahead = |now: &[f64], before: &[f64]| -> Vec<f64> {
            now.iter().zip(before).map(|(now, before)| now + share * (now - before)).collect()
        };
        Self { weights: ahead(&self.weights, &before.weights), bias: ahead(&self.bias, &before.bias) }
    }

    /// All zero.
    pub(super) fn zero(classes: usize, dimension: usize) -> Self {
        Self { weights: vec![0.0; classes * dimension], bias: vec![0.0; classes] }
    }

    /// Rows (C, D + 1): a class's weights, then its bias.
    pub(super) fn to_rows(&self) -> Vec<f64> {
        let dimension = self.weights.len() / self.bias.len();
        let rows = self.weights.chunks_exact(dimension).zip(&self.bias);
        rows.flat_map(|(weights, bias)| weights.iter().chain(std::iter::once(bias))).copied().collect()
    }

    pub(super) fn from_rows(rows: &[f64], dimension: usize) -> Self {
        let (mut weights, mut bias) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows.chunks_exact(dimension + 1) {
            weights.extend_from_slice(&row[..dimension]);
            bias.push(row[dimension]);
        }
        Self { weights, bias }
    }

    /// The probability of every class for some images, (R, C), which should begin at a multiple of [`BLOCK_ROWS`].
    pub(super) fn probabilities(&self, features: &Features, images: Range<usize>) -> Vec<f64> {
        let rows = self.for_each_of(features, images, |logits, _| {
            let normaliser = log_sum_exp(logits);
            logits.iter().map(|logit| (logit - normaliser).exp()).collect::<Vec<f64>>()
        });
        rows.concat()
    }

    /// The classifier of W (C, D), row by row, and b (C).
    #[must_use]
    pub fn from_parts(weights: Vec<f64>, bias: Vec<f64>) -> Self {
        Self { weights, bias }
    }

    /// W (C, D), row by row.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// b (C).
    #[must_use]
    pub fn bias(&self) -> &[f64] {
        &self.bias
    }

    /// The most probable class of each image, (N); of equal ones the lower.
    #[must_use]
    pub fn predict(&self, features: &Features) -> Vec<u32> {
        self.for_each_image(features, |logits, _| most_probable(logits) as u32)
    }

    /// For each image the number of classes ranked before its own, (N): 0 is a correct prediction,
    /// below 5 is correct in the top 5. Equal ones rank by class number.
    #[must_use]
    pub fn label_ranks(&self, features: &Features) -> Vec<usize> {
        self.for_each_image(features, label_rank)
    }

    /// Class, probabilities and rank of every image's own class.
    #[must_use]
    pub fn predictions(&self, features: &Features) -> Predictions {
        let each = self.for_each_image(features, |logits, label| {
            let normaliser = log_sum_exp(logits);
            let best = most_probable(logits);
            let probability = |class: usize| (logits[class] - normaliser).exp() as f32;
            (best as u32, probability(best), probability(label as usize), label_rank(logits, label) as u32)
        });
        Predictions {
            classes: each.iter().map(|image| image.0).collect(),
            confidence: each.iter().map(|image| image.1).collect(),
            label_probability: each.iter().map(|image| image.2).collect(),
            label_rank: each.iter().map(|image| image.3).collect(),
        }
    }

    /// How many images have their class among the `k` most probable.
    #[must_use]
    pub fn top_k_correct(&self, features: &Features, k: usize) -> usize {
        self.label_ranks(features).iter().filter(|&&rank| rank < k).count()
    }

    /// Mean cross-entropy, without penalty.
    #[must_use]
    pub fn cross_entropy(&self, features: &Features) -> f64 {
        let losses =
            self.for_each_image(features, |logits, label| log_sum_exp(logits) - logits[label as usize]);
        losses.iter().sum::<f64>() / losses.len().max(1) as f64
    }

    /// Calls `of_image` with each image's logits (C) and label, in order.
    fn for_each_image<R: Send>(
        &self,
        features: &Features,
        of_image: impl Fn(&[f64], u32) -> R + Sync,
    ) -> Vec<R> {
        self.for_each_of(features, 0..features.len(), of_image)
    }

    /// As [`Self::for_each_image`], of some images, which should begin at a multiple of [`BLOCK_ROWS`].
    fn for_each_of<R: Send>(
        &self,
        features: &Features,
        images: Range<usize>,
        of_image: impl Fn(&[f64], u32) -> R + Sync,
    ) -> Vec<R> {
        let of_blocks: Vec<Vec<R>> = pieces(images, BLOCK_ROWS)
            .into_par_iter()
            .map(|block| {
                let (mut wide, mut logits) = (Vec::new(), Vec::new());
                self.logits(&features.tile(block.clone()), &mut wide, &mut logits);
                let rows = logits.chunks_exact(self.bias.len());
                rows.zip(&features.labels()[block]).map(|(row, &label)| of_image(row, label)).collect()
            })
            .collect();
        of_blocks.into_iter().flatten().collect()
    }

    /// `logits` (R, C) = X W^T + b of the rows in `values` (R, D); `wide` gets X in f64.
    fn logits(&self, values: &[f32], wide: &mut Vec<f64>, logits: &mut Vec<f64>) {
        let dimension = self.weights.len() / self.bias.len();
        wide.clear();
        wide.extend(values.iter().map(|&value| f64::from(value)));
        logits.clear();
        logits.resize(values.len() / dimension * self.bias.len(), 0.0);
        multiply_transposed(wide, &self.weights, dimension, logits);
        for row in logits.chunks_exact_mut(self.bias.len()) {
            row.iter_mut().zip(&self.bias).for_each(|(logit, bias)| *logit += bias);
        }
    }

    /// The objective at this point; writes its gradient to `gradient`, (C, D + 1): by a class's weights, then its bias.
    pub(super) fn loss_and_gradient(&self, features: &Features, l2: f64, gradient: &mut [f64]) -> f64 {
        let (classes, dimension) = (self.bias.len(), features.dimension());
        let piece_rows = features.len().div_ceil(PIECES).max(BLOCK_ROWS);
        let of_pieces: Vec<(f64, Vec<f64>)> = pieces(0..features.len(), piece_rows)
            .into_par_iter()
            .map(|piece| self.sum_over_rows(features, piece))
            .collect();
        let mut sums = vec![0.0; classes * dimension + classes];
        let mut loss = 0.0;
        for (piece_loss, piece_sums) in &of_pieces {
            loss += piece_loss;
            sums.iter_mut().zip(piece_sums).for_each(|(sum, value)| *sum += value);
        }
        let count = features.len() as f64;
        let (by_weights, by_bias) = sums.split_at(classes * dimension);
        for (class, row) in gradient.chunks_exact_mut(dimension + 1).enumerate() {
            let weights = class * dimension..(class + 1) * dimension;
            for ((g, sum), w) in row.iter_mut().zip(&by_weights[weights.clone()]).zip(&self.weights[weights])
            {
                *g = sum / count + l2 * w;
            }
            row[dimension] = by_bias[class] / count;
        }
        loss / count + 0.5 * l2 * dot(&self.weights, &self.weights)
    }

    /// Sum (not mean) of cross-entropies and their gradient over some rows.
    fn sum_over_rows(&self, features: &Features, images: Range<usize>) -> (f64, Vec<f64>) {
        let (classes, dimension) = (self.bias.len(), features.dimension());
        let mut loss = 0.0;
        let mut gradient = vec![0.0; classes * dimension + classes];
        let (by_weights, by_bias) = gradient.split_at_mut(classes * dimension);
        let (mut wide, mut logits) = (Vec::new(), Vec::new());
        for block in pieces(images, BLOCK_ROWS) {
            let labels = &features.labels()[block.clone()];
            self.logits(&features.tile(block), &mut wide, &mut logits);
            for (row, &label) in logits.chunks_exact_mut(classes).zip(labels) {
                let normaliser = log_sum_exp(row);
                loss += normaliser - row[label as usize];
                // From here on the row holds p - y, the gradient by the logits.
                row.iter_mut().for_each(|logit| *logit = (*logit - normaliser).exp());
                row[label as usize] -= 1.0;
                by_bias.iter_mut().zip(&*row).for_each(|(sum, value)| *sum += value);
            }
            add_transposed_product(&logits, &wide, labels.len(), by_weights);
        }
        (loss, gradient)
    }
}

/// The class with the largest logit; of equal ones the lower.
fn most_probable(logits: &[f64]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// How many classes rank before `label`; equal ones rank by number.
fn label_rank(logits: &[f64], label: u32) -> usize {
    let own = logits[label as usize];
    let before = |(class, &logit): (usize, &f64)| logit > own || (logit == own && class < label as usize);
    logits.iter().enumerate().filter(|&entry| before(entry)).count()
}

fn log_sum_exp(logits: &[f64]) -> f64 {
    let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    largest + logits.iter().map(|logit| (logit - largest).exp()).sum::<f64>().ln()
}
#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::{clouds, numbered};

    #[test]
    fn the_gradient_agrees_with_finite_differences() {
        // More rows than one block and one piece hold.
        let features = clouds(5_000, 3, 4, 1.0, 0);
        let parameter = |i: usize| (i as f64 * 0.9).sin();
        let model_at = |changed: usize, by: f64| {
            let value = |i: usize| parameter(i) + if i == changed { by } else { 0.0 };
            Logistic::from_rows(&(0..16).map(value).collect::<Vec<_>>(), 3)
        };
        let mut gradient = vec![0.0; 16];
        model_at(0, 0.0).loss_and_gradient(&features, 0.3, &mut gradient);
        for (i, &analytic) in gradient.iter().enumerate() {
            let mut unused = vec![0.0; 16];
            let mut loss = |by| model_at(i, by).loss_and_gradient(&features, 0.3, &mut unused);
            let numeric = (loss(1e-5) - loss(-1e-5)) / 2e-5;
            assert!((analytic - numeric).abs() < 1e-8, "{i}: {analytic} {numeric}");
        }
    }

    #[test]
    fn predictions_and_ranks_agree_and_ties_go_to_the_lower_class() {
        let model = Logistic { weights: vec![1.0, 1.0, 2.0], bias: vec![0.0; 3] };
        let features = Features::new(vec![1.0, -1.0, 0.0], 1, vec![0, 1, 2], numbered(3)).unwrap();
        assert_eq!(model.predict(&features), [2, 0, 0]);
        assert_eq!(model.label_ranks(&features), [1, 1, 2]);
        assert_eq!([1, 2, 3].map(|k| model.top_k_correct(&features, k)), [0, 2, 3]);
        let logits = [1.0f64, 1.0, 2.0];
        let first = -(1f64.exp() / logits.iter().map(|l| l.exp()).sum::<f64>()).ln();
        let second = -((-1f64).exp() / logits.iter().map(|l| (-l).exp()).sum::<f64>()).ln();
        assert!((model.cross_entropy(&features) - (first + second + 3f64.ln()) / 3.0).abs() < 1e-12);
    }
}
