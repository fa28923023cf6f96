//! Pickles of protocols 0 to 5, walked as data: nothing is imported, called or built.

mod escapes;
mod machine;
mod opcode;
mod values;

pub(crate) use machine::{Pickle, read_pickle, read_pickle_within};
pub(crate) use values::{Id, Object, Value, Values};
