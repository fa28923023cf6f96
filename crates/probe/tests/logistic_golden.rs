//! Logistic regression against scikit-learn's optima (`golden/logistic.py`).

#![allow(clippy::unwrap_used)]

use serde::Deserialize;
use zview_features::Features;
use zview_probe::linear::{LogisticConfig, LogisticProblem};

#[derive(Deserialize)]
struct Golden {
    images: usize,
    dimension: usize,
    classes: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    correlated: bool,
    l2: f64,
    loss: f64,
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    correct: usize,
    features: Option<Vec<f32>>,
}

#[test]
fn same_loss_coefficients_and_predictions() {
    let golden: Golden = serde_json::from_str(include_str!("golden/logistic.json")).unwrap();
    let mut features: Option<Features> = None;
    for case in golden.cases {
        let name = format!("correlated {}, l2 {}", case.correlated, case.l2);
        if let Some(values) = case.features {
            let labels = (0..golden.images).map(|image| (image % golden.classes) as u32).collect();
            let names = (0..golden.classes).map(|class| class.to_string()).collect();
            features = Some(Features::new(values, golden.dimension, labels, names).unwrap());
        }
        let features = features.as_ref().unwrap();
        let problem = LogisticProblem::new(features).unwrap();
        let fit = problem.fit(LogisticConfig::with_l2(case.l2), None).unwrap();
        assert!(fit.converged(), "{name}: {:?}", fit.stop);
        let relative = (fit.loss - case.loss).abs() / case.loss;
        assert!(relative < 1e-6, "{name}: loss {} instead of {}", fit.loss, case.loss);
        let largest = case.coefficients.iter().fold(0.0, |largest: f64, value| largest.max(value.abs()));
        let pairs = fit.model.weights().iter().chain(fit.model.bias());
        for (ours, theirs) in pairs.zip(case.coefficients.iter().chain(&case.intercepts)) {
            assert!((ours - theirs).abs() < 1e-3 * largest, "{name}: {ours} instead of {theirs}");
        }
        assert_eq!(fit.model.top_k_correct(features, 1), case.correct, "{name}");
    }
}
