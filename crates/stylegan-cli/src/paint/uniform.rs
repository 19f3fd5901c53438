//! How much pictures of maps of one class alone differ from class to class (Park et al. 2019, section 3.1): normalisation
//! without maps takes the class away from such a map, and SPADE gives it back.

use super::class_colours::ClassColours;
use crate::exit::wrong;
use candle_core::{Device, Tensor};
use std::fmt::Write;
use stylegan_metrics::features::FeatureNetworks;
use stylegan_metrics::interval::{jackknife_variance, student};

/// The distances between all pairs of pictures of `n` classes.
struct Distances {
    /// The network that compares them.
    network: String,
    /// `[n, n]`, symmetric, row by row.
    between: Vec<f64>,
    n: usize,
}

/// The mean distance between pictures `[n, 3, h, w]` of one class each, as a table like that of `stylegan eval`, and the
/// classes that are nearest to each other by `names`. They are compared on `device`; with the colours of a set also with these.
pub(super) fn table(
    images: &Tensor,
    names: &[String],
    device: &Device,
    real: Option<&ClassColours>,
) -> anyhow::Result<String> {
    let (n, channels, ..) = images.dims4()?;
    if n < 3 || channels != 3 {
        wrong!("--uniform: at least three classes in RGB are compared; the network has {n} in {channels} channels");
    }
    let distances = Distances::of(images, device)?;
    let mean = distances.mean(None);
    let without: Vec<f64> = (0..n).map(|class| distances.mean(Some(class))).collect();
    let reach = student(n) * jackknife_variance(&without).sqrt();
    let (a, b) = distances.nearest();
    let apart = real.map(|real| real.apart(images)).transpose()?;
    let [row, words] = apart.map(|apart| colours(&apart)).unwrap_or_default();
    let mut text = String::from("| metric | value | 95 % interval | better |\n|---|---|---|---|\n");
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "| between_classes-{} | {mean:.5} | {:.5} to {:.5} | larger |\n{row}\n\
         Mean over {} pairs of {n} classes; intervals leave out one class at a time. Nearest are {} and {}: {:.5}.\n{words}",
        distances.network,
        (mean - reach).max(0.),
        mean + reach,
        n * (n - 1) / 2,
        names[a],
        names[b],
        distances.at(a, b),
    );
    Ok(text)
}

/// A row of the table for distances of colours, and what it is a mean of.
fn colours(distances: &[f64]) -> [String; 2] {
    let (sum, n) = (distances.iter().sum::<f64>(), distances.len() as f64);
    let without: Vec<f64> = distances.iter().map(|own| (sum - own) / (n - 1.)).collect();
    let (mean, reach) = (sum / n, student(distances.len()) * jackknife_variance(&without).sqrt());
    let (low, high) = ((mean - reach).max(0.), mean + reach);
    [
        format!("| from_class_colour | {mean:.5} | {low:.5} to {high:.5} | smaller |\n"),
        format!(
            "Colours: distance of the mean of each picture from that of the class in the set, from 0 to 255 for each of RGB; mean of {n} \
             classes.\n"
        ),
    ]
}

impl Distances {
    fn of(images: &Tensor, device: &Device) -> anyhow::Result<Self> {
        let n = images.dim(0)?;
        let networks = FeatureNetworks::embedded(device)?;
        let Some(network) = networks.distance("stlpips") else {
            wrong!("--uniform: no network compares pictures here")
        };
        let mut between = vec![0.; n * n];
        for class in 0..n - 1 {
            let others = n - 1 - class;
            let own = images.narrow(0, class, 1)?.repeat((others, 1, 1, 1))?;
            let found: Vec<f32> = network.distance(&own, &images.narrow(0, class + 1, others)?)?.to_vec1()?;
            for (other, distance) in (class + 1..).zip(found) {
                between[class * n + other] = distance.into();
                between[other * n + class] = distance.into();
            }
        }
        Ok(Self { network: network.name().to_owned(), between, n })
    }

    fn at(&self, a: usize, b: usize) -> f64 {
        self.between[a * self.n + b]
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let n = self.n;
        (0..n).flat_map(move |a| (a + 1..n).map(move |b| (a, b)))
    }

    /// The mean over pairs without this class.
    fn mean(&self, left_out: Option<usize>) -> f64 {
        let pairs: Vec<_> = self.pairs().filter(|&(a, b)| Some(a) != left_out && Some(b) != left_out).collect();
        pairs.iter().map(|&(a, b)| self.at(a, b)).sum::<f64>() / pairs.len() as f64
    }

    fn nearest(&self) -> (usize, usize) {
        let nearer = |x: &(usize, usize), y: &(usize, usize)| self.at(x.0, x.1).total_cmp(&self.at(y.0, y.1));
        self.pairs().min_by(nearer).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_that_look_alike_are_found() -> anyhow::Result<()> {
        let flat = |level: f32| Tensor::full(level, (1, 3, 32, 32), &Device::Cpu);
        let names: Vec<String> = ["a", "b", "c", "d"].map(String::from).into();
        let images = Tensor::cat(&[flat(-0.9)?, flat(0.8)?, flat(0.1)?, flat(0.8)?], 0)?;
        let text = table(&images, &names, &Device::Cpu, None)?;
        assert!(text.contains("6 pairs of 4 classes") && text.contains("Nearest are b and d: 0.00000."), "{text}");
        let same = table(&Tensor::cat(&[flat(0.5)?, flat(0.5)?, flat(0.5)?], 0)?, &names, &Device::Cpu, None)?;
        assert!(same.contains("| between_classes-stlpips | 0.00000 | 0.00000 to 0.00000 | larger |"), "{same}");
        assert!(table(&flat(0.)?, &names, &Device::Cpu, None).is_err());
        Ok(())
    }

    #[test]
    fn colours_have_an_interval() {
        let [row, words] = colours(&[0., 0., 3.]);
        // The standard error of the mean of these three is 1; Student's factor of three values is 4.30.
        assert_eq!(row, "| from_class_colour | 1.00000 | 0.00000 to 5.30265 | smaller |\n");
        assert!(words.contains("mean of 3 classes"), "{words}");
    }

    #[test]
    fn the_mean_is_over_pairs() {
        let between = vec![0., 1., 2., 1., 0., 6., 2., 6., 0.];
        let distances = Distances { network: String::new(), between, n: 3 };
        assert_eq!((distances.mean(None), distances.mean(Some(0)), distances.mean(Some(2))), (3., 6., 1.));
        assert_eq!(distances.nearest(), (0, 1));
    }
}
