//! Which vector instructions this processor has, and functions compiled once for each set.

use std::sync::OnceLock;

/// A set of vector instructions that the kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstructionSet {
    /// 512-bit registers with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx512,
    /// 256-bit registers with fused multiply-add.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// What every processor of the target has.
    Portable,
}

impl InstructionSet {
    /// The sets this processor can run, widest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                sets.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                sets.push(Self::Avx2);
            }
        }
        sets.push(Self::Portable);
        sets
    }

    /// The widest set of this processor.
    pub(crate) fn widest() -> Self {
        static WIDEST: OnceLock<InstructionSet> = OnceLock::new();
        *WIDEST.get_or_init(|| Self::available()[0])
    }
}

/// Makes `fn name(set, ..)` from a generic body `fn body<L: Lanes, ..>(..)`: the body is compiled once
/// for each instruction set, inlined into a function that has the set enabled, and the copy for
/// `set` is called.
macro_rules! for_instruction_set {
    (
        $(#[$attribute:meta])*
        $visibility:vis unsafe fn $name:ident $(<$(const $constant:ident: usize),*>)?
        ($argument:ident: $type:ty) = $body:ident;
    ) => {
        $(#[$attribute])*
        $visibility unsafe fn $name $(<$(const $constant: usize),*>)? (
            set: $crate::simd::InstructionSet,
            $argument: $type,
        ) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512 $(<$(const $constant: usize),*>)? ($argument: $type) {
                // SAFETY: the instruction set is enabled; the rest is the caller's contract.
                unsafe { $body::<$crate::simd::Avx512 $($(, $constant)*)?>($argument) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2 $(<$(const $constant: usize),*>)? ($argument: $type) {
                // SAFETY: as above.
                unsafe { $body::<$crate::simd::Avx2 $($(, $constant)*)?>($argument) }
            }
            // SAFETY: values other than `Portable` come from detection at run time.
            unsafe {
                match set {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::InstructionSet::Avx512 => avx512 $(::<$($constant),*>)? ($argument),
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::InstructionSet::Avx2 => avx2 $(::<$($constant),*>)? ($argument),
                    $crate::simd::InstructionSet::Portable => {
                        $body::<$crate::simd::Portable $($(, $constant)*)?>($argument)
                    }
                }
            }
        }
    };
}
pub(crate) use for_instruction_set;
