//! Figures of the page that are drawn from pictures or by larger drawings; smaller ones are with their protocol.

pub mod class_scores;
pub mod confusion;
pub mod corruptions;
pub mod label_curve;
mod map_drawing;
mod map_labels;
pub mod maps;
pub mod mistakes;
pub mod reliability;
