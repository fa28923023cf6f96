//! Reading other people's weights: PyTorch files and safetensors as named tensors, with nothing
//! in the file ever executed.

mod account;
mod convert;
mod error;
mod hash;
mod nearest;
mod not_weights;
mod prefix;
mod pytorch;
mod reparametrised;
mod safetensors_file;
mod selection;
mod state_dict;
mod stored;
mod take;
#[cfg(test)]
mod test_files;
#[cfg(test)]
mod tests;

pub use account::Account;
pub use error::WeightsError;
pub use hash::{check_hash, check_hash_of_bytes};
pub use nearest::nearest_names;
pub use state_dict::{KeyInfo, StateDict};
