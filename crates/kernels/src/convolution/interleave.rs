//! Channels of an image brought side by side.

use crate::simd::{Lanes, for_instruction_set};

/// A run of pixels of up to 16 channels.
#[derive(Clone, Copy)]
pub(crate) struct Interleave {
    /// First pixel of the first channel.
    pub(crate) source: *const f32,
    /// Distance between the channels of the source.
    pub(crate) source_plane: usize,
    /// Channels, at most 16; the other lanes become zero.
    pub(crate) channels: usize,
    /// Pixels to copy.
    pub(crate) pixels: usize,
    /// Pixels to write, the ones behind `pixels` as zero.
    pub(crate) padded: usize,
    /// Lane 0 of the first pixel.
    pub(crate) target: *mut f32,
    /// Distance between the pixels of the target.
    pub(crate) target_step: usize,
}

for_instruction_set! {
    /// Writes the channels of each pixel into 16 neighbouring lanes.
    ///
    /// # Safety
    /// The pixels of the channels can be read, and `padded` pixels of 16 lanes written.
    pub(crate) unsafe fn interleave(run: Interleave) = body;
}

#[inline(always)]
unsafe fn body<L: Lanes>(run: Interleave) {
    // SAFETY: the function's contract.
    unsafe {
        let mut first = 0;
        while first < run.padded {
            let pixels = run.pixels.saturating_sub(first).min(16);
            let mut square = [L::zero(); 16];
            for (channel, row) in square.iter_mut().enumerate() {
                if channel < run.channels {
                    let source = run.source.add(channel * run.source_plane + first);
                    *row = if pixels == 16 { L::load(source) } else { L::load_first(source, pixels) };
                }
            }
            L::transpose(&mut square);
            for (pixel, row) in square.iter().enumerate() {
                if first + pixel < run.padded {
                    row.store(run.target.add((first + pixel) * run.target_step));
                }
            }
            first += 16;
        }
    }
}
