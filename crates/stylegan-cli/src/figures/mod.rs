//! `stylegan figures`: the paper's Figures 2, 3, 4, 5 and 8 for any network, and its pictures beside those of a set.

mod combination;
mod deviation;
mod nearest;
mod uncurated;

use crate::destination;
use crate::exit::{Ending, Outcome, wrong};
use crate::latents::Latents;
use crate::layout::LayoutArgs;
use crate::mix::{Styles, Table, note_whole, style_list};
use crate::network::{Network, NetworkArgs};
use crate::numbers::{Numbers, whole};
use crate::picture_settings::NoiseKind;
use crate::pictures;
use crate::status::{Progress, say};
use crate::writer::Text;
use clap::ValueEnum;
use std::path::{Path, PathBuf};
use stylegan_core::NoiseLayers;
use stylegan_core::layers::Pyramid;
use stylegan_core::picture::{Band, to_pictures, write_png};
use stylegan_metrics::cache::Cache;
use stylegan_train::data::Dataset;

/// The psi of each column of the truncation figure, as in Figure 8 of the paper.
const PSI: [f64; 6] = [1.0, 0.7, 0.5, 0.0, -0.5, -1.0];

/// Draw the figures of the StyleGAN paper for a network
///
/// Writes figure-uncurated.png (Figure 2), figure-mixing.png (3), figure-deviation.png (4),
/// figure-noise.png (5) and figure-truncation.png (8). Those that a network cannot show are left out,
/// and a file of that name from another time is removed. With --data, figure-nearest.png shows pictures
/// beside those of the set that are nearest to them: whether the network has learnt by heart. With two
/// classifiers, figure-combination.png moves pictures in Z and in W to where both of their attributes
/// are (after Figure 6).
///
/// Examples:
///   stylegan figures --network runs/avatars-32 --seeds 0-10 --out figures/
///   stylegan figures --network runs/avatars-32 --only uncurated --trunc 0.7
///   stylegan figures --network runs/avatars-32 --only nearest --data avatars --seeds 0-15
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    #[command(flatten)]
    network: NetworkArgs,

    /// Which figures [default: all; nearest only with --data, combination only with --classifier]
    ///
    /// Example: --only noise,deviation
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    only: Vec<Figure>,

    /// The pictures that it was trained on: a folder, a ZIP file, avatars or earth
    ///
    /// Example: --data faces.zip
    #[arg(long, value_name = "SET")]
    data: Option<String>,

    /// A classifier of `stylegan classifier` of pictures with two classes; given twice, for the figure combination
    ///
    /// Example: --classifier beard.safetensors --classifier hair.safetensors
    #[arg(long, value_name = "FILE")]
    classifier: Vec<PathBuf>,

    /// Seeds; the mixing grid has up to 5 of them as columns and the others, up to 6, as rows, the
    /// uncurated pictures begin with them and go on from 0, the nearest ones are those of the first 16,
    /// eight are moved to a combination, the other figures show the first two.
    #[arg(long, value_name = "LIST", default_value = "0-10")]
    seeds: Numbers,

    /// Pictures with fresh noise that the standard deviation is taken over [default: 100]
    #[arg(long, value_name = "N", value_parser = whole::<u32>(2..=100_000))]
    realisations: Option<u32>,

    #[command(flatten)]
    layout: LayoutArgs,

    /// Folder for the figures.
    #[arg(long, value_name = "FOLDER", default_value = "figures")]
    out: PathBuf,
}

/// A figure of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Figure {
    /// Figure 2: 81 pictures as the seeds give them, at four sizes.
    Uncurated,
    /// Figure 3: coarse, middle and fine styles of the columns in the pictures of the rows.
    Mixing,
    /// Figure 4: what fresh noise changes, and its standard deviation per pixel.
    Deviation,
    /// Figure 5: noise in all layers, in none, in the fine half, in the coarse half.
    Noise,
    /// Figure 8: psi 1, 0.7, 0.5, 0, -0.5, -1.
    Truncation,
    /// None of the paper: pictures beside those of --data that are nearest to them.
    Nearest,
    /// After Figure 6: on the way to where two attributes meet, in Z and in W.
    Combination,
}

impl Figure {
    const ALL: [Figure; 7] = [
        Figure::Uncurated,
        Figure::Mixing,
        Figure::Deviation,
        Figure::Noise,
        Figure::Truncation,
        Figure::Nearest,
        Figure::Combination,
    ];

