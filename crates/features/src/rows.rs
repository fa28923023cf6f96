//! Features of labelled images, in memory or in a mapped file.

use std::borrow::Cow;
use std::ops::Range;

use super::mapped_rows::{ColumnMap, MappedRows};
use super::row_file::{RowFile, RowWriter};
use crate::FeatureError;

/// Rows that are read at once where nothing else decides: their values take few megabytes.
pub const TILE_ROWS: usize = 256;

/// One row of features per labelled image, checked once: every value is finite, every label names
/// a class.
///
/// Large sets lie in a mapped file, of which rows are read, chosen and standardised tile by tile; whoever reads by
/// [`Self::tile`] gets the same bits either way.
#[derive(Debug, Clone)]
pub struct Features {
    rows: Rows,
    dimension: usize,
    labels: Vec<u32>,
    class_names: Vec<String>,
}

/// Where the values (N, D) are.
#[derive(Debug, Clone)]
enum Rows {
    InMemory(Vec<f32>),
    Mapped(MappedRows),
}

impl PartialEq for Features {
    fn eq(&self, other: &Self) -> bool {
        let about = |features: &Self| (features.dimension, features.len());
        about(self) == about(other)
            && self.labels == other.labels
            && self.class_names == other.class_names
            && self.tiles(TILE_ROWS).eq(other.tiles(TILE_ROWS))
    }
}

impl Features {
    /// Features from `values` (N, D) row by row, `labels` (N) and the names of the classes.
    ///
    /// # Errors
    /// Sizes that do not fit, a label beyond the classes, a value that is not finite (naming image
    /// and dimension).
    pub fn new(
        values: Vec<f32>,
        dimension: usize,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, FeatureError> {
        let got = values.len();
        let features = Self::checked(Rows::InMemory(values), got, dimension, labels, class_names)?;
        let values = features.tile(0..features.len());
        if let Some(position) = values.iter().position(|value| !value.is_finite()) {
            let (image, value) = (position / dimension, values[position]);
            return Err(FeatureError::NotFinite { image, dimension: position % dimension, value });
        }
        drop(values);
        Ok(features)
    }

    /// Features in a file without a name in the system's temporary folder, whose rows (N, D) `fill` gives one after
    /// another; it goes when the last copy of these features does.
    ///
    /// # Errors
    /// As [`Self::new`], what `fill` gives, [`FeatureError::Write`].
    pub fn in_temporary_file(
        dimension: usize,
        labels: Vec<u32>,
        class_names: Vec<String>,
        fill: impl FnOnce(&mut RowWriter<'_>) -> Result<(), FeatureError>,
    ) -> Result<Self, FeatureError> {
        let rows = MappedRows::in_temporary_file((labels.len(), dimension), fill)?;
        let got = rows.len() * dimension;
        Self::checked(Rows::Mapped(rows), got, dimension, labels, class_names)
    }

    /// The rows of `file`, which hold finite values.
    pub(crate) fn in_file(
        file: RowFile,
        dimension: usize,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, FeatureError> {
        let got = file.rows() * dimension;
        Self::checked(Rows::Mapped(MappedRows::new(file)), got, dimension, labels, class_names)
    }

    /// With sizes and labels checked, there being `got` values.
    fn checked(
        rows: Rows,
        got: usize,
        dimension: usize,
        labels: Vec<u32>,
        class_names: Vec<String>,
    ) -> Result<Self, FeatureError> {
        let expected = labels.len().saturating_mul(dimension);
        if dimension == 0 || got != expected {
            return Err(FeatureError::Size {
                what: "feature values (images times dimensions, both at least 1)",
                expected: expected.max(1),
                got,
            });
        }
        let class_names_len = class_names.len();
        if let Some((image, &label)) =
            labels.iter().enumerate().find(|&(_, &label)| label as usize >= class_names_len)
        {
            return Err(FeatureError::Label { image, label, classes: class_names_len });
        }
        Ok(Self { rows, dimension, labels, class_names })
    }

    /// The values of some images, (R, D) row by row: those in memory, or what is made of the mapped file. Panics, as a
    /// slice does, beyond the images.
    #[must_use]
    pub fn tile(&self, images: Range<usize>) -> Cow<'_, [f32]> {
        match &self.rows {
            Rows::InMemory(values) => {
                Cow::Borrowed(&values[images.start * self.dimension..images.end * self.dimension])
            }
            Rows::Mapped(rows) => rows.tile(images),
        }
    }

    /// All values, `rows` images at a time, in order.
    pub fn tiles(&self, rows: usize) -> impl Iterator<Item = Cow<'_, [f32]>> {
        pieces(0..self.len(), rows).into_iter().map(|images| self.tile(images))
    }

    /// All values at once, (N, D) row by row, for methods that cannot work tile by tile.
    ///
    /// # Errors
    /// [`FeatureError::Memory`] for those of a mapped file that need more memory than reading may take.
    pub fn whole(&self) -> Result<Cow<'_, [f32]>, FeatureError> {
        self.whole_within(zview_data::reading().memory)
    }

