//! Whether latents reach a combination of two attributes (after Karras et al. 2019, Figure 6): of a set that lacks one, a
//! mapping network can keep the factors straight in W where Z must bend around what is missing.

use crate::classified;
use crate::directions::Corner;
use crate::feature_table::FeatureTable;
use crate::features::Classifier;
use crate::generator_source::{GeneratorSource, Way};
use crate::interval::{Estimate, GROUPS};
use crate::metric::{Context, Direction, GeneratorMetric, GeneratorNumbers, Metric, Needs, Number, SubjectKind};
use crate::{Error, Result};
use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// How far beyond the hyperplanes latents are moved, in deviations of latents across them.
pub const DEVIATIONS: [f64; 3] = [1., 2., 3.];
/// Pictures that are drawn at once.
const CHUNK: usize = 16;
const UNIT: &str = "fraction";

/// Parameters of the measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Combination {
    /// Generated pictures: the hyperplanes are fitted to the first half, and the other is edited.
    pub samples: usize,
}

impl Default for Combination {
    fn default() -> Self {
        Self { samples: 5000 }
    }
}

/// The corners of the spaces that a network has.
pub struct Corners {
    /// In Z.
    pub z: Corner,
    /// In W, where latents are mapped to it.
    pub w: Option<Corner>,
}

impl Corners {
    /// Where both attributes of the classifiers meet, by what these say of `samples` pictures of `seed`; `progress` is told
    /// how many are seen.
    ///
    /// # Errors
    /// Classifiers of more or fewer than two attributes, and those of [`Corner::fit`].
    pub fn find(
        source: &GeneratorSource,
        classifiers: &[Classifier],
        samples: usize,
        seed: u64,
        progress: &mut dyn FnMut(usize),
    ) -> Result<Self> {
        two(classifiers)?;
        Self::of(&classified::some(source, classifiers, 0..samples, seed, progress)?, source)
    }

    /// The same by a table of latents, styles and log odds.
    fn of(table: &FeatureTable, source: &GeneratorSource) -> Result<Self> {
        let (z, w) = (source.generator.spec().z_dim, source.generator.spec().w_dim);
        let scores: [Vec<f32>; 2] = [0, 1].map(|k| (0..table.len()).map(|i| table.row(i)[z + w + k]).collect());
        let fit = |range| Corner::fit(&classified::columns(table, range)?, [&scores[0], &scores[1]]);
        Ok(Self { z: fit(0..z)?, w: source.generator.spec().mapping.then(|| fit(z..z + w)).transpose()? })
    }
}

/// Refuses classifiers of more or fewer than two attributes.
fn two(classifiers: &[Classifier]) -> Result<()> {
    if classifiers.iter().map(|classifier| classifier.attributes().len()).sum::<usize>() == 2 {
        return Ok(());
    }
    let missing = "classifiers of two attributes in all (--classifier), such as two of sets with two classes each";
    Err(Error::Missing { metric: "combination".into(), missing })
}

impl Metric for Combination {
    fn name(&self) -> &'static str {
        "combination"
    }

    fn numbers(&self) -> &'static [&'static str] {
        &[
            "combination_unedited",
            "combination_z_1",
            "combination_z_2",
            "combination_z_3",
            "combination_w_1",
            "combination_w_2",
            "combination_w_3",
        ]
    }

    fn needs(&self) -> Needs {
        Needs { subject: SubjectKind::Generator, classifiers: true, ..Needs::images(4 * GROUPS) }
    }
}

impl GeneratorMetric for Combination {
    fn measure(
        &self,
        _name: &str,
        source: &GeneratorSource,
        context: &mut Context,
    ) -> Result<Option<GeneratorNumbers>> {
        let (classifiers, seed) = (context.classifiers, context.seed);
        two(classifiers)?;
        let source = &GeneratorSource { truncation_psi: 1., mixed: 1, ..*source };
        let Some(table) = classified::latents(source, self.samples, context)? else { return Ok(None) };
        let half = table.len() / 2;
        let corners = Corners::of(&table.select(&(0..half).collect::<Vec<_>>()), source)?;
        let (z, w) = (source.generator.spec().z_dim, source.generator.spec().w_dim);
        let others: Vec<usize> = (half..table.len()).collect();
        let has_both = |i: &usize| both(&table.row(*i)[z + w..]);
        let unedited: Vec<bool> = others.iter().map(has_both).collect();
        let edited: Vec<usize> = others.iter().copied().filter(|i| !has_both(i)).collect();
        if edited.len() < GROUPS {
            let (have, all) = (others.len() - edited.len(), others.len());
            let problem = format!("{have} of {all} pictures have both attributes as they are");
            return Err(Error::Fit { what: "combination", problem });
        }
        let number = |name: String, has: &[bool]| Number::new(name, Estimate::of_share(has), UNIT, Direction::Larger);
        let mut numbers = vec![number("combination_unedited".into(), &unedited)];
        let spaces = [("z", Some(&corners.z), 0..z), ("w", corners.w.as_ref(), z..z + w)];
        for (space, corner, range) in spaces {
            let Some(corner) = corner else { continue };
            for deviations in DEVIATIONS {
                let mut has = Vec::with_capacity(edited.len());
                for some in edited.chunks(CHUNK) {
                    let ways = some.iter().flat_map(|i| corner.way(&table.row(*i)[range.clone()], deviations));
                    let way = Tensor::from_vec(ways.collect(), (some.len(), range.len()), &Device::Cpu)?;
                    let way = if space == "z" { Way::Z(way) } else { Way::W(way) };
                    let indices: Vec<u64> = some.iter().map(|i| *i as u64).collect();
                    has.extend(seen(&source.moved(seed, &indices, &way)?.images, classifiers)?);
                    (context.progress)(&format!("pictures edited in {space}"), has.len(), edited.len());
                }
                numbers.push(number(format!("combination_{space}_{deviations}"), &has));
            }
        }
        let network = classified::network(classifiers, &classified::attributes(classifiers).join(" and "));
        Ok(Some(GeneratorNumbers { network, generated: table.len(), numbers }))
    }

    fn draws_plainly(&self) -> bool {
        true
    }
}

/// Whether both attributes are there, by their log odds.
fn both(logits: &[f32]) -> bool {
    logits.iter().all(|logit| *logit > 0.)
}

/// Whether the classifiers see both of their attributes in each of the images `[n, c, h, w]`.
fn seen(images: &Tensor, classifiers: &[Classifier]) -> Result<Vec<bool>> {
    let logits = classified::logits(images, "edited set", classifiers)?;
    Ok(logits.to_vec2::<f32>()?.iter().map(|row| both(row)).collect())
}