    fn file_name(self) -> &'static str {
        match self {
            Figure::Uncurated => "figure-uncurated.png",
            Figure::Mixing => "figure-mixing.png",
            Figure::Deviation => "figure-deviation.png",
            Figure::Noise => "figure-noise.png",
            Figure::Truncation => "figure-truncation.png",
            Figure::Nearest => "figure-nearest.png",
            Figure::Combination => "figure-combination.png",
        }
    }

    /// Whether it shows what a network without styles has.
    fn is_of_any_network(self) -> bool {
        matches!(self, Figure::Uncurated | Figure::Nearest)
    }

    /// Why the network has nothing to show there, if so.
    fn obstacle(self, network: &Network, seed: u32) -> anyhow::Result<Option<&'static str>> {
        Ok(match self {
            Figure::Deviation | Figure::Noise if !noise_matters(network, seed)? => {
                Some("noise changes nothing in this network that could be seen")
            }
            Figure::Truncation if network.generator().w_avg().is_none() => Some("this network has no average style"),
            _ => None,
        })
    }
}

/// A figure before it is laid out.
struct Drawn {
    bands: Vec<Band>,
    /// The seeds that it shows.
    seeds: Vec<u32>,
}

pub(crate) fn run(args: Args) -> Outcome {
    let seeds = &args.seeds.0[..];
    let figures = chosen(&args)?;
    check_idle(&args, &figures)?;
    let of_any = figures.iter().all(|figure| figure.is_of_any_network());
    if seeds.len() < 2 && !of_any {
        wrong!("--seeds: the figures but that of uncurated pictures need at least two seeds");
    }
    let mut network = Network::open(&args.network)?;
    if !network.has_styles() && !of_any {
        wrong!(
            "{} is a Progressive GAN, which has no styles, noise and truncation to show; \
             draw uncurated pictures, and those of --data that are nearest: --only uncurated,nearest",
            args.network.network.display()
        );
    }
    let set = args.data.iter().filter(|set| !pictures::is_built_in(set)).map(Path::new);
    let files = [network.file()].into_iter().chain(args.classifier.iter().map(PathBuf::as_path));
    let inputs = files.chain(set).collect::<Vec<_>>();
    destination::folder(&args.out, &inputs)?;
    destination::check_names(&args.out, figures.iter().map(|figure| figure.file_name()), &inputs)?;
    for figure in &figures {
        let path = args.out.join(figure.file_name());
        if let Some(obstacle) = figure.obstacle(&network, seeds[0])? {
            say(&format!("{} is left out: {obstacle}", figure.file_name()));
            remove(&path)?;
            continue;
        }
        let mut text = network.text();
        let drawn = match figure {
            Figure::Uncurated => {
                args.layout.columns(uncurated::PLACES, network.size())?;
                uncurated::uncurated(&network, seeds, args.layout.zoom)?
            }
            Figure::Mixing => mixing(&network, seeds)?,
            Figure::Deviation => {
                let fresh = NoiseKind::Random.in_words(args.network.noise_seed.unwrap_or(0));
                say_noise(&mut text, format!("const, {fresh}"));
                deviation::deviation(&network, &seeds[..2], args.realisations.unwrap_or(100) as usize)?
            }
            Figure::Noise => {
                say_noise(&mut text, "const, none, const in fine layers, const in coarse layers".into());
                noise(&network, &seeds[..2])?
            }
            Figure::Truncation => {
                text.retain(|(key, _)| *key != "stylegan:psi");
                truncation(&mut network, &seeds[..2])?
            }
            Figure::Nearest => {
                let home = home(&network);
                let set = set_of(&args, &network, &home)?;
                // A folder that is there anyway, as that of a run, keeps what was seen of the set as well.
                let cache = home.is_dir().then(|| Cache::new(home.join("features"), network.model().params().device()));
                nearest::nearest(&network, seeds, &set, cache.as_ref())?
            }
            Figure::Combination => combination::combination(&network, seeds, &args.classifier)?,
        };
        text.push(("stylegan:seed", Numbers(drawn.seeds).to_string()));
        let mut sheet = args.layout.sheet(drawn.bands);
        if *figure == Figure::Uncurated {
            sheet.zoom = Some(1);
        }
        write_png(&path, &sheet.draw(), &text)?;
        say(&path.display().to_string());
    }
    Ok(Ending::Done)
}

