//! Whether features fall into the classes without being told them.

mod agreement;
mod davies_bouldin;
mod kmeans;
mod matching;
mod points;
mod quality;
mod seeding;
mod silhouette;

pub use agreement::{ClusterAgreement, cluster_agreement};
pub use davies_bouldin::davies_bouldin;
pub use kmeans::{KMeans, KMeansConfig, kmeans};
pub use matching::best_matching;
pub use quality::{ClusterConfig, ClusterQuality, cluster_quality};
pub use silhouette::silhouette;
