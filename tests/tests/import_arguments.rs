//! Arguments of constructors in released formats: those that no shape tells of reach the configuration, or are refused where
//! they make a network that is not known. Each is written into a golden pickle, before a key of its arguments.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use candle_core::{DType, Tensor};
use std::path::{Path, PathBuf};
use stylegan_core::checkpoint::Checkpoint;
use stylegan_core::export::{Naming, state_dict};
use stylegan_core::import::{Imported, import, import_bytes, import_safetensors};
use stylegan_core::layers::FusedScale;
use stylegan_core::{DiscriminatorConfig, GeneratorConfig, NetworkConfig};
use stylegan_tests::golden::assert_close;
use stylegan_tests::pickle::Pickle;

const STYLEGAN1: &str = "checkpoints/bare/stylegan1_tf.pkl";
const PGGAN: &str = "checkpoints/bare/pggan_tf.pkl";
const STYLEGAN2: &str = "../../fuzz/seeds/import/tensorflow_stylegan2.pkl";
const ADA: &str = "checkpoints/bare/stylegan2_ada_pytorch.pkl";
const LATER: &str = "checkpoints/stylegan3_repo_sg2.pkl";
/// A key of the arguments of the TensorFlow networks.
const OF_TENSORFLOW: &[u8] = b"\x8c\x0cnum_channels";

fn golden(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/golden")).join(name)
}

/// The opcodes of a value.
type Value = fn(Pickle) -> Pickle;
const YES: Value = |p| p.raw(b"\x88");
const NO: Value = |p| p.raw(b"\x89");
const NONE: Value = |p| p.raw(b"N");
const LRELU: Value = |p| p.text("lrelu");
const RELU: Value = |p| p.text("relu");
const PUBLISHED: Value = |p| p.list(|p| p.int(1).int(3).int(3).int(1));
const BINOMIAL: Value = |p| p.list(|p| p.int(1).int(2).int(1));

fn opcodes(p: impl FnOnce(Pickle) -> Pickle) -> Vec<u8> {
    let whole = p(Pickle::new()).stop();
    whole[2..whole.len() - 1].to_vec()
}

/// A file with `inserted` before (or, if `behind`, after) the first `place` in it.
fn changed(file: &str, place: &[u8], behind: bool, inserted: &[u8]) -> Vec<u8> {
    let whole = std::fs::read(golden(file)).unwrap();
    let at = whole.windows(place.len()).position(|part| part == place).expect("the place");
    let at = if behind { at + place.len() } else { at };
    [&whole[..at], inserted, &whole[at..]].concat()
}

/// A file with these arguments besides those that it has.
fn with(file: &str, place: &[u8], arguments: &[(&str, Value)]) -> Result<Imported, String> {
    let inserted = opcodes(|p| arguments.iter().fold(p, |p, (name, value)| value(p.text(name))));
    import_bytes(&changed(file, place, false, &inserted), Path::new("changed.pkl")).map_err(|error| error.to_string())
}

/// The same where the arguments are a dictionary that begins behind `place`.
fn with_inner(file: &str, place: &[u8], name: &str, value: Value) -> Result<Imported, String> {
    let inserted = opcodes(|p| value(p.text(name)).raw(b"s"));
    import_bytes(&changed(file, place, true, &inserted), Path::new("changed.pkl")).map_err(|error| error.to_string())
}

#[track_caller]
fn refused(imported: Result<Imported, String>, argument: &str, value: &str) {
    let message = imported.map(drop).expect_err("another network");
    let expected = format!("network argument `{argument}` is {value}, ");
    assert!(message.contains(&expected) && !message.contains('\n'), "{expected:?} in {message}");
}

#[test]
fn stylegan() {
    let with = |arguments: &[(&str, Value)]| with(STYLEGAN1, OF_TENSORFLOW, arguments);
    let config = |imported: &Imported| match imported.metadata.networks["G_ema"].clone() {
        NetworkConfig::Generator(GeneratorConfig::StyleGan1(config)) => config,
        other => panic!("{other:?}"),
    };
    let plain = config(&import(golden(STYLEGAN1)).unwrap());
    let published: [(&str, Value); 4] = [
        ("blur_filter", BINOMIAL),
        ("fused_scale", |p| p.text("auto")),
        ("use_wscale", |p| p.int(1)),
        ("use_noise", YES),
    ];
    assert_eq!(config(&with(&published).unwrap()), plain);
    let other = config(&with(&[("blur_filter", NONE), ("use_pixel_norm", YES), ("normalize_latents", NO)]).unwrap());
    assert_eq!((other.blur_filter, other.pixel_norm, other.normalize_latents), (vec![], true, false));
    let wider =
        config(&with(&[("blur_filter", |p| p.list(|p| [1, 4, 6, 4, 1].into_iter().fold(p, Pickle::int)))]).unwrap());
    assert_eq!(wider.blur_filter, [1., 4., 6., 4., 1.]);
    for (argument, value, shown) in [
        ("nonlinearity", RELU, "\"relu\""),
        ("mapping_nonlinearity", RELU, "\"relu\""),
        ("use_instance_norm", NO, "false"),
        ("use_noise", NO, "false"),
        ("use_wscale", NO, "false"),
        ("normalize_latents", NONE, "null"),
        ("fused_scale", RELU, "\"relu\""),
        ("blur_filter", RELU, "\"relu\""),
    ] {
        refused(with(&[(argument, value)]), argument, shown);
    }
    let message = with(&[("blur_filter", PUBLISHED)]).unwrap_err();
    assert!(message.contains("`blur_filter` has 4 taps"), "{message}");
}

