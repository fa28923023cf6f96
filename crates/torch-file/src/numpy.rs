//! Arrays of numpy within a pickle.

use std::rc::Rc;

use crate::Element;
use crate::pickle::{Id, Object, Value, Values};
use crate::rebuild::{Builder, Built, sizes};
use crate::tensor::View;

/// Whether a function makes an array.
pub(crate) fn is_array(module: &str, name: &str) -> bool {
    module.starts_with("numpy") && matches!(name, "_reconstruct" | "_frombuffer")
}

/// The array that `object` is, if its elements are numbers.
pub(crate) fn array(
    builder: &Builder<'_>,
    object: &Object,
    name: &str,
    with: &[Id],
) -> Result<Built, String> {
    let values = builder.content_values();
    let parts = match (name, with) {
        // numpy's protocol 5: buffer, type, shape, order.
        ("_frombuffer", [data, dtype, shape, order, ..]) => {
            let by_columns = values.as_text(*order).is_some_and(|order| order == "F");
            Some((*data, *dtype, *shape, by_columns))
        }
        // Before: the state is (version, shape, type, by columns, bytes); the version may be absent.
        _ => match object.state.map(|state| values.get(state)) {
            Some(Value::Tuple(state)) => match *state.as_slice() {
                [_, shape, dtype, by_columns, data] | [shape, dtype, by_columns, data] => {
                    let by_columns = matches!(values.get(by_columns), Value::Bool(true) | Value::Int(1));
                    Some((data, dtype, shape, by_columns))
                }
                _ => None,
            },
            _ => None,
        },
    };
    let other = || "an array of numpy of another kind".to_owned();
    let (data, dtype, shape, by_columns) = parts.ok_or_else(other)?;
    let (element, big_endian) = element(values, dtype).ok_or_else(other)?;
    let shape: Option<Vec<i64>> = values
        .as_sequence(shape)
        .and_then(|ids| ids.iter().take(65).map(|id| values.as_integer(*id)).collect());
    let shape = sizes(&shape.filter(|shape| shape.len() <= 64).ok_or_else(other)?)?;
    let mut stride = vec![0; shape.len()];
    let mut next = 1u64;
    let mut axes: Vec<usize> = (0..shape.len()).collect();
    if !by_columns {
        axes.reverse();
    }
    for axis in axes {
        stride[axis] = next;
        next = next.saturating_mul(shape[axis] as u64);
    }
    let storage = builder.bytes_storage(data, Builder::CALLS_MAX).ok_or_else(other)?;
    let length = storage.length();
    let view = View { storage: Rc::new(storage), base: 0, length, offset: 0, stride, big_endian };
    Ok(Built { shape, element, view: Ok(view) })
}

/// Type, byte order (whether it is big-endian) and bytes of a number that is an object of NumPy's.
pub(crate) fn scalar(values: &Values, object: &Object) -> Option<(Element, bool, Id)> {
    let (module, name) = values.as_global(object.class)?;
    match values.items(object.arguments) {
        [dtype, data] if module.starts_with("numpy") && name == "scalar" => {
            element(values, *dtype).map(|(element, big_endian)| (element, big_endian, *data))
        }
        _ => None,
    }
}

/// Element type and whether it is big-endian, of `numpy.dtype("f4", ...)` with the state (version, order, ...).
fn element(values: &Values, dtype: Id) -> Option<(Element, bool)> {
    let Value::Object(object) = values.get(dtype) else { return None };
    let name = values.as_text(*values.items(object.arguments).first()?)?;
    let order = object.state.and_then(|state| values.as_text(*values.items(state).get(1)?));
    let big_endian = name.starts_with('>') || order.is_some_and(|order| order == ">");
    Some((Element::of_numpy(name.trim_start_matches(['<', '>', '|', '=']))?, big_endian))
}
