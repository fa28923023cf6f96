//! Fitting a logistic regression: L-BFGS in variables in which the loss is well conditioned.

use super::lbfgs::{LbfgsConfig, LbfgsOutcome, Stop, minimise};
use super::logistic::Logistic;
use super::preconditioner::{Preconditioner, second_moments};
use crate::ProbeError;
use zview_features::{FeatureError, Features};
use zview_numerics::matrix::add_scaled;

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
            return Err(ProbeError::Features(FeatureError::Empty { set: "the train set".to_owned() }));
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
            return Err(ProbeError::Features(FeatureError::Setting {
                key: "penalty",
                expected: "positive and finite",
                got: config.l2.to_string(),
            }));
        }
        let (classes, dimension) = (self.features.classes(), self.features.dimension());
        let moments = self.moments.as_deref();
        let mut model = start.cloned().unwrap_or_else(|| Logistic::zero(classes, dimension));
        let mut iterations = 0;
        loop {
            // At zero nothing is known yet; elsewhere the Hessian of that place shows the way.
            let preconditioner = (iterations > 0 || start.is_some())
                .then(|| Preconditioner::at(&model, self.features, moments, config.l2))
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
#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Standardiser;
    use zview_features::made_up::{clouds, mapped, numbered};

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
    fn a_mapped_file_gives_the_bits_of_memory_for_any_number_of_threads() {
        // More than one block in each piece, and a second leg with factors of its own.
        let features = clouds(6_000, 7, 4, 0.4, 0);
        let config = LogisticConfig { gradient_tolerance: 1e-9, ..LogisticConfig::with_l2(1e-4) };
        let fitted = |features: &Features| {
            let standardised = Standardiser::fit(features).apply(features);
            let problem = LogisticProblem::new(&standardised).unwrap();
            let fit = problem.fit(config, None).unwrap();
            let again = problem.fit(config, Some(&fit.model)).unwrap();
            let said = fit.model.predictions(&standardised);
            (fit, again, said)
        };
        let expected = fitted(&features);
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert!(pool.install(|| fitted(&mapped(&features))) == expected, "{threads}");
        }
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
