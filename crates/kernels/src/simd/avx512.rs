//! AVX-512: one register.

use std::arch::x86_64::*;

use super::Lanes;

/// Sixteen lanes in one register.
#[derive(Clone, Copy)]
pub(crate) struct Avx512(__m512);

// No closures here: they would not be compiled for the instruction set of the function around them.
// SAFETY of every block below: the trait's contract (the caller is compiled for AVX-512F and runs
// on it; pointers are valid for the lanes read or written).
impl Lanes for Avx512 {
    type Mask = u16;

    #[inline(always)]
    unsafe fn mask(from: usize, to: usize) -> u16 {
        ((1u32 << to) - (1u32 << from.min(to))) as u16
    }

    #[inline(always)]
    unsafe fn zero() -> Self {
        Self(unsafe { _mm512_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn splat(value: f32) -> Self {
        Self(unsafe { _mm512_set1_ps(value) })
    }

    #[inline(always)]
    unsafe fn load(source: *const f32) -> Self {
        Self(unsafe { _mm512_loadu_ps(source) })
    }

    #[inline(always)]
    unsafe fn load_first(source: *const f32, count: usize) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(((1u32 << count) - 1) as u16, source) })
    }

    #[inline(always)]
    unsafe fn load_chosen(source: *const f32, mask: u16) -> Self {
        Self(unsafe { _mm512_maskz_loadu_ps(mask, source) })
    }

    #[inline(always)]
    unsafe fn load_even(source: *const f32, mask: u16) -> Self {
        // Bit j of the mask moves to bit 2 j.
        let mut spread = u32::from(mask);
        spread = (spread | spread << 8) & 0x00ff_00ff;
        spread = (spread | spread << 4) & 0x0f0f_0f0f;
        spread = (spread | spread << 2) & 0x3333_3333;
        spread = (spread | spread << 1) & 0x5555_5555;
        unsafe {
            let low = _mm512_maskz_loadu_ps(spread as u16, source);
            let high = _mm512_maskz_loadu_ps((spread >> 16) as u16, source.wrapping_add(16));
            let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
            Self(_mm512_permutex2var_ps(low, even, high))
        }
    }

    #[inline(always)]
    unsafe fn pick(source: *const f32, len: usize, indices: *const i32, target: *mut f32, count: usize) {
        unsafe {
            if len > 64 {
                for start in (0..count.div_ceil(16)).map(|run| 16 * run) {
                    let index = _mm512_loadu_si512(indices.add(start).cast());
                    let exists = _mm512_cmpge_epi32_mask(index, _mm512_setzero_si512());
                    let values = _mm512_mask_i32gather_ps::<4>(_mm512_setzero_ps(), exists, index, source);
                    _mm512_storeu_ps(target.add(start), values);
                }
                return;
            }
            // The whole source fits four registers, and looking up there is faster than in memory.
            let mut parts = [_mm512_setzero_ps(); 4];
            for (run, part) in parts.iter_mut().enumerate() {
                let lanes = len.saturating_sub(16 * run).min(16);
                *part = _mm512_maskz_loadu_ps(((1u32 << lanes) - 1) as u16, source.wrapping_add(16 * run));
            }
            for start in (0..count.div_ceil(16)).map(|run| 16 * run) {
                let index = _mm512_loadu_si512(indices.add(start).cast());
                let exists = _mm512_cmpge_epi32_mask(index, _mm512_setzero_si512());
                let upper = _mm512_test_epi32_mask(index, _mm512_set1_epi32(32));
                let low = _mm512_maskz_permutex2var_ps(exists & !upper, parts[0], index, parts[1]);
                let high = _mm512_maskz_permutex2var_ps(exists & upper, parts[2], index, parts[3]);
                let both = _mm512_or_si512(_mm512_castps_si512(low), _mm512_castps_si512(high));
                _mm512_storeu_si512(target.add(start).cast(), both);
            }
        }
    }

    #[inline(always)]
    unsafe fn zip(self, other: Self) -> (Self, Self) {
        unsafe {
            let low = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            let high = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
            let (a, b) = (self.0, other.0);
            (Self(_mm512_permutex2var_ps(a, low, b)), Self(_mm512_permutex2var_ps(a, high, b)))
        }
    }

    #[inline(always)]
    unsafe fn store(self, target: *mut f32) {
        unsafe { _mm512_storeu_ps(target, self.0) }
    }

    #[inline(always)]
    unsafe fn store_first(self, target: *mut f32, count: usize) {
        unsafe { _mm512_mask_storeu_ps(target, ((1u32 << count) - 1) as u16, self.0) }
    }

    #[inline(always)]
    unsafe fn add_product(self, a: Self, b: Self) -> Self {
        Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
    }

    #[inline(always)]
    unsafe fn minus(self, other: Self) -> Self {
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn plus(self, other: Self) -> Self {
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn or_zero(self) -> Self {
        // The instruction returns its second operand where either is not a number.
        Self(unsafe { _mm512_max_ps(_mm512_setzero_ps(), self.0) })
    }

    #[inline(always)]
    unsafe fn where_positive(self, condition: Self) -> Self {
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_NLE_UQ>(condition.0, _mm512_setzero_ps());
            Self(_mm512_maskz_mov_ps(mask, self.0))
        }
    }

    #[inline(always)]
    unsafe fn transpose(rows: &mut [Self; 16]) {
        unsafe {
            // Each step doubles the run of elements that already stand in transposed order:
            // pairs, then fours, then the 128-bit quarters of a register.
            let mut pairs = *rows;
            for i in 0..8 {
                pairs[2 * i] = Self(_mm512_unpacklo_ps(rows[2 * i].0, rows[2 * i + 1].0));
                pairs[2 * i + 1] = Self(_mm512_unpackhi_ps(rows[2 * i].0, rows[2 * i + 1].0));
            }
            // fours[4 * g + j]: rows 4g..4g+4 of columns j, j + 4, j + 8, j + 12.
            let mut fours = *rows;
            for g in 0..4 {
                for half in 0..2 {
                    let a = _mm512_castps_pd(pairs[4 * g + half].0);
                    let b = _mm512_castps_pd(pairs[4 * g + 2 + half].0);
                    fours[4 * g + 2 * half] = Self(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)));
                    fours[4 * g + 2 * half + 1] = Self(_mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
                }
            }
            for j in 0..4 {
                let (a, b, c, d) = (fours[j].0, fours[4 + j].0, fours[8 + j].0, fours[12 + j].0);
                let even_ab = _mm512_shuffle_f32x4::<0b10_00_10_00>(a, b);
                let odd_ab = _mm512_shuffle_f32x4::<0b11_01_11_01>(a, b);
                let even_cd = _mm512_shuffle_f32x4::<0b10_00_10_00>(c, d);
                let odd_cd = _mm512_shuffle_f32x4::<0b11_01_11_01>(c, d);
                rows[j] = Self(_mm512_shuffle_f32x4::<0b10_00_10_00>(even_ab, even_cd));
                rows[4 + j] = Self(_mm512_shuffle_f32x4::<0b10_00_10_00>(odd_ab, odd_cd));
                rows[8 + j] = Self(_mm512_shuffle_f32x4::<0b11_01_11_01>(even_ab, even_cd));
                rows[12 + j] = Self(_mm512_shuffle_f32x4::<0b11_01_11_01>(odd_ab, odd_cd));
            }
        }
    }
}
