//! Vector instructions, chosen once at run time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod instruction_set;
mod lanes;
mod portable;

#[cfg(target_arch = "x86_64")]
pub(crate) use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) use avx512::Avx512;
pub(crate) use instruction_set::{InstructionSet, for_instruction_set};
pub(crate) use lanes::Lanes;
pub(crate) use portable::Portable;
