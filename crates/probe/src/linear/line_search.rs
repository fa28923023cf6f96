//! A step length that satisfies the strong Wolfe conditions.
//!
//! Source: Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms 3.5 and 3.6, with
//! the cubic interpolation of equation 3.59.

use zview_numerics::matrix::dot;

/// Sufficient decrease.
const ARMIJO: f64 = 1e-4;
/// Curvature, the value for quasi-Newton directions.
const CURVATURE: f64 = 0.9;
/// Trials before giving up.
const MAX_TRIALS: usize = 40;

/// A point on the search line.
#[derive(Debug, Clone)]
pub(crate) struct Trial {
    pub loss: f64,
    /// Derivative of the loss along the direction.
    pub slope: f64,
    pub point: Vec<f64>,
    pub gradient: Vec<f64>,
}

/// The end of an interval that still matters: its step, loss and slope.
#[derive(Clone, Copy)]
struct End {
    step: f64,
    loss: f64,
    slope: f64,
}

/// Searches along `direction` (a descent direction) from `origin`, whose step is 0.
///
/// Returns the accepted point and the number of evaluations; `None` if no point with sufficient
/// decrease was found, which near an optimum means that rounding hides any further decrease. A
/// point that decreases the loss enough but whose slope is still too steep is returned only when
/// the trials run out.
pub(crate) fn search(
    objective: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    origin: &Trial,
    direction: &[f64],
    first_step: f64,
) -> (Option<Trial>, usize) {
    let mut evaluations = 0;
    let mut fallback: Option<Trial> = None;
    // Two losses closer than this cannot be told apart: sums over many images carry such an error.
    let rounding = 1e-14 * origin.loss.abs();
    let mut low = End { step: 0.0, loss: origin.loss, slope: origin.slope };
    let mut high: Option<End> = None;
    let mut step = first_step;
    while evaluations < MAX_TRIALS {
        let trial = evaluate(objective, origin, direction, step);
        evaluations += 1;
        let finite = trial.loss.is_finite() && trial.slope.is_finite();
        let enough = finite && trial.loss <= origin.loss + ARMIJO * step * origin.slope + rounding;
        let end = End { step, loss: trial.loss, slope: trial.slope };
        if !enough || trial.loss > low.loss + rounding {
            high = Some(end);
        } else if trial.slope.abs() <= -CURVATURE * origin.slope {
            return (Some(trial), evaluations);
        } else {
            let direction_to_high = high.map_or(1.0, |high| high.step - low.step);
            if trial.slope * direction_to_high >= 0.0 {
                high = Some(low);
            }
            low = end;
            if fallback.as_ref().is_none_or(|best| trial.loss < best.loss) {
                fallback = Some(trial);
            }
        }
        step = match high {
            None => step * 4.0,
            Some(high) => {
                let width = high.step - low.step;
                if width.abs() <= 1e-15 * low.step.abs().max(first_step) {
                    break;
                }
                // Not nearer than a tenth of the interval to either end.
                let relative = (cubic_minimum(low, high) - low.step) / width;
                let kept = if relative.is_finite() { relative.clamp(0.1, 0.9) } else { 0.5 };
                low.step + kept * width
            }
        };
    }
    (fallback, evaluations)
}

/// The minimum of the cubic through both ends' losses and slopes (equation 3.59).
fn cubic_minimum(a: End, b: End) -> f64 {
    let d1 = a.slope + b.slope - 3.0 * (a.loss - b.loss) / (a.step - b.step);
    let d2 = (b.step - a.step).signum() * (d1 * d1 - a.slope * b.slope).sqrt();
    b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2.0 * d2)
}

fn evaluate(
    objective: &mut impl FnMut(&[f64], &mut [f64]) -> f64,
    origin: &Trial,
    direction: &[f64],
    step: f64,
) -> Trial {
    let point: Vec<f64> = origin.point.iter().zip(direction).map(|(x, d)| x + step * d).collect();
    let mut gradient = vec![0.0; point.len()];
    let loss = objective(&point, &mut gradient);
    let slope = dot(&gradient, direction);
    Trial { loss, slope, point, gradient }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches the one-dimensional `loss` with derivative `slope` from 0 along +1.
    fn search_1d(loss: fn(f64) -> f64, slope: fn(f64) -> f64, first_step: f64) -> Option<Trial> {
        let origin =
            Trial { loss: loss(0.0), slope: slope(0.0), point: vec![0.0], gradient: vec![slope(0.0)] };
        let mut objective = |x: &[f64], gradient: &mut [f64]| {
            gradient[0] = slope(x[0]);
            loss(x[0])
        };
        search(&mut objective, &origin, &[1.0], first_step).0
    }

    #[test]
    fn accepted_steps_satisfy_the_strong_wolfe_conditions() {
        // A minimum at 3 and one at 0.01, from steps much too short and much too long.
        for first_step in [1e-6, 1e-2, 1.0, 1e3] {
            for (loss, slope) in [
                ((|x| (x - 3.0).powi(2)) as fn(f64) -> f64, (|x| 2.0 * (x - 3.0)) as fn(f64) -> f64),
                (|x| (x - 0.01).powi(4), |x| 4.0 * (x - 0.01).powi(3)),
                (|x| -x / (x * x + 2.0), |x| (x * x - 2.0) / (x * x + 2.0).powi(2)),
            ] {
                let found = search_1d(loss, slope, first_step).unwrap();
                assert!(found.loss <= loss(0.0) + ARMIJO * found.point[0] * slope(0.0) + 1e-14 * loss(0.0));
                assert!(found.slope.abs() <= CURVATURE * slope(0.0).abs(), "{found:?}");
            }
        }
    }

    #[test]
    fn a_loss_that_is_not_finite_shortens_the_step() {
        // -ln(1 - x) - 2x is infinite or NaN from 1 on; its minimum is at 0.5.
        let found = search_1d(|x| -(1.0 - x).ln() - 2.0 * x, |x| 1.0 / (1.0 - x) - 2.0, 10.0).unwrap();
        assert!(found.point[0] < 1.0 && found.loss.is_finite());
    }

    #[test]
    fn no_decrease_is_reported_not_invented() {
        // The slope claims a descent that the loss does not have.
        assert!(search_1d(|x| x, |_| -1.0, 1.0).is_none());
    }
}
