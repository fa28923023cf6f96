//! AVX2 with fused multiply-add: two registers.

use std::arch::x86_64::*;

use super::Lanes;

/// Sixteen lanes in two registers.
#[derive(Clone, Copy)]
pub(crate) struct Avx2(__m256, __m256);

/// Transposes 8 x 8.
///
/// # Safety
/// The caller is compiled for AVX and runs on it.
#[inline(always)]
unsafe fn transpose_eight(r: [__m256; 8]) -> [__m256; 8] {
    unsafe {
        let mut pairs = r;
        for i in 0..4 {
            pairs[2 * i] = _mm256_unpacklo_ps(r[2 * i], r[2 * i + 1]);
            pairs[2 * i + 1] = _mm256_unpackhi_ps(r[2 * i], r[2 * i + 1]);
        }
        let mut fours = r;
        for g in 0..2 {
            fours[4 * g] = _mm256_shuffle_ps::<0b01_00_01_00>(pairs[4 * g], pairs[4 * g + 2]);
            fours[4 * g + 1] = _mm256_shuffle_ps::<0b11_10_11_10>(pairs[4 * g], pairs[4 * g + 2]);
            fours[4 * g + 2] = _mm256_shuffle_ps::<0b01_00_01_00>(pairs[4 * g + 1], pairs[4 * g + 3]);
            fours[4 * g + 3] = _mm256_shuffle_ps::<0b11_10_11_10>(pairs[4 * g + 1], pairs[4 * g + 3]);
        }
        let mut columns = r;
        for j in 0..4 {
            columns[j] = _mm256_permute2f128_ps::<0x20>(fours[j], fours[4 + j]);
            columns[4 + j] = _mm256_permute2f128_ps::<0x31>(fours[j], fours[4 + j]);
        }
        columns
    }
}

/// The lanes of two in turn.
///
/// # Safety
/// The caller is compiled for AVX and runs on it.
#[inline(always)]
unsafe fn zip_eight(a: __m256, b: __m256) -> Avx2 {
    unsafe {
        let (low, high) = (_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
        Avx2(_mm256_permute2f128_ps::<0x20>(low, high), _mm256_permute2f128_ps::<0x31>(low, high))
    }
}

// No closures here: they would not be compiled for the instruction set of the function around them.
// SAFETY of every block below: the trait's contract (the caller is compiled for AVX2 and FMA and
// runs on them; pointers are valid for the lanes read or written).
impl Lanes for Avx2 {
    type Mask = (__m256i, __m256i);

    #[inline(always)]
    unsafe fn mask(from: usize, to: usize) -> (__m256i, __m256i) {
        unsafe {
            let (before, to) = (_mm256_set1_epi32(from as i32 - 1), _mm256_set1_epi32(to as i32));
            let low = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
            let high = _mm256_setr_epi32(8, 9, 10, 11, 12, 13, 14, 15);
            (
                _mm256_and_si256(_mm256_cmpgt_epi32(low, before), _mm256_cmpgt_epi32(to, low)),
                _mm256_and_si256(_mm256_cmpgt_epi32(high, before), _mm256_cmpgt_epi32(to, high)),
            )
        }
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        unsafe { Self(_mm256_setzero_ps(), _mm256_setzero_ps()) }
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        unsafe { Self(_mm256_set1_ps(value), _mm256_set1_ps(value)) }
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        unsafe { Self(_mm256_loadu_ps(source), _mm256_loadu_ps(source.add(8))) }
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        unsafe { Self::load_chosen(source, Self::mask(0, count)) }
    }

    #[inline(always)]
    unsafe fn load_chosen(source: *const f32, (low, high): (__m256i, __m256i)) -> Self {
        unsafe { Self(_mm256_maskload_ps(source, low), _mm256_maskload_ps(source.wrapping_add(8), high)) }
    }

    #[inline(always)]
    unsafe fn load_even(source: *const f32, (low, high): (__m256i, __m256i)) -> Self {
        unsafe {
            let (zero, even) = (_mm256_setzero_ps(), _mm256_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14));
            let (low, high) = (_mm256_castsi256_ps(low), _mm256_castsi256_ps(high));
            Self(
                _mm256_mask_i32gather_ps::<4>(zero, source, even, low),
                _mm256_mask_i32gather_ps::<4>(zero, source.wrapping_add(16), even, high),
            )
        }
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        // SAFETY: the trait's contract.
        unsafe { (zip_eight(self.0, other.0), zip_eight(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        unsafe {
            _mm256_storeu_ps(target, self.0);
            _mm256_storeu_ps(target.add(8), self.1);
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        unsafe {
            let (low, high) = Self::mask(0, count);
            _mm256_maskstore_ps(target, low, self.0);
            _mm256_maskstore_ps(target.wrapping_add(8), high, self.1);
        }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        unsafe { Self(_mm256_fmadd_ps(a.0, b.0, self.0), _mm256_fmadd_ps(a.1, b.1, self.1)) }
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }

    #[inline(always)]
    unsafe fn or_zero(self) -> Self {
        // The instruction returns its second operand where either is not a number.
        unsafe {
            let zero = _mm256_setzero_ps();
            Self(_mm256_max_ps(zero, self.0), _mm256_max_ps(zero, self.1))
        }
    }

    #[inline(always)]
    unsafe fn where_positive(self, condition: Self) -> Self {
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_cmp_ps::<_CMP_NLE_UQ>(condition.0, zero);
            let high = _mm256_cmp_ps::<_CMP_NLE_UQ>(condition.1, zero);
            Self(_mm256_and_ps(low, self.0), _mm256_and_ps(high, self.1))
        }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        unsafe {
            let mut quarters = [[_mm256_setzero_ps(); 8]; 4];
            for i in 0..8 {
                quarters[0][i] = rows[i].0;
                quarters[1][i] = rows[i].1;
                quarters[2][i] = rows[8 + i].0;
                quarters[3][i] = rows[8 + i].1;
            }
            let [a, b, c, d] = quarters;
            let (a, b) = (transpose_eight(a), transpose_eight(b));
            let (c, d) = (transpose_eight(c), transpose_eight(d));
            for i in 0..8 {
                rows[i] = Self(a[i], c[i]);
                rows[8 + i] = Self(b[i], d[i]);
            }
        }
    }
}