    fn whole_within(&self, memory: u64) -> Result<Cow<'_, [f32]>, FeatureError> {
        let needed = bytes_of(self.len(), self.dimension);
        if matches!(self.rows, Rows::Mapped(_)) && needed > memory {
            return Err(FeatureError::Memory {
                images: self.len(),
                dimension: self.dimension,
                needed,
                memory,
            });
        }
        Ok(self.tile(0..self.len()))
    }

    /// The D features of one image.
    #[must_use]
    pub fn row(&self, image: usize) -> Cow<'_, [f32]> {
        self.tile(image..image + 1)
    }

    /// D, the number of features of an image.
    #[must_use]
    pub fn dimension(&self) -> usize {
        self.dimension
    }

    /// The class of each image, (N).
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// The names of the classes, (C).
    #[must_use]
    pub fn class_names(&self) -> &[String] {
        &self.class_names
    }

    /// C, the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.class_names.len()
    }

    /// N, the number of images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The given images, in the given order. Of a mapped file no value is copied.
    #[must_use]
    pub fn select(&self, images: &[usize]) -> Self {
        let rows = match &self.rows {
            Rows::InMemory(_) => {
                let mut values = Vec::with_capacity(images.len() * self.dimension);
                images.iter().for_each(|&image| values.extend_from_slice(&self.row(image)));
                Rows::InMemory(values)
            }
            Rows::Mapped(rows) => Rows::Mapped(rows.select(images)),
        };
        let labels = images.iter().map(|&image| self.labels[image]).collect();
        self.with_rows(rows, labels, self.class_names.clone())
    }

    /// (x - mean) / std of each column, in double precision, `mean` and `std` being (D). Of a mapped file no value is
    /// copied.
    #[must_use]
    pub fn standardised(&self, mean: &[f64], std: &[f64]) -> Self {
        assert!(
            mean.len() == self.dimension && std.len() == self.dimension,
            "means of {} columns for features of {}",
            mean.len(),
            self.dimension
        );
        let map = ColumnMap::new(mean, std);
        let rows = match &self.rows {
            Rows::InMemory(values) => {
                let mut values = values.clone();
                map.apply(&mut values);
                Rows::InMemory(values)
            }
            Rows::Mapped(rows) => Rows::Mapped(rows.clone().mapped(map)),
        };
        self.with_rows(rows, self.labels.clone(), self.class_names.clone())
    }

    /// The same features as if all were of the first of `class_names`.
    ///
    /// # Errors
    /// No class at all.
    pub fn of_one_class(&self, class_names: &[String]) -> Result<Self, FeatureError> {
        let (labels, got) = (vec![0; self.len()], self.len() * self.dimension);
        Self::checked(self.rows.clone(), got, self.dimension, labels, class_names.to_vec())
    }

    /// Each class's images in ascending order: (C) lists.
    #[must_use]
    pub fn images_by_class(&self) -> Vec<Vec<usize>> {
        let mut by_class = vec![Vec::new(); self.classes()];
        for (image, &label) in self.labels.iter().enumerate() {
            by_class[label as usize].push(image);
        }
        by_class
    }

    /// That both are not empty, have the same dimension and the same classes.
    pub fn check_train_and_test(train: &Self, test: &Self) -> Result<(), FeatureError> {
        for (set, features) in [("the train set", train), ("the test set", test)] {
            if features.is_empty() {
                return Err(FeatureError::Empty { set: set.to_owned() });
            }
        }
        if train.dimension != test.dimension {
            return Err(FeatureError::Size {
                what: "dimension of the test features",
                expected: train.dimension,
                got: test.dimension,
            });
        }
        let nameless = || "absent".to_owned();
        let classes = train.classes().max(test.classes());
        for index in 0..classes {
            let (train, test) = (train.class_names.get(index), test.class_names.get(index));
            if train != test {
                return Err(FeatureError::Classes {
                    index,
                    train: train.cloned().unwrap_or_else(nameless),
                    test: test.cloned().unwrap_or_else(nameless),
                });
            }
        }
        Ok(())
    }

    /// That both are not empty, have the same dimension and the same classes, and that there are two classes at least.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check_classified(train: &Self, test: &Self) -> Result<(), FeatureError> {
        Self::check_train_and_test(train, test)?;
        match train.class_names.as_slice() {
            [class] => Err(FeatureError::OneClass { class: class.clone() }),
            _ => Ok(()),
        }
    }

    /// The same images with other features of them, (N, D) row-major.
    #[must_use]
    pub fn with_values(&self, values: Vec<f32>) -> Self {
        debug_assert_eq!(values.len(), self.len() * self.dimension);
        self.with_rows(Rows::InMemory(values), self.labels.clone(), self.class_names.clone())
    }

    fn with_rows(&self, rows: Rows, labels: Vec<u32>, class_names: Vec<String>) -> Self {
        Self { rows, dimension: self.dimension, labels, class_names }
    }
}

