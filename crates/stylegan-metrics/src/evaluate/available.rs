//! What there is to measure with, against what metrics need.

use super::{Generated, Request};
use crate::features::{FeatureNetwork, FeatureNetworks, KNOWS_CLASSES};
use crate::metric::{Kind, RealsRole, SubjectKind};
use crate::protocol::Protocol;
use crate::{Error, Result};

/// What there is to measure with.
pub struct Available<'a> {
    /// What everybody who is measured is.
    pub subject: SubjectKind,
    /// Generated images that there are; nothing where a generator makes as many as are wanted.
    pub generated: Option<usize>,
    /// Real images, if there are any.
    pub reals: Option<usize>,
    /// Height and width of the generated images, where known.
    pub size: Option<[usize; 2]>,
    /// Whether there are classifiers of what a picture shows.
    pub classifiers: bool,
    /// What looks at the images.
    pub networks: &'a FeatureNetworks,
}

impl<'a> Available<'a> {
    /// What a request has.
    pub(super) fn of(request: &Request<'a>) -> Self {
        let kind = |generated: &Generated| match generated {
            Generated::Images(_) => SubjectKind::Images,
            Generated::Generator(source) if source.generator.spec().mapping => SubjectKind::Mapping,
            Generated::Generator(_) => SubjectKind::Generator,
        };
        let kinds: Vec<SubjectKind> = request.subjects.iter().map(|subject| kind(&subject.generated)).collect();
        let all = |allowed: &[SubjectKind]| kinds.iter().all(|kind| allowed.contains(kind));
        let subject = if all(&[SubjectKind::Images]) {
            SubjectKind::Images
        } else if all(&[SubjectKind::Mapping]) {
            SubjectKind::Mapping
        } else if all(&[SubjectKind::Mapping, SubjectKind::Generator]) {
            SubjectKind::Generator
        } else {
            SubjectKind::Any
        };
        let images = request.subjects.iter().filter_map(|subject| match &subject.generated {
            Generated::Images(images) => Some(images.count),
            Generated::Generator(_) => None,
        });
        let size = request.subjects.iter().find_map(|subject| match &subject.generated {
            Generated::Images(_) => None,
            Generated::Generator(source) => Some(source.generator.spec().img_size),
        });
        Self {
            subject,
            generated: images.min(),
            reals: request.reals.as_ref().map(|reals| reals.count),
            size,
            classifiers: !request.classifiers.is_empty(),
            networks: request.networks,
        }
    }

    /// Refuses a metric for which something is missing, before anything is computed.
    ///
    /// # Errors
    /// What is missing.
    pub fn allow(&self, protocol: &Protocol) -> Result<()> {
        let missing = |missing| Err(Error::Missing { metric: protocol.id.clone(), missing });
        let needs = protocol.needs();
        let generators = matches!(self.subject, SubjectKind::Generator | SubjectKind::Mapping);
        match needs.subject {
            SubjectKind::Generator | SubjectKind::Mapping if !generators => return missing("a generator (--network)"),
            SubjectKind::Mapping if self.subject != SubjectKind::Mapping => {
                return missing("a generator that maps latents to styles: Progressive GAN has no W");
            }
            SubjectKind::Images if self.subject != SubjectKind::Images => {
                return missing(
                    "two sets of pictures that belong together (--images GENERATED REAL), or a network that paints label maps",
                );
            }
            _ => {}
        }
        if !self.classifiers && needs.classifiers {
            return missing("a classifier (--classifier FILE, of `stylegan classifier`)");
        }
        if self.subject != SubjectKind::Images && protocol.counts().is_some_and(|counts| counts.fakes.is_none()) {
            return missing("a number of generated pictures (--count)");
        }
        if self.reals.is_none() && protocol.needs_reals() {
            return missing("a set of real images (--data)");
        }
        let knows_classes = || self.networks.features(&protocol.network).is_some_and(FeatureNetwork::knows_classes);
        if needs.classes && !knows_classes() {
            return missing(KNOWS_CLASSES);
        }
        if let Kind::Sets(metric) = protocol.kind()
            && let Err(network) = metric.extractor(self.networks, &protocol.network, 0)
        {
            return missing(network);
        }
        Ok(())
    }

    /// Refuses a metric for which there is too little: images, or pixels of them.
    ///
    /// # Errors
    /// What there is too little of, and how much it needs.
    pub fn suffice(&self, protocol: &Protocol) -> Result<()> {
        let needs = protocol.needs();
        let least = |a: Option<usize>, b: Option<usize>| a.into_iter().chain(b).min();
        let generated = least(protocol.count(), self.generated);
        let reals = match needs.reals {
            RealsRole::Unused | RealsRole::Beside => None,
            RealsRole::Compared | RealsRole::Paired => least(protocol.counts().and_then(|c| c.reals), self.reals),
        };
        for (set, found) in [("generated set", generated), ("real set", reals)] {
            if let Some(found) = found.filter(|found| *found < needs.images) {
                let (metric, set) = (protocol.id.clone(), set.into());
                return Err(Error::TooFew { metric, set, needed: needs.images, found });
            }
        }
        if let Some([h, w]) = self.size.filter(|[h, w]| h.min(w) < &needs.side) {
            let (metric, needed) = (protocol.id.clone(), needs.side);
            return Err(Error::TooSmall { metric, needed, found: [h, w] });
        }
        Ok(())
    }

    /// Refuses a metric that compares images of these two sizes where they are looked at as they are.
    ///
    /// # Errors
    /// The two sizes.
    pub fn allow_sizes(&self, protocol: &Protocol, one: [usize; 2], other: [usize; 2]) -> Result<()> {
        let Kind::Sets(metric) = protocol.kind() else { return Ok(()) };
        let any_size =
            metric.extractor(self.networks, &protocol.network, 0).is_ok_and(|extractor| extractor.any_size());
        let of_two = protocol.needs_reals() || protocol.needs().truths;
        if one == other || !of_two || any_size {
            return Ok(());
        }
        Err(Error::Sizes { metric: protocol.id.clone(), one, other })
    }
}
