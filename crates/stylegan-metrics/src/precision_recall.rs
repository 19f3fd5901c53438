//! Improved precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020).

use crate::feature_table::FeatureTable;
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Counts, Direction, Metric, Needs, Number, RealsRole, SetMetric, Sets};
use crate::{Error, Result};
use faer::linalg::matmul::matmul;
use faer::{Accum, Mat, Par};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Rows whose distances to all others are held at once.
const BLOCK: usize = 64;

/// The four numbers, and what they say.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecall {
    /// Part of the generated samples within the manifold of the real ones: fidelity.
    pub precision: Estimate,
    /// Part of the real samples within the manifold of the generated ones: variety.
    pub recall: Estimate,
    /// Mean number of real neighbourhoods around a generated sample, over `k`: about 1 for sets of one distribution, `(k + 1) / k` for a set
    /// against itself, as a ball holds its own centre.
    pub density: Estimate,
    /// Part of the real samples whose neighbourhood holds a generated one.
    pub coverage: Estimate,
}

/// Precision, recall, density and coverage of `fake` against `real`. A sample's neighbourhood is the
/// ball that reaches its `k`-th nearest neighbour in its own set (itself left out), boundary
/// included; a manifold is the union of the neighbourhoods.
///
/// Intervals leave out one group of samples of either set at a time and recompute everything, the
/// neighbourhoods too; those of parts of a set also hold Wilson's. Memory grows with the number of samples, not with its square.
///
/// ```
/// use stylegan_metrics::{precision_recall, feature_table::FeatureTable};
///
/// let table = |shift: f32| FeatureTable::new((0..120).map(|i| (i * i % 89) as f32 + shift).collect(), 2);
/// let same = precision_recall::compare(&table(0.)?, &table(0.)?, 3)?;
/// assert_eq!((same.precision.value, same.recall.value, same.coverage.value), (1., 1., 1.));
/// let apart = precision_recall::compare(&table(0.)?, &table(1e4)?, 3)?;
/// assert_eq!((apart.precision.value, apart.recall.value, apart.density.value), (0., 0., 0.));
/// # Ok::<(), stylegan_metrics::Error>(())
/// ```
///
/// # Errors
/// `k` of 0, fewer than `2 GROUPS` or `2 (k + 1)` samples in a set, or rows of different length.
pub fn compare(real: &FeatureTable, fake: &FeatureTable, k: usize) -> Result<PrecisionRecall> {
    fake.check_like(real)?;
    if k == 0 {
        let expected = "at least 1";
        return Err(Error::Parameter { parameter: "number of neighbours of pr", found: "0".into(), expected });
    }
    real.check_count("pr", "real set", least(k))?;
    fake.check_count("pr", "generated set", least(k))?;
    let (real, fake) = (Points::new(real, k), Points::new(fake, k));
    let (fakes, reals) = (real.look_at(&fake), fake.look_at(&real));
    let held = |views: &[View], own: Set| {
        estimate(views, own, 1., |v, g| match g {
            Some(g) => v.held_without[g] > 0,
            None => v.held > 0,
        } as u32 as f64)
    };
    let count = |v: &View, g: Option<usize>| f64::from(g.map_or(v.held, |g| v.held_without[g])) / k as f64;
    Ok(PrecisionRecall {
        precision: held(&fakes, Set::Generated).of_part(fakes.len()),
        recall: held(&reals, Set::Real).of_part(reals.len()),
        density: estimate(&fakes, Set::Generated, f64::INFINITY, count),
        coverage: coverage(&reals, &real).of_part(reals.len()),
    })
}

/// One of the two sets.
enum Set {
    Real,
    Generated,
}

/// The mean of `value` over views of samples of the set `own`, and its interval: `value(view, Some(g))`
/// is taken without group g of the manifold, and the means over views without one of their groups
/// come on top.
fn estimate(views: &[View], own: Set, most: f64, value: impl Fn(&View, Option<usize>) -> f64) -> Estimate {
    let mean = |manifold: Option<usize>, own: Option<usize>| {
        let kept = views.iter().enumerate().filter(|(i, _)| own != Some(i % GROUPS));
        let (sum, n) = kept.fold((0., 0.), |(s, n), (_, v)| (s + value(v, manifold), n + 1.));
        sum / n
    };
    let (manifold, views) = (|g| mean(Some(g), None), |g| mean(None, Some(g)));
    match own {
        Set::Real => leave_out(mean(None, None), most, views, manifold),
        Set::Generated => leave_out(mean(None, None), most, manifold, views),
    }
}

