//! Any processor: an array that the compiler vectorises with what the target always has.

use super::Lanes;

/// Sixteen lanes in an array.
#[derive(Clone, Copy)]
pub(crate) struct Portable([f32; 16]);

// SAFETY of every block below: pointers are valid for the lanes read or written (the trait's
// contract); no instruction set is assumed.
impl Lanes for Portable {
    type Mask = (usize, usize);

    #[inline(always)]
    unsafe fn mask(from: usize, to: usize) -> (usize, usize) {
        (from, to)
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self([0.0; 16])
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self([value; 16])
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        Self(unsafe { source.cast::<[f32; 16]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        let mut all = [0f32; 16];
        unsafe { std::ptr::copy_nonoverlapping(source, all.as_mut_ptr(), count) };
        Self(all)
    }

    #[inline(always)]
    unsafe fn load_chosen(source: *const f32, (from, to): (usize, usize)) -> Self {
        let mut all = [0f32; 16];
        for lane in from..to {
            all[lane] = unsafe { *source.wrapping_add(lane) };
        }
        Self(all)
    }

    #[inline(always)]
    unsafe fn load_even(source: *const f32, (from, to): (usize, usize)) -> Self {
        let mut all = [0f32; 16];
        for lane in from..to {
            all[lane] = unsafe { *source.wrapping_add(2 * lane) };
        }
        Self(all)
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        let zip = |from: usize| {
            Self(std::array::from_fn(|lane| {
                if lane % 2 == 0 { self.0[from + lane / 2] } else { other.0[from + lane / 2] }
            }))
        };
        (zip(0), zip(8))
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        unsafe { target.cast::<[f32; 16]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        unsafe { std::ptr::copy_nonoverlapping(self.0.as_ptr(), target, count) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        let mut sum = self.0;
        for lane in 0..16 {
            // Without a fused instruction `mul_add` is a slow library call.
            sum[lane] = if cfg!(any(target_feature = "fma", target_arch = "aarch64")) {
                a.0[lane].mul_add(b.0[lane], sum[lane])
            } else {
                a.0[lane] * b.0[lane] + sum[lane]
            };
        }
        Self(sum)
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] - other.0[lane]))
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(std::array::from_fn(|lane| self.0[lane] + other.0[lane]))
    }

    #[inline(always)]
    unsafe fn or_zero(self) -> Self {
        Self(self.0.map(|value| if value < 0.0 { 0.0 } else { value }))
    }

    #[inline(always)]
    unsafe fn where_positive(self, condition: Self) -> Self {
        Self(std::array::from_fn(|lane| if condition.0[lane] <= 0.0 { 0.0 } else { self.0[lane] }))
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        let before = *rows;
        for (i, row) in rows.iter_mut().enumerate() {
            for (lane, value) in row.0.iter_mut().enumerate() {
                *value = before[lane].0[i];
            }
        }
    }
}
