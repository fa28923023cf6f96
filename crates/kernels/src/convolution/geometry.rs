//! Sizes of a convolution, and the correlations that it and its input gradient come down to.

/// Sizes of a 2-D convolution without groups: `output = (input + 2 padding - kernel) / stride + 1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Images.
    pub(crate) batch: usize,
    /// Channels of the input.
    pub(crate) in_channels: usize,
    /// Channels of the output.
    pub(crate) out_channels: usize,
    /// Height and width of the input.
    pub(crate) input: [usize; 2],
    /// Height and width of the output.
    pub(crate) output: [usize; 2],
    /// Height and width of the kernel.
    pub(crate) kernel: [usize; 2],
    /// Vertical and horizontal step.
    pub(crate) stride: [usize; 2],
    /// Zeros added above and below, left and right.
    pub(crate) padding: [usize; 2],
}

/// One image correlated with a kernel:
/// `target[y, x] = sum over channel, ky, kx of source[channel, y * stride - padding + ky, ..]`
/// times the weight of (channel, ky, kx), where what lies outside the source is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Correlation {
    /// Channels of the source.
    pub(crate) channels: usize,
    /// Height and width of the source.
    pub(crate) source: [usize; 2],
    /// Height and width of the target.
    pub(crate) target: [usize; 2],
    /// Height and width of the kernel; zero where a target has no taps at all.
    pub(crate) kernel: [usize; 2],
    /// Vertical and horizontal step.
    pub(crate) stride: [usize; 2],
    /// Rows above and columns left of the source where the first kernel stands; may be negative.
    pub(crate) padding: [isize; 2],
}

impl Correlation {
    /// Products that sum up to one value of the target.
    pub(crate) fn depth(&self) -> usize {
        self.channels * self.kernel[0] * self.kernel[1]
    }
}

/// The part of a convolution's input gradient whose rows and columns are equal modulo the stride:
/// a correlation of the output gradient with every `stride`-th tap of the flipped kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Phase {
    /// What to compute.
    pub(crate) correlation: Correlation,
    /// First row and column of the phase in the input; the others follow in steps of the stride.
    pub(crate) origin: [usize; 2],
    /// Kernel row and column of the phase's last tap; the taps before it lie `stride` further on.
    pub(crate) tap: [usize; 2],
}

impl Geometry {
    /// The convolution itself.
    pub(crate) fn forward(&self) -> Correlation {
        Correlation {
            channels: self.in_channels,
            source: self.input,
            target: self.output,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding.map(|padding| padding as isize),
        }
    }

    /// The input gradient, in `stride[0] * stride[1]` phases.
    ///
    /// Input row `y` receives from output row `(y + padding - ky) / stride` for each `ky` that makes
    /// this whole. The rows `y = origin + stride * m` share their `ky = tap + stride * t`, and read
    /// output row `m + shift - t`.
    pub(crate) fn input_gradient(&self) -> Vec<Phase> {
        let axis = |axis: usize, tap: usize| {
            let (stride, padding) = (self.stride[axis], self.padding[axis]);
            let origin = (tap + stride - padding % stride) % stride;
            let shift = (origin + padding - tap) / stride;
            let taps = self.kernel[axis].saturating_sub(tap).div_ceil(stride);
            let size = self.input[axis].saturating_sub(origin).div_ceil(stride);
            // Ascending taps t' = taps - 1 - t read row m + t' - (taps - 1 - shift).
            (origin, size, taps, taps as isize - 1 - shift as isize)
        };
        let mut phases = Vec::with_capacity(self.stride[0] * self.stride[1]);
        for tap_y in 0..self.stride[0] {
            for tap_x in 0..self.stride[1] {
                let (origin_y, rows, taps_y, padding_y) = axis(0, tap_y);
                let (origin_x, columns, taps_x, padding_x) = axis(1, tap_x);
                phases.push(Phase {
                    correlation: Correlation {
                        channels: self.out_channels,
                        source: self.output,
                        target: [rows, columns],
                        kernel: [taps_y, taps_x],
                        stride: [1, 1],
                        padding: [padding_y, padding_x],
                    },
                    origin: [origin_y, origin_x],
                    tap: [tap_y, tap_x],
                });
            }
        }
        phases
    }
}
