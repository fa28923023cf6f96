//! Sections that have further keys by what one of them chooses, as `kind = "lars"` brings `trust`.

use serde::de::value::Error as NoValue;
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::{Serialize, forward_to_deserialize_any};

/// One of the kinds that a section chooses from.
#[derive(Debug)]
pub struct Kind<C> {
    /// What is written to choose it.
    pub name: &'static str,
    /// The keys that come with it.
    pub keys: &'static [&'static str],
    /// The structure that they are read into.
    pub structure: &'static str,
    /// The source of its file, in which they are documented.
    pub source: &'static str,
    /// Reads them.
    pub read: fn(toml::Table) -> Result<C, toml::de::Error>,
}

/// A section of keys that every kind has and those of its kind, as [`kinds!`](crate::kinds) makes it.
pub trait Section: Serialize + Sized {
    /// A kind with its keys.
    type Choice: Clone;
    /// The key that chooses.
    const CHOOSER: &'static str;
    /// Every kind; the first is chosen where nothing is written.
    fn kinds() -> Vec<Kind<Self::Choice>>;
    /// What is not written where this is chosen.
    fn of(choice: Self::Choice) -> Self;
    /// Takes this choice in place of its own.
    fn choose(&mut self, choice: Self::Choice);
    /// The keys that every kind has, with whatever choice.
    ///
    /// # Errors
    /// Where a value does not fit.
    fn read_common<'de, D: Deserializer<'de>>(common: D) -> Result<Self, D::Error>;
}

/// Reads a section.
///
/// # Errors
/// Where a key belongs to another kind or to none, or a value does not fit; the message has the key.
pub fn read_section<'de, S: Section, D: Deserializer<'de>>(deserializer: D) -> Result<S, D::Error> {
    section_of(toml::Table::deserialize(deserializer)?).map_err(D::Error::custom)
}

fn section_of<S: Section>(mut common: toml::Table) -> Result<S, String> {
    let at = |key: &str, problem: &str| format!("{problem}\nin `{key}`");
    let in_words = |error: toml::de::Error| error.to_string(); // with the key
    let kinds = S::kinds();
    let name = match common.remove(S::CHOOSER).map(toml::Value::try_into::<String>) {
        None => kinds[0].name.to_owned(),
        Some(name) => name.map_err(|error| at(S::CHOOSER, error.message()))?,
    };
    let Some(kind) = kinds.iter().find(|kind| kind.name == name) else {
        let known = listed(kinds.iter().map(|kind| &kind.name));
        return Err(at(S::CHOOSER, &format!("unknown variant `{name}`, expected one of {known}")));
    };
    let mut own = toml::Table::new();
    own.extend(kind.keys.iter().filter_map(|key| common.remove_entry(*key)));
    let common_keys = keys_of(|names| S::read_common(names));
    if let Some(key) = common.keys().find(|key| !common_keys.contains(&key.as_str())) {
        let of_another = kinds.iter().any(|other| other.keys.contains(&key.as_str()));
        let known = listed([S::CHOOSER].iter().chain(common_keys).chain(kind.keys));
        let problem = match of_another {
            true => format!("not used by {} \"{name}\"; remove it", S::CHOOSER),
            false => format!("unknown field `{key}`, expected one of {known}"),
        };
        return Err(at(key, &problem));
    }
    let choice = (kind.read)(own).map_err(in_words)?;
    // What is written takes the place of what is not.
    let mut all = toml::Table::try_from(S::of(choice.clone())).map_err(|error| error.to_string())?;
    all.extend(common);
    let read = |all| S::read_common(all).map_err(in_words);
    let mut section = read(all.clone()).map_err(|problem| with_number(&all, read).unwrap_or(problem))?;
    section.choose(choice);
    Ok(section)
}

/// What is wrong with an element of a list, with its number.
fn with_number<T>(all: &toml::Table, read: impl Fn(toml::Table) -> Result<T, String>) -> Option<String> {
    let lists = all.iter().filter_map(|(key, value)| Some((key, value.as_array()?)));
    let mut elements =
        lists.flat_map(|(key, list)| list.iter().enumerate().map(move |(at, one)| (key, at, one)));
    elements.find_map(|(key, number, element)| {
        let mut alone = all.clone();
        alone.insert(key.clone(), toml::Value::Array(vec![element.clone()]));
        Some(read(alone).err()?.replace(&format!("in `{key}"), &format!("in `{key}[{number}]")))
    })
}

