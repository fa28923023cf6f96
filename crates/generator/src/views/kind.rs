//! What a view sampler is, and the macro that makes the table of them.

use zview_runtime::seed::Stream;

/// Draws a view's latent from its anchor's, in a space where every dimension has mean 0 and standard deviation 1
/// ([`super::UnitCoordinates`]).
pub trait ViewSampler {
    /// Writes the latent of one view to `view` (D), given the anchor's `anchor` (D), another latent `other` (D; empty
    /// unless [`Self::uses_other`]) and the view's own stream.
    fn view(&self, anchor: &[f32], other: &[f32], stream: &mut Stream, view: &mut [f32]);

    /// Whether a fresh latent of the same condition is wanted for each view.
    fn uses_other(&self) -> bool {
        false
    }

    /// Whether the one-hot parts of a view's latent are the other latent's instead of the anchor's.
    fn redraws_categories(&self) -> bool {
        false
    }

    /// Whether views differ from their anchor at all; if not, each anchor is rendered once.
    fn views_differ(&self) -> bool {
        true
    }
}

/// Makes `ViewKind` from lines `Variant = "name" => Sampler;`. A sampler has a constant
/// `STD_DEFAULT: f32` and a function `new(&ViewsConfig) -> Self`.
macro_rules! view_kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal => $sampler:ty;)+) => {
        /// How the views of an anchor are drawn.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        pub enum ViewKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl ViewKind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in a recipe and on the command line.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// `[views] std` where a recipe does not say it.
            #[must_use]
            pub fn std_default(self) -> f32 {
                match self { $(Self::$variant => <$sampler>::STD_DEFAULT,)+ }
            }
        }

        impl ViewsConfig {
            /// The sampler that this section describes.
            #[must_use]
            pub fn sampler(&self) -> Box<dyn ViewSampler> {
                match self.kind { $(ViewKind::$variant => Box::new(<$sampler>::new(self)),)+ }
            }
        }
    };
}
pub(super) use view_kinds;
