//! The optima of one problem on the way from strong to weak penalties.

use super::logistic::Logistic;

/// The last two optima on the way, from which the next fit's beginning is guessed.
#[derive(Debug, Clone, Default)]
pub struct LogisticPath {
    last: Option<(f64, Logistic)>,
    before: Option<(f64, Logistic)>,
}

impl LogisticPath {
    /// Where a fit with `penalty` best begins: optima move almost evenly with the logarithm of the penalty. `None`
    /// before the first.
    #[must_use]
    pub fn start(&self, penalty: f64) -> Option<Logistic> {
        let (last_penalty, last) = self.last.as_ref()?;
        let Some((penalty_before, before)) = &self.before else { return Some(last.clone()) };
        let share = (penalty / last_penalty).ln() / (last_penalty / penalty_before).ln();
        // The same penalty twice, a turn or a leap says nothing of the way ahead.
        let ahead = share > 0.0 && share <= 2.0;
        Some(if ahead { last.beyond(before, share) } else { last.clone() })
    }

    /// Takes the optimum of `penalty`.
    pub fn reached(&mut self, penalty: f64, model: Logistic) {
        self.before = self.last.replace((penalty, model));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::{LogisticConfig, LogisticProblem};
    use zview_features::made_up::clouds;

    #[test]
    fn the_way_saves_steps_and_changes_no_optimum() {
        let features = clouds(2_000, 12, 5, 0.5, 0);
        let problem = LogisticProblem::new(&features).unwrap();
        let (mut path, mut steps, mut alone) = (LogisticPath::default(), 0, 0);
        for quarter in 0..20 {
            let l2 = 10f64.powf(1.0 - f64::from(quarter) / 4.0);
            let config = LogisticConfig::with_l2(l2);
            let (here, cold) =
                (problem.fit(config, path.start(l2).as_ref()).unwrap(), problem.fit(config, None).unwrap());
            assert!(here.converged() && (here.loss / cold.loss - 1.0).abs() < 1e-6, "{l2}: {here:?}");
            (steps, alone) = (steps + here.iterations, alone + cold.iterations);
            path.reached(l2, here.model);
        }
        assert!(3 * steps < 2 * alone, "{steps} {alone}");
    }

    #[test]
    fn only_the_way_ahead_is_guessed() {
        let features = clouds(50, 3, 2, 1.0, 0);
        let problem = LogisticProblem::new(&features).unwrap();
        let optimum = |l2: f64| problem.fit(LogisticConfig::with_l2(l2), None).unwrap().model;
        let mut path = LogisticPath::default();
        assert!(path.start(1.0).is_none());
        path.reached(1.0, optimum(1.0));
        assert_eq!(path.start(0.1), Some(optimum(1.0)));
        path.reached(0.1, optimum(0.1));
        assert_ne!(path.start(0.01), Some(optimum(0.1)));
        for elsewhere in [0.1, 1.0, 1e-9] {
            assert_eq!(path.start(elsewhere), Some(optimum(0.1)), "{elsewhere}");
        }
    }
}
