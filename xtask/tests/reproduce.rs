//! `cargo xtask reproduce` from end to end, with a script in place of `stylegan` that trains and measures at once.

#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Output};

/// Writes down how it was called, unless for help or to read a configuration, and knows no option --cuont. `train` leaves a
/// checkpoint and a line of statistics, and fails once at the kimg that the file `fail` names; `eval` finds 30 of configuration
/// A, 20 of B and 10 of all others, one more with seed 2, and cannot measure what the file `broken` names.
const STYLEGAN: &str = r#"#!/bin/sh
here=$(dirname "$0")
case $* in
    *--cuont*) echo "error: unexpected argument '--cuont' found" >&2; exit 2 ;;
    *--help | *--print-config*) exit 0 ;;
esac
broken=$(cat "$here/broken" 2> /dev/null)
echo "$*" >> "$here/calls"
while [ $# -gt 0 ]; do
    case $1 in
        --out) out=$2; shift ;;
        --kimg) kimg=$2; shift ;;
        --network) network=$2; shift ;;
        --metrics) metrics=$2; shift ;;
        --only) only=$2; shift ;;
        --images) network=$2; shift 2 ;;
        --reconstructions) pictures=$2; shift ;;
        --features) features=yes; shift ;;
        --face) face=yes ;;
        --encoder) encoder=yes; shift ;;
        --threads) shift ;;
        --no-floor) alone=yes ;;
        train | eval | figures | data | segmenter | classifier | paint | inspect | generate | invert) [ -n "$verb" ] || verb=$1 ;;
    esac
    shift
done
case $verb in
train)
    if [ "$(cat "$here/fail" 2> /dev/null)" = "$kimg" ] && rm "$here/fail" 2> /dev/null; then echo "error: stopped" >&2; exit 75; fi
    mkdir -p "$out"
    echo "{\"Progress/kimg\":{\"mean\":$kimg},\"Timing/sec_per_kimg\":{\"mean\":36}}" >> "$out/stats.jsonl"
    echo "$kimg" > "$out/network-000001.safetensors" ;;
eval)
    case $network in
        *table1-a*) value=30 ;;
        *table1-b*) value=20 ;;
        *.pkl) value=4 ;;
        *) value=10 ;;
    esac
    case $network in *spade-earth-64) value=40 ;; esac
    case $network in *seed2) value=$((value + 1)) ;; esac
    # Painters with real pictures beside them.
    if [ -z "$alone" ]; then
        {
            printf '| metric | of | value | 95 %% interval | better |\n|---|---|---|---|---|\n'
            echo "| seen_miou-x | $network | 10 | 9 to 11 | larger |"
            echo "| seen_miou-x | real pictures | 60 | 59 to 61 | larger |"
        } | tee "${out%.json}.md"
        exit 0
    fi
    {
        echo "| metric | value | 95 % interval | better |"
        echo "|---|---|---|---|"
        for metric in $(echo "$metrics" | tr , ' '); do
            [ "$metric" != "$broken" ] || continue
            case $metric in
                ls)
                    # The product of eight attributes; and of each, of which two are looked at.
                    for space in z w; do
                        echo "| ls_$space-classifier | $value | $((value - 1)) to $((value + 1)) | smaller |"
                        echo "| ls_${space}_of_beard 1-classifier | 1.25 | 1.2 to 1.3 | smaller |"
                        echo "| ls_${space}_of_background 1-classifier | 1.5 | 1.4 to 1.6 | smaller |"
                    done ;;
                combination)
                    # Of the set that lacks it W alone gets there.
                    case $network in *two-factor*) z=0.1 ;; *) z=0.5 ;; esac
                    echo "| combination_unedited-classifier | 0.02 | 0.01 to 0.03 | larger |"
                    for deviations in 1 2 3; do
                        echo "| combination_z_$deviations-classifier | $z | $z to $z | larger |"
                        echo "| combination_w_$deviations-classifier | 0.6 | 0.55 to 0.65 | larger |"
                    done ;;
                miou | accuracy) echo "| seen_$metric-x | $value | $((value - 1)) to $((value + 1)) | larger |" ;;
                *) echo "| ${metric#*.} | $value | $((value - 1)) to $((value + 1)) | smaller |" ;;
            esac
        done
    } | tee "${out%.json}.md"
    echo "[]" > "$out"
    case ,$metrics, in *",$broken,"*) exit 1 ;; esac ;;
