//! A result of a measured number and of where it comes from.

use super::{Generated, Measured, Request};
use crate::features::NetworkId;
use crate::metric::Number;
use crate::protocol::Protocol;
use crate::report::{MetricResult, REAL_SET, SampleCounts};
use stylegan_core::Precision;

/// Where numbers come from.
pub(super) struct Origin<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) protocol: Protocol,
    /// By number; nobody for what is of the real set alone.
    pub(super) subject: Option<usize>,
    pub(super) network: NetworkId,
    pub(super) counts: SampleCounts,
    /// Whether the images are of single latents without truncation, whatever was asked for.
    pub(super) drawn_plainly: bool,
    pub(super) seconds: f64,
}

impl Origin<'_> {
    /// Truncation and mixing of the subject's images.
    fn drawn(&self) -> (f64, usize) {
        match self.subject.map(|i| &self.request.subjects[i].generated) {
            Some(Generated::Generator(source)) if !self.drawn_plainly => (source.truncation_psi, source.mixed),
            _ => (1., 1),
        }
    }

    /// How precise the convolutions were that made the subject's images.
    fn precision(&self) -> Precision {
        match self.subject.map(|i| &self.request.subjects[i].generated) {
            Some(Generated::Generator(source)) => source.generator.precision(),
            Some(Generated::Images(set)) => set.precision,
            None => Precision::F32,
        }
    }

    /// The same with truncation, mixing and a precision below f32 noted as changes of the protocol.
    pub(super) fn noted(mut self) -> Self {
        if self.precision() != Precision::F32 {
            self.protocol.note("precision");
        }
        let (truncation_psi, mixed) = self.drawn();
        if truncation_psi != 1. {
            self.protocol.note("truncation");
        }
        if mixed != 1 {
            self.protocol.note("mixing");
        }
        self
    }
}

/// The result that says all about a number; `suffix` goes behind the metric's name.
pub(super) fn result(origin: &Origin, number: Number, suffix: &str) -> Measured {
    let Origin { request, protocol, network, counts, .. } = origin;
    let Number { name, estimate, unit, better } = number;
    let (truncation_psi, mixed) = origin.drawn();
    // The truths of pairs are those of the set.
    let of_set = counts.real > 0 || origin.subject.is_none() || protocol.needs().truths;
    let reals = request.reals.as_ref().filter(|_| of_set);
    let subject = origin.subject.map(|i| &request.subjects[i]);
    let result = MetricResult {
        name: protocol.named(&format!("{name}{suffix}"), &network.name),
        subject: subject.map_or(REAL_SET, |subject| &subject.name).into(),
        value: estimate.value,
        low: estimate.interval.low,
        high: estimate.interval.high,
        interval: estimate.interval.method.clone(),
        unit: unit.into(),
        better,
        protocol: protocol.clone(),
        feature_network: network.clone(),
        seed: request.seed,
        truncation_psi,
        mixed,
        precision: origin.precision().name().into(),
        counts: *counts,
        set: reals.map(|set| set.name.clone()),
        dataset_hash: reals.and_then(|set| set.hash.clone()),
        checkpoint_hash: match subject.map(|subject| &subject.generated) {
            Some(Generated::Generator(source)) => source.hash.map(Into::into),
            Some(Generated::Images(set)) => set.hash.clone(),
            None => None,
        },
        seconds: origin.seconds,
        provenance: request.provenance.clone(),
    };
    Measured { result, estimate }
}
