//! Variants of inverted pictures: some of their style rows are those of seeds, or on the way there (pixel2style2pixel,
//! section 4.3: one sketch or map, many faces).

use super::Args;
use super::files::Outputs;
use super::settings::Settings;
use crate::exit::wrong;
use crate::latents::Latents;
use crate::mix::style_list;
use crate::network::Network;
use crate::numbers::Numbers;
use stylegan_core::checkpoint::save;
use stylegan_core::latent::mix;
use stylegan_core::picture::{Band, Sheet, columns, to_pictures, write_png};

/// What varies.
pub(super) struct Variants {
    /// Style rows that do.
    rows: Vec<usize>,
    /// How far they go: 1 all the way.
    alpha: f64,
    /// Whose styles they go to.
    seeds: Numbers,
}

impl Variants {
    /// What the arguments ask for, if they do.
    pub(super) fn of(args: &Args, network: &Network) -> anyhow::Result<Option<Self>> {
        let Some(rows) = &args.mix_rows else { return Ok(None) };
        let num_ws = network.generator().spec().num_ws;
        let rows = rows.rows("--mix-rows", num_ws)?;
        if rows.is_empty() {
            wrong!("--mix-rows: this network has style rows 0 to {} and none of those", num_ws - 1);
        }
        if !(0. ..=1.).contains(&args.alpha) {
            wrong!("--alpha {}: expected a number from 0, the picture's own styles, to 1, the seeds'", args.alpha);
        }
        Ok(Some(Self { rows, alpha: args.alpha, seeds: args.mix_seeds.distinct("--mix-seeds") }))
    }

    /// Writes styles and pictures of the variants of what was found of the picture `name`.
    pub(super) fn write(
        &self,
        network: &Network,
        name: &str,
        files: &Outputs,
        settings: &Settings,
    ) -> anyhow::Result<()> {
        let n = self.seeds.0.len();
        let seeds = Latents::seeds(&self.seeds).styles(network, 0, n)?;
        let own = Latents::open(&files.styles, network)?.styles(network, 0, 1)?;
        let own = own.broadcast_as(seeds.shape())?.contiguous()?;
        let there = ((seeds * self.alpha)? + (&own * (1. - self.alpha))?)?;
        let mixed = mix(&own, &self.rows.iter().map(|&row| (&there, row..row + 1)).collect::<Vec<_>>())?;
        let how = format!("style rows {} of seeds {}, by {}", style_list(&self.rows), self.seeds, self.alpha);
        let more = [("picture", name.to_owned()), ("mixed", how.clone())];
        let metadata = settings.metadata("styles of variants of a picture (tensor ws), for --latents", &more);
        save(&files.variant_styles, &metadata, &[("ws".to_owned(), mixed.clone())])?;

        let mut band = Band { title: format!("{name}: {how}"), across: columns(n, network.size()), ..Band::default() };
        for start in (0..n).step_by(network.batch()) {
            let len = network.batch().min(n - start);
            // Noise as the reconstruction has it.
            let images = network.synthesize(&mixed.narrow(0, start, len)?, &vec![0; len])?;
            band.pictures.extend(to_pictures(&images)?.into_iter().map(Some));
        }
        band.captions = self.seeds.0.iter().map(|seed| format!("seed {seed}")).collect();
        let mut text = network.text();
        text.push(("stylegan:inverted", name.to_owned()));
        text.push(("stylegan:column-seed", self.seeds.to_string()));
        text.push(("stylegan:column-styles", style_list(&self.rows)));
        text.push(("stylegan:column-alpha", self.alpha.to_string()));
        Ok(write_png(&files.variants, &Sheet::new(vec![band]).draw(), &text)?)
    }
}
