//! The macro that makes methods of the table, and the recipe with a section for each of them.

/// Makes `TrainingMethod` and `Recipe` from lines `section => Method, "what it is";`. The file `section.rs` has a
/// `Config` with [`super::MethodConfig`], the keys of the section, and a `Method` with [`super::method::Method`] and
/// `new(&Config, &Setting, &mut Stream) -> Result<Self, GeneratorTrainingError>`.
macro_rules! methods {
    ($($section:ident => $method:ident, $about:literal;)+) => {
        /// How a generator is trained: a method with its own keys.
        #[derive(Debug, Clone, PartialEq)]
        pub enum TrainingMethod {
            $(#[doc = $about] $method($section::Config),)+
        }

        impl TrainingMethod {
            /// Every method: what to write for `method`, and what it is.
            pub const KINDS: &'static [(&'static str, &'static str)] = &[$((stringify!($section), $about)),+];

            /// What is written for `method`.
            #[must_use]
            pub fn kind(&self) -> &'static str {
                match self { $(Self::$method(_) => stringify!($section),)+ }
            }

            /// Everything wrong with its keys, one line each.
            fn problems(&self) -> Vec<String> {
                match self { $(Self::$method(config) => config.problems(),)+ }
            }

            /// Keys of other sections that it has no use for.
            fn unused(&self) -> &'static [&'static str] {
                match self { $(Self::$method(_) => <$section::Config as MethodConfig>::UNUSED,)+ }
            }
        }

        /// The method of a recipe at its initial weights.
        fn new_method(setting: &Setting<'_>) -> Result<Box<dyn Method>, GeneratorTrainingError> {
            let random = &mut Stream::new(setting.training.seed, Purpose::Weights, 0, 0);
            Ok(match &setting.training.method {
                $(TrainingMethod::$method(config) => {
                    Box::new($section::$method::new(config, setting, random)?)
                })+
            })
        }

        /// The name of a method.
        #[derive(Debug, Clone, Copy, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum MethodName {
            $($method,)+
        }

        /// A recipe as it is written: `method` names the section that counts.
        #[derive(Debug, Clone, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Recipe {
            name: String,
            #[serde(default)]
            seed: u64,
            #[serde(default = "config::licence_not_stated")]
            licence: String,
            method: MethodName,
            source: SourceConfig,
            #[serde(default)]
            generator: GeneratorConfig,
            $(#[serde(default, skip_serializing_if = "Option::is_none")]
            $section: Option<$section::Config>,)+
            #[serde(default)]
            optimizer: OptimizerConfig,
            #[serde(default)]
            train: TrainConfig,
        }

        impl Recipe {
            /// The methods' sections that are there, with their keys that are not at their defaults.
            fn changed_of_methods(&self) -> Vec<(&'static str, Vec<String>)> {
                let mut changed = Vec::new();
                $(if let Some(config) = &self.$section {
                    changed.push((stringify!($section), changed_keys(config)));
                })+
                changed
            }
        }

        impl From<Recipe> for GeneratorTraining {
            fn from(recipe: Recipe) -> Self {
                let Recipe { name, seed, licence, method, source, generator, optimizer, train, $($section),+ } =
                    recipe;
                let method = match method {
                    $(MethodName::$method => TrainingMethod::$method($section.unwrap_or_default()),)+
                };
                Self { name, seed, licence, method, source, generator, optimizer, train }
            }
        }

        impl From<GeneratorTraining> for Recipe {
            fn from(training: GeneratorTraining) -> Self {
                let GeneratorTraining { name, seed, licence, method, source, generator, optimizer, train } =
                    training;
                $(let mut $section = None;)+
                let method = match method {
                    $(TrainingMethod::$method(config) => {
                        $section = Some(config);
                        MethodName::$method
                    })+
                };
                Self { name, seed, licence, method, source, generator, optimizer, train, $($section),+ }
            }
        }
    };
}
pub(super) use methods;
