//! What latents are drawn from, and coordinates in which every continuous value is standard normal.
//!
//! View samplers step in those coordinates x, and z = F^-1(Phi(x)) with the normal distribution function Phi and the
//! distribution function F of the prior: if x is standard normal, z is distributed as in the generator's training, and
//! whatever step a view takes in x, its z lies where the prior has its values. A normal prior has z = mean + std x.
//! A one-hot part has no such coordinate: it is a class, which views share with their anchor.

mod normal;
mod part;

use zview_runtime::seed::Stream;

use self::part::Part;
use crate::manifest::Latent;

/// The distribution of z, made ready to draw from.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    parts: Vec<Part>,
}

impl Prior {
    /// `dimension` standard normal values.
    #[must_use]
    pub fn standard_normal(dimension: usize) -> Self {
        Self::of(&Latent::normal(dimension))
    }

    /// That of a manifest, which has been checked.
    #[must_use]
    pub fn of(latent: &Latent) -> Self {
        Self { parts: latent.all_parts().iter().map(Part::of).collect() }
    }

    /// Whether z is standard normal, apart from a bound.
    #[must_use]
    pub fn is_standard_normal(&self) -> bool {
        self.parts.iter().all(Part::is_standard_normal)
    }

    /// D, the number of values of z.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.parts.iter().map(Part::dimension).sum()
    }

    /// The number of values of a row: the standard normal coordinates.
    pub(crate) fn coordinates(&self) -> usize {
        self.parts.iter().map(Part::coordinates).sum()
    }

    /// The number of values of a row after the coordinates: the place of the 1 of each one-hot part.
    pub(crate) fn categories(&self) -> usize {
        self.parts.iter().filter(|part| part.coordinates() == 0).count()
    }

    /// Adds a row: coordinates of a latent that lies within `truncation` standard deviations of its mean, then the
    /// categories.
    pub(crate) fn draw(&self, stream: &mut Stream, truncation: f32, rows: &mut Vec<f32>) {
        for part in &self.parts {
            let bound = part.coordinate_bound(truncation);
            rows.extend((0..part.coordinates()).map(|_| stream.truncated_normal(bound)));
        }
        for part in self.parts.iter().filter(|part| part.coordinates() == 0) {
            rows.push(stream.below(part.dimension() as u64) as f32);
        }
    }

    /// Rows to latents z.
    pub(crate) fn z_from_rows(&self, rows: Vec<f32>) -> Vec<f32> {
        if self.is_standard_normal() {
            return rows;
        }
        let (coordinates, categories) = (self.coordinates(), self.categories());
        let length = coordinates + categories;
        let mut z = Vec::with_capacity(rows.len() / length.max(1) * self.dimension());
        for row in rows.chunks_exact(length.max(1)) {
            let (mut x, mut places) = row.split_at(coordinates);
            for part in &self.parts {
                let (values, rest) = x.split_at(part.coordinates());
                x = rest;
                if let (true, Some((place, rest))) = (values.is_empty(), places.split_first()) {
                    places = rest;
                    z.extend((0..part.dimension()).map(|at| f32::from(u8::from(at == *place as usize))));
                } else {
                    z.extend(values.iter().map(|x| part.value(*x)));
                }
            }
        }
        z
    }

    /// A latent z drawn from `stream`, within `truncation` standard deviations of its mean.
    pub(crate) fn draw_z(&self, stream: &mut Stream, truncation: f32) -> Vec<f32> {
        let mut row = Vec::with_capacity(self.coordinates() + self.categories());
        self.draw(stream, truncation, &mut row);
        self.z_from_rows(row)
    }
}

#[cfg(test)]
mod tests;
