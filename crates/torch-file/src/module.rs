//! What a Python object holds, from its class, arguments, entries and state.

use std::collections::HashSet;

use crate::pickle::{Id, Object, Value, Values};
use crate::rebuild::is_leaf;

/// How an object's parts are to be named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Among dictionaries and lists alone.
    Plain,
    /// In a `torch.nn.Module`, as its state dict has it.
    Module,
    /// Somewhere within another object.
    Inside,
}

/// A part of a container.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) id: Id,
    pub(crate) role: Role,
    /// Whether its key is a text, and so told in whole by the name.
    text: bool,
}

/// Classes that are dictionaries made from a list of pairs or another dictionary.
const DICTIONARIES: [&str; 4] = ["OrderedDict", "dict", "defaultdict", "Counter"];
/// Classes that are made from a list.
const LISTS: [&str; 5] = ["set", "frozenset", "list", "tuple", "deque"];

/// The pairs of a dictionary, or of an object that is one.
pub(crate) fn pairs(values: &Values, id: Id) -> Vec<(Id, Id)> {
    let flat = |ids: &[Id]| ids.as_chunks::<2>().0.iter().map(|[key, value]| (*key, *value)).collect();
    match values.get(id) {
        Value::Dict(ids) => flat(ids),
        Value::Object(object) => {
            let mut found = pairs_of_arguments(values, object);
            found.extend::<Vec<_>>(flat(&object.entries));
            found
        }
        _ => Vec::new(),
    }
}

fn class<'a>(values: &'a Values, object: &Object) -> Option<(String, &'a [Id])> {
    let (module, name) = values.as_global(object.class)?;
    let standard = matches!(&*module, "collections" | "builtins" | "__builtin__");
    let arguments = values.items(object.arguments);
    standard.then(|| (name.into_owned(), arguments))
}

/// What protocols 0 and 1 make a subclass of a built-in from: (class, base, content).
fn reconstructed(values: &Values, object: &Object) -> Option<(Id, Id)> {
    let (module, name) = values.as_global(object.class)?;
    let by_function = matches!(&*module, "copy_reg" | "copyreg") && name == "_reconstructor";
    match *values.items(object.arguments) {
        [class, _, content] if by_function => Some((class, content)),
        _ => None,
    }
}

fn pairs_of_arguments(values: &Values, object: &Object) -> Vec<(Id, Id)> {
    let content = match class(values, object) {
        Some((name, [.., content])) if DICTIONARIES.contains(&name.as_str()) => Some(*content),
        _ => reconstructed(values, object).map(|(_, content)| content),
    };
    match content.map(|content| (content, values.get(content))) {
        Some((content, Value::Dict(_))) => pairs(values, content),
        Some((_, Value::List(rows))) => {
            let pair = |row: &Id| match *values.items(*row) {
                [key, value] => Some((key, value)),
                _ => None,
            };
            rows.iter().filter_map(pair).collect()
        }
        _ => Vec::new(),
    }
}

/// `module.name` of an object's class.
pub(crate) fn class_name(values: &Values, object: &Object) -> String {
    values.class_name(reconstructed(values, object).map_or(object.class, |(class, _)| class))
}

/// The attributes of an object: its state, or the dictionaries of it.
fn attributes(values: &Values, object: &Object) -> Vec<(Id, Id)> {
    let Some(state) = object.state else { return Vec::new() };
    match values.get(state) {
        // What is in slots stands in a second dictionary.
        Value::Tuple(parts) => parts.iter().flat_map(|part| pairs(values, *part)).collect(),
        _ => pairs(values, state),
    }
}

/// The class of the `torch.nn.Module` that `id` is, with its attributes.
fn module(values: &Values, object: &Object) -> Option<Vec<(Id, Id)>> {
    let attributes = attributes(values, object);
    let has =
        |name: &str| attributes.iter().any(|(key, _)| values.as_text(*key).is_some_and(|key| key == name));
    (has("_parameters") && has("_modules")).then_some(attributes)
}

pub(crate) fn is_module(values: &Values, id: Id) -> bool {
    matches!(values.get(id), Value::Object(object) if module(values, object).is_some())
}

