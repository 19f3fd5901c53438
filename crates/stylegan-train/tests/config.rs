//! Configurations: the files of the repository, overrides, and what wrong ones say.

#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};
use stylegan_core::GeneratorConfig;
use stylegan_train::augment::AugmentConfig;
use stylegan_train::config::{
    Betas, EmaConfig, LossConfig, Override, RecipeConfig, SpadeTrainConfig, TrainConfig, read, read_recipe,
};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs")
}

fn file(name: &str) -> TrainConfig {
    TrainConfig::from_file(&folder().join(name), &[]).unwrap()
}

#[test]
fn every_file_reads_and_survives_writing() {
    let mut count = 0;
    for folder in ["", "sg1", "sg2", "ada", "spade", "psp"].map(|name| folder().join(name)) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let config = RecipeConfig::from_file(&path, &[]).unwrap();
                let written = config.to_toml().unwrap();
                assert_eq!(read_recipe(&written, "written", &[]).unwrap(), config, "{}", path.display());
                assert!(!config.data().set.is_empty(), "{}", path.display());
                count += 1;
            }
        }
    }
    assert!(count >= 74, "{count} files");
}

/// No configuration gives a weight to a loss that has no network to see by.
#[test]
fn every_weight_weighs_something() {
    let mut encoders = 0;
    for entry in
        std::fs::read_dir(folder().join("psp")).unwrap().chain(std::fs::read_dir(folder().join("spade")).unwrap())
    {
        let path = entry.unwrap().path();
        let config = RecipeConfig::from_file(&path, &[]).unwrap();
        assert_eq!(config.idle_weights(), Vec::<String>::new(), "{}", path.display());
        encoders += usize::from(matches!(config, RecipeConfig::Encoder(_)));
    }
    assert!(encoders >= 17, "{encoders}");
}

/// Painters of maps come in pairs on the same set, and are the published runs in what a set does not decide.
#[test]
fn painters_have_their_twins() {
    let file = |name: &str| match RecipeConfig::from_file(&folder().join(format!("spade/{name}.toml")), &[]).unwrap() {
        RecipeConfig::Spade(config) => *config,
        _ => panic!("{name} is of another recipe"),
    };
    for name in ["earth-64", "avatars-64", "coco-256", "ade20k-256", "ade20k-outdoor-256", "cityscapes-512x256"] {
        let (own, twin) = (file(name), file(&format!("{name}-pix2pixhd")));
        let set = |config: &SpadeTrainConfig| {
            let size = config.generator.network().img_size();
            (config.data.clone(), config.kimg, size, config.generator.map(), config.schedule.clone())
        };
        assert_eq!(set(&own), set(&twin), "{name}");
        let (published, other) = (SpadeTrainConfig::default(), SpadeTrainConfig::pix2pixhd());
        assert_eq!((own.loss, own.adam), (published.loss, published.adam), "{name}");
        assert_eq!((twin.loss, twin.adam), (other.loss, other.adam), "{name}");
        assert_eq!((own.encoder, twin.encoder), (None, None), "{name}");
    }
    assert_eq!(file("earth-64-styles").encoder.map(|encoder| encoder.z_dim), Some(64));
    let values = [Betas::Code, Betas::Paper, Betas::Pix2PixHd].map(Betas::values);
    assert_eq!(values, [[0., 0.9], [0., 0.999], [0.5, 0.999]]);
}

#[test]
fn defaults_are_the_published_run() {
    let mut config = file("sg1/ffhq-1024.toml");
    assert_eq!(config, file("sg1/table1-f.toml"));
    assert_eq!(config, file("sg1/table4-style8.toml"));
    config.data = Default::default();
    assert_eq!(config, TrainConfig::default());
}

