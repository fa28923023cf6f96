//! Weights that a file holds in parts, made whole as PyTorch makes them when it evaluates: spectral norm, weight norm and
//! pruning, in the forms of `torch.nn.utils` and of `torch.nn.utils.parametrizations`.

/// The names of a weight's parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Parts {
    /// W / (u^T W v); without v, the one of a power step: v = W^T u / |W^T u|.
    /// Miyato et al. 2018, <https://arxiv.org/abs/1802.05957>.
    SpectralNorm { weight: String, u: String, v: Option<String> },
    /// g V / |V|. Salimans and Kingma 2016, <https://arxiv.org/abs/1602.07868>.
    WeightNorm { g: String, v: String },
    /// W where the mask is 1, else 0.
    Mask { weight: String, mask: String },
}

impl Parts {
    /// The parts that `key` is made of, by the names that there are.
    pub(super) fn of(key: &str, has: impl Fn(&str) -> bool) -> Option<Self> {
        let [original, u, v, g, mask] = ["_orig", "_u", "_v", "_g", "_mask"].map(|end| format!("{key}{end}"));
        if has(&original) && has(&u) {
            return Some(Self::SpectralNorm { weight: original, u, v: Some(v).filter(|v| has(v)) });
        }
        if has(&original) && has(&mask) {
            return Some(Self::Mask { weight: original, mask });
        }
        if has(&g) && has(&v) {
            return Some(Self::WeightNorm { g, v });
        }
        let (layer, name) =
            key.rsplit_once('.').map_or(("", key), |(layer, name)| (&key[..=layer.len()], name));
        let part = |end: &str| format!("{layer}parametrizations.{name}.{end}");
        let (original, u, v) = (part("original"), part("0._u"), part("0._v"));
        // A second parametrisation on top of the first is not worked out.
        if has(&part("1._u")) || has(&part("1.base")) || has(&part("0.base")) {
            return None;
        }
        if has(&original) && has(&u) {
            return Some(Self::SpectralNorm { weight: original, u, v: Some(v).filter(|v| has(v)) });
        }
        let (g, v) = (part("original0"), part("original1"));
        (has(&g) && has(&v)).then_some(Self::WeightNorm { g, v })
    }

    /// The part that has the weight's own shape.
    pub(super) fn shaped(&self) -> &str {
        match self {
            Self::SpectralNorm { weight, .. } | Self::Mask { weight, .. } => weight,
            Self::WeightNorm { v, .. } => v,
        }
    }

    /// The other parts.
    pub(super) fn others(&self) -> Vec<&str> {
        match self {
            Self::SpectralNorm { u, v, .. } => {
                [Some(u), v.as_ref()].into_iter().flatten().map(String::as_str).collect()
            }
            Self::WeightNorm { g, .. } => vec![g],
            Self::Mask { mask, .. } => vec![mask],
        }
    }
}

/// A weight as a matrix: one axis is its rows, all others its columns.
struct Matrix<'a> {
    values: &'a [f64],
    /// Extents before, of and after the axis.
    extents: [usize; 3],
}

impl<'a> Matrix<'a> {
    fn new(values: &'a [f64], shape: &[usize], axis: usize) -> Self {
        let before = shape[..axis].iter().product();
        let after = shape[axis + 1..].iter().product();
        Self { values, extents: [before, shape[axis], after] }
    }

    fn columns(&self) -> usize {
        self.extents[0] * self.extents[2]
    }

    /// Calls `visit` with row, column and value of every element.
    fn each(&self, mut visit: impl FnMut(usize, usize, f64)) {
        let [before, rows, after] = self.extents;
        for outer in 0..before {
            for row in 0..rows {
                for inner in 0..after {
                    let value = self.values[(outer * rows + row) * after + inner];
                    visit(row, outer * after + inner, value);
                }
            }
        }
    }

    /// W v.
    fn times(&self, v: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.extents[1]];
        self.each(|row, column, value| product[row] += value * v[column]);
        product
    }

    /// W^T u.
    fn transposed_times(&self, u: &[f64]) -> Vec<f64> {
        let mut product = vec![0.0; self.columns()];
        self.each(|row, column, value| product[column] += value * u[row]);
        product
    }
}

/// u^T W v of a weight whose rows are its first axis, or its second in a transposed convolution. Which it is shows in the
/// length of u; where both have that length, in whether u is W v up to its length, as training leaves it. `None` where
/// the vectors fit neither.
pub(super) fn spectral_sigma(
    weight: &[f64],
    shape: &[usize],
    u: &[f64],
    v: Option<&[f64]>,
    transposed: bool,
) -> Option<f64> {
    let usual = usize::from(transposed && shape.len() > 1);
    let mut fits = Vec::new();
    for axis in [usual, 1 - usual] {
        if shape.get(axis) != Some(&u.len()) {
            continue;
        }
        let matrix = Matrix::new(weight, shape, axis);
        let v = match v {
            Some(v) => v.to_vec(),
            None => unit(matrix.transposed_times(u)),
        };
        if v.len() != matrix.columns() {
            continue;
        }
        let product = matrix.times(&v);
        let sigma = dot(u, &product);
        let alike = sigma / (dot(u, u) * dot(&product, &product)).sqrt();
        fits.push((sigma, alike));
    }
    match *fits.as_slice() {
        [(usual, alike), (other, other_alike)] => {
            Some(if alike < 0.9 && other_alike > 0.99 { other } else { usual })
        }
        [(sigma, _), ..] => Some(sigma),
        [] => None,
    }
}

/// g V / |V|, where g has one value for each element of one axis, or one in all. `None` where it has other ones.
pub(super) fn weight_norm(v: &[f64], shape: &[usize], g: &[f64], g_shape: &[usize]) -> Option<Vec<f64>> {
    if g.len() == 1 && g_shape.iter().all(|extent| *extent == 1) {
        let norm = dot(v, v).sqrt();
        return Some(v.iter().map(|value| value * g[0] / norm).collect());
    }
    let axis = g_shape.iter().position(|extent| *extent != 1)?;
    let one_axis = g_shape.len() == shape.len() && g_shape.iter().filter(|extent| **extent != 1).count() == 1;
    if !one_axis || shape[axis] != g.len() {
        return None;
    }
    let matrix = Matrix::new(v, shape, axis);
    let mut squares = vec![0.0; g.len()];
    matrix.each(|row, _, value| squares[row] += value * value);
    let after = matrix.extents[2].max(1);
    let rows = g.len();
    Some(
        v.iter()
            .enumerate()
            .map(|(index, value)| {
                let row = index / after % rows;
                value * g[row] / squares[row].sqrt()
            })
            .collect(),
    )
}

fn unit(mut vector: Vec<f64>) -> Vec<f64> {
    let length = dot(&vector, &vector).sqrt().max(1e-12);
    vector.iter_mut().for_each(|value| *value /= length);
    vector
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