/// Fused convolutions store their weights turned round, so that with the argument the same file is of another network.
#[test]
fn fused_stylegan() {
    let fused = with(STYLEGAN1, OF_TENSORFLOW, &[("fused_scale", YES)]).unwrap();
    let apart = with(STYLEGAN1, OF_TENSORFLOW, &[("fused_scale", NO)]).unwrap();
    let scale = |imported: &Imported| match &imported.metadata.networks["G_ema"] {
        NetworkConfig::Generator(GeneratorConfig::StyleGan1(config)) => config.fused_scale,
        other => panic!("{other:?}"),
    };
    assert_eq!([scale(&fused), scale(&apart)], [FusedScale::Always, FusedScale::Never]);
    let (fused, apart) = (fused.network("G_ema"), apart.network("G_ema"));
    for (name, weight) in &apart {
        let is_up = name.ends_with("conv0.weight");
        let expected = if is_up { weight.flip(&[2, 3]).unwrap() } else { weight.clone() };
        assert_close(name, &fused[name], &expected, 0.);
    }
}

#[test]
fn progressive_gan() {
    let with = |arguments: &[(&str, Value)]| with(PGGAN, OF_TENSORFLOW, arguments);
    let other = with(&[("normalize_latents", NO), ("use_pixelnorm", NO), ("use_leakyrelu", YES)]).unwrap();
    let NetworkConfig::Generator(GeneratorConfig::Pggan(config)) = &other.metadata.networks["G_ema"] else { panic!() };
    assert!(!config.normalize_latents && !config.pixel_norm);
    refused(with(&[("use_leakyrelu", NO)]), "use_leakyrelu", "false");
}

#[test]
fn stylegan2_of_tensorflow() {
    let with = |argument, value| with(STYLEGAN2, OF_TENSORFLOW, &[(argument, value)]);
    assert!(with("nonlinearity", LRELU).is_ok() && with("resample_kernel", PUBLISHED).is_ok());
    for (argument, value, shown) in [
        ("nonlinearity", RELU, "\"relu\""),
        ("resample_kernel", BINOMIAL, "[1,2,1]"),
        ("resample_kernel", NONE, "null"),
        ("normalize_latents", NO, "false"),
    ] {
        refused(with(argument, value), argument, shown);
    }
}

#[test]
fn stylegan2_of_pytorch() {
    let own = |argument, value| with(ADA, b"\x8c\x0emapping_kwargs", &[(argument, value)]);
    assert!(own("activation", LRELU).is_ok() && own("resample_filter", PUBLISHED).is_ok());
    refused(own("activation", RELU), "activation", "\"relu\"");
    refused(own("resample_filter", BINOMIAL), "resample_filter", "[1,2,1]");
    refused(own("use_noise", NO), "use_noise", "false");
    let of_synthesis = |argument, value| with_inner(ADA, b"\x8c\x10synthesis_kwargs\x94}\x94", argument, value);
    refused(of_synthesis("activation", RELU), "activation", "\"relu\"");
    let of_mapping = |argument, value| with_inner(ADA, b"\x8c\x0emapping_kwargs\x94}\x94", argument, value);
    refused(of_mapping("activation", |p| p.text("swish")), "activation", "\"swish\"");
    let of_blocks = |argument, value| with_inner(LATER, b"\x8c\x0cblock_kwargs\x94}\x94", argument, value);
    refused(of_blocks("resample_filter", BINOMIAL), "resample_filter", "[1,2,1]");
    let of_end = |argument, value| with_inner(LATER, b"\x8c\x0fepilogue_kwargs\x94}\x94", argument, value);
    refused(of_end("activation", RELU), "activation", "\"relu\"");
    // Without minibatch statistics the layer behind them is narrower, as this file's is not.
    let message = of_end("mbstd_num_channels", |p| p.int(0)).map(drop).unwrap_err();
    assert!(message.contains("conv.weight` has shape") && !message.contains("mbstd_channels"), "{message}");
    let published = of_end("activation", LRELU).unwrap();
    let NetworkConfig::Discriminator(DiscriminatorConfig::StyleGan2(_)) = &published.metadata.networks["D"] else {
        panic!()
    };
}