fn coverage(reals: &[View], real: &Points) -> Estimate {
    let mean = |covered: &dyn Fn(usize, &View) -> bool, without: Option<usize>| {
        let kept = reals.iter().enumerate().filter(|(i, _)| without != Some(i % GROUPS));
        let (sum, n) = kept.fold((0., 0.), |(s, n), (i, v)| (s + f64::from(u8::from(covered(i, v))), n + 1.));
        sum / n
    };
    leave_out(
        mean(&|_, v| v.near_groups != 0, None),
        1.,
        |g| mean(&|i, v| v.nearest <= real.radii_without[i * GROUPS + g], Some(g)),
        |g| mean(&|_, v| v.near_groups & !(1 << g) != 0, None),
    )
}

fn leave_out(value: f64, most: f64, real: impl Fn(usize) -> f64, generated: impl Fn(usize) -> f64) -> Estimate {
    let groups = |f: &dyn Fn(usize) -> f64| (0..GROUPS).map(f).collect();
    Estimate::jackknife(value, groups(&real), groups(&generated), [0., most])
}

/// How one sample lies in the other set's manifold.
struct View {
    /// Neighbourhoods that hold the sample.
    held: u32,
    /// The same without one group of the other set.
    held_without: [u32; GROUPS],
    /// Squared distance to the nearest sample of the other set.
    nearest: f64,
    /// Groups of the other set with a sample in this sample's own neighbourhood, as bits.
    near_groups: u32,
}

/// A set with its neighbourhoods; all distances and radii are squared.
struct Points {
    /// `[len, dim]`.
    rows: Mat<f64>,
    squares: Vec<f64>,
    radii: Vec<f64>,
    /// `[len, GROUPS]`: radii in the set without one group.
    radii_without: Vec<f64>,
    /// The largest radius of each sample.
    reach: Vec<f64>,
}

impl Points {
    fn new(samples: &FeatureTable, k: usize) -> Self {
        let n = samples.len();
        let rows = Mat::from_fn(n, samples.dim(), |i, j| f64::from(samples.row(i)[j]));
        let squares = (0..n).map(|i| samples.row(i).iter().map(|v| f64::from(*v).powi(2)).sum()).collect();
        let mut points = Self { rows, squares, radii: vec![], radii_without: vec![], reach: vec![] };
        let found = points.columns(&points, |i, distances| radii(i, distances, k));
        for (radius, without) in found {
            points.radii.push(radius);
            points.reach.push(without.iter().fold(radius, |a, b| a.max(*b)));
            points.radii_without.extend(without);
        }
        points
    }

    /// What this manifold says of each sample of `others`.
    fn look_at(&self, others: &Self) -> Vec<View> {
        self.columns(others, |i, distances| {
            let mut view = View { held: 0, held_without: [0; GROUPS], nearest: f64::INFINITY, near_groups: 0 };
            for (j, &d) in distances.iter().enumerate() {
                view.nearest = view.nearest.min(d);
                view.near_groups |= u32::from(d <= others.radii[i]) << (j % GROUPS);
                if d > self.reach[j] {
                    continue;
                }
                view.held += u32::from(d <= self.radii[j]);
                for (g, radius) in self.radii_without[j * GROUPS..][..GROUPS].iter().enumerate() {
                    view.held_without[g] += u32::from(g != j % GROUPS && d <= *radius);
                }
            }
            view
        })
    }

    /// `f(i, distances of sample i of others to all samples of this set)` for every `i`, in order.
    fn columns<T: Send>(&self, others: &Self, f: impl Fn(usize, &[f64]) -> T + Sync) -> Vec<T> {
        let (n, m) = (self.squares.len(), others.squares.len());
        let blocks: Vec<Vec<T>> = (0..m.div_ceil(BLOCK))
            .into_par_iter()
            .map(|block| {
                let first = block * BLOCK;
                let count = BLOCK.min(m - first);
                let theirs = others.rows.subrows(first, count);
                let mut d = Mat::zeros(n, count);
                matmul(&mut d, Accum::Replace, &self.rows, theirs.transpose(), -2., Par::Seq);
                let column = |c: usize| -> Vec<f64> {
                    let own = others.squares[first + c];
                    (0..n).map(|r| (d[(r, c)] + self.squares[r] + own).max(0.)).collect()
                };
                (0..count).map(|c| f(first + c, &column(c))).collect()
            })
            .collect();
        blocks.into_iter().flatten().collect()
    }
}

