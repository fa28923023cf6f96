//! What the methods' configurations have in common.

/// The keys of one method in `[objective]`.
pub trait MethodConfig {
    /// Everything wrong with them, one line each.
    fn problems(&self) -> Vec<String>;
}

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
        if widths.is_empty() || widths.contains(&0) {
            self.0.push(format!(
                "objective.{key}: expected one or more positive widths such as [128, 128], got {widths:?}"
            ));
        }
        self
    }

    pub fn list(self) -> Vec<String> {
        self.0
    }
}
