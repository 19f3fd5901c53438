//! The phases of an iteration.

use crate::inputs::random::Streams;
use crate::phase::{Action, Phase};
use stylegan_core::checkpoint::prefix;

/// Generator and encoder along their loss.
pub const GMAIN: Phase =
    Phase::new("Gmain", prefix::G, Streams { latent: "G latent", ..Streams::UNNAMED }).with_reals();

/// The discriminator along its loss.
pub const DMAIN: Phase =
    Phase::new("Dmain", prefix::D, Streams { latent: "D latent", ..Streams::UNNAMED }).with_reals();

/// All actions of an iteration: the generator first, then the discriminator on the same pictures, of which
/// the generator that has just moved makes new ones.
pub(super) fn iteration() -> Vec<Action> {
    vec![Action::Phase(GMAIN), Action::Phase(DMAIN), Action::Advance]
}
