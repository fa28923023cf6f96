//! From a file's bytes to numbers: little-endian in both formats, and on every machine that this
//! is built for.

use burn::tensor::{bf16, f16};

/// Element types of stored tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ElementType {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U8,
    /// Any other one; the name is for messages.
    Other(&'static str),
}

impl ElementType {
    /// The name that PyTorch uses.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Other(name) => name,
        }
    }

    pub(super) fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::BF16)
    }

    pub(super) fn is_integer(self) -> bool {
        matches!(self, Self::I64 | Self::I32 | Self::I16 | Self::I8 | Self::U8)
    }
}

/// Floating-point elements as f32; `None` if the type is not one.
pub(super) fn floats(element: ElementType, bytes: &[u8]) -> Option<Vec<f32>> {
    match element {
        ElementType::F64 => Some(each(bytes, |b| f64::from_le_bytes(b) as f32)),
        ElementType::F32 => Some(each(bytes, f32::from_le_bytes)),
        ElementType::F16 => Some(each(bytes, |b| f16::from_le_bytes(b).to_f32())),
        ElementType::BF16 => Some(each(bytes, |b| bf16::from_le_bytes(b).to_f32())),
        _ => None,
    }
}

/// Integer elements as i64; `None` if the type is not one.
pub(super) fn integers(element: ElementType, bytes: &[u8]) -> Option<Vec<i64>> {
    match element {
        ElementType::I64 => Some(each(bytes, i64::from_le_bytes)),
        ElementType::I32 => Some(each(bytes, |b| i64::from(i32::from_le_bytes(b)))),
        ElementType::I16 => Some(each(bytes, |b| i64::from(i16::from_le_bytes(b)))),
        ElementType::I8 => Some(each(bytes, |b| i64::from(i8::from_le_bytes(b)))),
        ElementType::U8 => Some(each(bytes, |[b]: [u8; 1]| i64::from(b))),
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
        assert_eq!(floats(ElementType::F16, &[0x00, 0x3e]), Some(vec![1.5]));
        assert_eq!(floats(ElementType::BF16, &[0xc0, 0x3f]), Some(vec![1.5]));
        assert_eq!(floats(ElementType::F64, &1.5f64.to_le_bytes()), Some(vec![1.5]));
        assert_eq!(floats(ElementType::I64, &[0; 8]), None);
    }

    #[test]
    fn integers_keep_their_sign() {
        assert_eq!(integers(ElementType::I16, &(-3i16).to_le_bytes()), Some(vec![-3]));
        assert_eq!(integers(ElementType::U8, &[200]), Some(vec![200]));
        assert_eq!(integers(ElementType::F32, &[0; 4]), None);
    }
}
