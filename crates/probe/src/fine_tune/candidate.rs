//! Choosing learning rate and layer decay on held-out training images.

use serde::{Deserialize, Serialize};

use super::config::FineTuneConfig;

/// A learning rate and a layer decay.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Candidate {
    pub(super) learning_rate: f64,
    pub(super) layer_decay: f64,
}

/// What one candidate gave on the held-out images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CandidateScore {
    /// Peak learning rate of the head.
    pub learning_rate: f64,
    /// Layer decay.
    pub layer_decay: f64,
    /// Top-1 accuracy on the held-out images, 0 to 1; `None` where it diverged on the fitted part.
    pub validation_top1: Option<f64>,
    /// Mean cross-entropy on the held-out images; `None` likewise.
    pub validation_loss: Option<f64>,
    /// Whether losses, features or weights were not finite, on the fitted part or on all labelled images: such a
    /// candidate is never chosen.
    pub diverged: bool,
}

impl CandidateScore {
    /// Of `candidate` with its held-out accuracy and cross-entropy; `None` where it diverged.
    pub(super) fn new(candidate: Candidate, held_out: Option<(f64, f64)>) -> Self {
        let Candidate { learning_rate, layer_decay } = candidate;
        let (validation_top1, validation_loss) = held_out.unzip();
        Self { learning_rate, layer_decay, validation_top1, validation_loss, diverged: held_out.is_none() }
    }

    /// Its rate and decay.
    pub(super) fn candidate(&self) -> Candidate {
        Candidate { learning_rate: self.learning_rate, layer_decay: self.layer_decay }
    }
}

/// Every pair of a rate and a decay.
pub(super) fn candidates(config: &FineTuneConfig) -> Vec<Candidate> {
    let of_rate = |&learning_rate| {
        config.layer_decays.iter().map(move |&layer_decay| Candidate { learning_rate, layer_decay })
    };
    config.learning_rates.iter().flat_map(of_rate).collect()
}

/// Places in `curve`, best first, without what diverged: highest held-out accuracy, then lowest held-out
/// cross-entropy, then the order of the configuration.
pub(super) fn best_first(curve: &[CandidateScore]) -> Vec<usize> {
    let mut places: Vec<usize> = (0..curve.len()).filter(|&place| !curve[place].diverged).collect();
    let top1 = |place: usize| curve[place].validation_top1.unwrap_or(f64::NEG_INFINITY);
    let loss = |place: usize| curve[place].validation_loss.unwrap_or(f64::INFINITY);
    places.sort_by(|&a, &b| top1(b).total_cmp(&top1(a)).then(loss(a).total_cmp(&loss(b))));
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_decides_then_loss_and_what_diverged_is_out() {
        let score = |learning_rate, held_out| {
            CandidateScore::new(Candidate { learning_rate, layer_decay: 1.0 }, held_out)
        };
        let curve = [
            score(1.0, Some((0.8, 0.5))),
            score(2.0, None),
            score(3.0, Some((0.9, 0.7))),
            score(4.0, Some((0.9, 0.6))),
        ];
        assert_eq!(best_first(&curve), [3, 2, 0]);
        assert!(best_first(&curve[1..2]).is_empty());
        let config = FineTuneConfig {
            learning_rates: vec![1.0, 2.0],
            layer_decays: vec![0.5, 1.0],
            ..FineTuneConfig::default()
        };
        let pairs: Vec<_> = candidates(&config).iter().map(|c| (c.learning_rate, c.layer_decay)).collect();
        assert_eq!(pairs, [(1.0, 0.5), (1.0, 1.0), (2.0, 0.5), (2.0, 1.0)]);
    }
}
