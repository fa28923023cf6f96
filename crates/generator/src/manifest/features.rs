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
        if let Layer::Conv { kernel, stride, .. } | Layer::ConvTranspose { kernel, stride, .. } = *layer
            && (kernel == 0 || stride == 0)
        {
            return Err(format!("expected `kernel` and `stride` of 1 or above, got {kernel} and {stride}"));
        }
        let out = match *layer {
            Layer::Linear { inputs, outputs, .. } => match self {
                Self::Flat(features) if features == inputs => Self::Flat(outputs),
                got => return Err(format!("expected {inputs} flat features (`inputs`), got {got}")),
            },
            Layer::Conv { r#in, out, kernel, stride, padding, .. } => self.convolved(r#in, out, |side| {
                let room = side.checked_add(padding.checked_mul(2)?)?.checked_sub(kernel)?;
                Some(room.checked_div(stride)? + 1)
            })?,
            Layer::ConvTranspose { r#in, out, kernel, stride, padding, output_padding, .. } => {
                if output_padding > 0 && output_padding >= stride {
                    return Err(format!(
                        "expected `output_padding` below `stride` ({stride}), got {output_padding}"
                    ));
                }
                self.convolved(r#in, out, |side| {
                    let full = side.checked_sub(1)?.checked_mul(stride)?.checked_add(kernel)?;
                    full.checked_add(output_padding)?.checked_sub(padding.checked_mul(2)?)
                })?
            }
            Layer::BatchNorm { channels, .. } => match self {
                Self::Flat(got) | Self::Map { channels: got, .. } if got == channels => self,
                got => return Err(format!("expected {channels} channels (`channels`), got {got}")),
            },
            Layer::Condition { dimension, .. } => match (self, classes) {
                (_, None) => return Err("expected a section [condition], got none".to_owned()),
                (Self::Flat(features), _) => Self::Flat(features.saturating_add(dimension)),
                (got, _) => return Err(format!("expected flat features, got {got}")),
            },
            Layer::UpsampleNearest { factor } => match self {
                Self::Map { channels, height, width } => Self::Map {
                    channels,
                    height: height.saturating_mul(factor),
                    width: width.saturating_mul(factor),
                },
                got => return Err(format!("expected a map (reshape it first), got {got}")),
            },
            Layer::Reshape { ref shape } => {
                let target = match shape[..] {
                    [features] => Self::Flat(features),
                    [channels, height, width] => Self::Map { channels, height, width },
                    _ => return Err(format!("expected one or three extents in `shape`, got {shape:?}")),
                };
                if target.values() != self.values() {
                    return Err(format!("expected a shape with as many values as {self}, got {shape:?}"));
                }
                target
            }
            Layer::LeakyRelu { .. } | Layer::Relu {} | Layer::Tanh {} | Layer::Sigmoid {} => self,
        };
        match out.values() {
            None | Some(0) => Err(format!("expected 1 to {VALUES_MAX} values per image, got {out}")),
            Some(_) => Ok(out),
        }
    }

    fn convolved(
        self,
        channels_in: usize,
        channels_out: usize,
        side: impl Fn(usize) -> Option<usize>,
    ) -> Result<Self, String> {
        match self {
            Self::Map { channels, height, width } if channels == channels_in => {
                let sides = side(height).zip(side(width)).filter(|&(h, w)| h > 0 && w > 0);
                let (height, width) = sides.ok_or_else(|| {
                    format!("expected a kernel, stride and padding that fit the input, got {self}")
                })?;
                Ok(Self::Map { channels: channels_out, height, width })
            }
            Self::Map { .. } => Err(format!("expected {channels_in} channels (`in`), got {self}")),
            Self::Flat(_) => {
                Err(format!("expected a map of {channels_in} channels (reshape it first), got {self}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conv_transpose(kernel: usize, stride: usize, padding: usize, output_padding: usize) -> Layer {
        let key = "net".to_owned();
        Layer::ConvTranspose { key, r#in: 8, out: 4, kernel, stride, padding, output_padding, bias: false }
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
        assert!(map.through(&Layer::UpsampleNearest { factor: usize::MAX }, None).is_err());
        assert!(map.through(&Layer::UpsampleNearest { factor: 0 }, None).is_err());
        assert!(map.through(&Layer::Reshape { shape: vec![usize::MAX, 2, 1] }, None).is_err());
    }
}
