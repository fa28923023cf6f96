//! How fast a generator draws.

use std::time::Instant;

use serde::Serialize;
use zview_runtime::device::read_floats;

use crate::contact_sheet::draw;
use crate::{Generator, GeneratorError};

/// The fewest and the most batches that are timed.
const BATCHES: [usize; 2] = [3, 1000];

/// Images per second of sampling alone: drawing latents, rendering them and reading the images back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Throughput {
    /// The median over the timed batches.
    pub images_per_second: f64,
    /// The slowest timed batch's.
    pub slowest: f64,
    /// The fastest timed batch's.
    pub fastest: f64,
    /// Images in a batch.
    pub batch: usize,
    /// How many batches were timed, after one that was not.
    pub batches: usize,
}

/// Renders batches of fresh latents for about `seconds`, three of them at least, after one that warms up.
pub(crate) fn measure_throughput(
    generator: &Generator,
    batch: usize,
    seconds: f64,
) -> Result<Throughput, GeneratorError> {
    let batch = batch.max(1);
    let timed = |number: usize| {
        let started = Instant::now();
        let condition = generator
            .classes()
            .map(|classes| (0..batch).map(|image| ((number * batch + image) % classes) as i32).collect());
        let images = draw(generator, 1, number * batch..(number + 1) * batch, condition)?;
        read_floats(images).map_err(|error| generator.device_error(&error))?;
        Ok::<f64, GeneratorError>(batch as f64 / started.elapsed().as_secs_f64())
    };
    timed(0)?;
    let started = Instant::now();
    let mut rates = Vec::new();
    while rates.len() < BATCHES[0] || rates.len() < BATCHES[1] && started.elapsed().as_secs_f64() < seconds {
        rates.push(timed(1 + rates.len())?);
    }
    rates.sort_by(f64::total_cmp);
    let batches = rates.len();
    let (low, high) = (rates[(batches - 1) / 2], rates[batches / 2]);
    Ok(Throughput {
        images_per_second: (low + high) / 2.0,
        slowest: rates[0],
        fastest: rates[batches - 1],
        batch,
        batches,
    })
}