data | segmenter | classifier) mkdir -p "$(dirname "$out")"; touch "$out" ;;
inspect) printf '  %s\n' "G_ema  26 219 parameters, {}" "accuracy      0.964" "most_frequent 0.5125" ;;
generate) mkdir -p "$(dirname "$out")"; touch "$out" ;;
paint)
    touch "$out"
    case $network in *spade-earth-64) value=5 ;; *) value=1 ;; esac
    printf '| metric | value | 95 %% interval | better |\n|---|---|---|---|\n'
    echo "| between_classes-x | 0.$value | 0.$value to 0.$value | larger |"
    echo "| from_class_colour | $((9 - value)) | $((9 - value)) to $((9 - value)) | smaller |" ;;
invert)
    case $network in *-invert-wplus) value=3 ;; *-invert-w) value=4 ;; *) value=2 ;; esac
    [ -n "$encoder" ] || value=1
    mkdir -p "$out" ${pictures:+"$pictures"}
    for file in sheet.png img00000000-variants.png; do echo "$network" > "$out/$file"; done
    of() { echo "\"$1\": { \"mean\": 0.$value, \"low\": 0.${value}0, \"high\": 0.${value}1 },"; }
    {
        echo "{"; of mse; of stlpips; [ -z "$face" ] || { of face_mse; of face_stlpips; }; [ -z "$features" ] || of lpips-vgg16; of classifier
        echo "\"seconds_per_picture\": { \"mean\": 0.$value } }"
    } > "$out/measures.json" ;;
figures)
    mkdir -p "$out"
    echo "$network" > "$out/figure-$only.png" ;;
esac
"#;

struct Bench {
    home: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let home = std::env::temp_dir().join(format!("xtask-reproduce-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(home.join("docs")).unwrap();
        let program = home.join("stylegan");
        fs::write(&program, STYLEGAN).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { home }
    }

    fn reproduce(&self, line: &str) -> Output {
        let program = self.home.join("stylegan");
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("reproduce").args(line.split_whitespace()).arg("--program").arg(program);
        if !line.contains("--network") {
            command.args(["--out", "docs/results"]);
        }
        command.current_dir(&self.home).output().unwrap()
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.home.join(path)).unwrap_or_default()
    }

    /// How often `stylegan` was called with this verb.
    fn calls(&self, verb: &str) -> usize {
        self.read("calls").lines().filter(|line| line.split(' ').any(|word| word == verb)).count()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.home);
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_chart_is_made_of_runs_that_stop_on_the_way() {
    let bench = Bench::new("chart");
    fs::write(bench.home.join("docs/results.md"), "| `sg1-convergence` | | not run yet | | |\n").unwrap();
    fs::write(bench.home.join("fail"), "5\n").unwrap();
    let line = "sg1-convergence --kimg 9 --seed 1000 --seed 2 --jobs 2 --count 50";
    let stopped = bench.reproduce(line);
    assert_eq!(stopped.status.code(), Some(75), "{}", said(&stopped));
    assert!(said(&stopped).contains("stopped"));
    let done = bench.reproduce(line);
    assert!(done.status.success(), "{}", said(&done));
    // Three configurations, two seeds, nine stops; one was tried twice.
    assert_eq!((bench.calls("train"), bench.calls("eval")), (55, 54), "{}", bench.read("calls"));
    assert!(bench.read("calls").lines().all(|line| line.starts_with("--threads ")));
    let page = bench.read("docs/results/sg1-convergence.md");
    let sentence = "- F StyleGAN is better than A Progressive GAN outside the intervals at 9 of 9 points between 1 and 9 kimg, worse at 0.";
    assert!(page.contains(sentence), "{page}");
    assert!(
        page.contains("](sg1-convergence.svg)")
            && page.contains("| 9 | 30.5: 30.0 (29.0 to 31.0), 31.0 (30.0 to 32.0) |"),
        "{page}"
    );
    assert!(
        page.contains("`cargo xtask reproduce sg1-convergence --kimg 9 --seed 1000 --seed 2 --count 50`"),
        "{page}"
    );
    let chart = bench.read("docs/results/sg1-convergence.svg");
    // Each of seven lines, once for each training.
    assert_eq!(chart.matches("<polyline").count(), 14);
    assert!(
        bench
            .read("docs/results/sg1-convergence.json")
            .contains("{\"kimg\": 9, \"value\": 10, \"low\": 9, \"high\": 11}")
    );
    // 54 kimg at 36 seconds.
    let all = bench.read("docs/results.md");
    assert!(
        all.starts_with("| [`sg1-convergence`](results/sg1-convergence.md) |") && all.contains("; 32 minutes |"),
        "{all}"
    );
    // All is there: nothing is trained or measured again, and the page is the same.
    let again = bench.reproduce(line);
    assert!(again.status.success());
    assert_eq!((bench.calls("train"), bench.calls("eval")), (55, 54));
    assert_eq!(bench.read("docs/results/sg1-convergence.md"), page);
    let shorter = bench.reproduce("sg1-convergence --kimg 4");
    assert!(
        shorter.status.code() == Some(2) && said(&shorter).contains("has seen 9 kimg, more than the 4"),
        "{}",
        said(&shorter)
    );
    // The table shares its runs, and measures them alone.
    assert!(bench.reproduce("sg1-table1 --kimg 9").status.success());
    assert_eq!(bench.calls("train"), 55 + 3);
}

#[test]
fn a_wrong_option_of_the_evaluation_stops_before_the_training() {
    let bench = Bench::new("options");
    let refused = bench.reproduce("sg1-table1 --cuont 9");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--cuont"));
    assert!(!bench.read("calls").contains("train"));
    let help = bench.reproduce("sg1-table1 --help");
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("Usage"));
    assert!(!bench.read("calls").contains("train"));
}

