//! Tables of text, for a terminal.

/// Rows as lines whose columns begin at one place, two spaces apart; those from `numbers` on end at one place instead.
#[must_use]
pub fn text_table(rows: &[Vec<String>], numbers: Option<usize>) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cell = |(column, (cell, &width)): (usize, (&String, &usize))| {
            if numbers.is_some_and(|from| column >= from) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        };
        let cells: Vec<String> = row.iter().zip(&widths).enumerate().map(cell).collect();
        format!("{}\n", cells.join("  ").trim_end())
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_begin_or_end_at_one_place_and_lines_end_without_spaces() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["arm", "±", "steps"]), row(["a", "1.5", "10"]), row(["b", "", ""])];
        assert_eq!(text_table(&rows, Some(2)), "arm  ±    steps\na    1.5     10\nb\n");
        assert_eq!(text_table(&rows, None), "arm  ±    steps\na    1.5  10\nb\n");
        assert_eq!(text_table(&[], None), "");
    }
}
