//! Buffers: results that are written before they are read, and working space kept per thread.

use std::cell::RefCell;
use std::mem::MaybeUninit;

/// A result under construction: `f32` values that parallel tasks write at disjoint places.
pub(crate) struct Output {
    values: Vec<MaybeUninit<f32>>,
}

impl Output {
    /// Room for `len` values, not yet written.
    pub(crate) fn new(len: usize) -> Self {
        let mut values = Vec::with_capacity(len);
        // SAFETY: `MaybeUninit` needs no initialisation and the capacity is `len`.
        unsafe { values.set_len(len) };
        Self { values }
    }

    /// Where tasks write.
    pub(crate) fn target(&mut self) -> Target {
        Target(self.values.as_mut_ptr().cast())
    }

    /// The finished result.
    ///
    /// # Safety
    /// Every value has been written.
    pub(crate) unsafe fn finish(self) -> Vec<f32> {
        let mut values = std::mem::ManuallyDrop::new(self.values);
        // SAFETY: same allocation, length and capacity; `MaybeUninit<f32>` has the layout of
        // `f32`, and the caller has written every value.
        unsafe { Vec::from_raw_parts(values.as_mut_ptr().cast(), values.len(), values.capacity()) }
    }
}

/// Address of a buffer that several tasks write to.
#[derive(Clone, Copy)]
pub(crate) struct Target(*mut f32);

// SAFETY: only an address; whoever writes through it promises (see `at`) that no other task reads or
// writes the same place at the same time.
unsafe impl Send for Target {}
unsafe impl Sync for Target {}

impl Target {
    /// The values of `slice`.
    pub(crate) fn of(slice: &mut [f32]) -> Self {
        Self(slice.as_mut_ptr())
    }

    /// The buffer that starts at `address`.
    pub(crate) fn from_address(address: *mut f32) -> Self {
        Self(address)
    }

    /// Address of the value at `index`.
    ///
    /// # Safety
    /// `index` lies inside the buffer, which is alive; the caller's task alone uses what it
    /// reaches from this address.
    pub(crate) unsafe fn at(self, index: usize) -> *mut f32 {
        // SAFETY: inside the buffer.
        unsafe { self.0.add(index) }
    }
}

/// Calls `work` with `len` values of this thread's working space. Their content is arbitrary (what
/// the last user left there).
pub(crate) fn with_scratch<R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    thread_local! {
        static SCRATCH: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
    }
    SCRATCH.with_borrow_mut(|scratch| {
        if scratch.len() < len {
            scratch.clear();
            scratch.resize(len, 0.0);
        }
        work(&mut scratch[..len])
    })
}
