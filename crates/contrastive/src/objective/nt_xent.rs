//! NT-Xent, the normalised temperature-scaled cross-entropy.
//!
//! Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations" (SimCLR),
//! equation 1, <https://arxiv.org/abs/2002.05709>:
//!
//! l(i, j) = -log( exp(s(i, j) / T) / sum over k != i of exp(s(i, k) / T) )
//!
//! with s the cosine similarity of projections and T the temperature; the loss is the mean over all
//! ordered pairs (i, j) of views of one anchor. With V = 2 that is SimCLR's mean over 2N; with more views
//! it averages over each view's V - 1 partners (Khosla et al. 2020, equation 2, the "out" form).

use burn::tensor::{Device, Int, Tensor, TensorData, activation};
use zview_kernels::matmul;

/// Takes an anchor's similarity with itself out of the softmax.
const EXCLUDED: f32 = -1e9;

/// NT-Xent for batches of B anchors with V views each; N = B * V.
#[derive(Debug, Clone)]
pub struct NtXent {
    temperature: f32,
    own: Tensor<2>,      // [N, N]: EXCLUDED on the diagonal, else 0
    partners: Tensor<2>, // [N, N]: 1 / (V - 1) for other views of the same anchor, else 0
}

impl NtXent {
    /// Masks for B anchors with V views each (V at least 2), on the device of the projections.
    #[must_use]
    pub fn new(anchors: usize, views: usize, temperature: f32, device: &Device) -> Self {
        let count = anchors * views;
        let ids = |id: &dyn Fn(usize) -> i32| {
            let ids = TensorData::new((0..count).map(id).collect::<Vec<i32>>(), [count, 1]);
            Tensor::<2, Int>::from_data(ids, device)
        };
        // Compared on the device: N x N numbers never pass through the host.
        let same = |ids: Tensor<2, Int>| -> Tensor<2> { ids.clone().equal(ids.transpose()).float() };
        let itself = same(ids(&|view| view as i32));
        let anchor = same(ids(&|view| (view / views) as i32));
        let partners = (anchor - itself.clone()) / (views as f32 - 1.0);
        Self { temperature, own: itself * EXCLUDED, partners }
    }

    /// The mean loss, shape `[1]`, of projections (N, D) whose row b * V + v is view v of anchor b.
    #[must_use]
    pub fn loss(&self, projections: Tensor<2>) -> Tensor<1> {
        let norm = (projections.clone().square().sum_dim(1) + 1e-12).sqrt(); // [N, 1]
        let unit = projections / norm; // [N, D]
        let logits = matmul(unit.clone(), unit.transpose()) / self.temperature; // [N, N]
        let log_probability = activation::log_softmax(logits + self.own.clone(), 1);
        let per_view = -(log_probability * self.partners.clone()).sum_dim(1); // [N, 1]
        per_view.mean_dim(0).squeeze_dim(1)
    }
}

#[cfg(test)]
mod tests {
    use zview_runtime::device::on_test_devices;
    use zview_runtime::seed::{Purpose, Stream};

    use super::*;

    fn projections(count: usize, dimension: usize) -> Vec<f32> {
        let mut stream = Stream::new(1, Purpose::Check, 0, 0);
        (0..count * dimension).map(|_| stream.normal()).collect()
    }

    /// The equation, written out in double precision.
    fn reference(values: &[f32], anchors: usize, views: usize, dimension: usize, temperature: f64) -> f64 {
        let count = anchors * views;
        let row = |i: usize| values[i * dimension..(i + 1) * dimension].iter().map(|&x| f64::from(x));
        let similarity = |i: usize, j: usize| {
            let dot: f64 = row(i).zip(row(j)).map(|(a, b)| a * b).sum();
            let norm = |i: usize| row(i).map(|a| a * a).sum::<f64>().sqrt();
            dot / norm(i) / norm(j) / temperature
        };
        let mut loss = 0.0;
        for i in 0..count {
            let sum: f64 = (0..count).filter(|&k| k != i).map(|k| similarity(i, k).exp()).sum();
            let partners = (i / views * views..(i / views + 1) * views).filter(|&j| j != i);
            loss += partners.map(|j| sum.ln() - similarity(i, j)).sum::<f64>() / (views - 1) as f64;
        }
        loss / count as f64
    }

    fn loss(values: &[f32], anchors: usize, views: usize, dimension: usize, device: &Device) -> Tensor<1> {
        let data = TensorData::new(values.to_vec(), [anchors * views, dimension]);
        let objective = NtXent::new(anchors, views, 0.2, device);
        objective.loss(Tensor::from_data(data, device))
    }

    #[test]
    fn is_the_equation_for_two_and_for_more_views() {
        on_test_devices(|name, device| {
            for (anchors, views) in [(8, 2), (5, 4)] {
                let values = projections(anchors * views, 16);
                let got = f64::from(loss(&values, anchors, views, 16, device).into_scalar::<f32>());
                let expected = reference(&values, anchors, views, 16, 0.2);
                assert!((got - expected).abs() < 1e-5 * expected, "{name}: {got} against {expected}");
            }
        });
    }

    #[test]
    fn its_gradient_is_the_equations_finite_difference() {
        let (anchors, views, dimension) = (4, 2, 6);
        let values = projections(anchors * views, dimension);
        let slope = |index: usize| {
            let at = |delta: f32| {
                let mut moved = values.clone();
                moved[index] += delta;
                let step = f64::from(moved[index]) - f64::from(values[index]);
                (reference(&moved, anchors, views, dimension, 0.2), step)
            };
            let ((up, up_step), (down, down_step)) = (at(1e-3), at(-1e-3));
            (up - down) / (up_step - down_step)
        };
        on_test_devices(|name, device| {
            let device = device.clone().autodiff();
            let data = TensorData::new(values.clone(), [anchors * views, dimension]);
            let leaf = Tensor::<2>::from_data(data, &device).require_grad();
            let gradients = NtXent::new(anchors, views, 0.2, &device).loss(leaf.clone()).backward();
            let gradient = leaf.grad(&gradients).unwrap().into_data().try_into_vec::<f32>().unwrap();
            for (index, got) in gradient.into_iter().enumerate() {
                let expected = slope(index);
                assert!((f64::from(got) - expected).abs() < 1e-4, "{name}, {index}: {got} {expected}");
            }
        });
    }
}
