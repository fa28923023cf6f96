//! From a file's tensors into a network, each of them checked before one is read.

use burn::tensor::Tensor;
use zview_network::{Network, StateVisitor, read_network};

use super::account::{Account, Refused, account};
use super::{EncoderFile, PretrainedError, other};

impl EncoderFile {
    /// Fills `network`, whose tensors must all be in the file, and the file's in it, but for those that are known not to
    /// be needed.
    pub(crate) fn fill(&mut self, network: &mut impl Network) -> Result<Account, PretrainedError> {
        let mut check = Check { file: self, used: Vec::new(), problems: Vec::new() };
        network.visit("", &mut check);
        let Check { used, problems, .. } = check;
        let path = || self.tensors.state.path().to_owned();
        let accounted = account(&self.tensors, &used, &self.others);
        if let Err(Refused { what: Some(what), keys }) = &accounted {
            let (path, what) = (path(), what.clone());
            return Err(PretrainedError::Refused { path, what, count: keys.len(), keys: shown(keys) });
        }
        if !problems.is_empty() {
            let described = self.recognised.described.clone();
            return Err(PretrainedError::Misfit {
                path: path(),
                described,
                count: problems.len(),
                problems: shown(&problems),
            });
        }
        let account = accounted.map_err(|Refused { keys, .. }| PretrainedError::Refused {
            path: path(),
            what: format!("tensors that {} has not", self.recognised.described),
            count: keys.len(),
            keys: shown(&keys),
        })?;
        read_network(network, "", &mut self.tensors)?;
        Ok(account)
    }
}

/// The first few.
fn shown(names: &[String]) -> Vec<String> {
    names.iter().take(3).cloned().collect()
}

struct Check<'a> {
    file: &'a EncoderFile,
    used: Vec<String>,
    problems: Vec<String>,
}

impl StateVisitor for Check<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        let tensors = &self.file.tensors;
        let in_file = tensors.in_file(name);
        match tensors.shape(name) {
            None => self.problems.push(match other::missing(name) {
                Some(what) => format!("`{in_file}` is missing ({what})"),
                None => format!("`{in_file}` is missing"),
            }),
            Some(shape) if shape != tensor.dims() => {
                let expected = tensor.dims();
                self.problems.push(format!("`{in_file}` has shape {shape:?}, expected {expected:?}"));
            }
            Some(_) => {
                let keys = tensors.keys(name);
                let odd = keys.iter().find_map(|key| {
                    let found = self.file.element_types.get(key)?;
                    (!found.contains("float")).then(|| (key, found.clone()))
                });
                if let Some((key, found)) = odd {
                    self.problems.push(format!("`{key}` holds {found}, expected floating-point numbers"));
                }
                self.used.extend(keys);
            }
        }
    }

    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.parameter(name, tensor);
    }

    fn counter(&mut self, name: &str, _: &mut u64) {
        self.used.extend(self.file.tensors.keys(name));
    }
}