/// The parts of the container `id` among which `wanted` ones are.
pub(crate) fn parts(values: &Values, id: Id, role: Role, wanted: impl Fn(Id) -> bool) -> Vec<Part> {
    let mut found = Vec::new();
    let numbered = |ids: &[Id], role: Role, found: &mut Vec<Part>| {
        let wanted = ids.iter().enumerate().filter(|(_, id)| wanted(**id));
        found.extend(wanted.map(|(index, id)| Part { name: index.to_string(), id: *id, role, text: false }));
    };
    let named = |pairs: &[(Id, Id)], role: Role, found: &mut Vec<Part>| {
        let pairs = pairs.iter().filter(|(_, id)| wanted(*id));
        found.extend(pairs.map(|(key, id)| {
            let text = matches!(values.get(*key), Value::Text(_));
            Part { name: key_name(values, *key), id: *id, role, text }
        }));
    };
    let plain = if role == Role::Module { Role::Plain } else { role };
    match values.get(id) {
        Value::Tuple(ids) | Value::List(ids) | Value::Set(ids) => match named_pairs(values, ids) {
            Some(pairs) => named(&pairs, plain, &mut found),
            None => numbered(ids, plain, &mut found),
        },
        Value::Dict(_) => named(&pairs(values, id), plain, &mut found),
        Value::Object(object) => match module(values, object) {
            Some(attributes) => {
                let passing = not_saved(values, &attributes);
                for (key, value) in attributes {
                    let key = key_name(values, key);
                    let content = pairs(values, value);
                    match key.as_str() {
                        "_parameters" | "_modules" => named(&content, Role::Module, &mut found),
                        "_buffers" => {
                            let saved = |key: Id| !passing.contains(&key_name(values, key));
                            let (kept, left): (Vec<_>, Vec<_>) =
                                content.iter().partition(|(key, _)| saved(*key));
                            named(&kept, Role::Module, &mut found);
                            named(&left, Role::Inside, &mut found);
                        }
                        _ if wanted(value) => {
                            found.push(Part { name: key, id: value, role: Role::Inside, text: true })
                        }
                        _ => {}
                    }
                }
            }
            None => {
                let entries = pairs(values, id);
                named(&entries, plain, &mut found);
                numbered(&object.elements, plain, &mut found);
                match class(values, object) {
                    Some((name, [content])) if LISTS.contains(&name.as_str()) => {
                        numbered(values.as_sequence(*content).unwrap_or_default(), plain, &mut found);
                    }
                    _ if entries.is_empty() => {
                        numbered(values.items(object.arguments), Role::Inside, &mut found);
                    }
                    _ => {}
                }
                // Some dictionaries show their entries as attributes too.
                let shown: HashSet<Id> = entries.iter().map(|(_, value)| *value).collect();
                let mut rest = attributes(values, object);
                rest.retain(|(_, value)| !shown.contains(value));
                named(&rest, Role::Inside, &mut found);
                if rest.is_empty()
                    && let Some(state) = object.state.filter(|state| wanted(*state))
                    && pairs(values, state).is_empty()
                {
                    let name = "state".to_owned();
                    found.push(Part { name, id: state, role: Role::Inside, text: true });
                }
            }
        },
        _ => {}
    }
    last_of_each_key(found)
}

/// The entries of a list that is a dictionary's: pairs of a text and a tensor, and nothing else.
fn named_pairs(values: &Values, ids: &[Id]) -> Option<Vec<(Id, Id)>> {
    let pair = |id: &Id| match values.get(*id) {
        Value::Tuple(pair) => match *pair.as_slice() {
            [key, value] => {
                let named = matches!(values.get(key), Value::Text(_)) && is_leaf(values, value);
                named.then_some((key, value))
            }
            _ => None,
        },
        _ => None,
    };
    ids.iter().map(pair).collect()
}

/// The names of buffers that a module leaves out of its state dict.
fn not_saved(values: &Values, attributes: &[(Id, Id)]) -> HashSet<String> {
    let set = attributes.iter().find(|(key, _)| key_name(values, *key) == "_non_persistent_buffers_set");
    let ids = set.map(|(_, set)| match values.get(*set) {
        Value::Set(ids) => ids.as_slice(),
        _ => values.as_sequence(*set).unwrap_or_default(),
    });
    ids.unwrap_or_default().iter().map(|id| key_name(values, *id)).collect()
}

/// A key that a dictionary was given twice has the second value.
fn last_of_each_key(mut parts: Vec<Part>) -> Vec<Part> {
    let mut seen = HashSet::new();
    parts.reverse();
    parts.retain(|part| !part.text || seen.insert((part.name.clone(), part.role == Role::Inside)));
    parts.reverse();
    parts
}

/// A dictionary's key as part of a name.
fn key_name(values: &Values, id: Id) -> String {
    let one = |id: Id| match values.get(id) {
        Value::Text(text) => values.text_of(*text).into_owned(),
        Value::Int(value) => value.to_string(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::None => "None".to_owned(),
        Value::Number => "<number>".to_owned(),
        Value::Global(..) => values.class_name(id),
        Value::Bytes(_) | Value::LongText(_) => "<long text>".to_owned(),
        _ => "<object>".to_owned(),
    };
    match values.get(id) {
        Value::Tuple(ids) => {
            let shown: Vec<String> = ids.iter().take(8).map(|id| one(*id)).collect();
            format!("({})", shown.join(", "))
        }
        _ => one(id),
    }
}