#[test]
fn stylegan2_defaults_are_the_published_run() {
    let mut config = file("sg2/ffhq-1024-f.toml");
    config.data = Default::default();
    assert_eq!(config, TrainConfig::stylegan2());
    // StyleGAN2-ADA's `auto` is a formula of resolution and GPUs (1 here).
    for (side, batch) in [(128, 32), (256, 16), (512, 8), (1024, 4)] {
        let auto = file(&format!("ada/auto-{side}-noaug.toml"));
        assert_eq!(auto.augment, None);
        let augmented = file(&format!("ada/auto-{side}.toml"));
        assert_eq!(augmented.augment, Some(AugmentConfig::default()));
        assert_eq!(TrainConfig { augment: None, ..augmented }, auto);
        let gamma = 0.0002 * (side * side) as f64 / batch as f64;
        assert!(matches!(auto.loss, LossConfig::Logistic { r1_gamma, .. } if (r1_gamma - gamma).abs() < 1e-12 * gamma));
        assert_eq!(auto.schedule.batch.get(side), batch);
        assert_eq!(auto.ema, EmaConfig::HalfLife { kimg: batch as f64 * 10. / 32., ramp: 0.05 });
    }
}

#[test]
fn tables_differ_where_they_say() {
    assert!(matches!(file("sg1/table1-a.toml").generator, GeneratorConfig::Pggan(_)));
    let b = file("sg1/table1-b.toml");
    assert_eq!(b.mixing_probability, 0.);
    assert!(matches!(b.generator, GeneratorConfig::StyleGan1(g) if !g.use_styles && g.mapping_layers == 0));
    assert_eq!(file("sg1/table2-mix50.toml").mixing_probability, 0.5);
    assert!(matches!(file("sg1/celebahq-1024.toml").loss, LossConfig::WganGp { lambda: 10., drift: 0.001, .. }));
    assert_eq!(file("sg1/lsun-car-512x384.toml").picture_shape().0, [384, 512]);
}

/// Released discriminators look at the whole batch by a group that none reaches.
#[test]
fn a_group_larger_than_the_batch_is_a_shard() {
    let config = read("[discriminator]\nmbstd_group = 65536\n", "x.toml", &[]).unwrap();
    assert_eq!((config.shards.size.get(64), config.discriminator.mbstd_group()), (4, 65536));
}

#[test]
fn overrides_go_on_top() {
    let overrides =
        ["schedule.batch=16", "data.set=my faces.zip", "generator.img_size=[64,64]", "schedule.lr={base=0.1,16=0.2}"];
    let overrides: Vec<_> = overrides.iter().map(|text| Override::parse(text).unwrap()).collect();
    let config = read("[schedule]\nbatch = 8\n", "x.toml", &overrides).unwrap();
    assert_eq!(config.schedule.batch.get(64), 16);
    assert_eq!((config.schedule.lr.get(8), config.schedule.lr.get(16)), (0.1, 0.2));
    assert_eq!(config.data.set, "my faces.zip");
    assert_eq!(config.discriminator.img_size(), [64, 64]);
}

/// Shells take quotes away.
#[test]
fn lists_that_lack_their_quotes_are_shown_with_them() {
    let said = |text: &str| read("", "x.toml", &[Override::parse(text).unwrap()]).unwrap_err().to_string();
    let metrics = said("eval.metrics=[fid]");
    assert!(metrics.ends_with("found string \"[fid]\"; write 'eval.metrics=[\"fid\"]'"), "{metrics}");
    // Quotes alone would not mend these.
    for text in ["kimg=[x]", "schedule.lr={8=x}", "eval.metrics=fid"] {
        assert!(!said(text).contains("write '"), "{}", said(text));
    }
    let set = read("", "x.toml", &[Override::parse("data.set=[a].zip").unwrap()]).unwrap().data.set;
    assert_eq!(set, "[a].zip");
}

