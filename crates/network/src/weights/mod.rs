//! Reading other people's weights: PyTorch files and safetensors as named tensors, with nothing
//! in the file ever executed.

mod convert;
mod error;
mod hash;
mod nearest;
mod pytorch;
mod safetensors_file;
mod state_dict;
#[cfg(test)]
mod test_files;
#[cfg(test)]
mod tests;

pub use error::WeightsError;
pub use hash::{check_hash, check_hash_of_bytes};
pub use nearest::nearest_names;
pub use state_dict::{KeyInfo, StateDict};
