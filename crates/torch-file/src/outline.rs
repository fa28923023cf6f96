//! From a pickle's root to its tensors by name.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::TorchError;
use crate::archive::Content;
use crate::limits::{ENTERED, LOOKED_AT, TENSORS_BYTES};
use crate::module::{Part, Role, class_name, is_module, parts};
use crate::pickle::{Id, Value, Values};
use crate::rebuild::{Builder, Built, is_leaf};
use crate::tensor::{Holder, Tensor};

/// Keys on the way to a tensor; what lies deeper is named and not read.
const DEPTH_MAX: usize = 256;
/// The name of a tensor that is all that a file holds.
const ALONE: &str = "tensor";

/// Every tensor of `content`, by name.
pub(crate) fn tensors(content: &Content, file_bytes: u64) -> Result<Vec<Tensor>, TorchError> {
    let values = &content.pickle.values;
    let mut outline = Outline {
        values,
        builder: Builder::new(content),
        holding: Holding::new(values, content.pickle.root),
        on_path: HashSet::new(),
        seen_inside: HashSet::new(),
        names: HashMap::new(),
        found: Vec::new(),
        file_bytes,
        bytes: 0,
        entered: 0,
        looked_at: 0,
    };
    outline.walk(content.pickle.root)?;
    Ok(outline.found)
}

struct Outline<'a> {
    values: &'a Values,
    builder: Builder<'a>,
    holding: Holding,
    on_path: HashSet<Id>,
    /// Containers within objects, each of which is entered once.
    seen_inside: HashSet<Id>,
    /// How often each name was there.
    names: HashMap<String, usize>,
    found: Vec<Tensor>,
    file_bytes: u64,
    bytes: usize,
    entered: usize,
    looked_at: usize,
}

struct Frame {
    id: Id,
    parts: std::vec::IntoIter<Part>,
    holder: Holder,
    /// The object's own class, for what lies in its attributes.
    class: Option<Rc<str>>,
    /// Bytes of the path to it, and to the module that it is a part of.
    path: usize,
    dictionary: usize,
}