#[test]
fn wrong_ones_name_file_key_expected_and_found() {
    let cases: [(&str, &[&str]); 34] = [
        ("[augment]\nfixed_p = 2", &["`augment.fixed_p`", "0 to 1", "found 2"]),
        ("[augment]\npipe = \"bgx\"", &["`augment.pipe`", "`bgx`", "`bgc`"]),
        ("[loss]\nr1_interval = 0", &["`loss.r1_interval`", "at least 1", "found 0"]),
        ("[path_length]\ninterval = 0", &["`path_length.interval`", "at least 1", "found 0"]),
        ("[path_length]\nshrink = 3", &["`path_length.shrink`", "shards.size = 4", "found 3"]),
        ("[path_length]\nweights = 3", &["`path_length`", "`weights`", "`weight`"]),
        ("[precision]\nproducts = \"fp16\"", &["products", "fp16", "`f32`, `bf16x3`, `bf16`"]),
        ("kimg = \"many\"", &["`kimg`", "expected a number", "found string \"many\""]),
        ("kimg = -1", &["`kimg`", "above 0", "-1"]),
        ("[schedule]\nbatches = 3", &["`schedule`", "`batches`", "`batch`"]),
        ("[schedule]\nbatch = { base = 32, seven = 3 }", &["`schedule.batch`", "`seven`", "resolution"]),
        ("[schedule]\nbatch = { 8 = 32 }", &["`schedule.batch`", "`base`"]),
        ("[schedule]\nbatch = \"x\"", &["`schedule.batch`", "found string \"x\"", "base = 32"]),
        ("[schedule]\nbatch = 30", &["`shards.size`", "30", "found 4"]),
        ("[shards]\nsize = 2", &["`shards.size`", "mbstd_group = 4", "found 2"]),
        ("[loss]\nkind = \"hinge\"", &["`loss.kind`", "`hinge`", "`logistic`"]),
        ("[generator]\nimg_size = [100, 100]", &["[generator]", "100"]),
        ("[generator]\nz_dims = 3", &["`generator`", "`z_dims`"]),
        ("[discriminator]\nimg_channels = 1", &["[discriminator]", "1", "3"]),
        ("seed = 1\nkimg = = 3", &["line 2", "TOML"]),
        ("generator = 3", &["`generator`", "expected a table, found integer `3`", "such as generator."]),
        ("loss = 3", &["`loss`", "expected a table, found integer `3`", "such as loss.r1_gamma"]),
        ("adam = 3", &["`adam`", "expected a table, found integer `3`", "such as adam.beta1"]),
        // The line, where there is one, and what was probably meant.
        (
            "seed = 1\n[schedule]\nstable_kimg = 1\nbatches = 3",
            &["line 4", "table `schedule`", "did you mean `batch`?"],
        ),
        ("\nkimgs = 1", &["line 2", "the top level", "`kimgs`", "did you mean `kimg`?"]),
        ("[schedul]\nbatch = 3", &["line 1", "`schedul`", "did you mean `schedule`?"]),
        ("batch = 3", &["line 1", "`batch`", "it belongs to [schedule]"]),
        (
            "[generator]\narchitecture = \"stylegan2\"\nuse_noise = false",
            &["table `generator`", "unknown key `use_noise`; expected one of `img_size`"],
        ),
        ("[loss]\nr1_gamma = 1\nr1_interval = 0", &["line 3", "`loss.r1_interval`"]),
        // Tables with kinds are read as a whole; the key is found all the same.
        ("[generator]\nw_dim = 64\nz_dim = \"x\"", &["line 3", "`generator.z_dim`", "found string \"x\""]),
        ("[generator]\nimg_size = 64", &["line 2", "`generator.img_size`", "64"]),
        ("[generator]\narchitecture = 'stylegan3'", &["line 2", "`generator.architecture`", "did you mean `stylegan"]),
        ("[generator]\nmapping_lr = -1", &["line 2", "[generator] mapping_lr"]),
        ("[loss]\nkind = \"logistik\"", &["line 2", "`loss.kind`", "did you mean `logistic`?"]),
    ];
    for (text, words) in cases {
        let error = read(text, "my.toml", &[]).unwrap_err();
        let sentence = error.to_string();
        assert!(error.is_wrong_input() && sentence.starts_with("my.toml: "), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
        for word in words {
            assert!(sentence.contains(word), "`{word}` not in: {sentence}");
        }
    }
    for (text, word) in [
        ("batch", "no `=`"),
        (".x=1", "empty key"),
        ("kimg.x=1", "not a table"),
        ("seed=99999999999999999999", "a number too large"),
        ("kimg=-1e400", "a number too large"),
    ] {
        let sentence = match Override::parse(text) {
            Ok(change) => read("kimg = 3", "my.toml", &[change]).unwrap_err(),
            Err(error) => error,
        };
        assert!(sentence.to_string().contains(word), "{sentence}");
    }
}
