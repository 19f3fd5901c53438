//! Numbers that were published of released networks, by the protocols that `stylegan eval` has under their names.

use super::NONE;

/// A released network, and what was published of it.
pub(crate) struct Released {
    pub(crate) title: &'static str,
    /// Names that its file has.
    pub(crate) files: &'static [&'static str],
    /// Names that the set of real pictures has: folders or ZIP files.
    pub(crate) sets: &'static [&'static str],
    pub(crate) numbers: &'static [Published],
}

/// A published number.
pub(crate) struct Published {
    /// What `stylegan eval --metrics` takes.
    pub(crate) asks: &'static str,
    /// What the report calls it where everything is as published.
    pub(crate) metric: &'static str,
    pub(crate) options: &'static [&'static str],
    pub(crate) value: f64,
    /// Its standard deviation over measurements; [`NONE`] where nobody published one.
    pub(crate) spread: f64,
}

/// Files of the Inception network that distances are measured with.
pub(crate) const INCEPTION: &[&str] = &["pt_inception-2015-12-05-6726825d.pth", "inception-2015-12-05.pt"];
/// Files of LPIPS on VGG16, each of them whole.
pub(crate) const LPIPS: &[&str] = &["vgg16.pt", "vgg16_zhang_perceptual.pth", "lpips_vgg.safetensors"];
/// How the names of the paper's classifiers begin, and how many there are.
pub(crate) const CLASSIFIERS: (&str, usize) = ("celebahq-classifier-", 40);

const fn published(asks: &'static str, metric: &'static str, value: f64, spread: f64) -> Published {
    Published { asks, metric, options: &[], value, spread }
}

/// Of 50,000 pairs, where the protocol of StyleGAN's program has 100,000.
const fn of_50k(asks: &'static str, metric: &'static str, value: f64, spread: f64) -> Published {
    Published { options: &["--count", "50000"], ..published(asks, metric, value, spread) }
}

const FFHQ: &[&str] = &["ffhq-1024.zip", "ffhq-1024x1024.zip", "ffhq1024.zip", "images1024x1024"];

/// The README files of NVlabs/stylegan and NVlabs/stylegan2, and the StyleGAN paper for LSUN. Spreads are those of
/// StyleGAN2's table; of StyleGAN's path lengths, which have none, in proportion.
pub(crate) const RELEASED: [Released; 5] = [
    Released {
        title: "StyleGAN, FFHQ 1024x1024",
        files: &["karras2019stylegan-ffhq-1024x1024.pkl", "karras2019stylegan-ffhq-1024x1024.safetensors"],
        sets: FFHQ,
        numbers: &[
            published("sg1.fid50k", "fid50k", 4.4159, 0.03),
            published("sg1.ppl_zfull", "ppl_zfull", 664.8854, 7.3),
            published("sg1.ppl_wfull", "ppl_wfull", 233.3059, 0.37),
            published("sg1.ppl_zend", "ppl_zend", 666.1057, 5.7),
            published("sg1.ppl_wend", "ppl_wend", 197.2266, 1.2),
            published("sg1.ls", "ls_z-classifier", 165.0106, NONE),
            published("sg1.ls", "ls_w-classifier", 3.7447, NONE),
        ],
    },
    Released {
        title: "StyleGAN, LSUN Bedroom 256x256",
        files: &["karras2019stylegan-bedrooms-256x256.pkl"],
        sets: &["lsun-bedroom-256.zip", "lsun-bedroom-256x256.zip", "lsun-bedroom"],
        numbers: &[published("sg1.fid50k", "fid50k", 2.65, 0.03)],
    },
    Released {
        title: "StyleGAN, LSUN Cat 256x256",
        files: &["karras2019stylegan-cats-256x256.pkl"],
        sets: &["lsun-cat-256.zip", "lsun-cat-256x256.zip", "lsun-cat"],
        numbers: &[published("sg1.fid50k", "fid50k", 8.53, 0.03)],
    },
    Released {
        title: "StyleGAN, LSUN Car 512x384",
        files: &["karras2019stylegan-cars-512x384.pkl"],
        sets: &["lsun-car-512x384.zip", "lsun-car"],
        numbers: &[published("sg1.fid50k", "fid50k", 3.27, 0.03)],
    },
    Released {
        title: "StyleGAN2 F, FFHQ 1024x1024",
        files: &["stylegan2-ffhq-config-f.pkl", "stylegan2-ffhq-config-f.safetensors"],
        sets: FFHQ,
        numbers: &[
            published("sg1.fid50k", "fid50k", 2.84, 0.03),
            of_50k("sg1.ppl_zfull", "ppl_zfull-lpips-vgg16", 348.0, 3.8),
            of_50k("sg1.ppl_wfull", "ppl_wfull-lpips-vgg16", 126.9, 0.2),
            of_50k("sg1.ppl_zend", "ppl_zend-lpips-vgg16", 348.6, 3.0),
            of_50k("sg1.ppl_wend", "ppl_wend-lpips-vgg16", 129.4, 0.8),
            published("sg2.ppl2_wend", "ppl2_wend", 145.0, 0.5),
            published("sg1.ls", "ls_z-classifier", 154.2, NONE),
            published("sg1.ls", "ls_w-classifier", 4.27, NONE),
            published("ada.is50k", "is50k", 5.13, 0.02),
        ],
    },
];
