//! Reading other people's weights: PyTorch files and safetensors as named tensors, with nothing
//! in the file ever executed.

mod account;
#[cfg(test)]
mod account_tests;
#[cfg(test)]
mod cases_tests;
mod convert;
mod error;
mod hash;
mod nearest;
mod not_weights;
#[cfg(test)]
mod parts_tests;
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