/// Filters that are stored beside the parameters must be those that the networks here compute with.
#[test]
fn stored_filters() {
    let taps = [1f32, 3., 3., 1.];
    let filter: Vec<u8> = taps.iter().flat_map(|a| taps.map(|b| a * b / 64.)).flat_map(f32::to_le_bytes).collect();
    let mut file = std::fs::read(golden(ADA)).unwrap();
    let at = file.windows(filter.len()).position(|part| part == filter).expect("a filter");
    file[at..at + 4].copy_from_slice(&0.5f32.to_le_bytes());
    let message = import_bytes(&file, Path::new("changed.pkl")).unwrap_err().to_string();
    assert!(message.contains("resample_filter` is not [1, 3, 3, 1]"), "{message}");
}

/// What no verb would open is not converted: tensors of no module, and numbers of two kinds.
#[test]
fn what_is_imported_can_be_opened() {
    let original = import(golden(ADA)).unwrap();
    let mut own = state_dict(&original.metadata.networks["G_ema"], &original.network("G_ema"), Naming::Nvlabs).unwrap();
    let file = |tensors: &[(String, Tensor)]| {
        Pickle::new().dict(|p| tensors.iter().fold(p, |p, (name, tensor)| p.text(name).torch(tensor))).stop()
    };
    let whole = import_bytes(&file(&own), Path::new("own.pt")).unwrap();
    assert_eq!(whole.metadata.assumed().collect::<Vec<_>>(), ["mapping_lr", "conv_clamp"]);
    let (name, bias) = own.iter().find(|(name, _)| name.ends_with("bias")).cloned().unwrap();
    own.push(("mapping.w_var".into(), bias.clone()));
    let message = import_bytes(&file(&own), Path::new("own.pt")).unwrap_err().to_string();
    assert!(message.contains("1 tensors belong to no module") && message.contains("`mapping.w_var`"), "{message}");
    own.pop();

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mixed.safetensors");
    let mut tensors: std::collections::HashMap<_, _> = own.into_iter().collect();
    tensors.insert(name, bias.to_dtype(DType::F64).unwrap());
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let message = import_safetensors(&Checkpoint::open(&path).unwrap()).unwrap_err().to_string();
    assert!(message.contains("element type F") && message.contains(" among F"), "{message}");
    tensors.retain(|name, _| name != "synthesis.b8.conv1.bias");
    let same = |tensor: &Tensor| tensor.to_dtype(DType::F32).unwrap();
    let tensors: std::collections::HashMap<_, _> = tensors.iter().map(|(name, tensor)| (name, same(tensor))).collect();
    candle_core::safetensors::save(&tensors, &path).unwrap();
    let message = import_safetensors(&Checkpoint::open(&path).unwrap()).unwrap_err().to_string();
    assert!(
        message.contains("parameter `synthesis.b8.conv1.bias` of shape") && message.contains("is missing"),
        "{message}"
    );
}

/// A flipped bit is noticed by the archive's checksum, unless torch was told to leave that out.
#[test]
fn damaged_archives() {
    let whole = std::fs::read(golden("rosinality/stylegan2.pt")).unwrap();
    let import_it = |bytes: &[u8]| import_bytes(bytes, Path::new("stylegan2.pt")).map_err(|error| error.to_string());
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(&whole)).unwrap();
    let entries = (0..zip.len()).map(|index| {
        let entry = zip.by_index_raw(index).unwrap();
        (entry.size(), entry.data_start().unwrap() as usize, entry.crc32(), entry.name().unwrap().into_owned())
    });
    let (size, start, checksum, name) = entries.filter(|entry| entry.3.contains("/data/")).max().unwrap();
    let mut damaged = whole.clone();
    // The exponent of a number in the middle.
    damaged[start + 4 * (size as usize / 8) + 3] ^= 1;
    let message = import_it(&damaged).unwrap_err();
    assert!(message.contains(&format!("entry `{name}` is not what was written")), "{message}");
    let record = damaged.windows(4).rposition(|part| part == checksum.to_le_bytes()).unwrap();
    damaged[record..record + 4].fill(0);
    assert!(import_it(&damaged).is_ok());
}