fn listed<'a>(names: impl Iterator<Item = &'a &'static str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// The keys of the structure that `read` reads.
pub fn keys_of<T>(read: impl FnOnce(FieldNames<'_>) -> Result<T, NoValue>) -> &'static [&'static str] {
    let mut names: &'static [&'static str] = &[];
    let _ = read(FieldNames(&mut names)); // which has no values
    names
}

/// Is asked for a structure and keeps the names of its fields.
#[derive(Debug)]
pub struct FieldNames<'a>(&'a mut &'static [&'static str]);

impl<'de> Deserializer<'de> for FieldNames<'_> {
    type Error = NoValue;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NoValue> {
        *self.0 = fields;
        self.deserialize_any(visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NoValue> {
        Err(NoValue::custom("names alone"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// Makes the table of a section's kinds: an enum of their names, one of the kinds with their keys, which are structures
/// beside the table that implement a trait, and how the section is read and written. The section derives `Serialize` and `Deserialize`
/// with `remote = "Self"` and keeps the choice in a field with `flatten, skip_deserializing` of the chooser's name.
#[macro_export]
macro_rules! kinds {
    (
        $section:ident.$field:ident = $chooser:literal: $Choice:ident, $rule:ident: $Rule:ident, names $Name:ident;
        $($(#[$about:meta])* $Kind:ident = $name:literal => $file:ident::$Keys:ident;)+
    ) => {
        /// What there is to choose from, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub enum $Name { $($(#[$about])* #[serde(rename = $name)] $Kind,)+ }

        impl $Name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$Kind,)+];

            /// What is written for it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$Kind => $name,)+ }
            }
        }

        /// What is chosen, with the keys that only it has.
        #[derive(Debug, Clone, PartialEq, serde::Serialize)]
        #[serde(tag = $chooser)]
        pub enum $Choice { $($(#[$about])* #[serde(rename = $name)] $Kind($file::$Keys),)+ }

        impl $Choice {
            /// Without its keys.
            #[must_use]
            pub fn which(&self) -> $Name {
                match self { $(Self::$Kind(_) => $Name::$Kind,)+ }
            }

            /// What is written for it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                self.which().name()
            }

            pub(crate) fn $rule(&self) -> &dyn $Rule {
                match self { $(Self::$Kind(keys) => keys,)+ }
            }
        }

        impl From<$Name> for $Choice {
            fn from(name: $Name) -> Self {
                match name { $($Name::$Kind => Self::$Kind(Default::default()),)+ }
            }
        }

        impl Default for $Choice {
            fn default() -> Self {
                $Name::ALL[0].into()
            }
        }

        impl PartialEq<$Name> for $Choice {
            fn eq(&self, name: &$Name) -> bool {
                self.which() == *name
            }
        }

        impl serde::Serialize for $section {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Self::serialize(self, serializer)
            }
        }

        impl<'de> serde::Deserialize<'de> for $section {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::config::read_section(deserializer)
            }
        }

        impl $crate::config::Section for $section {
            type Choice = $Choice;
            const CHOOSER: &'static str = $chooser;

            fn kinds() -> Vec<$crate::config::Kind<$Choice>> {
                vec![$($crate::config::Kind {
                    name: $name,
                    keys: $crate::config::keys_of(|names| <$file::$Keys as serde::Deserialize>::deserialize(names)),
                    structure: stringify!($Keys),
                    source: include_str!(concat!(stringify!($file), ".rs")),
                    read: |own| own.try_into().map($Choice::$Kind),
                },)+]
            }

            fn of(choice: $Choice) -> Self {
                Self::of(choice)
            }

            fn choose(&mut self, choice: $Choice) {
                self.$field = choice;
            }

            fn read_common<'de, D: serde::Deserializer<'de>>(common: D) -> Result<Self, D::Error> {
                Self::deserialize(common)
            }
        }
    };
}