/// What has gone further than is asked for is refused, whoever trained it, and so is what was configured otherwise; before
/// anything is trained.
#[test]
fn runs_of_another_length_or_configuration_are_refused() {
    let bench = Bench::new("refused");
    let run = bench.home.join("runs/table1-c");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("stats.jsonl"), "{\"Progress/kimg\":{\"mean\":45}}\n").unwrap();
    let longer = bench.reproduce("sg1-table1 --kimg 40");
    assert_eq!((longer.status.code(), bench.calls("train")), (Some(2), 0));
    assert!(said(&longer).contains("runs/table1-c has seen 45 kimg, more than the 40"), "{}", said(&longer));
    assert!(bench.reproduce("sg1-table1 --kimg 60").status.success());
    let (trained, noted) = (bench.calls("train"), run.join("reached.toml"));
    let configured = fs::read_to_string(&noted).unwrap();
    fs::write(&noted, configured.replace("mapping_layers = 4", "mapping_layers = 8")).unwrap();
    let other = bench.reproduce("sg1-table1 --kimg 80");
    assert_eq!((other.status.code(), bench.calls("train")), (Some(2), trained));
    assert!(said(&other).contains("`mapping_layers = 8` where it has `mapping_layers = 4`"), "{}", said(&other));
    // A run from before that was written down is taken as it is.
    fs::remove_file(&noted).unwrap();
    assert!(bench.reproduce("sg1-table1 --kimg 60").status.success());
}

/// A run that was stopped between two stops of a longer training has nothing to show for the first.
#[test]
fn a_point_is_of_its_own_length() {
    let bench = Bench::new("points");
    fs::write(bench.home.join("fail"), "60\n").unwrap();
    assert_eq!(bench.reproduce("sg1-convergence --kimg 60").status.code(), Some(75));
    let done = bench.reproduce("sg1-convergence");
    assert!(done.status.success(), "{}", said(&done));
    let measured = |kimg: &str| !bench.read(&format!("runs/table1-a/curve-{kimg}.md")).is_empty();
    assert_eq!(["20", "50", "53.333333", "60", "90"].map(measured), [true, false, true, true, true]);
    let page = bench.read("docs/results/sg1-convergence.md");
    assert!(page.contains("A Progressive GAN: 6 of 9 points."), "{page}");
}

