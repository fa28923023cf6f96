//! From a file's bytes to numbers: little-endian in both formats, and on every machine that this
//! is built for.

use burn::tensor::{bf16, f16};
use zview_torch_file::Element;

pub(super) fn is_float(element: &Element) -> bool {
    matches!(element, Element::F64 | Element::F32 | Element::F16 | Element::BF16)
}

pub(super) fn is_integer(element: &Element) -> bool {
    use Element::{I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(element, I64 | I32 | I16 | I8 | U64 | U32 | U16 | U8)
}

/// Floating-point elements as f32; `None` if the type is not one.
pub(super) fn floats(element: &Element, bytes: &[u8]) -> Option<Vec<f32>> {
    match element {
        Element::F64 => Some(each(bytes, |b| f64::from_le_bytes(b) as f32)),
        Element::F32 => Some(each(bytes, f32::from_le_bytes)),
        Element::F16 => Some(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
        Element::BF16 => Some(each(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        _ => None,
    }
}

/// Integer elements as i64; `None` if the type is not one.
pub(super) fn integers(element: &Element, bytes: &[u8]) -> Option<Vec<i64>> {
    match element {
        Element::I64 => Some(each(bytes, i64::from_le_bytes)),
        Element::I32 => Some(each(bytes, |b| i64::from(i32::from_le_bytes(b)))),
        Element::I16 => Some(each(bytes, |b| i64::from(i16::from_le_bytes(b)))),
        Element::I8 => Some(each(bytes, |b| i64::from(i8::from_le_bytes(b)))),
        Element::U64 => Some(each(bytes, |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX))),
        Element::U32 => Some(each(bytes, |b| i64::from(u32::from_le_bytes(b)))),
        Element::U16 => Some(each(bytes, |b| i64::from(u16::from_le_bytes(b)))),
        Element::U8 => Some(each(bytes, |[b]: [u8; 1]| i64::from(b))),
        _ => None,
    }
}

fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| number(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_and_double_precision_become_single() {
        assert_eq!(floats(&Element::F16, &[0x00, 0x3e]), Some(vec![1.5]));
        assert_eq!(floats(&Element::BF16, &[0xc0, 0x3f]), Some(vec![1.5]));
        assert_eq!(floats(&Element::F64, &1.5f64.to_le_bytes()), Some(vec![1.5]));
        assert_eq!(floats(&Element::I64, &[0; 8]), None);
    }

    #[test]
    fn integers_keep_their_sign() {
        assert_eq!(integers(&Element::I16, &(-3i16).to_le_bytes()), Some(vec![-3]));
        assert_eq!(integers(&Element::U8, &[200]), Some(vec![200]));
        assert_eq!(integers(&Element::U16, &[0, 0x80]), Some(vec![32_768]));
        assert_eq!(integers(&Element::F32, &[0; 4]), None);
    }
}