/// Puts down the noise of a figure that has its own, column by column.
fn say_noise(text: &mut Text, noise: String) {
    text.retain(|(key, _)| *key != "stylegan:noise");
    text.push(("stylegan:noise", noise));
}

/// The figures that are asked for: some need more than a network.
fn chosen(args: &Args) -> anyhow::Result<Vec<Figure>> {
    let mut figures = if args.only.is_empty() { Figure::ALL.to_vec() } else { args.only.clone() };
    let needs = [
        (
            Figure::Nearest,
            "nearest",
            "--data",
            args.data.is_some(),
            "--data says which pictures the network was trained on",
        ),
        (
            Figure::Combination,
            "combination",
            "--classifier",
            !args.classifier.is_empty(),
            "--classifier, given twice, says who sees the two attributes",
        ),
    ];
    for (figure, name, option, given, needed) in needs {
        match (figures.contains(&figure), given) {
            (true, false) if args.only.is_empty() => figures.retain(|other| *other != figure),
            (true, false) => wrong!("--only {name}: {needed}"),
            (false, true) => wrong!("{option} is for the figure {name}; add {name} to --only, or leave {option} out"),
            _ => {}
        }
    }
    Ok(figures)
}

/// Refuses options that change nothing in any of these figures.
fn check_idle(args: &Args, figures: &[Figure]) -> anyhow::Result<()> {
    let only = |own: &[Figure]| figures.iter().all(|figure| own.contains(figure));
    let deviation = figures.contains(&Figure::Deviation);
    let fresh = args.network.noise == NoiseKind::Random && !only(&[Figure::Noise]);
    let idle = [
        ("--realisations", args.realisations.is_some() && !deviation, "that of fresh noise; add deviation to --only"),
        ("--noise-seed", args.network.noise_seed.is_some() && !deviation && !fresh, "fresh noise; add --noise random"),
        ("--trunc", args.network.trunc != 1. && only(&[Figure::Truncation]), "figures of one psi; add one to --only"),
    ];
    match idle.iter().find(|(_, idle, _)| *idle) {
        Some((option, _, remedy)) => wrong!("{option} is for {remedy}, or leave it out"),
        None => Ok(()),
    }
}

/// Where built-in sets are: in the folder of the network's run, or where `stylegan data build` makes them.
fn home(network: &Network) -> PathBuf {
    let run = network.file().parent().filter(|folder| folder.join("config.toml").is_file());
    run.unwrap_or(Path::new("")).join("data")
}

/// The pictures of `--data`, of the network's size; built-in ones are made in `home`.
fn set_of(args: &Args, network: &Network, home: &Path) -> anyhow::Result<Dataset> {
    let set = args.data.as_deref().unwrap_or_default();
    let dataset = pictures::open(set, network.size(), 0, None, home)?;
    let ([h, w], [eh, ew]) = (dataset.image_size(), network.size());
    if [h, w] != [eh, ew] {
        wrong!("--data {set} has pictures of {w}x{h} pixels, the network makes {ew}x{eh}; build the set at that size");
    }
    Ok(dataset)
}

/// Removes a figure that an earlier call has drawn, perhaps of another network.
fn remove(path: &Path) -> anyhow::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(anyhow::Error::new(error).context(format!("cannot remove {}", path.display())))
        }
        _ => Ok(()),
    }
}

/// What stands beside rows of these seeds.
fn seed_headings(seeds: &[u32]) -> Vec<String> {
    seeds.iter().map(|seed| format!("seed {seed}")).collect()
}

/// Three tables of mixes below one another, each with its own range of styles and its own rows.
fn mixing(network: &Network, seeds: &[u32]) -> anyhow::Result<Drawn> {
    let (columns, rest) = seeds.split_at((seeds.len() / 2).clamp(1, 5));
    let rows = &rest[..rest.len().min(6)];
    let spans = [("coarse", Styles::COARSE, 0..3), ("middle", Styles::MIDDLE, 3..5), ("fine", Styles::FINE, 5..6)];
    let mut bands = Vec::new();
    for (name, styles, range) in spans {
        let styles = styles.rows("--styles", network.generator().spec().num_ws)?;
        let rows: Vec<u32> = rows.get(range.start..range.end.min(rows.len())).unwrap_or_default().to_vec();
        if styles.is_empty() || rows.is_empty() {
            continue;
        }
        note_whole(&styles, network, "");
        let table = Table::compute(network, &Numbers(rows), &Numbers(columns.to_vec()), &styles)?;
        let figure = if bands.is_empty() { "Figure 3: " } else { "" };
        let list = style_list(&styles);
        bands.push(table.band(format!("{figure}{name} styles ({list}) of the columns, all others of the rows")));
    }
    Ok(Drawn { bands, seeds: [columns, rows].concat() })
}

