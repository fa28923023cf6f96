//! What the pages add to the style that all have.

use zview_report::page::STYLE;

use super::comparison_page::COMPARISON_STYLE;
use zview_probe::suite::page::EVALUATION_STYLE;

#[test]
fn every_colour_outside_of_plots_is_one_of_the_two_palettes() {
    for style in [EVALUATION_STYLE, COMPARISON_STYLE] {
        for used in style.split("var(").skip(1).map(|rest| &rest[..rest.find(')').unwrap()]) {
            assert_eq!(STYLE.matches(&format!("{used}: #")).count(), 2, "{used}");
        }
    }
    // What is drawn within an SVG stands on its own white card.
    let within_svg = |line: &&str| !line.starts_with(".map .") && !line.starts_with(".matrix .");
    for line in [EVALUATION_STYLE, COMPARISON_STYLE].iter().flat_map(|style| style.lines()).filter(within_svg)
    {
        assert!(!line.contains(": #") && !line.contains(" #"), "{line}");
    }
}

/// The caption made the column of a small matrix as wide as two thirds of the page.
#[test]
fn the_pairs_stand_beside_the_confusion_matrix_without_a_hole_between_them() {
    let style = |start: &str| EVALUATION_STYLE.lines().find(|line| line.starts_with(start)).unwrap();
    assert!(style(".matrix-and-pairs {").contains("display: flex; flex-wrap: wrap"));
    assert!(style(".matrix-and-pairs figcaption").contains("width: 0; min-width: max(100%"));
}