/// The distance from sample `i` to its `k`-th neighbour, in the whole set and without each group.
fn radii(i: usize, distances: &[f64], k: usize) -> (f64, [f64; GROUPS]) {
    // The k nearest of each group are enough for any union of groups.
    let mut nearest: Vec<Vec<f64>> = vec![vec![]; GROUPS];
    for (j, &d) in distances.iter().enumerate() {
        let group = &mut nearest[j % GROUPS];
        if j != i && (group.len() < k || d < group[k - 1]) {
            let at = group.partition_point(|v| *v <= d);
            group.insert(at, d);
            group.truncate(k);
        }
    }
    let mut all: Vec<(f64, usize)> =
        nearest.iter().enumerate().flat_map(|(g, v)| v.iter().map(move |d| (*d, g))).collect();
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let kth = |without: Option<usize>| {
        let mut rest = all.iter().filter(|(_, g)| Some(*g) != without);
        rest.nth(k - 1).map_or(f64::INFINITY, |(d, _)| *d)
    };
    (kth(None), std::array::from_fn(|g| kth(Some(g))))
}

/// The fewest samples of a set.
fn least(k: usize) -> usize {
    (2 * GROUPS).max(2 * (k + 1))
}

/// Parameters of precision, recall, density and coverage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pr {
    /// Sizes of the two sets.
    pub counts: Counts,
    /// Which neighbour a neighbourhood reaches to.
    pub neighbours: usize,
}

impl Metric for Pr {
    fn name(&self) -> &'static str {
        "pr"
    }

    fn numbers(&self) -> &'static [&'static str] {
        &["precision", "recall", "density", "coverage"]
    }

    fn needs(&self) -> Needs {
        Needs { reals: RealsRole::Compared, ..Needs::images(least(self.neighbours)) }
    }
}

