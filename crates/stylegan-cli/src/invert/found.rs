//! What was found of a picture, as files.

use super::picture::Picture;
use super::plan::Plan;
use super::settings::Settings;
use candle_core::Tensor;
use stylegan_core::checkpoint::save;
use stylegan_core::picture::{to_pictures, write_png};
use stylegan_train::inversion::Space;

/// Writes the style rows `[1, num_ws, w_dim]` that were found of a picture, after the picture that the network makes of them;
/// `distance` is that of the search's last step.
pub(super) fn write(
    plan: &Plan,
    picture: &Picture,
    settings: &Settings,
    rows: &Tensor,
    distance: Option<f64>,
) -> anyhow::Result<()> {
    let (network, files) = (&plan.network, &picture.files);
    files.remove_of_other_styles()?;
    let image = network.synthesize(rows, &[0])?;
    write_png(&files.reconstruction, &to_pictures(&image)?[0], &picture.text(network, None))?;
    let (name, tensor) = match plan.options.space {
        Space::W => ("w", rows.narrow(1, 0, 1)?.squeeze(1)?.contiguous()?),
        Space::WPlus => ("ws", rows.contiguous()?),
    };
    let mut found = vec![("picture", picture.name.clone())];
    // With noise maps of its own, which the styles alone do not have.
    found.extend(distance.map(|distance| ("distance_at_the_last_step", distance.to_string())));
    let content = format!("the styles of a picture (tensor {name}), for --latents");
    save(&files.styles, &settings.metadata(&content, &found), &[(name.to_owned(), tensor)])?;
    if files.unfinished.exists() {
        std::fs::remove_file(&files.unfinished)?;
    }
    Ok(())
}
