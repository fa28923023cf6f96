//! What a device can do at most, measured.

use std::time::Instant;

use burn::tensor::{Device, Tensor};
use serde::Serialize;

use super::choice::ChosenDevice;
use super::read::{ReadError, wait};

/// A measurement should take about this long.
const SECONDS: f64 = 0.2;
/// Each measurement is repeated, and the fastest counts.
const REPEATS: usize = 3;
/// The side of the first and of the largest matrix.
const SIDES: [usize; 2] = [256, 8192];
/// Memory that the bandwidth is measured over: more than the caches of most devices hold.
const BANDWIDTH_BYTES: usize = 512 << 20;
const VALUE_BYTES: usize = 4;

/// Measured rates: a step's arithmetic and memory traffic over these is the time that it takes at least.
///
/// They are those of the framework's matrix product and element-wise addition on this device (on the CPU of
/// an addition by every processor), not of its data sheet: an operation with a better kernel than the
/// framework's product can exceed them, and so can small tensors that stay in caches.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PeakRates {
    /// Floating-point operations per second of a product of square f32 matrices.
    pub operations_per_second: f64,
    /// The side of these matrices.
    pub matrix_side: usize,
    /// Bytes read and written per second where a number is added to f32 tensors in place.
    pub bytes_per_second: f64,
    /// The size of these tensors together; one after the other, so that caches smaller than this do not help.
    pub bandwidth_bytes: usize,
}

impl PeakRates {
    /// Measures both, in a few seconds and with up to 768 MiB of the device's memory.
    ///
    /// # Errors
    /// [`ReadError`] where the device fails.
    pub fn measure(device: &ChosenDevice) -> Result<Self, ReadError> {
        // One tensor has to fit the largest buffer that a kernel can be given.
        let limit = device.adapter.as_ref().map_or(usize::MAX, |adapter| {
            usize::try_from(adapter.max_storage_binding_bytes).unwrap_or(usize::MAX)
        });
        let (operations_per_second, matrix_side) = matrix_product_rate(&device.device, limit)?;
        let (bytes_per_second, bandwidth_bytes) = if device.is_gpu() {
            bandwidth(&device.device, BANDWIDTH_BYTES, limit)?
        } else {
            host_bandwidth(&device.device, BANDWIDTH_BYTES)?
        };
        Ok(Self { operations_per_second, matrix_side, bytes_per_second, bandwidth_bytes })
    }
}

/// Doubles the side until a product takes long enough, and gives the best rate of any side and the side.
fn matrix_product_rate(device: &Device, limit: usize) -> Result<(f64, usize), ReadError> {
    let mut best = (0.0, 0);
    let mut side = SIDES[0];
    loop {
        let a = Tensor::<2>::ones([side, side], device) * 0.5;
        let b = Tensor::<2>::ones([side, side], device) * 0.25;
        let seconds = fastest(device, || drop(a.clone().matmul(b.clone())))?;
        let rate = 2.0 * (side as f64).powi(3) / seconds;
        if rate > best.0 {
            best = (rate, side);
        }
        let next = 2 * side;
        if seconds >= SECONDS || next > SIDES[1] || next * next * VALUE_BYTES > limit {
            return Ok(best);
        }
        side = next;
    }
}

/// Bytes per second of additions in place to tensors of `total` bytes together and at most `limit` each;
/// and their bytes.
fn bandwidth(device: &Device, total: usize, limit: usize) -> Result<(f64, usize), ReadError> {
    let count = total.div_ceil(limit.clamp(VALUE_BYTES, total));
    let values = total / count / VALUE_BYTES;
    let mut tensors: Vec<Tensor<1>> = (0..count).map(|_| Tensor::ones([values], device) * 0.5).collect();
    let seconds = fastest(device, || {
        tensors = tensors.drain(..).map(|tensor| tensor + 1.0).collect();
    })?;
    let bytes = count * values * VALUE_BYTES;
    Ok((2.0 * bytes as f64 / seconds, bytes))
}

/// The same in main memory with every processor at work: the framework's addition uses one of them.
fn host_bandwidth(device: &Device, total: usize) -> Result<(f64, usize), ReadError> {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let mut values = vec![0.5f32; total / VALUE_BYTES];
    let part = values.len().div_ceil(threads).max(1);
    let seconds = fastest(device, || {
        std::thread::scope(|scope| {
            for part in values.chunks_mut(part) {
                scope.spawn(|| part.iter_mut().for_each(|value| *value += 1.0));
            }
        });
    })?;
    std::hint::black_box(&values);
    let bytes = values.len() * VALUE_BYTES;
    Ok((2.0 * bytes as f64 / seconds, bytes))
}

/// Seconds that `work` takes at best, the device waited for; enough of it at a time to be measured well.
fn fastest(device: &Device, mut work: impl FnMut()) -> Result<f64, ReadError> {
    let mut seconds_of = |count: u32| -> Result<f64, ReadError> {
        let started = Instant::now();
        (0..count).for_each(|_| work());
        wait(device)?;
        Ok(started.elapsed().as_secs_f64())
    };
    seconds_of(1)?; // compiles kernels and touches memory
    let once = seconds_of(1)?;
    let count = (SECONDS / once.max(1e-6)).ceil().clamp(1.0, 1e3) as u32;
    let mut best = once;
    for _ in 0..REPEATS {
        best = best.min(seconds_of(count)? / f64::from(count));
    }
    Ok(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fastest_of_several_is_per_call() {
        let seconds =
            fastest(&Device::flex(), || std::thread::sleep(std::time::Duration::from_millis(20))).unwrap();
        assert!((0.02..0.2).contains(&seconds), "{seconds}");
    }

    #[test]
    fn tensors_stay_within_the_largest_buffer() {
        let total = 16 << 20;
        let device = Device::flex();
        for limit in [usize::MAX, total, 6 << 20] {
            let (rate, bytes) = bandwidth(&device, total, limit).unwrap();
            assert!(rate > 0.0 && bytes <= total && bytes > total - 16, "{limit}: {rate} {bytes}");
        }
        let (rate, bytes) = host_bandwidth(&device, total).unwrap();
        assert!(rate > 0.0 && bytes == total, "{rate} {bytes}");
    }
}
