//! The golden files under other names, with other tensors beside them.

use super::*;

/// The golden file of `name` under other names, without those that become empty, with other tensors beside it.
pub fn rewritten(name: &str, rename: impl Fn(&str) -> String, beside: &[(&str, &[usize])]) -> Written {
    let mut state = StateDict::read(&golden(name), None).unwrap();
    let mut tensors = Vec::new();
    for info in state.keys().into_iter().filter(|info| !info.shape.is_empty()) {
        let values = state.take(&info.key, &info.shape).unwrap();
        tensors.push((rename(&info.key), info.shape, values));
    }
    tensors.retain(|(name, ..)| !name.is_empty());
    for (name, shape) in beside {
        tensors.push((name.to_string(), shape.to_vec(), vec![0.25; shape.iter().product()]));
    }
    Written { options: options_of(name), ..written("encoder.safetensors", tensors) }
}

pub fn written(file: &str, all: Vec<(String, Vec<usize>, Vec<f32>)>) -> Written {
    let mut tensors = NamedTensors::default();
    for (name, shape, values) in all {
        let flat = Tensor::<1>::from_floats(values.as_slice(), &Device::flex());
        match *shape {
            [a] => tensors.add(&name, flat.reshape([a])).unwrap(),
            [a, b] => tensors.add(&name, flat.reshape([a, b])).unwrap(),
            [a, b, c] => tensors.add(&name, flat.reshape([a, b, c])).unwrap(),
            [a, b, c, d] => tensors.add(&name, flat.reshape([a, b, c, d])).unwrap(),
            _ => panic!("{name}: {shape:?}"),
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    write_tensors(&path, &tensors, HashMap::new()).unwrap();
    Written { _folder: folder, path, options: ReadOptions::default() }
}

pub struct Written {
    _folder: tempfile::TempDir,
    pub path: PathBuf,
    pub options: ReadOptions,
}

impl Written {
    pub fn read(&self) -> LoadedEncoder {
        read_encoder(&self.path, &self.options, &Device::flex()).unwrap()
    }

    pub fn error(&self) -> String {
        read_encoder(&self.path, &self.options, &Device::flex()).unwrap_err().to_string()
    }
}