/// What could not be measured is counted among what is claimed.
#[test]
fn a_comparison_that_was_not_measured_is_said() {
    let bench = Bench::new("unmeasured");
    fs::write(bench.home.join("docs/results.md"), "| `sg1-table4` | | not run yet | | |\n").unwrap();
    fs::write(bench.home.join("broken"), "fid\n").unwrap();
    let done = bench.reproduce("sg1-table4 --kimg 1");
    assert_eq!(done.status.code(), Some(1), "{}", said(&done));
    assert!(said(&done).contains("sg1-table4: 1 of the comparisons could not be measured"), "{}", said(&done));
    let page = bench.read("docs/results/sg1-table4.md");
    let line = "- FID: style-based, 8 layers, W –, style-based, 0 layers, Z –: not measured.";
    assert!(page.contains(line), "{page}");
    assert!(bench.read("docs/results.md").contains("of 5 comparisons hold, 1 not measured;"));
    // It is measured the next time.
    fs::remove_file(bench.home.join("broken")).unwrap();
    assert!(bench.reproduce("sg1-table4 --kimg 1").status.success());
}

#[test]
fn a_table_stands_beside_the_papers() {
    let bench = Bench::new("table");
    let done = bench.reproduce("sg1-table1 --kimg 1 --seed 1000 --seed 2");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/sg1-table1.md");
    let row = "| A Progressive GAN | table1-a, table1-a-seed2 | 7.79 | 30.5: 30.0 (29.0 to 31.0), 31.0 (30.0 to 32.0) | 8.04 |";
    assert!(page.contains(row), "{page}");
    // A over B, and both over each of C to F; these say nothing of each other, as one run in four rows would.
    assert!(page.contains(
        "FID: of 9 pairs of rows, 9 are in the paper's order outside the intervals, 0 cannot be told apart, 0 are"
    ));
    assert!(page.contains("over all trainings of a row"), "{page}");
    let claimed = "- FID: F mixing regularisation 10.5: 10.0 (9.00 to 11.0), 11.0 (10.0 to 12.0), A Progressive GAN";
    assert!(page.contains(claimed) && page.contains("| table1-a | `configs/avatars-32/table1-a.toml` | 1 |"), "{page}");
    assert!(bench.read("docs/results/sg1-table1.json").contains("\"paper\": 8.04"));
    assert_eq!(bench.read("docs/results/sg1-table1/table1-a-seed2-sg1-table1-z.json"), "[]\n");
}

/// Who sees attributes is trained once, for all tables; each attribute stands beside how well it is seen.
#[test]
fn separability_has_its_classifiers() {
    let bench = Bench::new("separability");
    let done = bench.reproduce("sg1-table3 --kimg 1");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/sg1-table3.md");
    assert!(
        page.contains("| B traditional, Z | table1-b |") && page.contains(" 20.0 (19.0 to 21.0) | 10.78 |"),
        "{page}"
    );
    assert!(page.contains("separability: of 4 pairs of rows, 4 are in the paper's order"), "{page}");
    let row = "| beard | has a beard of any kind | 96.4 % | 51.2 % | 1.25 (1.20 to 1.30) |";
    assert!(page.contains("| attribute | a face that |") && page.contains(row), "{page}");
    assert!(page.contains("| mouth | has the mouth open | 96.4 % | 51.2 % |  |"), "{page}");
    let data = bench.read("docs/results/sg1-table3.json");
    assert!(data.contains("\"label\": \"mouth=agape+laugh\"") && data.contains("\"accuracy\": 0.964"), "{data}");
    // Two of five runs are stopped nine times, for the chart of another claim.
    assert_eq!((bench.calls("data"), bench.calls("classifier"), bench.calls("train")), (8, 8, 21));
    let calls = bench.read("calls");
    let (set, trained) =
        ("--label hair=bun+spiky --out runs/data/avatars-32-hair.zip", "--out runs/attributes-32/hair.safetensors");
    assert!(calls.contains(set) && calls.contains(trained), "{calls}");
    let eval = calls.lines().find(|line| line.contains("--metrics ppl_zfull,ppl_zend,ls ")).unwrap_or_default();
    assert_eq!(eval.matches("--classifier runs/attributes-32/").count(), 8, "{calls}");
    // They are there for the next table, and one that is lost is trained again on the set that is there.
    fs::remove_file(bench.home.join("runs/attributes-32/mouth.safetensors")).unwrap();
    let next = bench.reproduce("sg1-table4 --kimg 1");
    assert!(next.status.success(), "{}", said(&next));
    assert_eq!((bench.calls("data"), bench.calls("classifier")), (8, 9));
    let other = bench.reproduce("sg1-table3 --kimg 1 --classifier mine.safetensors");
    assert!(
        other.status.code() == Some(2) && said(&other).contains("--classifier: reproduce sg1-table3"),
        "{}",
        said(&other)
    );
}

