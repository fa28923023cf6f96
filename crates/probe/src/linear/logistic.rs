//! Multinomial logistic regression.
//!
//! Minimises the mean cross-entropy plus (l2 / 2) ||W||^2, the biases not penalised, over weights W
//! (C, D) and biases b (C). scikit-learn minimises C_sk * (sum of cross-entropies) + ||W||^2 / 2, so
//! its C_sk is 1 / (l2 * N).

use rayon::prelude::*;

use super::lbfgs::{LbfgsConfig, LbfgsOutcome, Stop, minimise};
use super::preconditioner::{Preconditioner, second_moments};
use super::predictions::Predictions;
use crate::features::matrix::{add_scaled, add_transposed_product, dot, multiply_transposed};
use crate::{Features, ProbeError};

/// Rows widened to f64 and multiplied at once.
const BLOCK_ROWS: usize = 256;
/// The rows are summed in this many pieces, whatever the number of threads.
const PIECES: usize = 16;
/// Steps after which the change of variables is made anew.
const LEG: usize = 40;
/// Pairs that the optimiser remembers: with a good change of variables, more of them pay.
const MEMORY: usize = 30;

/// How to fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LogisticConfig {
    /// Weight of the penalty on ||W||^2 / 2, positive.
    pub l2: f64,
    /// Steps of the optimiser at most.
    pub max_iterations: usize,
    /// Converged when no component of the (preconditioned) gradient is larger than this, times the
    /// square root of the loss where that is below 1.
    pub gradient_tolerance: f64,
}

impl LogisticConfig {
    /// The default accuracy with penalty `l2`: the loss is within 1e-6 of its minimum, relatively.
    #[must_use]
    pub fn with_l2(l2: f64) -> Self {
        Self { l2, max_iterations: 1_000, gradient_tolerance: 1e-6 }
    }
}

/// A linear classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// W (C, D), row by row.
    weights: Vec<f64>,
    /// b (C), shifted to mean 0: a common shift changes no prediction.
    bias: Vec<f64>,
}

/// A fitted classifier and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticFit {
    /// The classifier.
    pub model: Logistic,
    /// Mean cross-entropy plus penalty at the end.
    pub loss: f64,
    /// Largest component of the preconditioned gradient at the end.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Why the fit ended.
    pub stop: Stop,
}

impl LogisticFit {
    /// Whether the gradient came within tolerance.
    #[must_use]
    pub fn converged(&self) -> bool {
        self.stop == Stop::Converged
    }
}

/// Training features made ready to be fitted with any number of penalties.
pub struct LogisticProblem<'a> {
    features: &'a Features,
    moments: Option<Vec<f64>>,
}

impl<'a> LogisticProblem<'a> {
    /// Prepares `features`, which should be standardised.
    ///
    /// # Errors
    /// No image at all, or a class that has none: its bias would run away to minus infinity.
    pub fn new(features: &'a Features) -> Result<Self, ProbeError> {
        if features.is_empty() {
            return Err(ProbeError::Empty { set: "the train set".to_owned() });
        }
        if let Some(class) = features.images_by_class().iter().position(Vec::is_empty) {
            return Err(ProbeError::ClassMissing {
                class: features.class_names()[class].clone(),
                images: features.len(),
            });
        }
        Ok(Self { features, moments: second_moments(features) })
    }