/// Levels of 255 by which two pictures may differ and look the same.
const ALIKE: u8 = 4;

/// Whether a picture with the fixed noise looks any different from one without.
fn noise_matters(network: &Network, seed: u32) -> anyhow::Result<bool> {
    let ws = Latents::Seeds(vec![seed]).styles(network, 0, 1)?;
    let render = |kind| Ok::<_, anyhow::Error>(to_pictures(&network.render(&ws, &[0], kind, NoiseLayers::All)?)?);
    let (with, without) = (render(NoiseKind::Const)?, render(NoiseKind::None)?);
    let mut pairs = with.iter().flat_map(|one| one.iter()).zip(without.iter().flat_map(|one| one.iter()));
    Ok(pairs.any(|(a, b)| a.abs_diff(*b) > ALIKE))
}

/// For each seed: noise everywhere, nowhere, in the fine layers, in the coarse layers.
fn noise(network: &Network, seeds: &[u32]) -> anyhow::Result<Drawn> {
    // The paper's border is layer 8 of 18; smaller networks are cut in the middle.
    let layers = 2 * Pyramid::new(network.generator().spec().img_size)?.levels();
    let border = (layers / 2).min(8);
    let kinds = [
        ("all noise".to_owned(), NoiseKind::Const, NoiseLayers::All),
        ("no noise".to_owned(), NoiseKind::None, NoiseLayers::All),
        (format!("fine layers ({border}-{})", layers - 1), NoiseKind::Const, NoiseLayers::Range(border..layers)),
        (format!("coarse layers (0-{})", border - 1), NoiseKind::Const, NoiseLayers::Range(0..border)),
    ];
    let latents = Latents::Seeds(seeds.to_vec());
    let progress = Progress::new("drawing noise", seeds.len() * kinds.len());
    let mut pictures = Vec::new();
    for i in 0..seeds.len() {
        let ws = latents.styles(network, i, 1)?;
        for (_, kind, layers) in &kinds {
            pictures.extend(to_pictures(&network.render(&ws, &[0], *kind, layers.clone())?)?.into_iter().map(Some));
            progress.advance(1);
        }
    }
    let band = Band {
        title: "Figure 5: noise in all layers, in none, in the fine ones only, in the coarse ones only".to_owned(),
        across: kinds.len(),
        columns: kinds.into_iter().map(|(heading, ..)| heading).collect(),
        rows: seed_headings(seeds),
        pictures,
        captions: vec![],
    };
    Ok(Drawn { bands: vec![band], seeds: seeds.to_vec() })
}

/// For each seed: one picture per psi.
fn truncation(network: &mut Network, seeds: &[u32]) -> anyhow::Result<Drawn> {
    let latents = Latents::Seeds(seeds.to_vec());
    let own = network.truncation();
    let progress = Progress::new("truncating", seeds.len() * PSI.len());
    let mut columns = Vec::new();
    for psi in PSI {
        network.set_truncation(psi);
        let ws = latents.styles(network, 0, seeds.len())?;
        columns.push(to_pictures(&network.synthesize(&ws, &vec![0; seeds.len()])?)?);
        progress.advance(seeds.len());
    }
    network.set_truncation(own);
    let pictures = (0..seeds.len()).flat_map(|i| columns.iter().map(move |column| Some(column[i].clone()))).collect();
    let band = Band {
        title: "Figure 8: truncation, from the seeds' own styles (psi 1) past the average (0) to their opposites"
            .to_owned(),
        columns: PSI.iter().map(|psi| format!("psi {psi}")).collect(),
        rows: seed_headings(seeds),
        across: PSI.len(),
        pictures,
        captions: vec![],
    };
    Ok(Drawn { bands: vec![band], seeds: seeds.to_vec() })
}
