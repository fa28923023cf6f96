//! Sixteen single-precision lanes, the unit every inner loop is written in.

/// Sixteen `f32` values that one instruction (AVX-512), two (AVX2) or four (NEON) operate on.
///
/// # Safety
/// Every method of an implementation may use the instructions of its instruction set: call them
/// only inside a function compiled for that set, on a processor that has it.
pub(crate) trait Lanes: Copy {
    /// A choice of lanes.
    type Mask: Copy;
    /// The lanes `from..to`.
    unsafe fn mask(from: usize, to: usize) -> Self::Mask;
    /// Zero in every lane.
    unsafe fn zero() -> Self;
    /// `value` in every lane.
    unsafe fn splat(value: f32) -> Self;
    /// Sixteen values from `source`, which need not be aligned.
    unsafe fn load(source: *const f32) -> Self;
    /// The first `count <= 16` lanes from `source`, zero in the others.
    unsafe fn load_first(source: *const f32, count: usize) -> Self;
    /// The chosen lanes of the sixteen at `source`, zero in the others, which need not exist.
    unsafe fn load_chosen(source: *const f32, mask: Self::Mask) -> Self;
    /// Every second value: lane `j` is `source[2 * j]` if chosen; the others are zero and need not exist.
    unsafe fn load_even(source: *const f32, mask: Self::Mask) -> Self;
    /// `target[i] = source[indices[i]]`, zero where the index is negative, for `count` values rounded up to
    /// sixteens; `source` has `len` values.
    #[inline(always)]
    unsafe fn pick(source: *const f32, len: usize, indices: *const i32, target: *mut f32, count: usize) {
        // Where no value is asked for, the first is read all the same: a branch for each would be guessed wrong.
        let source = if len == 0 { &0.0 } else { source };
        for start in (0..count.next_multiple_of(16)).step_by(16) {
            // SAFETY: the caller's indices lie within `source`; they and `target` have room for whole sixteens.
            unsafe {
                let indices = *indices.add(start).cast::<[i32; 16]>();
                let mut values = [0.0; 16];
                for (value, index) in values.iter_mut().zip(indices) {
                    let there = *source.add(index.max(0) as usize);
                    *value = if index < 0 { 0.0 } else { there };
                }
                *target.add(start).cast::<[f32; 16]>() = values;
            }
        }
    }
    /// The lanes of two in turn: `self[0], other[0], self[1], other[1], ..`, as two vectors.
    unsafe fn zip(self, other: Self) -> (Self, Self);
    /// Writes sixteen values to `target`, which need not be aligned.
    unsafe fn store(self, target: *mut f32);
    /// Writes the first `count <= 16` lanes.
    unsafe fn store_first(self, target: *mut f32, count: usize);
    /// `self + a * b`, rounded once where the instruction set can.
    unsafe fn add_product(self, a: Self, b: Self) -> Self;
    /// `self - other`.
    unsafe fn minus(self, other: Self) -> Self;
    /// `self + other`.
    unsafe fn plus(self, other: Self) -> Self;
    /// The larger of `self` and zero; what is not a number stays so.
    unsafe fn or_zero(self) -> Self;
    /// `self` except where `condition <= 0`, zero there.
    unsafe fn where_positive(self, condition: Self) -> Self;
    /// Transposes a square of 16 x 16: lane `j` of row `i` becomes lane `i` of row `j`.
    unsafe fn transpose(rows: &mut [Self; 16]);
}
