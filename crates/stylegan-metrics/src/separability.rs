//! Linear separability of latents (Karras et al. 2019, section 4.2): how well a hyperplane tells the
//! latents of pictures with an attribute from those without.

use crate::classified;
use crate::feature_table::FeatureTable;
use crate::generator_source::GeneratorSource;
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Context, Direction, GeneratorMetric, GeneratorNumbers, Metric, Needs, Number, SubjectKind};
use crate::svm::LinearSvm;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// Kept samples for each number of a hyperplane: of fewer, labels that have nothing to do with the latents are told apart as well
/// (with twice as many as numbers in one case of two: Cover 1965).
const PER_NUMBER: usize = 4;

/// The unit of its numbers.
const UNIT: &str = "exp of nats";

/// Parameters of the measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Separability {
    /// Generated pictures.
    pub samples: usize,
    /// Part of them that is kept for each attribute, those that the classifier is surest of.
    pub kept: f64,
    /// Weight of the squared hinge loss against the norm.
    pub c: f64,
}

impl Default for Separability {
    /// 200,000 samples, half kept, `c` = 1 (scikit-learn's LinearSVC, which the paper's code calls).
    fn default() -> Self {
        Self { samples: 200_000, kept: 0.5, c: 1. }
    }
}

impl Separability {
    /// `exp(sum over attributes of H(Y | X))`, where Y is whether the classifier sees the attribute and X on
    /// which side of the fitted hyperplane the latent lies; 1 is perfect. `latents` holds a row per
    /// sample, `logits` a logit per sample and attribute, positive where the picture has it.
    ///
    /// The interval leaves out a group of samples at a time, fits again, and is laid about the logarithm.
    ///
    /// # Errors
    /// Tables of different length, too few samples to leave groups out or for the numbers of a latent, or a hyperplane that cannot be fitted: an
    /// attribute that all kept samples have, or none, is an error, never a perfect score.
    pub fn score(&self, latents: &FeatureTable, logits: &FeatureTable, attributes: &[String]) -> Result<Estimate> {
        Ok(together(&self.of_each(latents, logits, attributes)?))
    }

    /// The entropies of each attribute.
    fn of_each(&self, latents: &FeatureTable, logits: &FeatureTable, attributes: &[String]) -> Result<Vec<Entropies>> {
        let n = latents.len();
        let needed = ((PER_NUMBER * (latents.dim() + 1)) as f64 / self.kept).ceil() as usize;
        latents.check_count("ls", "generated set", needed.max(4 * GROUPS))?;
        if logits.len() != n || logits.dim() != attributes.len() {
            let left = format!("{n} latents and {} attributes", attributes.len());
            let right = format!("{} rows of {} logits", logits.len(), logits.dim());
            return Err(Error::Mismatch { what: "classified pictures", left, right });
        }
        let of = |(attribute, name): (usize, &String)| {
            self.entropies(latents, logits, attribute).map_err(|error| match error {
                Error::Fit { what, problem } => Error::Fit { what, problem: format!("attribute {name}: {problem}") },
                other => other,
            })
        };
        attributes.iter().enumerate().map(of).collect()
    }

    /// Conditional entropy in nats of an attribute, from all samples and without each group.
    fn entropies(&self, latents: &FeatureTable, logits: &FeatureTable, attribute: usize) -> Result<Entropies> {
        let logit = |i: usize| logits.row(i)[attribute];
        let chosen = |without: Option<usize>| {
            let mut all: Vec<usize> = (0..latents.len()).filter(|i| Some(i % GROUPS) != without).collect();
            // Surest first; equal ones in their order.
            all.sort_by(|a, b| logit(*b).abs().total_cmp(&logit(*a).abs()));
            all.truncate((self.kept * all.len() as f64).round() as usize);
            all
        };
        let measure = |without: Option<usize>, start: Option<&LinearSvm>| -> Result<(f64, LinearSvm)> {
            let kept = chosen(without);
            let (rows, labels) = (latents.select(&kept), kept.iter().map(|i| logit(*i) > 0.).collect::<Vec<_>>());
            let fitted = LinearSvm::fit(&rows, &labels, self.c, start)?;
            Ok((conditional_entropy(&labels, &fitted.predict(&rows)), fitted))
        };
        let (whole, fitted) = measure(None, None)?;
        let mut entropies = [whole; GROUPS + 1];
        for g in 0..GROUPS {
            entropies[g + 1] = measure(Some(g), Some(&fitted))?.0;
        }
        Ok(entropies)
    }
}

/// The conditional entropy of an attribute in nats, from all samples and without each group.
type Entropies = [f64; GROUPS + 1];

/// The exponential of the sum of all.
fn together(each: &[Entropies]) -> Estimate {
    let sum = |i: usize| each.iter().map(|entropies| entropies[i]).sum();
    Estimate::of_logarithm(sum(0), (1..=GROUPS).map(sum).collect())
}

/// `H(Y | X)` in nats of two binary variables given by their samples.
fn conditional_entropy(y: &[bool], x: &[bool]) -> f64 {
    let n = y.len() as f64;
    let count = |a: bool, b: bool| y.iter().zip(x).filter(|(y, x)| **y == a && **x == b).count() as f64;
    [true, false]
        .into_iter()
        .flat_map(|x| {
            let both = [count(true, x), count(false, x)];
            both.map(|c| if c > 0. { -c / n * (c / (both[0] + both[1])).ln() } else { 0. })
        })
        .sum()
}

impl Metric for Separability {
    fn name(&self) -> &'static str {
        "ls"
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["ls_z", "ls_w"]
    }

    fn needs(&self) -> Needs {
        Needs { subject: SubjectKind::Generator, classifiers: true, ..Needs::images(4 * GROUPS) }
    }
}

