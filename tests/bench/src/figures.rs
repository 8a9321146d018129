//! Figures: medians, a line each, and ratios at the end.

use std::collections::BTreeMap;

/// Figures of all rounds by name and metric, in the order they first came.
#[derive(Default)]
pub(crate) struct Figures {
    order: Vec<(String, &'static str)>,
    values: BTreeMap<(String, &'static str), (Vec<f64>, &'static str)>,
    ratios: Vec<Ratio>,
}

struct Ratio {
    name: String,
    base: String,
    metric: &'static str,
    budget: String,
}

impl Figures {
    pub(crate) fn add(&mut self, name: &str, metric: &'static str, value: f64, unit: &'static str) {
        let key = (name.to_owned(), metric);
        if !self.values.contains_key(&key) {
            self.order.push(key.clone());
        }
        self.values.entry(key).or_insert_with(|| (Vec::new(), unit)).0.push(value);
    }

    /// A ratio of medians to print at the end, with what it should be.
    pub(crate) fn ratio(&mut self, name: &str, base: &str, metric: &'static str, budget: &str) {
        self.ratios.push(Ratio { name: name.to_owned(), base: base.to_owned(), metric, budget: budget.to_owned() });
    }

    pub(crate) fn median(&self, name: &str, metric: &'static str) -> Option<f64> {
        self.values.get(&(name.to_owned(), metric)).map(|(values, _)| median(values))
    }

    pub(crate) fn print(&self) {
        for key in &self.order {
            let (values, unit) = &self.values[key];
            let (low, high) =
                (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(0.0, f64::max));
            println!(
                "{} {} {:.3} {unit}   ({low:.3} to {high:.3} in {} rounds)",
                key.0,
                key.1,
                median(values),
                values.len()
            );
        }
        for Ratio { name, base, metric, budget } in &self.ratios {
            if let (Some(value), Some(base_value)) = (self.median(name, metric), self.median(base, metric))
                && base_value > 0.0
            {
                println!("{name}/{base} {metric} {:.2} x   (budget {budget})", value / base_value);
            }
        }
    }
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => 0.0,
        n if n % 2 == 1 => sorted[middle],
        _ => f64::midpoint(sorted[middle - 1], sorted[middle]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_of_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}