    /// Fits from `start` (all zero if `None`); the result depends on it only within tolerance.
    ///
    /// # Errors
    /// A penalty that is not positive and finite.
    pub fn fit(&self, config: LogisticConfig, start: Option<&Logistic>) -> Result<LogisticFit, ProbeError> {
        if !(config.l2 > 0.0 && config.l2.is_finite()) {
            return Err(ProbeError::Setting {
                key: "penalty",
                expected: "positive and finite",
                got: config.l2.to_string(),
            });
        }
        let (classes, dimension) = (self.features.classes(), self.features.dimension());
        let moments = self.moments.as_deref();
        let mut model = start.cloned().unwrap_or_else(|| Logistic::zero(classes, dimension));
        let mut iterations = 0;
        loop {
            // At zero nothing is known yet; elsewhere the Hessian of that place shows the way.
            let preconditioner = (iterations > 0 || start.is_some())
                .then(|| {
                    Preconditioner::at(&model.probabilities(self.features), self.features, moments, config.l2)
                })
                .flatten()
                .unwrap_or_else(|| Preconditioner::at_zero(moments, dimension, classes, config.l2));
            let left = config.max_iterations - iterations;
            let leg = if moments.is_some() { left.min(LEG) } else { left };
            let outcome = self.descend(&model, &preconditioner, leg, config);
            iterations += outcome.iterations;
            model =
                Logistic::from_rows(&in_weights(&outcome.point, dimension + 1, &preconditioner), dimension);
            if outcome.stop == Stop::IterationLimit && iterations < config.max_iterations {
                continue;
            }
            let shift = model.bias.iter().sum::<f64>() / classes as f64;
            model.bias.iter_mut().for_each(|bias| *bias -= shift);
            let LbfgsOutcome { loss, gradient_norm, stop, .. } = outcome;
            return Ok(LogisticFit { model, loss, gradient_norm, iterations, stop });
        }
    }

    /// At most `steps` steps from `model`, in the variables of `preconditioner`.
    fn descend(
        &self,
        model: &Logistic,
        preconditioner: &Preconditioner,
        steps: usize,
        config: LogisticConfig,
    ) -> LbfgsOutcome {
        let options = LbfgsConfig {
            max_iterations: steps,
            gradient_tolerance: config.gradient_tolerance,
            relative_to_loss: true,
            memory: MEMORY,
        };
        let mut variables = model.to_rows();
        preconditioner.variables_from_weights(&mut variables);
        minimise(variables, options, |variables, gradient| {
            let model = Logistic::from_rows(
                &in_weights(variables, self.features.dimension() + 1, preconditioner),
                self.features.dimension(),
            );
            let loss = model.loss_and_gradient(self.features, config.l2, gradient);
            without_common_part(gradient, self.features.dimension() + 1);
            preconditioner.gradient_in_variables(gradient);
            loss
        })
    }
}

/// Rows (C, D + 1) of weights and bias from rows of variables.
fn in_weights(variables: &[f64], width: usize, preconditioner: &Preconditioner) -> Vec<f64> {
    let mut rows = variables.to_vec();
    preconditioner.weights_from_variables(&mut rows);
    without_common_part(&mut rows, width);
    rows
}