impl GeneratorMetric for Separability {
    fn measure(
        &self,
        _name: &str,
        source: &GeneratorSource,
        context: &mut Context,
    ) -> Result<Option<GeneratorNumbers>> {
        let Some(table) = classified::latents(source, self.samples, context)? else { return Ok(None) };
        let attributes = classified::attributes(context.classifiers);
        let (z, w) = (source.generator.spec().z_dim, source.generator.spec().w_dim);
        let logits = classified::columns(&table, z + w..table.dim())?;
        let mut spaces = vec![("ls_z", 0..z)];
        if source.generator.spec().mapping {
            spaces.push(("ls_w", z..z + w));
        }
        let mut numbers = Vec::new();
        for (space, range) in spaces {
            (context.progress)(&format!("hyperplanes of {space}"), 0, 0);
            let each = self.of_each(&classified::columns(&table, range)?, &logits, &attributes)?;
            let number = |name: String, of: &[Entropies]| Number::new(name, together(of), UNIT, Direction::Smaller);
            numbers.push(number(space.into(), &each));
            if each.len() > 1 {
                let of_one = |(name, one)| number(format!("{space}_of_{name}"), std::slice::from_ref(one));
                numbers.extend(attributes.iter().zip(&each).map(of_one));
            }
        }
        let network = classified::network(context.classifiers, &attributes.join(", "));
        Ok(Some(GeneratorNumbers { network, generated: table.len(), numbers }))
    }

    fn draws_plainly(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::test_data::normals;

    const N: usize = 2000;

    fn logits(f: impl Fn(usize) -> f32) -> FeatureTable {
        FeatureTable::new((0..N).map(f).collect(), 1).unwrap()
    }

    fn score(latents: &FeatureTable, logits: &FeatureTable) -> Estimate {
        let names: Vec<String> = (0..logits.dim()).map(|i| i.to_string()).collect();
        Separability { samples: N, ..Separability::default() }.score(latents, logits, &names).unwrap()
    }

    /// What is known leaves nothing open; what says nothing of two equal halves leaves ln 2, to the rounding of a logarithm.
    #[test]
    fn entropies_of_two_variables() {
        let y = [true, true, false, false];
        assert_eq!(conditional_entropy(&y, &y), 0.);
        assert!((conditional_entropy(&y, &[true, false, true, false]) - 2f64.ln()).abs() < 1e-15);
    }

    /// Of few pictures a hyperplane tells any labels apart: no score is given.
    #[test]
    fn few_pictures_say_nothing_of_many_numbers() {
        let (latents, logits) = (normals(0, 600, 128, |_, z| z), normals(1, 600, 1, |_, z| z));
        let error = Separability::default().score(&latents, &logits, &["a".into()]).unwrap_err().to_string();
        assert!(error.contains("1032") && error.contains("600"), "{error}");
    }

    /// An attribute that is a half-space of the latents scores 1, one that has nothing to do with them
    /// nearly 2 (a hyperplane in few dimensions finds little in 1000 random labels), both together the
    /// product.
    #[test]
    fn separable_and_random() {
        let latents = normals(0, N, 4, |_, z| z);
        let half = logits(|i| latents.row(i)[0] - 0.5 * latents.row(i)[2]);
        let random = normals(1, N, 1, |_, z| z);
        let (a, b) = (score(&latents, &half), score(&latents, &random));
        assert!(a.value < 1.01, "{a:?}");
        assert!((1.97..=2.).contains(&b.value), "{b:?}");
        let both = (0..N).flat_map(|i| [half.row(i)[0], random.row(i)[0]]).collect();
        let both = FeatureTable::new(both, 2).unwrap();
        let each = Separability::default().of_each(&latents, &both, &["0".into(), "1".into()]).unwrap();
        let both = score(&latents, &both);
        assert!((both.value - a.value * b.value).abs() < 1e-9, "{both:?}");
        // Each attribute alone is what it is beside others.
        assert_eq!((together(&each[..1]), together(&each[1..])), (a, b));
        assert!(both.interval.low < both.value && both.value < both.interval.high);
    }

    /// A curved attribute of the latents is one of a half-space after the right mapping, as from Z to W.
    #[test]
    fn curved_and_straightened() {
        let latents = normals(2, N, 2, |_, z| z);
        let radius = |i: usize| latents.row(i).iter().map(|z| z * z).sum::<f32>();
        let ring = logits(|i| radius(i) - 1.4);
        let mapped = FeatureTable::new((0..N).map(radius).collect(), 1).unwrap();
        assert!(score(&latents, &ring).value > 1.5);
        assert!(score(&mapped, &ring).value < 1.02);
    }

    /// Half of the samples are dropped, the least sure ones: wrong labels among those do no harm.
    #[test]
    fn the_sure_half() {
        let latents = normals(3, N, 3, |_, z| z);
        let half = logits(|i| {
            let z = latents.row(i)[1];
            if z.abs() < 0.6 && i % 2 == 0 { -z } else { z }
        });
        // |z| < 0.6 are 45 % of all.
        assert!(score(&latents, &half).value < 1.01);
        let names = ["all".to_owned()];
        let all = Separability { kept: 1., ..Separability::default() }.score(&latents, &half, &names).unwrap();
        assert!(all.value > 1.3, "{all:?}");
    }

    #[test]
    fn a_failed_fit_is_an_error() {
        let latents = normals(4, N, 2, |_, z| z);
        let names = ["beard".to_owned()];
        let error = Separability::default().score(&latents, &logits(|_| 1.), &names).unwrap_err().to_string();
        assert!(error.contains("attribute beard: all 1000 samples have the same label"), "{error}");
    }
}
