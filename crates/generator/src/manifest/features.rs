//! The shape of what flows between layers, and what each layer makes of it.

use std::fmt;

use super::Layer;

/// The most values per image between two layers: above it a manifest is taken for a mistake.
const VALUES_MAX: usize = 1 << 28;

/// The shape of one image's features, without the batch axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Features {
    /// (D): a latent, or the output of a linear layer.
    Flat(usize),
    /// (C, H, W).
    Map {
        /// C.
        channels: usize,
        /// H in pixels.
        height: usize,
        /// W in pixels.
        width: usize,
    },
}

impl fmt::Display for Features {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flat(features) => write!(formatter, "{features} flat features"),
            Self::Map { channels, height, width } => {
                write!(formatter, "a map of {channels} x {height} x {width} (channels, height, width)")
            }
        }
    }
}

impl Features {
    /// The number of values, or `None` if it is more than any image has.
    #[must_use]
    pub fn values(self) -> Option<usize> {
        match self {
            Self::Flat(features) => Some(features),
            Self::Map { channels, height, width } => channels.checked_mul(height)?.checked_mul(width),
        }
        .filter(|values| *values <= VALUES_MAX)
    }

    /// The number of values of features that the manifest's check has passed.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::Flat(features) => features,
            Self::Map { channels, height, width } => channels * height * width,
        }
    }

    /// H and W; 1 and 1 for flat features, as convolutions see them.
    pub(crate) fn sides(self) -> [usize; 2] {
        match self {
            Self::Flat(_) => [1, 1],
            Self::Map { height, width, .. } => [height, width],
        }
    }

    /// What `layer` makes of features of this shape.
    ///
    /// # Errors
    /// What the layer expected and what it got, as "expected .., got ..".
    pub fn through(self, layer: &Layer, classes: Option<usize>) -> Result<Self, String> {
        let out = layer.spec().through(self, classes)?;
        match out.values() {
            None | Some(0) => Err(format!("expected 1 to {VALUES_MAX} values per image, got {out}")),
            Some(_) => Ok(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{ConvTranspose, PixelShuffle, Reshape, UpsampleNearest};

    fn conv_transpose(kernel: usize, stride: usize, padding: usize, output_padding: usize) -> Layer {
        let key = "net".to_owned();
        Layer::ConvTranspose(ConvTranspose {
            key,
            r#in: 8,
            out: 4,
            kernel,
            stride,
            padding,
            output_padding,
            dilation: 1,
            groups: 1,
            bias: false,
        })
    }

    #[test]
    fn transposed_convolutions_grow_as_in_their_formula() {
        let map = Features::Map { channels: 8, height: 7, width: 7 };
        let side = |layer| match map.through(&layer, None).unwrap() {
            Features::Map { channels: 4, height, width } if height == width => height,
            other => panic!("{other}"),
        };
        assert_eq!(side(conv_transpose(4, 2, 1, 0)), 14);
        assert_eq!(side(conv_transpose(3, 2, 1, 1)), 14);
        assert_eq!(side(conv_transpose(7, 1, 0, 0)), 13);
    }

    #[test]
    fn sizes_that_cannot_be_are_refused_and_nothing_overflows() {
        let map = Features::Map { channels: 8, height: 2, width: 2 };
        for (kernel, stride, padding, output_padding) in
            [(1, 1, 9, 0), (4, 0, 0, 0), (4, 2, 1, 2), (usize::MAX, usize::MAX, 0, 0), (4, 2, usize::MAX, 0)]
        {
            let layer = conv_transpose(kernel, stride, padding, output_padding);
            assert!(map.through(&layer, None).is_err(), "{layer:?}");
        }
        for factor in [usize::MAX, 0] {
            let nearest = UpsampleNearest { factor: Some(factor), size: None };
            assert!(map.through(&Layer::UpsampleNearest(nearest), None).is_err());
            assert!(map.through(&Layer::PixelShuffle(PixelShuffle { factor }), None).is_err());
        }
        let reshape = Reshape { shape: vec![usize::MAX, 2, 1] };
        assert!(map.through(&Layer::Reshape(reshape), None).is_err());
    }
}