/// Subtracts the mean over classes from every column of `rows` (C, D + 1).
///
/// What all classes have in common changes no probability; left in, the penalty would pull it to zero ever so slowly.
fn without_common_part(rows: &mut [f64], width: usize) {
    let classes = (rows.len() / width) as f64;
    let mut mean = vec![0.0; width];
    for row in rows.chunks_exact(width) {
        add_scaled(&mut mean, 1.0 / classes, row);
    }
    rows.chunks_exact_mut(width).for_each(|row| add_scaled(row, -1.0, &mean));
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
    fn zero(classes: usize, dimension: usize) -> Self {
        Self { weights: vec![0.0; classes * dimension], bias: vec![0.0; classes] }
    }

    /// Rows (C, D + 1): a class's weights, then its bias.
    fn to_rows(&self) -> Vec<f64> {
        let dimension = self.weights.len() / self.bias.len();
        let rows = self.weights.chunks_exact(dimension).zip(&self.bias);
        rows.flat_map(|(weights, bias)| weights.iter().chain(std::iter::once(bias))).copied().collect()
    }

    fn from_rows(rows: &[f64], dimension: usize) -> Self {
        let (mut weights, mut bias) = (Vec::with_capacity(rows.len()), Vec::new());
        for row in rows.chunks_exact(dimension + 1) {
            weights.extend_from_slice(&row[..dimension]);
            bias.push(row[dimension]);
        }
        Self { weights, bias }
    }

    /// The probability of every class for every image, (N, C).
    fn probabilities(&self, features: &Features) -> Vec<f64> {
        let rows = self.for_each_image(features, |logits, _| {
            let normaliser = log_sum_exp(logits);
            logits.iter().map(|logit| (logit - normaliser).exp()).collect::<Vec<f64>>()
        });
        rows.concat()
    }

    /// The classifier of W (C, D), row by row, and b (C).
    pub(crate) fn from_parts(weights: Vec<f64>, bias: Vec<f64>) -> Self {
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
        let pieces: Vec<Vec<R>> = features
            .values()
            .par_chunks(BLOCK_ROWS * features.dimension())
            .zip(features.labels().par_chunks(BLOCK_ROWS))
            .map(|(values, labels)| {
                let (mut wide, mut logits) = (Vec::new(), Vec::new());
                self.logits(values, &mut wide, &mut logits);
                let rows = logits.chunks_exact(self.bias.len());
                rows.zip(labels).map(|(row, &label)| of_image(row, label)).collect()
            })
            .collect();
        pieces.into_iter().flatten().collect()
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
    fn loss_and_gradient(&self, features: &Features, l2: f64, gradient: &mut [f64]) -> f64 {
        let (classes, dimension) = (self.bias.len(), features.dimension());
        let piece_rows = features.len().div_ceil(PIECES).max(BLOCK_ROWS);
        let pieces: Vec<(f64, Vec<f64>)> = features
            .values()
            .par_chunks(piece_rows * dimension)
            .zip(features.labels().par_chunks(piece_rows))
            .map(|(values, labels)| self.sum_over_rows(values, labels, dimension))
            .collect();
        let mut sums = vec![0.0; classes * dimension + classes];
        let mut loss = 0.0;
        for (piece_loss, piece_sums) in &pieces {
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
    fn sum_over_rows(&self, values: &[f32], labels: &[u32], dimension: usize) -> (f64, Vec<f64>) {
        let classes = self.bias.len();
        let mut loss = 0.0;
        let mut gradient = vec![0.0; classes * dimension + classes];
        let (by_weights, by_bias) = gradient.split_at_mut(classes * dimension);
        let (mut wide, mut logits) = (Vec::new(), Vec::new());
        for (values, labels) in values.chunks(BLOCK_ROWS * dimension).zip(labels.chunks(BLOCK_ROWS)) {
            self.logits(values, &mut wide, &mut logits);
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
    use crate::features::rows::tests::{clouds, numbered};

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
    fn the_result_does_not_depend_on_threads_or_start() {
        let features = clouds(3_000, 6, 3, 0.7, 0);
        let problem = LogisticProblem::new(&features).unwrap();
        let config = LogisticConfig::with_l2(1e-3);
        let fit = problem.fit(config, None).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        assert_eq!(fit, one_thread.install(|| problem.fit(config, None)).unwrap());
        let strong = problem.fit(LogisticConfig::with_l2(10.0), None).unwrap();
        let warm = problem.fit(config, Some(&strong.model)).unwrap();
        assert!((warm.loss - fit.loss).abs() < 1e-8 && warm.converged() && fit.converged());
        let again = problem.fit(config, Some(&fit.model)).unwrap();
        assert!(again.iterations <= 1, "{again:?}");
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

    #[test]
    fn huge_logits_stay_finite() {
        let features = Features::new(vec![3e38, -3e38], 1, vec![0, 1], numbered(2)).unwrap();
        let fit = LogisticProblem::new(&features).unwrap().fit(LogisticConfig::with_l2(1.0), None).unwrap();
        assert!(fit.model.weights.iter().all(|weight| weight.is_finite()));
    }

    #[test]
    fn a_penalty_that_cannot_work_is_named() {
        let features = clouds(10, 2, 2, 1.0, 0);
        let problem = LogisticProblem::new(&features).unwrap();
        for l2 in [0.0, -1.0, f64::NAN] {
            assert!(problem.fit(LogisticConfig::with_l2(l2), None).is_err());
        }
    }
}
