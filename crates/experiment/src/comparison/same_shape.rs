//! Whether arms learn from images of one size and of the same colours.

use zview_data::ImageShape;

use super::study::Study;
use crate::ExperimentError;
use crate::grid::CellOptions;
use zview_contrastive::train::source_of;

impl Study {
    /// Opens what each arm learns from, and refuses images of different shapes. A comparison may be about sizes, so it is
    /// for whoever knows that this one is not.
    ///
    /// # Errors
    /// [`ExperimentError::Shapes`]; images that cannot be had.
    pub fn refuse_other_shapes(&self, options: &CellOptions<'_>) -> Result<(), ExperimentError> {
        let seed = self.config.seeds.first().copied().unwrap_or_default();
        let mut first: Option<(&str, ImageShape)> = None;
        for study_arm in &self.arms {
            let source = source_of(
                &self.arm(study_arm, seed)?.recipe,
                options.data_dir.clone(),
                &options.device.device,
            )?;
            let shape = source.shape();
            let (arm, known) = *first.get_or_insert((&study_arm.name, shape));
            if known != shape {
                let text =
                    |shape: ImageShape| format!("{} x {} x {}", shape.channels, shape.height, shape.width);
                return Err(ExperimentError::Shapes {
                    arm: arm.to_owned(),
                    shape: text(known),
                    other: study_arm.name.clone(),
                    other_shape: text(shape),
                });
            }
        }
        Ok(())
    }
}
