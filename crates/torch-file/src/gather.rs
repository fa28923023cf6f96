//! From a view of a storage to elements in row-major order.

/// Which bytes of a storage a view needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Bytes of the elements, each counted as often as it occurs.
    pub(crate) bytes: u64,
    contiguous: bool,
}

impl Plan {
    /// `None` where a number of bytes does not exist.
    pub(crate) fn new(shape: &[usize], stride: &[u64], offset: u64, size: u64) -> Option<Self> {
        if shape.len() != stride.len() {
            return None;
        }
        let start = offset.checked_mul(size)?;
        if shape.contains(&0) {
            return Some(Self { start, end: start, bytes: 0, contiguous: true });
        }
        let (mut count, mut last, mut contiguous) = (1u64, offset, true);
        for (&extent, &stride) in shape.iter().zip(stride).rev() {
            contiguous &= extent == 1 || stride == count;
            count = count.checked_mul(extent as u64)?;
            last = last.checked_add(stride.checked_mul(extent as u64 - 1)?)?;
        }
        let end = last.checked_add(1)?.checked_mul(size)?;
        Some(Self { start, end, bytes: count.checked_mul(size)?, contiguous })
    }
}

/// The elements of a view; `bytes` are those from the plan's start to its end.
pub(crate) fn gather(bytes: Vec<u8>, shape: &[usize], stride: &[u64], size: usize, plan: &Plan) -> Vec<u8> {
    if plan.contiguous {
        return bytes;
    }
    let mut elements = Vec::with_capacity(plan.bytes as usize);
    let mut index = vec![0usize; shape.len()];
    let mut at = 0usize; // the element's place; the plan has shown that all of them fit
    while elements.len() < plan.bytes as usize {
        elements.extend_from_slice(bytes.get(at * size..(at + 1) * size).unwrap_or_default());
        for axis in (0..shape.len()).rev() {
            let stride = stride[axis] as usize;
            index[axis] += 1;
            at += stride;
            if index[axis] < shape[axis] {
                break;
            }
            at -= stride * shape[axis];
            index[axis] = 0;
        }
        if index.iter().all(|index| *index == 0) {
            break;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gathered(storage: &[u8], shape: &[usize], stride: &[u64], offset: u64) -> Vec<u8> {
        let plan = Plan::new(shape, stride, offset, 1).unwrap();
        let bytes = storage[plan.start as usize..plan.end as usize].to_vec();
        gather(bytes, shape, stride, 1, &plan)
    }

    #[test]
    fn strides_offsets_and_repetition_are_followed() {
        let storage = [0, 1, 2, 3, 4, 5];
        assert_eq!(gathered(&storage, &[2, 3], &[3, 1], 0), storage);
        assert_eq!(gathered(&storage, &[3, 2], &[1, 3], 0), [0, 3, 1, 4, 2, 5]);
        assert_eq!(gathered(&storage, &[2], &[2], 1), [1, 3]);
        assert_eq!(gathered(&storage, &[2, 2], &[0, 0], 4), [4, 4, 4, 4]);
        assert_eq!(gathered(&storage, &[], &[], 5), [5]);
        assert_eq!(gathered(&storage, &[1, 3], &[99, 2], 0), [0, 2, 4]);
        assert_eq!(gathered(&storage, &[0, 3], &[3, 1], 0), []);
    }

    #[test]
    fn what_overflows_has_no_plan() {
        assert_eq!(Plan::new(&[usize::MAX, 3], &[1, 1], 0, 4), None);
        assert_eq!(Plan::new(&[2], &[u64::MAX], 1, 4), None);
        assert_eq!(Plan::new(&[2], &[1, 1], 0, 4), None);
    }
}
