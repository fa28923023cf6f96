//! Directions in a generator's latent space along which its images change in one way, one file per
//! method: from the weights of its first layer, from samples, or learned for a known edit.

mod edit;
mod error;
mod factorised;
mod learned;
mod picture;
mod principal;
mod set;
mod space;

pub use edit::{Edit, Edited};
pub use error::DirectionsError;
pub use factorised::factorised_directions;
pub use learned::{LearnedWalks, WalkConfig, learned_directions};
pub use picture::{STRIP_STEPS, strip_size, write_strip};
pub use principal::{PrincipalConfig, principal_directions};
pub use set::{DirectionMethod, Directions, Origin};
