//! Features on a plane, for people to look at: principal components and t-SNE.

mod feature_maps;
mod principal_components;
mod trustworthiness;
mod tsne;

pub use feature_maps::{FeatureMap, FeatureMaps, MapConfig, feature_maps};
pub use principal_components::PrincipalComponents;
pub use trustworthiness::trustworthiness;
