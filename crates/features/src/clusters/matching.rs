//! The one-to-one matching of the greatest weight.
//!
//! Kuhn 1955, "The Hungarian method for the assignment problem", in the form with shortest augmenting paths
//! (Jonker and Volgenant 1987): O(rows^2 columns).

/// For each row of `weights`, (R) of (C), the column it is matched with, such that the sum of the weights is
/// the greatest; `None` for rows without a column where there are more rows than columns. Panics where rows
/// differ in length.
#[must_use]
pub fn best_matching(weights: &[Vec<f64>]) -> Vec<Option<usize>> {
    let (rows, columns) = (weights.len(), weights.first().map_or(0, Vec::len));
    if rows <= columns {
        return row_columns(rows, columns, |row, column| -weights[row][column])
            .into_iter()
            .map(Some)
            .collect();
    }
    let mut of_row = vec![None; rows];
    for (column, row) in
        row_columns(columns, rows, |column, row| -weights[row][column]).into_iter().enumerate()
    {
        of_row[row] = Some(column);
    }
    of_row
}

/// The column of each row with the smallest sum of costs; not more rows than columns.
fn row_columns(rows: usize, columns: usize, cost: impl Fn(usize, usize) -> f64) -> Vec<usize> {
    // Dual prices keep cost - row_price - column_price at 0 on matched pairs and not below it elsewhere.
    let (mut row_price, mut column_price) = (vec![0.0; rows], vec![0.0; columns]);
    let mut row_of: Vec<Option<usize>> = vec![None; columns];
    for first in 0..rows {
        // Grows a tree of alternating paths from row `first` until it meets a free column (Dijkstra).
        let mut slack = vec![f64::INFINITY; columns];
        let mut before: Vec<Option<usize>> = vec![None; columns];
        let mut visited = vec![false; columns];
        let (mut row, mut reached) = (first, None);
        let end = loop {
            let mut nearest = (f64::INFINITY, 0);
            for column in (0..columns).filter(|&column| !visited[column]) {
                let reduced = cost(row, column) - row_price[row] - column_price[column];
                if reduced < slack[column] {
                    (slack[column], before[column]) = (reduced, reached);
                }
                if slack[column] < nearest.0 {
                    nearest = (slack[column], column);
                }
            }
            let (step, column) = nearest;
            // All rows of the tree become dearer and its columns cheaper by the step.
            row_price[first] += step;
            for other in 0..columns {
                if visited[other] {
                    column_price[other] -= step;
                    if let Some(row) = row_of[other] {
                        row_price[row] += step;
                    }
                } else {
                    slack[other] -= step;
                }
            }
            visited[column] = true;
            match row_of[column] {
                None => break column,
                Some(next) => (row, reached) = (next, Some(column)),
            }
        };
        // Every pair on the path moves one column on.
        let mut column = end;
        while let Some(previous) = before[column] {
            row_of[column] = row_of[previous];
            column = previous;
        }
        row_of[column] = Some(first);
    }
    let mut of_row = vec![0; rows];
    for (column, row) in row_of.into_iter().enumerate() {
        if let Some(row) = row {
            of_row[row] = column;
        }
    }
    of_row
}

#[cfg(test)]
mod tests {
    use super::*;
    use zview_runtime::seed::{Purpose, Stream};

    /// The best sum over all ways, by trying them.
    fn by_trying(weights: &[Vec<f64>], row: usize, used: &mut Vec<bool>) -> f64 {
        if row == weights.len() {
            return 0.0;
        }
        let mut best = f64::NEG_INFINITY;
        for column in 0..used.len() {
            if !used[column] {
                used[column] = true;
                best = best.max(weights[row][column] + by_trying(weights, row + 1, used));
                used[column] = false;
            }
        }
        best
    }

    #[test]
    fn no_other_matching_is_better() {
        for draw in 0..60 {
            let mut stream = Stream::new(0, Purpose::Check, 307, draw);
            let (rows, columns) = (1 + draw as usize % 6, 6);
            let weights: Vec<Vec<f64>> =
                (0..rows).map(|_| (0..columns).map(|_| stream.below(12) as f64 - 3.0).collect()).collect();
            let matched = best_matching(&weights);
            let sum: f64 =
                matched.iter().enumerate().map(|(row, column)| weights[row][column.unwrap()]).sum();
            assert_eq!(sum, by_trying(&weights, 0, &mut vec![false; columns]), "{weights:?}");
            let mut distinct = matched.clone();
            distinct.sort_unstable();
            distinct.dedup();
            assert_eq!(distinct.len(), rows);
            // The same with rows and columns exchanged.
            let turned: Vec<Vec<f64>> =
                (0..columns).map(|c| weights.iter().map(|row| row[c]).collect()).collect();
            let turned_sum: f64 = best_matching(&turned)
                .iter()
                .enumerate()
                .filter_map(|(column, row)| row.map(|row| weights[row][column]))
                .sum();
            assert_eq!(turned_sum, sum);
        }
        assert!(best_matching(&[]).is_empty());
        assert_eq!(best_matching(&[Vec::new(), Vec::new()]), [None, None]);
    }
}
