//! L-BFGS, the limited-memory quasi-Newton method.
//!
//! Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 7.4 (two-loop
//! recursion) and 7.5, with the initial scaling of equation 7.20.

use std::collections::VecDeque;

use super::line_search::{Trial, search};
use zview_numerics::matrix::{add_scaled, dot};

/// When to stop, and how much to remember.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LbfgsConfig {
    /// Steps at most.
    pub max_iterations: usize,
    /// Converged when no component of the gradient is larger than this.
    pub gradient_tolerance: f64,
    /// Multiplies the tolerance by the square root of the loss where that is below 1.
    ///
    /// Near a minimum the loss lies above it by the gradient squared over twice the curvature, so
    /// this keeps the error small beside a small loss too. Only for losses whose minimum is above 0.
    pub relative_to_loss: bool,
    /// Pairs (s, y) kept, m in the source.
    pub memory: usize,
}

impl Default for LbfgsConfig {
    fn default() -> Self {
        Self { max_iterations: 1_000, gradient_tolerance: 1e-6, relative_to_loss: false, memory: 10 }
    }
}

/// Why the minimisation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// The gradient is within tolerance.
    Converged,
    /// `max_iterations` steps were taken.
    IterationLimit,
    /// Not even the steepest descent decreases the loss any more: rounding hides it, or the
    /// objective's gradient does not belong to its loss.
    NoDecrease,
    /// The loss or gradient at the starting point is NaN or infinite.
    NotFinite,
}

/// The best point found and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct LbfgsOutcome {
    /// Where the loss is lowest.
    pub point: Vec<f64>,
    /// The loss there.
    pub loss: f64,
    /// The gradient's largest component there, absolute.
    pub gradient_norm: f64,
    /// Steps taken.
    pub iterations: usize,
    /// Evaluations of the objective.
    pub evaluations: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// Minimises `objective`, which returns the loss at a point and writes its gradient.
///
/// The loss never increases beyond rounding from step to step. When the line search finds no
/// decrease the memory is forgotten and the steepest descent tried once; if that fails too, the
/// outcome says so.
pub fn minimise(
    start: Vec<f64>,
    config: LbfgsConfig,
    mut objective: impl FnMut(&[f64], &mut [f64]) -> f64,
) -> LbfgsOutcome {
    let mut gradient = vec![0.0; start.len()];
    let loss = objective(&start, &mut gradient);
    let mut current = Trial { loss, slope: 0.0, point: start, gradient };
    let mut evaluations = 1;
    let mut memory = Memory { pairs: VecDeque::new(), capacity: config.memory };
    let mut iterations = 0;
    let stop = loop {
        let norm = largest(&current.gradient);
        if !current.loss.is_finite() || !norm.is_finite() {
            break Stop::NotFinite;
        }
        let scale = if config.relative_to_loss { current.loss.clamp(0.0, 1.0).sqrt() } else { 1.0 };
        if norm <= config.gradient_tolerance * scale {
            break Stop::Converged;
        }
        if iterations == config.max_iterations {
            break Stop::IterationLimit;
        }
        let direction = memory.direction(&current.gradient);
        current.slope = dot(&current.gradient, &direction);
        let found = if current.slope < 0.0 {
            // Without curvature information the gradient has no scale: begin with length 1 at most.
            let first_step = if memory.pairs.is_empty() {
                1.0 / dot(&current.gradient, &current.gradient).sqrt().max(1.0)
            } else {
                1.0
            };
            let (found, trials) = search(&mut objective, &current, &direction, first_step);
            evaluations += trials;
            found
        } else {
            None
        };
        let Some(next) = found else {
            if memory.pairs.is_empty() {
                break Stop::NoDecrease;
            }
            memory.pairs.clear();
            continue;
        };
        memory.remember(&current, &next);
        current = next;
        iterations += 1;
    };
    LbfgsOutcome {
        gradient_norm: largest(&current.gradient),
        point: current.point,
        loss: current.loss,
        iterations,
        evaluations,
        stop,
    }
}

/// The last steps s and changes of gradient y, oldest first, with 1 / (s, y).
struct Memory {
    pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)>,
    capacity: usize,
}

