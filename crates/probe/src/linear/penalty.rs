//! Choosing the penalty of a logistic regression on held-out training images.

use serde::{Deserialize, Serialize};

use super::path::LogisticPath;
use crate::ProbeError;
use crate::linear::{Logistic, LogisticConfig, LogisticProblem, Standardiser};
use zview_features::{Features, Problems, Settings, stratified_split};

/// Accurate enough to rank penalties: ten times coarser than the final fit.
const CHOICE_TOLERANCE: f64 = 1e-5;

/// How the penalty is found. Test images never have a part in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PenaltyRule {
    /// This l2.
    Fixed(f64),
    /// The best of these on a held-out share of the training images.
    Chosen {
        /// l2 values to try, in any order.
        penalties: Vec<f64>,
        /// The share of each class held out, between 0 and 1.
        validation_share: f64,
    },
}

impl Settings for PenaltyRule {
    fn problems(&self) -> Vec<String> {
        let problems = Problems::default();
        match self {
            Self::Fixed(penalty) => problems.positive("fixed", *penalty),
            Self::Chosen { penalties, validation_share } => problems
                .all_positive("chosen.penalties", penalties)
                .part("chosen.validation_share", *validation_share),
        }
        .list()
    }
}

/// What one penalty gave on the held-out images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PenaltyScore {
    /// l2.
    pub penalty: f64,
    /// Top-1 accuracy on the held-out images.
    pub validation_top1: f64,
    /// Mean cross-entropy on the held-out images.
    pub validation_loss: f64,
    /// Steps of the optimiser, beginning where the larger penalties' optima point to.
    pub iterations: usize,
    /// Whether the optimiser converged.
    pub converged: bool,
}

/// The penalty to use, and how it was found.
#[derive(Debug, Clone, PartialEq)]
pub struct PenaltyChoice {
    /// l2.
    pub penalty: f64,
    /// Every penalty tried, largest first; empty if it was fixed.
    pub curve: Vec<PenaltyScore>,
    /// The classifier of the chosen penalty on the fitted part, to start from.
    pub model: Option<Logistic>,
}

/// Finds the penalty by `rule` on `train` (not standardised) only.
///
/// Highest held-out accuracy wins, then lowest held-out cross-entropy, then the larger penalty.
/// The standardiser is fitted to the part that is not held out.
///
/// # Errors
/// A rule that cannot work; no image to hold out; a class without images.
pub fn choose_penalty(
    train: &Features,
    rule: &PenaltyRule,
    max_iterations: usize,
    seed: u64,
) -> Result<PenaltyChoice, ProbeError> {
    rule.check()?;
    let (penalties, validation_share) = match rule {
        PenaltyRule::Fixed(penalty) => {
            return Ok(PenaltyChoice { penalty: *penalty, curve: Vec::new(), model: None });
        }
        PenaltyRule::Chosen { penalties, validation_share } => (penalties, *validation_share),
    };
    let split = stratified_split(train, validation_share, seed);
    if split.validation.is_empty() {
        return Err(ProbeError::NothingHeldOut { images: train.len() });
    }
    let fitted = train.select(&split.training);
    let standardiser = Standardiser::fit(&fitted);
    let fitted = standardiser.apply(&fitted);
    let held_out = standardiser.apply(&train.select(&split.validation));

    let mut descending = penalties.clone();
    descending.sort_by(|a, b| b.total_cmp(a));
    let problem = LogisticProblem::new(&fitted)?;
    let mut curve: Vec<PenaltyScore> = Vec::new();
    let mut best: Option<(usize, Logistic)> = None;
    let mut path = LogisticPath::default();
    for penalty in descending {
        let config = LogisticConfig { l2: penalty, max_iterations, gradient_tolerance: CHOICE_TOLERANCE };
        let fit = problem.fit(config, path.start(penalty).as_ref())?;
        let score = PenaltyScore {
            penalty,
            validation_top1: fit.model.top_k_correct(&held_out, 1) as f64 / held_out.len() as f64,
            validation_loss: fit.model.cross_entropy(&held_out),
            iterations: fit.iterations,
            converged: fit.converged(),
        };
        tracing::debug!(?score, "penalty tried");
        if best.as_ref().is_none_or(|(index, _)| better(&score, &curve[*index])) {
            best = Some((curve.len(), fit.model.clone()));
        }
        curve.push(score);
        path.reached(penalty, fit.model);
    }
    let (index, model) = best.ok_or(ProbeError::NothingHeldOut { images: train.len() })?;
    Ok(PenaltyChoice { penalty: curve[index].penalty, curve, model: Some(model) })
}

fn better(score: &PenaltyScore, than: &PenaltyScore) -> bool {
    (score.validation_top1, -score.validation_loss) > (than.validation_top1, -than.validation_loss)
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_features::made_up::clouds;

    fn rule(penalties: &[f64]) -> PenaltyRule {
        PenaltyRule::Chosen { penalties: penalties.to_vec(), validation_share: 0.2 }
    }

    #[test]
    fn the_best_on_held_out_images_is_chosen() {
        // Few images in many dimensions: with l2 1e-6 the fit is perfect on training images and the
        // held-out loss bad; with 1e4 nothing is learnt.
        let train = clouds(120, 30, 3, 0.3, 0);
        let choice = choose_penalty(&train, &rule(&[1e-6, 1e4, 0.1]), 500, 0).unwrap();
        let tried: Vec<f64> = choice.curve.iter().map(|score| score.penalty).collect();
        assert_eq!(tried, [1e4, 0.1, 1e-6]);
        let best = choice.curve.iter().map(|score| score.validation_top1).fold(0.0, f64::max);
        let chosen = choice.curve.iter().find(|score| score.penalty == choice.penalty).unwrap();
        assert_eq!(chosen.validation_top1, best);
        assert!(choice.curve[1].validation_loss < choice.curve[2].validation_loss);
        assert!(choice.model.is_some());
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let train = clouds(30, 2, 3, 1.0, 0);
        let error = |rule: &PenaltyRule| choose_penalty(&train, rule, 10, 0).unwrap_err().to_string();
        assert!(error(&rule(&[])).contains("penalties"));
        assert!(error(&rule(&[1.0, 0.0])).contains("penalties"));
        assert!(error(&PenaltyRule::Fixed(f64::NAN)).contains("fixed: expected a positive number"));
        let all = PenaltyRule::Chosen { penalties: vec![1.0], validation_share: 1.0 };
        assert!(error(&all).contains("chosen.validation_share: expected "));
        let single = train.select(&[0, 1, 2]);
        let nothing = choose_penalty(&single, &rule(&[1.0]), 10, 0).unwrap_err();
        assert!(matches!(nothing, ProbeError::NothingHeldOut { images: 3 }));
    }
}
