//! What the methods' configurations have in common.

/// The keys of one method in `[objective]`.
pub trait MethodConfig {
    /// Everything wrong with them, one line each.
    fn problems(&self) -> Vec<String>;
}

/// Of a layer: weights between two such layers fill 1 GiB.
const MOST_FEATURES: usize = 1 << 14;
const MOST_LAYERS: usize = 16;

/// Collects what is wrong with the keys of `[objective]`.
#[derive(Debug, Default)]
pub(super) struct Problems(Vec<String>);

impl Problems {
    pub fn positive(mut self, key: &str, value: f32) -> Self {
        if !(value > 0.0 && value.is_finite()) {
            self.0.push(format!("objective.{key}: expected a positive number, got {value}"));
        }
        self
    }

    pub fn not_negative(mut self, key: &str, value: f32) -> Self {
        if !(value >= 0.0 && value.is_finite()) {
            self.0.push(format!("objective.{key}: expected 0 or more, got {value}"));
        }
        self
    }

    pub fn share(mut self, key: &str, value: f32) -> Self {
        if !(0.0..=1.0).contains(&value) {
            self.0.push(format!("objective.{key}: expected 0 to 1, got {value}"));
        }
        self
    }

    pub fn widths(mut self, key: &str, widths: &[usize]) -> Self {
        let fits = |width: &usize| (1..=MOST_FEATURES).contains(width);
        if !(1..=MOST_LAYERS).contains(&widths.len()) || !widths.iter().all(fits) {
            self.0.push(format!(
                "objective.{key}: expected 1 to {MOST_LAYERS} widths of 1 to {MOST_FEATURES}, such as [128, 128], got \
                 {widths:?}"
            ));
        }
        self
    }

    pub fn at_most(mut self, key: &str, value: usize, most: usize) -> Self {
        if value > most {
            self.0.push(format!("objective.{key}: expected at most {most}, got {value}"));
        }
        self
    }

    pub fn list(self) -> Vec<String> {
        self.0
    }
}