/// Edits towards the combination that a set lacks, beside those of a set that has it.
#[test]
fn a_missing_combination_is_looked_for() {
    let bench = Bench::new("combination");
    let done = bench.reproduce("two-factor --kimg 1 --count 100");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/two-factor.md");
    let row = "| this one left out, Z | avatars-32-two-factor | 0.0200 (0.0100 to 0.0300) |  | 0.100 |  | 0.100 |  | 0.100 |  |";
    assert!(page.contains(row), "{page}");
    assert!(
        page.contains("2 deviations: this one left out, W 0.600 (0.550 to 0.650), this one left out, Z 0.100: holds."),
        "{page}"
    );
    assert!(page.contains("| rearHair | has hair behind the head | 96.4 % | 51.2 % |\n"), "{page}");
    assert!(
        page.contains("](two-factor/figure-combination.png)") && page.contains("](two-factor/pictures.png)"),
        "{page}"
    );
    // The set, those of two attributes, and their classifiers; the run without the combination, and F, which a chart stops.
    assert_eq!((bench.calls("data"), bench.calls("classifier"), bench.calls("train")), (3, 2, 10));
    let calls = bench.read("calls");
    assert!(calls.contains("--metrics combination --network runs/avatars-32-two-factor"), "{calls}");
    assert!(
        calls.contains("rearHair=longStraight+longWavy+neckHigh+shoulderHigh --out data/avatars-32-two-factor.zip")
    );
}

/// What painters need is made once; real pictures stand below them, and their parameters beside them.
#[test]
fn painters_are_judged() {
    let bench = Bench::new("painters");
    let done = bench.reproduce("spade-table1 --kimg 1");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/spade-table1.md");
    assert!(page.contains("| SPADE | spade-earth-64 | 26219 |  | 40.0 (39.0 to 41.0) | 0.374 |"), "{page}");
    assert!(page.contains("mIoU: SPADE 40.0 (39.0 to 41.0), pix2pixHD 10.0 (9.00 to 11.0): holds."), "{page}");
    assert!(page.contains("FID: of 1 pair of rows, 0 are in the paper's order outside the intervals, 0 cannot be told apart, 1 is the other way"));
    assert!(page.contains("| real pictures | |") && page.contains(" 60.0 (59.0 to 61.0) |"), "{page}");
    assert!(
        page.contains("Of the mIoU of the real pictures (the ceiling) pix2pixHD reaches 17 %, SPADE reaches 67 %."),
        "{page}"
    );
    assert!(page.contains("](spade-table1/earth.png)") && page.contains("](spade-table1/avatars.png)"), "{page}");
    assert_eq!((bench.calls("data"), bench.calls("segmenter"), bench.calls("train")), (5, 2, 4));
    // Both judge and painters are measured on what neither has learned from.
    let calls = bench.read("calls");
    assert!(calls.contains("segmenter --data runs/data/earth-train-64.zip --out"), "{calls}");
    assert!(calls.contains("--segmenter runs/segmenter-earth-64.safetensors --data earth-held"), "{calls}");
    assert!(
        calls.contains("--segmenter runs/segmenter-avatars-64.safetensors --data runs/data/avatars-64-held-1000"),
        "{calls}"
    );
    assert!(
        calls.contains("--beside runs/spade-earth-64-pix2pixhd --out docs/results/spade-table1/earth.png"),
        "{calls}"
    );
    // Its runs and what they need are there for other claims.
    let uniform = bench.reproduce("spade-uniform --kimg 1");
    assert!(uniform.status.success(), "{}", said(&uniform));
    assert_eq!((bench.calls("data"), bench.calls("train")), (5, 5));
    let page = bench.read("docs/results/spade-uniform.md");
    assert_eq!(page.matches(": holds.").count(), 4, "{page}");
    assert!(bench.read("calls").contains("--truth runs/data/earth-train-64.zip"));
}

