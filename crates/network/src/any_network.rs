//! Visiting networks whose type is known only when the program runs.

use std::any::Any;

use burn::tensor::Tensor;

use crate::{Network, StateVisitor};

/// A visitor of any type: what the method of a trait object can take, as [`Network::visit`] cannot be one.
pub struct AnyVisitor<'a>(&'a mut dyn Erased);

impl<'a> AnyVisitor<'a> {
    /// Shows to `visitor` what it is shown.
    pub fn new<V: StateVisitor>(visitor: &'a mut V) -> Self {
        Self(visitor)
    }
}

impl StateVisitor for AnyVisitor<'_> {
    fn parameter<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.0.tensor(name, tensor, true);
    }
    fn buffer<const D: usize>(&mut self, name: &str, tensor: &mut Tensor<D>) {
        self.0.tensor(name, tensor, false);
    }
    fn counter(&mut self, name: &str, count: &mut u64) {
        self.0.count(name, count);
    }
}

/// A [`StateVisitor`] as an object.
trait Erased {
    fn tensor(&mut self, name: &str, tensor: &mut dyn Any, is_parameter: bool);
    fn count(&mut self, name: &str, count: &mut u64);
}

impl<V: StateVisitor> Erased for V {
    fn tensor(&mut self, name: &str, tensor: &mut dyn Any, is_parameter: bool) {
        macro_rules! of_rank {
            ($($rank:literal)+) => {$(
                if let Some(tensor) = tensor.downcast_mut::<Tensor<$rank>>() {
                    if is_parameter {
                        self.parameter(name, tensor);
                    } else {
                        self.buffer(name, tensor);
                    }
                }
            )+};
        }
        of_rank!(1 2 3 4 5 6); // a convolution over space and time has five axes
    }
    fn count(&mut self, name: &str, count: &mut u64) {
        self.counter(name, count);
    }
}

/// A [`Network`] as an object.
pub trait AnyNetwork {
    /// As [`Network::visit`].
    fn visit_any(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>);
}

impl<N: Network> AnyNetwork for N {
    fn visit_any(&mut self, prefix: &str, visitor: &mut AnyVisitor<'_>) {
        self.visit(prefix, visitor);
    }
}