impl Memory {
    /// Minus the approximated inverse Hessian times `gradient` (algorithm 7.4).
    fn direction(&self, gradient: &[f64]) -> Vec<f64> {
        let mut q: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::with_capacity(self.pairs.len());
        for (s, y, rho) in self.pairs.iter().rev() {
            let alpha = rho * dot(s, &q);
            add_scaled(&mut q, -alpha, y);
            alphas.push(alpha);
        }
        if let Some((_, y, rho)) = self.pairs.back() {
            let scale = 1.0 / (rho * dot(y, y));
            q.iter_mut().for_each(|q| *q *= scale);
        }
        for ((s, y, rho), alpha) in self.pairs.iter().zip(alphas.into_iter().rev()) {
            let beta = rho * dot(y, &q);
            add_scaled(&mut q, alpha - beta, s);
        }
        q
    }

    fn remember(&mut self, from: &Trial, to: &Trial) {
        let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(a, b)| a - b).collect() };
        let s = difference(&to.point, &from.point);
        let y = difference(&to.gradient, &from.gradient);
        let curvature = dot(&s, &y);
        // Without positive curvature the approximation would not stay positive definite.
        if curvature > f64::EPSILON * dot(&y, &y) && self.capacity > 0 {
            if self.pairs.len() == self.capacity {
                self.pairs.pop_front();
            }
            self.pairs.push_back((s, y, 1.0 / curvature));
        }
    }
}

fn largest(values: &[f64]) -> f64 {
    // `max` would lose a NaN.
    values.iter().fold(0.0, |largest, value| if value.abs() <= largest { largest } else { value.abs() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rosenbrock(x: &[f64], gradient: &mut [f64]) -> f64 {
        gradient.fill(0.0);
        let mut loss = 0.0;
        for i in 0..x.len() - 1 {
            let (a, b) = (1.0 - x[i], x[i + 1] - x[i] * x[i]);
            loss += a * a + 100.0 * b * b;
            gradient[i] += -2.0 * a - 400.0 * x[i] * b;
            gradient[i + 1] += 200.0 * b;
        }
        loss
    }

    #[test]
    fn rosenbrock_from_the_usual_start() {
        for dimension in [2, 10] {
            let start = (0..dimension).map(|i| if i % 2 == 0 { -1.2 } else { 1.0 }).collect();
            let outcome =
                minimise(start, LbfgsConfig { gradient_tolerance: 1e-9, ..Default::default() }, rosenbrock);
            assert_eq!(outcome.stop, Stop::Converged);
            assert!(outcome.iterations < 120, "{} iterations", outcome.iterations);
            // Dimension 10 has a local minimum as well, at which the first coordinate is about -1.
            assert!(outcome.loss < 1e-15 || (dimension == 10 && outcome.gradient_norm <= 1e-9));
            if dimension == 2 {
                assert!(outcome.point.iter().all(|x| (x - 1.0).abs() < 1e-8), "{:?}", outcome.point);
            }
        }
    }

    #[test]
    fn an_ill_conditioned_quadratic() {
        // sum_i c_i (x_i - i)^2 / 2 with condition number 1e4; SciPy's L-BFGS-B takes 736 steps.
        let curvature = |i: usize| 10f64.powf(4.0 * i as f64 / 39.0);
        let outcome = minimise(vec![0.0; 40], LbfgsConfig::default(), |x, gradient| {
            (0..x.len())
                .map(|i| {
                    let distance = x[i] - i as f64;
                    gradient[i] = curvature(i) * distance;
                    0.5 * curvature(i) * distance * distance
                })
                .sum()
        });
        assert_eq!(outcome.stop, Stop::Converged);
        assert!(outcome.point.iter().enumerate().all(|(i, x)| (x - i as f64).abs() < 1e-5));
        assert!(outcome.evaluations < 2 * outcome.iterations + 10);
    }

    #[test]
    fn every_end_is_named() {
        let limited = LbfgsConfig { max_iterations: 3, ..Default::default() };
        assert_eq!(minimise(vec![-1.2, 1.0], limited, rosenbrock).stop, Stop::IterationLimit);
        let wrong_gradient = minimise(vec![0.0], LbfgsConfig::default(), |x, gradient| {
            gradient[0] = 1.0;
            -x[0]
        });
        assert_eq!(wrong_gradient.stop, Stop::NoDecrease);
        let not_finite = minimise(vec![0.0], LbfgsConfig::default(), |_, gradient| {
            gradient[0] = f64::NAN;
            0.0
        });
        assert_eq!(not_finite.stop, Stop::NotFinite);
    }
}