/// A search is of few pictures in W+, encoders are of many; who judges was not in a loss, and the page says who it was.
#[test]
fn encoders_are_judged() {
    let bench = Bench::new("encoders");
    let done = bench.reproduce("psp-table1 --kimg 1");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/psp-table1.md");
    assert!(page.contains("| encoder into W | psp-avatars-64-invert-w | 0.400 (0.400 to 0.410) | 0.35 |"), "{page}");
    assert!(
        page.contains("| search in W+ (32 pictures) | psp-avatars-64-invert | 0.100 (0.100 to 0.110) | 0.77 |"),
        "{page}"
    );
    assert!(page.contains("LPIPS is by stlpips, by which losses and searches see as well"), "{page}");
    let faster = "seconds: pSp 0.200, search in W+ (32 pictures) 0.100: the other way round.";
    assert!(page.contains(faster) && page.contains("identity: pSp 0.200"), "{page}");
    let kept = bench.read("docs/results/psp-table1/psp-avatars-64-invert-w-inverted-encoder-measures.json");
    assert!(kept.contains("\"mse\": { \"mean\": 0.4"), "{kept}");
    assert_eq!((bench.calls("data"), bench.calls("classifier"), bench.calls("train")), (5, 2, 4));
    let calls = bench.read("calls");
    let inversions: Vec<&str> = calls.lines().filter(|line| line.starts_with("invert ")).collect();
    // Five rows, and faces of three of them to look at.
    assert_eq!(inversions.len(), 8, "{calls}");
    assert!(page.contains("](psp-table1/psp.png)"), "{page}");
    let searched = "invert --network runs/psp-avatars-64-invert --out \
                    runs/psp-avatars-64-invert/unfinished-inverted-search runs/data/avatars-64-held-32 --space w+ --distance stlpips --classifier";
    assert!(inversions.iter().any(|line| line.starts_with(searched)), "{calls}");
    let encoded = inversions
        .iter()
        .filter(|line| line.contains("/unfinished-inverted-encoder runs/data/avatars-64-held-1000 --classifier"));
    assert_eq!(encoded.filter(|line| line.contains("--encoder ")).count(), 4, "{calls}");
    assert!(calls.contains("--count 32 --seed 7") && calls.contains("--count 1000 --seed 7"), "{calls}");
    // Another network judges once its weights are given.
    let again = bench.reproduce("psp-table1 --kimg 1 --features vgg16.pt");
    assert!(again.status.success(), "{}", said(&again));
    assert_eq!((bench.calls("invert"), bench.calls("train")), (16, 4));
    let page = bench.read("docs/results/psp-table1.md");
    assert!(
        page.contains("LPIPS is by lpips-vgg16, by which neither")
            && page.contains("Ours: classifier, lpips-vgg16, mse"),
        "{page}"
    );
    // Heads from the front are compared with their twins.
    let turned = bench.reproduce("psp-table2 --kimg 1");
    assert!(turned.status.success(), "{}", said(&turned));
    let calls = bench.read("calls");
    assert!(calls.contains("runs/data/avatars-64-turned-1000 --truth runs/data/avatars-64-held-1000"), "{calls}");
    // Also of the face alone, which losses weigh.
    assert!(bench.read("docs/results/psp-table2.md").contains("LPIPS of the face: pSp for frontal views"), "{calls}");
}

