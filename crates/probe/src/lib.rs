//! How good the features of a frozen encoder are: linear probe, nearest neighbours, few labels,
//! each with its uncertainty.
//!
//! [`evaluate`] does all of it for one encoder and one labelled data set; the modules below work on
//! plain host matrices ([`Features`]) and can be used alone.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod bootstrap;
mod cluster_bootstrap;
mod error;
mod evaluation;
mod extract;
mod features;
mod few_shot;
mod knn;
mod lbfgs;
mod line_search;
mod linear_probe;
mod logistic;
mod matrix;
mod penalty;
mod preconditioner;
mod pretrained;
mod split;
mod standardiser;
mod statistics;

pub use bootstrap::{Interval, accuracy_interval, paired_difference_interval};
pub use cluster_bootstrap::{cluster_accuracy_interval, cluster_difference_interval};
pub use error::ProbeError;
pub use evaluation::{
    EncodedSets, Evaluation, EvaluationConfig, Protocol, encode, evaluate, evaluate_features,
};
pub use extract::{FeatureExtractor, extract, extract_some};
pub use features::Features;
pub use few_shot::{FewShotConfig, FewShotScore, few_shot};
pub use knn::{KnnConfig, KnnScore, Neighbour, Vote, knn, nearest_neighbours};
pub use lbfgs::{LbfgsConfig, LbfgsOutcome, Stop, minimise};
pub use linear_probe::{LinearProbeConfig, LinearScore, linear_probe};
pub use logistic::{Logistic, LogisticConfig, LogisticFit, LogisticProblem};
pub use penalty::{PenaltyChoice, PenaltyRule, PenaltyScore, choose_penalty};
pub use split::{Split, stratified_split};
pub use standardiser::Standardiser;
pub use statistics::{MeanInterval, mean_interval, student_t_cdf, student_t_quantile};
