//! The macro that makes [`super::Layer`] from the table of kinds.

/// Makes the enum from lines `Variant(Spec) = "kind";`.
macro_rules! layers {
    ($($(#[$doc:meta])* $variant:ident($spec:ty) = $name:literal;)+) => {
        /// One layer. `key` is the prefix of its tensors in the state dict: the layer with key `net.0`
        /// takes `net.0.weight`, `net.0.bias` and so on. The meaning of each is PyTorch's.
        #[derive(Debug, Clone, PartialEq, serde::Deserialize, serde::Serialize)]
        #[serde(tag = "kind")]
        pub enum Layer {
            $($(#[$doc])* #[serde(rename = $name)] $variant($spec),)+
        }

        impl Layer {
            /// Every kind as it is written in a manifest.
            pub const KINDS: &[&str] = &[$($name,)+];

            /// The kind as it is written in a manifest.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)+ }
            }

            pub(crate) fn spec(&self) -> &dyn LayerSpec {
                match self { $(Self::$variant(spec) => spec,)+ }
            }
        }
    };
}
pub(super) use layers;