/// Encoders and painters are measured on the same pictures by the same judges.
#[test]
fn tasks_stand_beside_painters() {
    let bench = Bench::new("tasks");
    let done = bench.reproduce("psp-tasks --kimg 1");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("docs/results/psp-tasks.md");
    assert!(page.contains("| pSp, of maps | psp-avatars-64-seg | 10.0 (9.00 to 11.0) |"), "{page}");
    assert!(page.contains("| real pictures | |") && page.contains("](psp-tasks/maps-variants.png)"), "{page}");
    let calls = bench.read("calls");
    let made = "--images runs/psp-avatars-64-seg/made-pictures runs/data/avatars-64-held-1000 --out";
    let judged: Vec<&str> = calls.lines().filter(|line| line.contains("--images ")).collect();
    assert!(judged.len() == 4 && judged[0].contains(made) && !calls.contains("--images --data"), "{calls}");
    assert!(judged.iter().all(|line| line.contains("--metrics miou,accuracy,fid,lpips ") && !line.contains("--data ")));
    let painted = "--network runs/spade-avatars-64 --out runs/spade-avatars-64/unfinished-psp-tasks-painter";
    assert!(calls.contains(painted) && calls.contains("--data runs/data/avatars-64-held-1000"), "{calls}");
    assert!(calls.contains("runs/psp-avatars-64-seg/made-pictures runs/data/avatars-64-held-1000/labels"), "{calls}");
    assert!(calls.contains("--factor 8 runs/data/avatars-64-held-1000"), "{calls}");
    assert_eq!(bench.read("docs/results/psp-tasks/sketches.png"), "runs/psp-avatars-64-sketch\n");
    let before = (bench.calls("invert"), bench.calls("eval"));
    assert!(bench.reproduce("psp-tasks --kimg 1").status.success());
    // Pictures for the page are looked at again, nothing else.
    assert_eq!((bench.calls("invert") - before.0, bench.calls("eval") - before.1), (6, 0));
}

/// A table of runs at hand says what it would be measured with.
#[test]
fn tables_are_found_by_their_papers_names() {
    let bench = Bench::new("tables");
    let run = bench.home.join("runs/psp-avatars-64-invert");
    fs::create_dir_all(&run).unwrap();
    fs::write(run.join("config.toml"), "").unwrap();
    let table = |name: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.args(["eval", "--table", name]).current_dir(&bench.home).output().unwrap()
    };
    let (found, unknown) = (table("psp1"), table("psp7"));
    assert_eq!((found.status.code(), unknown.status.code()), (Some(2), Some(2)));
    let expected = "runs/data/avatars-64-held-1000, which the rows of table psp1 are measured with, is not there; `cargo xtask \
                    reproduce psp-table1` makes it";
    assert!(said(&found).contains(expected), "{}", said(&found));
    assert!(said(&unknown).contains("spade3: of the SPADE paper; psp1 or psp2"), "{}", said(&unknown));
}

#[test]
fn figures_are_of_any_network() {
    let bench = Bench::new("figures");
    let done = bench.reproduce("sg1-figures --network faces.pkl");
    assert!(done.status.success(), "{}", said(&done));
    let page = bench.read("runs/figures-faces/sg1-figures.md");
    assert!(page.contains("](sg1-figures/figure-mixing.png)") && page.contains("The network: `faces.pkl`."), "{page}");
    assert_eq!((bench.calls("train"), bench.calls("figures")), (0, 5));
    assert!(
        bench.read("calls").contains("--seeds 639,701,687,615,2268,888,829,1898,1733,1614,845 --network faces.pkl")
    );
}

#[test]
fn official_numbers_pass_or_fail() {
    let bench = Bench::new("official");
    let refused = bench.reproduce("official --weights nowhere");
    assert!(refused.status.code() == Some(2) && said(&refused).contains("--weights FOLDER"), "{}", said(&refused));
    let untrained = bench.reproduce("official --weights . --jobs 2");
    assert!(untrained.status.code() == Some(2) && said(&untrained).contains("--jobs"), "{}", said(&untrained));
    fs::create_dir_all(bench.home.join("weights")).unwrap();
    assert_eq!(bench.reproduce("official --weights weights").status.code(), Some(2));
    for file in ["karras2019stylegan-cars-512x384.pkl", "lsun-car-512x384.zip", "inception-2015-12-05.pt"] {
        fs::write(bench.home.join("weights").join(file), "").unwrap();
    }
    // 4 is not 3.27.
    let failed = bench.reproduce("official --weights weights");
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    assert!(said(&failed).contains("1 of 1 numbers that were measured fail"), "{}", said(&failed));
    let page = bench.read("docs/results/official.md");
    assert!(
        page.contains("| StyleGAN, LSUN Car 512x384 | `sg1.fid50k` | 4.00 (3.00 to 5.00) | 3.27 | 0.0300 | FAIL |"),
        "{page}"
    );
    assert!(page.contains("missing: karras2019stylegan-cats-256x256.pkl; lsun-cat-256.zip or"), "{page}");
    assert!(
        bench.read("calls").contains("--data weights/lsun-car-512x384.zip --features weights/inception-2015-12-05.pt")
    );
}