impl Outline<'_> {
    fn walk(&mut self, root: Id) -> Result<(), TorchError> {
        if is_leaf(self.values, root) {
            return self.add(ALONE, root, Holder::Dictionary, 0);
        }
        let mut path = String::new();
        let mut frames = Vec::new();
        self.enter(&mut frames, root, Role::Plain, Holder::Dictionary, [0, 0])?;
        while let Some(frame) = frames.last_mut() {
            path.truncate(frame.path);
            let Some(part) = frame.parts.next() else {
                self.on_path.remove(&frame.id);
                frames.pop();
                continue;
            };
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(&part.name);
            let holder = match (part.role, &frame.class) {
                (Role::Inside, Some(class)) => Holder::Object(Rc::clone(class)),
                _ => frame.holder.clone(),
            };
            let dictionary = if part.role == Role::Module { frame.dictionary } else { frame.path };
            if is_leaf(self.values, part.id) {
                self.add(&path, part.id, holder, dictionary)?;
            } else if frames.len() >= DEPTH_MAX {
                let built = Built::unreadable(format!("what lies more than {DEPTH_MAX} keys deep"));
                self.name(&path, built, holder, dictionary)?;
            } else {
                let dictionary = if part.role == Role::Module { dictionary } else { path.len() };
                self.enter(&mut frames, part.id, part.role, holder, [path.len(), dictionary])?;
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        frames: &mut Vec<Frame>,
        id: Id,
        role: Role,
        holder: Holder,
        [path, dictionary]: [usize; 2],
    ) -> Result<(), TorchError> {
        if !self.holding.holds(id)
            || role == Role::Inside && !self.seen_inside.insert(id)
            || !self.on_path.insert(id)
        {
            return Ok(());
        }
        let class = match self.values.get(id) {
            Value::Object(object) => Some(Rc::from(class_name(self.values, object))),
            _ => None,
        };
        let holder = match (&class, &holder, role) {
            // A module within a module keeps the name of the outer one.
            (Some(_), Holder::Module(_), Role::Module) => holder,
            (Some(class), ..) if is_module(self.values, id) => Holder::Module(Rc::clone(class)),
            _ => holder,
        };
        self.looked_at += self.values.size(id);
        let parts = parts(self.values, id, role, |part| self.holding.holds(part));
        self.entered += 1 + parts.len();
        if self.entered > ENTERED || self.looked_at > LOOKED_AT {
            return Err(TorchError::TooLarge(
                "its dictionaries and lists refer to each other too often".to_owned(),
            ));
        }
        frames.push(Frame { id, parts: parts.into_iter(), holder, class, path, dictionary });
        Ok(())
    }

    fn add(&mut self, name: &str, id: Id, holder: Holder, dictionary: usize) -> Result<(), TorchError> {
        let built = self.builder.build(id);
        self.name(name, built, holder, dictionary)
    }

    fn name(
        &mut self,
        name: &str,
        built: Built,
        holder: Holder,
        dictionary: usize,
    ) -> Result<(), TorchError> {
        self.bytes += size_of::<Tensor>() + 2 * name.len() + 16 * built.shape.len() + 64;
        if self.bytes > TENSORS_BYTES {
            let limit = TENSORS_BYTES >> 20;
            return Err(TorchError::TooLarge(format!("the names of its tensors take more than {limit} MiB")));
        }
        // The keys 0 and "0" are two.
        let times = self.names.entry(name.to_owned()).or_insert(0);
        *times += 1;
        let name = if *times == 1 { name.to_owned() } else { format!("{name} ({times})") };
        let Built { shape, element, view } = built;
        self.found.push(Tensor {
            name,
            dictionary,
            shape,
            element,
            holder,
            view,
            file_bytes: self.file_bytes,
        });
        Ok(())
    }
}

/// Which values hold a tensor, somewhere.
struct Holding(Vec<u64>);

impl Holding {
    /// From every tensor back to what refers to it.
    fn new(values: &Values, root: Id) -> Self {
        let count = values.len();
        let mut holding = Self(vec![0; count.div_ceil(64)]);
        let mut leaves = Self(vec![0; count.div_ceil(64)]);
        let mut pending = Vec::new();
        for id in 0..count as Id {
            if is_leaf(values, id) {
                leaves.insert(id);
                holding.insert(id);
                pending.push(id);
            }
        }
        if !is_container(values, root) || pending.is_empty() {
            return holding;
        }
        // Who refers to each value: first how many, then which.
        let mut first = vec![0u32; count + 1];
        let each = |visit: &mut dyn FnMut(Id, Id)| {
            for id in 0..count as Id {
                if !leaves.holds(id) {
                    for_each_part(values, id, &mut |part| {
                        if leaves.holds(part) || is_container(values, part) {
                            visit(part, id);
                        }
                    });
                }
            }
        };
        each(&mut |part, _| first[part as usize + 1] += 1);
        for index in 0..count {
            first[index + 1] += first[index];
        }
        let mut next = first.clone();
        let mut referring = vec![0; first[count] as usize];
        each(&mut |part, id| {
            referring[next[part as usize] as usize] = id;
            next[part as usize] += 1;
        });
        drop(next);
        while let Some(id) = pending.pop() {
            for by in &referring[first[id as usize] as usize..first[id as usize + 1] as usize] {
                if holding.insert(*by) {
                    pending.push(*by);
                }
            }
        }
        holding
    }

    fn holds(&self, id: Id) -> bool {
        self.0.get(id as usize / 64).is_some_and(|bits| bits >> (id % 64) & 1 == 1)
    }

    fn insert(&mut self, id: Id) -> bool {
        let new = !self.holds(id);
        if let Some(bits) = self.0.get_mut(id as usize / 64) {
            *bits |= 1 << (id % 64);
        }
        new
    }
}

fn is_container(values: &Values, id: Id) -> bool {
    matches!(
        values.get(id),
        Value::Tuple(_) | Value::List(_) | Value::Set(_) | Value::Dict(_) | Value::Object(_)
    )
}

fn for_each_part(values: &Values, id: Id, visit: &mut dyn FnMut(Id)) {
    match values.get(id) {
        Value::Tuple(ids) | Value::List(ids) | Value::Set(ids) => ids.iter().for_each(|id| visit(*id)),
        Value::Dict(ids) => ids.iter().skip(1).step_by(2).for_each(|id| visit(*id)),
        Value::Object(object) => {
            visit(object.arguments);
            object.state.into_iter().for_each(&mut *visit);
            object.entries.iter().skip(1).step_by(2).for_each(|id| visit(*id));
            object.elements.iter().for_each(|id| visit(*id));
        }
        _ => {}
    }
}
