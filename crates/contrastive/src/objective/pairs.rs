//! Views of one anchor against each other.

use burn::tensor::Tensor;

/// Rows b * V + v as (B, V, D).
pub(super) fn by_anchor(rows: Tensor<2>, per_anchor: usize) -> Tensor<3> {
    let [count, dimension] = rows.dims();
    rows.reshape([count / per_anchor, per_anchor, dimension])
}

/// Row (b, v) of the result is row (b, v + `shift` mod V): for `shift` in 1..V, every ordered pair of different views
/// of an anchor once.
pub(super) fn partner(rows: Tensor<2>, per_anchor: usize, shift: usize) -> Tensor<2> {
    let dims = rows.dims();
    let views = by_anchor(rows, per_anchor);
    let [_, count, _] = views.dims();
    let from = views.clone().narrow(1, shift, count - shift);
    Tensor::cat(vec![from, views.narrow(1, 0, shift)], 1).reshape(dims)
}

/// Rows of length 1.
pub(super) fn unit(rows: Tensor<2>) -> Tensor<2> {
    let norm = (rows.clone().square().sum_dim(1) + 1e-12).sqrt(); // [N, 1]
    rows / norm
}

/// The mean cosine similarity of predictions (B * V, D) with the targets of the other views of the same anchor, over
/// all ordered pairs, shape `[1]`.
pub(super) fn mean_cosine(predictions: Tensor<2>, targets: Tensor<2>, per_anchor: usize) -> Tensor<1> {
    let [predictions, targets] = [unit(predictions), unit(targets)];
    let partners = (1..per_anchor).map(|shift| partner(targets.clone(), per_anchor, shift));
    let sum = partners.reduce(|a, b| a + b).unwrap_or_else(|| targets.zeros_like());
    let cosines = (predictions * sum).sum_dim(1) / (per_anchor as f32 - 1.0); // [N, 1]
    cosines.mean_dim(0).squeeze_dim(1)
}