/// `range` in pieces of `size`, the last as long as is left.
#[must_use]
pub fn pieces(range: Range<usize>, size: usize) -> Vec<Range<usize>> {
    let end = range.end;
    range.step_by(size).map(|first| first..end.min(first + size)).collect()
}

/// Bytes of the values of so many images.
pub(crate) fn bytes_of(images: usize, dimension: usize) -> u64 {
    (images as u64).saturating_mul(dimension as u64).saturating_mul(size_of::<f32>() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::numbered;

    #[test]
    fn what_does_not_fit_is_refused_and_named() {
        let size = Features::new(vec![0.0; 5], 2, vec![0, 0], numbered(1)).unwrap_err();
        assert!(matches!(size, FeatureError::Size { expected: 4, got: 5, .. }));
        let label = Features::new(vec![0.0; 4], 2, vec![0, 3], numbered(3)).unwrap_err();
        assert!(matches!(label, FeatureError::Label { image: 1, label: 3, classes: 3 }));
        let damaged = Features::new(vec![0.0, 0.0, 0.0, f32::NAN], 2, vec![0, 0], numbered(1)).unwrap_err();
        assert!(matches!(damaged, FeatureError::NotFinite { image: 1, dimension: 1, .. }));
        assert!(Features::new(Vec::new(), 0, vec![0], numbered(1)).is_err());
    }

    #[test]
    fn select_takes_rows_with_their_labels() {
        let all = Features::new(vec![0., 1., 2., 3., 4., 5.], 2, vec![0, 1, 0], numbered(2)).unwrap();
        let some = all.select(&[2, 1]);
        assert_eq!(some.whole().unwrap()[..], [4., 5., 2., 3.]);
        assert_eq!(some.labels(), [0, 1]);
        assert_eq!(all.images_by_class(), [vec![0, 2], vec![1]]);
    }

    #[test]
    fn train_and_test_must_share_their_classes() {
        let train = Features::new(vec![0.0], 1, vec![0], vec!["cat".into(), "dog".into()]).unwrap();
        let test = Features::new(vec![0.0], 1, vec![0], vec!["cat".into(), "fox".into()]).unwrap();
        let error = Features::check_train_and_test(&train, &test).unwrap_err().to_string();
        assert!(error.contains("dog") && error.contains("fox"), "{error}");
    }

    #[test]
    fn a_mapped_file_gives_the_same_bits_as_memory() {
        let all = crate::made_up::clouds(700, 9, 3, 1.0, 0);
        let mapped = crate::made_up::mapped(&all);
        let order: Vec<usize> = (0..700).filter(|image| image % 3 != 1).rev().collect();
        let (mean, std) = (vec![0.3; 9], vec![0.7; 9]);
        let bits = |features: &Features| -> Vec<u32> {
            features
                .tiles(64)
                .flat_map(|tile| tile.iter().map(|value| value.to_bits()).collect::<Vec<_>>())
                .collect()
        };
        let changed = |features: &Features| {
            let chosen = features.select(&order).standardised(&mean, &std).select(&[5, 3, 3, 200]);
            [features.clone(), features.select(&order), chosen.clone(), chosen.standardised(&std, &mean)]
        };
        for (memory, file) in changed(&all).iter().zip(&changed(&mapped)) {
            assert_eq!(bits(memory), bits(file));
            assert_eq!(memory, file);
            assert!(matches!(file.rows, Rows::Mapped(_)));
        }
        assert!(matches!(mapped.tile(3..9), Cow::Borrowed(_)));
        assert_ne!(all.select(&order), mapped.select(&order[1..]));
    }

    #[test]
    fn only_a_mapped_file_may_be_too_large_to_be_had_at_once() {
        let all = Features::new(vec![1.0; 6], 2, vec![0; 3], numbered(1)).unwrap();
        let mapped = crate::made_up::mapped(&all);
        let told = mapped.whole_within(23).unwrap_err().to_string();
        assert!(told.contains("24 bytes") && told.contains("--memory"), "{told}");
        assert_eq!(mapped.whole_within(24).unwrap(), all.whole_within(0).unwrap());
    }

    #[test]
    fn a_file_of_other_rows_than_promised_is_refused() {
        let made = |rows: &[f32]| {
            Features::in_temporary_file(2, vec![0, 0], numbered(1), |writer| writer.push(rows)).unwrap_err()
        };
        assert!(matches!(made(&[1.0; 2]), FeatureError::Size { expected: 4, got: 2, .. }));
        assert!(matches!(made(&[1.0; 3]), FeatureError::Size { expected: 4, got: 3, .. }));
        let none = Features::in_temporary_file(0, vec![0], numbered(1), |writer| writer.push(&[1.0]));
        assert!(matches!(none.unwrap_err(), FeatureError::Size { expected: 1, got: 0, .. }));
        let damaged = made(&[1.0, 2.0, 3.0, f32::INFINITY]);
        assert!(matches!(damaged, FeatureError::NotFinite { image: 1, dimension: 1, .. }));
    }
}
