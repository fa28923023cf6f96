//! The style that all pages have: colours in light and in dark, and what must not overflow.

use std::collections::BTreeMap;

use crate::page::STYLE;

/// Colours by name, light ones and dark ones.
fn palettes() -> [BTreeMap<&'static str, &'static str>; 2] {
    let (light, rest) = STYLE.split_once("@media screen and (prefers-color-scheme: dark)").unwrap();
    let dark = &rest[..rest.find("/*").unwrap()];
    let colours = |text: &'static str| {
        let values = text.split([';', '{', '}']).filter_map(|value| value.trim().split_once(": #"));
        values.filter(|(name, _)| name.starts_with("--")).collect()
    };
    [colours(light), colours(dark)]
}

/// Relative luminance by WCAG 2.2.
fn luminance(colour: &str) -> f64 {
    let long: String = if colour.len() == 3 {
        colour.chars().flat_map(|digit| [digit, digit]).collect()
    } else {
        colour.to_owned()
    };
    let channel = |at: usize| {
        let value = f64::from(u8::from_str_radix(&long[at..at + 2], 16).unwrap()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
}

fn contrast(one: &str, other: &str) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// Pages had one ground, white, however dark everything around them was.
#[test]
fn pages_follow_a_dark_screen_with_text_that_can_be_read() {
    let [light, dark] = palettes();
    assert_eq!(light.keys().collect::<Vec<_>>(), dark.keys().collect::<Vec<_>>());
    assert!(luminance(light["--ground"]) > 0.9 && luminance(dark["--ground"]) < 0.05);
    for palette in [&light, &dark] {
        for text in ["--ink", "--soft", "--wrong", "--link"] {
            for ground in ["--ground", "--raised", "--reference"] {
                let contrast = contrast(palette[text], palette[ground]);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
        // Bars and frames are no text.
        for (mark, ground) in [("--accent", "--room"), ("--accent", "--ground"), ("--wrong-line", "--ground")]
        {
            assert!(contrast(palette[mark], palette[ground]) >= 3.0, "{mark} on {ground}");
        }
    }
}

#[test]
fn every_colour_is_one_of_both_palettes() {
    let [light, _] = palettes();
    for used in STYLE.split("var(").skip(1).map(|rest| &rest[..rest.find(')').unwrap()]) {
        assert!(light.contains_key(used), "{used}");
    }
}

/// Under "What each encoder saw" a recipe such as `augment.preset=simclr-small` went on into the next caption.
#[test]
fn long_names_of_arms_and_recipes_stay_within_their_column() {
    let body = &STYLE[STYLE.find("\nbody {").unwrap()..];
    assert!(body[..body.find('}').unwrap()].contains("overflow-wrap: break-word"), "{body}");
    // A column of a grid is no wider than its share, whatever stands in it.
    assert!(STYLE.contains("figure { margin: 0; min-width: 0; }"));
    let arm = STYLE.lines().find(|line| line.starts_with(".row .arm")).unwrap();
    assert!(arm.contains("overflow-wrap: anywhere"), "{arm}");
}
