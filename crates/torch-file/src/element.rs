//! Element types.

/// What a tensor's elements are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are PyTorch's own names")]
pub enum Element {
    F64,
    F32,
    F16,
    BF16,
    I64,
    I32,
    I16,
    I8,
    U64,
    U32,
    U16,
    U8,
    Bool,
    /// A type that is present in the file and not read as numbers: PyTorch's name and bytes per element (0: unknown).
    Other(String, u64),
}

/// PyTorch's names of types, of storages, and the bytes of an element.
const OTHERS: [(&str, &str, u64); 17] = [
    ("complex32", "ComplexHalfStorage", 4),
    ("complex64", "ComplexFloatStorage", 8),
    ("complex128", "ComplexDoubleStorage", 16),
    ("quint8", "QUInt8Storage", 1),
    ("qint8", "QInt8Storage", 1),
    ("qint32", "QInt32Storage", 4),
    ("quint4x2", "QUInt4x2Storage", 1),
    ("quint2x4", "QUInt2x4Storage", 1),
    ("float8_e4m3fn", "Float8_e4m3fnStorage", 1),
    ("float8_e5m2", "Float8_e5m2Storage", 1),
    ("float8_e4m3fnuz", "Float8_e4m3fnuzStorage", 1),
    ("float8_e5m2fnuz", "Float8_e5m2fnuzStorage", 1),
    ("float8_e8m0fnu", "Float8_e8m0fnuStorage", 1),
    ("float4_e2m1fn_x2", "Float4_e2m1fn_x2Storage", 1),
    ("bits8", "Bits8Storage", 1),
    ("bits16", "Bits16Storage", 2),
    ("bits1x8", "Bits1x8Storage", 1),
];

impl Element {
    /// Of PyTorch's name for it (`float32`, `half`).
    #[must_use]
    pub fn named(name: &str) -> Self {
        match name {
            "float64" | "double" => Self::F64,
            "float32" | "float" => Self::F32,
            "float16" | "half" => Self::F16,
            "bfloat16" => Self::BF16,
            "int64" | "long" => Self::I64,
            "int32" | "int" => Self::I32,
            "int16" | "short" => Self::I16,
            "int8" => Self::I8,
            "uint64" => Self::U64,
            "uint32" => Self::U32,
            "uint16" => Self::U16,
            "uint8" => Self::U8,
            "bool" => Self::Bool,
            "cfloat" => Self::named("complex64"),
            "cdouble" => Self::named("complex128"),
            other => {
                let size = OTHERS.iter().find(|(name, ..)| *name == other).map_or(0, |(.., size)| *size);
                Self::Other(other.to_owned(), size)
            }
        }
    }

    /// Of a typed storage's class (`FloatStorage`).
    pub(crate) fn of_storage(class: &str) -> Self {
        match class {
            "DoubleStorage" => Self::F64,
            "FloatStorage" => Self::F32,
            "HalfStorage" => Self::F16,
            "BFloat16Storage" => Self::BF16,
            "LongStorage" => Self::I64,
            "IntStorage" => Self::I32,
            "ShortStorage" => Self::I16,
            "CharStorage" => Self::I8,
            // An untyped storage counts bytes.
            "ByteStorage" | "UntypedStorage" | "_UntypedStorage" => Self::U8,
            "BoolStorage" => Self::Bool,
            other => match OTHERS.iter().find(|(_, storage, _)| *storage == other) {
                Some((name, _, size)) => Self::Other((*name).to_owned(), *size),
                None => Self::Other(other.to_owned(), 0),
            },
        }
    }

    /// Of numpy's short name without its byte order (`f4`).
    pub(crate) fn of_numpy(name: &str) -> Option<Self> {
        Some(match name {
            "f8" => Self::F64,
            "f4" => Self::F32,
            "f2" => Self::F16,
            "i8" => Self::I64,
            "i4" => Self::I32,
            "i2" => Self::I16,
            "i1" => Self::I8,
            "u8" => Self::U64,
            "u4" => Self::U32,
            "u2" => Self::U16,
            "u1" => Self::U8,
            "b1" => Self::Bool,
            "c8" => Self::named("complex64"),
            "c16" => Self::named("complex128"),
            _ => return None,
        })
    }

    /// The name that PyTorch uses.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::BF16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U64 => "uint64",
            Self::U32 => "uint32",
            Self::U16 => "uint16",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Other(name, _) => name,
        }
    }

    /// Bytes per element; 0 where that is not known.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::BF16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::Other(_, bytes) => *bytes,
        }
    }

    /// The whole number that little-endian `bytes` are; `None` for types of other numbers.
    pub(crate) fn integer(&self, bytes: &[u8]) -> Option<i64> {
        Some(match self {
            Self::I64 => i64::from_le_bytes(bytes.try_into().ok()?),
            Self::I32 => i32::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::I16 => i16::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::I8 => i8::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::U64 => u64::from_le_bytes(bytes.try_into().ok()?).try_into().ok()?,
            Self::U32 => u32::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::U16 => u16::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::U8 | Self::Bool => u8::from_le_bytes(bytes.try_into().ok()?).into(),
            Self::F64 | Self::F32 | Self::F16 | Self::BF16 | Self::Other(..) => return None,
        })
    }

    /// Bytes that are swapped together where a file has the other byte order: half a complex number.
    pub(crate) fn swapped_bytes(&self) -> usize {
        let bytes = self.bytes() as usize;
        if self.name().starts_with("complex") { bytes / 2 } else { bytes }
    }
}

impl std::fmt::Display for Element {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(self.name())
    }
}
