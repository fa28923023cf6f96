//! What an architecture is, and the macro that makes the table of them.

use burn::tensor::{Int, Tensor};

/// A generator network with its weights on a device.
pub trait Architecture: std::fmt::Debug {
    /// Latents (B, D) and, for a conditional one, classes (B) to images (B, C, H, W) in the
    /// network's own range. The caller has checked that the sizes fit and that the classes are
    /// there if and only if the manifest has a section `[condition]`.
    ///
    /// # Errors
    /// What went wrong, of a network that runs elsewhere and can fail.
    fn render(&self, z: Tensor<2>, condition: Option<Tensor<1, Int>>) -> Result<Tensor<4>, String>;

    /// The number of learned values (running statistics are not learned).
    fn parameters(&self) -> usize;

    /// The weights (D, F) that a latent is first multiplied with, without bias; `None` where the first
    /// operation on it is another one.
    fn first_layer(&self) -> Option<Tensor<2>> {
        None
    }

    /// The intermediate latent space w, where the network has one.
    fn intermediate(&self) -> Option<&dyn IntermediateSpace> {
        None
    }
}

/// A second latent space w between z and the image, such as that of a StyleGAN's mapping network.
pub trait IntermediateSpace {
    /// W, the number of values of one w.
    fn dimension(&self) -> usize;

    /// Latents z (B, D) to w (B, W), truncation included: what [`Self::raw_image_from_w`] takes.
    fn w_from_z(&self, z: Tensor<2>) -> Tensor<2>;

    /// w (B, W) to images (B, C, H, W) in the network's own range.
    fn raw_image_from_w(&self, w: Tensor<2>) -> Tensor<4>;

    /// The weights (W, F) that w is first multiplied with, those of all layers beside each other.
    fn first_layer(&self) -> Tensor<2>;
}

/// Makes `ArchitectureKind` and `Options` from lines `Variant = "name" => module;`. A module has `Options`, its keys in
/// `[options]` (`NoOptions` for none), a constant `MARK: Option<&str>`, a key that only its checkpoints have, and three
/// functions:
/// `problems(&Manifest) -> Vec<String>`, `unneeded(&Manifest, key: &str) -> Option<&'static str>`, which says why a
/// tensor that was not taken is not needed, and
/// `build(&Manifest, &mut StateDict, &Device) -> Result<Box<dyn Architecture>, WeightsError>`.
macro_rules! architectures {
    ($($(#[$doc:meta])* $variant:ident = $name:literal => $module:ident;)+) => {
        /// Which network a manifest's weights belong to.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
        pub enum ArchitectureKind {
            $($(#[$doc])* #[serde(rename = $name)] $variant,)+
        }

        impl ArchitectureKind {
            /// The name in a manifest.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// Everything in the manifest that this architecture cannot work with, a line each.
            #[must_use]
            pub fn problems(self, manifest: &crate::Manifest) -> Vec<String> {
                match self { $(Self::$variant => $module::problems(manifest),)+ }
            }

            /// The network with the weights of `state_dict` on `device`.
            ///
            /// # Errors
            /// [`zview_network::weights::WeightsError`] naming the key that is missing or does not fit.
            pub fn build(
                self,
                manifest: &crate::Manifest,
                state_dict: &mut zview_network::weights::StateDict,
                device: &burn::tensor::Device,
            ) -> Result<Box<dyn Architecture>, zview_network::weights::WeightsError> {
                self.check_mark(state_dict)?;
                match self { $(Self::$variant => $module::build(manifest, state_dict, device),)+ }
            }

            /// Why a tensor that the network did not take is not needed, where that is known.
            pub(crate) fn unneeded(self, manifest: &crate::Manifest, key: &str) -> Option<&'static str> {
                match self { $(Self::$variant => $module::unneeded(manifest, key),)+ }
            }

            /// Its keys in `[options]`.
            pub(crate) fn option_keys(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => keys_of(|names| <$module::Options as serde::Deserialize>::deserialize(names)),)+
                }
            }

            /// A key that only checkpoints of this architecture have.
            fn mark(self) -> Option<&'static str> {
                match self { $(Self::$variant => $module::MARK,)+ }
            }

            /// Refuses a checkpoint that can be told to be of another architecture.
            fn check_mark(
                self,
                state_dict: &zview_network::weights::StateDict,
            ) -> Result<(), zview_network::weights::WeightsError> {
                let has = |kind: Self| kind.mark().is_some_and(|key| state_dict.shape(key).is_some());
                let Some(key) = self.mark().filter(|_| !has(self)) else { return Ok(()) };
                match [$(Self::$variant,)+].into_iter().find(|kind| has(*kind)) {
                    Some(other) => Err(zview_network::weights::WeightsError::Architecture {
                        path: state_dict.path().to_owned(),
                        key: key.to_owned(),
                        expected: self.name(),
                        got: other.name(),
                    }),
                    None => Err(state_dict.missing_key(key)),
                }
            }
        }

        /// The section `[options]` of a manifest.
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[serde(untagged)]
        pub enum Options {
            /// As it is written: before the architecture is known, and where keys are another's.
            Written(toml::Table),
            $($(#[$doc])* $variant($module::Options),)+
        }

        impl Options {
            /// Whether nothing was chosen.
            #[must_use]
            pub fn is_empty(&self) -> bool {
                match self {
                    Self::Written(table) => table.is_empty(),
                    $(Self::$variant(options) => *options == Default::default(),)+
                }
            }

            /// What is written becomes the options of `kind`; keys that only other architectures have stay.
            pub(crate) fn settle(&mut self, kind: ArchitectureKind) -> Result<(), String> {
                let Self::Written(table) = self else { return Ok(()) };
                let mut all = [$(ArchitectureKind::$variant.option_keys(),)+].concat();
                all.sort_unstable();
                all.dedup();
                let own = match kind {
                    $(ArchitectureKind::$variant => Self::$variant(read_options(table, &all)?),)+
                };
                if table.is_empty() {
                    *self = own;
                }
                Ok(())
            }

            /// The keys that the architecture does not have.
            pub(crate) fn misplaced(&self) -> impl Iterator<Item = &str> {
                let table = if let Self::Written(table) = self { Some(table) } else { None };
                table.into_iter().flat_map(toml::Table::keys).map(String::as_str)
            }

            /// See [`ArchitectureOptions::truncation`].
            pub(crate) fn truncation(&self) -> Option<f64> {
                match self {
                    Self::Written(_) => None,
                    $(Self::$variant(options) => options.truncation(),)+
                }
            }
        }
    };
}
pub(super) use architectures;