impl SetMetric for Pr {
    fn compare(&self, name: &str, sets: &Sets) -> Result<Vec<Number>> {
        let all = compare(sets.real(name)?, sets.generated, self.neighbours)?;
        Ok(vec![
            Number::new("precision", all.precision, "fraction", Direction::Larger),
            Number::new("recall", all.recall, "fraction", Direction::Larger),
            Number::new("density", all.density, "ratio", Direction::Larger),
            Number::new("coverage", all.coverage, "fraction", Direction::Larger),
        ])
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::interval::{Interval, Resamples};
    use crate::test_data::{normals, on_one_thread};

    /// The four numbers by their definitions, pair by pair.
    fn slow(real: &FeatureTable, fake: &FeatureTable, k: usize) -> [f64; 4] {
        let d = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        let radius = |s: &FeatureTable, i: usize| {
            let mut all: Vec<f64> = (0..s.len()).filter(|j| *j != i).map(|j| d(s.row(i), s.row(j))).collect();
            all.sort_by(f64::total_cmp);
            all[k - 1]
        };
        let radii = |s: &FeatureTable| (0..s.len()).map(|i| radius(s, i)).collect::<Vec<_>>();
        let (rr, rf) = (radii(real), radii(fake));
        let balls = |q: &[f32], s: &FeatureTable, r: &[f64]| (0..s.len()).filter(|&j| d(q, s.row(j)) <= r[j]).count();
        let (n, m) = (real.len() as f64, fake.len() as f64);
        let fakes: Vec<usize> = (0..fake.len()).map(|i| balls(fake.row(i), real, &rr)).collect();
        let recall = (0..real.len()).filter(|&i| balls(real.row(i), fake, &rf) > 0).count() as f64 / n;
        let covered = |i: usize| (0..fake.len()).any(|j| d(real.row(i), fake.row(j)) <= rr[i]);
        [
            fakes.iter().filter(|c| **c > 0).count() as f64 / m,
            recall,
            fakes.iter().sum::<usize>() as f64 / (k as f64 * m),
            (0..real.len()).filter(|&i| covered(i)).count() as f64 / n,
        ]
    }

    fn values(all: &PrecisionRecall) -> [f64; 4] {
        [all.precision.value, all.recall.value, all.density.value, all.coverage.value]
    }

    #[test]
    fn definitions() {
        for k in [1, 3] {
            let (real, fake) = (normals(0, 130, 2, |_, z| z), normals(1, 90, 2, |_, z| z * 0.6 + 0.4));
            let found = values(&compare(&real, &fake, k).unwrap());
            for (found, expected) in found.iter().zip(slow(&real, &fake, k)) {
                assert!((found - expected).abs() < 1e-12, "k {k}: found {found}, expected {expected}");
            }
        }
    }

    /// The jackknife shortcuts equal computing everything again without a group.
    #[test]
    fn leaving_groups_out() {
        let (real, fake) = (normals(2, 100, 2, |_, z| z), normals(3, 80, 2, |_, z| z + 0.5));
        let rest = |s: &FeatureTable, g: usize| s.select(&(0..s.len()).filter(|i| i % GROUPS != g).collect::<Vec<_>>());
        let all = compare(&real, &fake, 3).unwrap();
        for (which, found) in [all.precision, all.recall, all.density, all.coverage].into_iter().enumerate() {
            let Resamples::Jackknife { real: without_real, generated } = found.resamples else { panic!() };
            for g in 0..GROUPS {
                let expected = [slow(&rest(&real, g), &fake, 3)[which], slow(&real, &rest(&fake, g), 3)[which]];
                let found = [without_real[g], generated[g]];
                assert!((0..2).all(|i| (found[i] - expected[i]).abs() < 1e-12), "{which}: {found:?} {expected:?}");
            }
        }
    }

    /// 100 pairs of sets: the 95 % intervals of each number hold its mean over all pairs, four standard
    /// deviations of chance (2.2 %) allowed downwards.
    #[test]
    fn intervals_cover() {
        let runs: Vec<PrecisionRecall> = (0..100)
            .map(|r| {
                let (real, fake) = (normals(2 * r, 200, 2, |_, z| z), normals(2 * r + 1, 200, 2, |_, z| z * 0.8 + 0.6));
                compare(&real, &fake, 3).unwrap()
            })
            .collect();
        let numbers: [fn(&PrecisionRecall) -> &Estimate; 4] =
            [|r| &r.precision, |r| &r.recall, |r| &r.density, |r| &r.coverage];
        for (which, number) in numbers.into_iter().enumerate() {
            let truth = runs.iter().map(|r| number(r).value).sum::<f64>() / 100.;
            let holds = |r: &&PrecisionRecall| {
                let interval = &number(r).interval;
                interval.low <= truth && truth <= interval.high
            };
            let covered = runs.iter().filter(holds).count();
            println!("pr intervals of number {which} cover {covered} of 100");
            assert!(covered >= 86, "{which}: {covered} of 100");
        }
    }

    /// Sets that are far apart: no part of 80 and of 60 samples, which is up to z² / (n + z²) of all.
    #[test]
    fn intervals_have_a_width_where_all_agree() {
        let all = compare(&normals(6, 60, 2, |_, z| z), &normals(7, 80, 2, |_, z| z + 1e4), 3).unwrap();
        for (found, n) in [(&all.precision, 80.), (&all.recall, 60.), (&all.coverage, 60.)] {
            let Interval { low, high, method } = &found.interval;
            assert_eq!((found.value, *low), (0., 0.));
            assert!((high - 3.8415 / (n + 3.8415)).abs() < 1e-4 && method.contains("Wilson"), "{found:?}");
        }
        let same = normals(8, 60, 2, |_, z| z);
        let all = compare(&same, &same, 3).unwrap();
        assert!(all.precision.interval.low < 0.95 && all.precision.interval.high == 1., "{all:?}");
    }

    #[test]
    fn threads_and_limits() {
        let (real, fake) = (normals(4, 150, 3, |_, z| z), normals(5, 70, 3, |_, z| z));
        let run = || compare(&real, &fake, 3).unwrap();
        assert_eq!(run(), on_one_thread(run));
        assert!(compare(&real, &fake, 0).unwrap_err().to_string().contains("neighbours"));
        let few = normals(0, 39, 3, |_, z| z);
        assert!(compare(&real, &few, 3).unwrap_err().to_string().contains("at least 40 samples in the generated set"));
    }
}
