//! What is known of an anchor beside its images: the member `.json`, of which anything may be missing or other.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::classes::ClassValue;

/// The keys under which a class may stand, the preferred one first.
const CLASS_KEYS: [&str; 10] = [
    "class",
    "label",
    "cls",
    "class_id",
    "label_id",
    "category_id",
    "target",
    "category",
    "class_name",
    "label_name",
];

/// Class and latents of an anchor, as far as they are there.
#[derive(Debug, Default, PartialEq)]
pub(super) struct AnchorText {
    /// `Some(None)` where it is said that there is none.
    pub(super) class: Option<Option<ClassValue>>,
    pub(super) latents: Option<Vec<Vec<f32>>>,
    /// Whether there is something else under that name.
    pub(super) has_other_latents: bool,
}

impl AnchorText {
    /// What `bytes` say; nothing where they are no JSON object, or have neither in a usable form.
    pub(super) fn parse(bytes: &[u8]) -> Self {
        // A list would be taken for the fields in order.
        let is_object = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
        if !is_object {
            return Self::default();
        }
        let Ok(Classes(found)) = serde_json::from_slice(bytes) else { return Self::default() };
        let class = found.into_iter().flatten().next();
        let latents = serde_json::from_slice::<Latents>(bytes).ok().and_then(|text| text.latents);
        let has_other_latents = latents.is_none()
            && serde_json::from_slice::<AnyLatents>(bytes).is_ok_and(|text| text.latents.is_some());
        Self { class, latents, has_other_latents }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.class.is_none() && self.latents.is_none() && !self.has_other_latents
    }
}

#[derive(Deserialize)]
struct Latents {
    latents: Option<Vec<Vec<f32>>>,
}

#[derive(Deserialize)]
struct AnyLatents {
    latents: Option<IgnoredAny>,
}

/// What stands under each of the keys.
struct Classes([Option<Option<ClassValue>>; CLASS_KEYS.len()]);

impl<'de> Deserialize<'de> for Classes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Classes;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Classes, A::Error> {
                let mut found = [const { None }; CLASS_KEYS.len()];
                while let Some(key) = map.next_key::<String>()? {
                    match CLASS_KEYS.iter().position(|known| *known == key) {
                        Some(place) => found[place] = map.next_value::<MaybeClass>()?.0,
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Classes(found))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A class, if the value is one; any other value is passed over.
struct MaybeClass(Option<Option<ClassValue>>);

impl<'de> Deserialize<'de> for MaybeClass {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = MaybeClass;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("anything")
            }
            fn visit_i64<E>(self, number: i64) -> Result<MaybeClass, E> {
                Ok(MaybeClass(Some(ClassValue::number(number))))
            }
            fn visit_u64<E>(self, number: u64) -> Result<MaybeClass, E> {
                Ok(MaybeClass(i64::try_from(number).ok().map(ClassValue::number)))
            }
            fn visit_f64<E>(self, number: f64) -> Result<MaybeClass, E> {
                Ok(MaybeClass(ClassValue::float(number).ok()))
            }
            fn visit_str<E>(self, text: &str) -> Result<MaybeClass, E> {
                Ok(MaybeClass(ClassValue::parse(text).ok()))
            }
            fn visit_bool<E>(self, _: bool) -> Result<MaybeClass, E> {
                Ok(MaybeClass(None))
            }
            fn visit_unit<E>(self) -> Result<MaybeClass, E> {
                Ok(MaybeClass(None))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<MaybeClass, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(MaybeClass(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<MaybeClass, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(MaybeClass(None))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wds_json_class_text_list_and_other_latents_are_read_as_far_as_they_go() {
        let number = |number| Some(Some(ClassValue::Number(number)));
        let name = |name: &str| Some(Some(ClassValue::Name(name.to_owned())));
        for (text, class, latents) in [
            (r#"{"class": "dog", "width": 16}"#, name("dog"), None),
            ("[1, 2, 3]", None, None),
            ("[3]", None, None),
            ("3", None, None),
            ("not json", None, None),
            (r#"{"class": 4"#, None, None),
            (r#"{"latents": "z.npy", "class": 0}"#, number(0), None),
            (r#"{"latents": [[0.5], [1]], "class": null}"#, None, Some(vec![vec![0.5], vec![1.0]])),
            (r#"{"class": -1, "label": 7}"#, Some(None), None),
            (r#"{"label": 7.0}"#, number(7), None),
            (r#"{"label": [1, 2], "target": "3"}"#, number(3), None),
            (r#"{"class": {"a": [1]}, "category": "cat"}"#, name("cat"), None),
            (r#"{"class": true}"#, None, None),
            (r#"{"caption": "a dog", "bbox": [[0, 1], [2, 3]]}"#, None, None),
        ] {
            let has_other_latents = text.contains("z.npy");
            let expected = AnchorText { class, latents, has_other_latents };
            assert_eq!(AnchorText::parse(text.as_bytes()), expected, "{text}");
        }
    }
}
