//! Everything that is wrong with a set, file by file, with what to do about it.

use super::decode::{self, Head};
use super::files::{Files, usual};
use super::{ClassTable, Finding, Header, Labels, NO_CLASS, Part, Problem, Severity};
use crate::Result;
use crate::config::MapClasses;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

/// Numbers that a class of a label map can have.
const CLASSES: usize = 256;

/// What an examination found.
#[derive(Clone, Debug)]
pub struct Report {
    /// Pictures in the set, good and bad.
    pub pictures: usize,
    /// `[h, w]` in pixels of most pictures; `None` if no picture can be read.
    pub size: Option<[usize; 2]>,
    /// Channels of most pictures.
    pub channels: Option<usize>,
    /// Labels of the pictures, as far as they can be read.
    pub labels: Labels,
    /// Whether there are label maps.
    pub maps: bool,
    /// Whether there are instance maps.
    pub instances: bool,
    /// What the classes of label maps are called, if the set says so.
    pub class_table: Option<ClassTable>,
    /// Pixels of each class in the label maps that can be read; the last is [`NO_CLASS`].
    pub class_pixels: Vec<u64>,
    /// Pictures that are stored lying or on their head and say so; they are read upright.
    pub turned: usize,
    /// Pictures that a set can be built of, whatever their size and colours.
    pub usable: usize,
    /// Files that are left out where a set is built: pictures that are not usable, and what never became pictures.
    pub left_out: usize,
    /// Whether something that is said of all pictures is broken, so that no set is built.
    pub broken: bool,
    /// The shorter side of each usable picture in pixels, in ascending order.
    pub sides: Vec<usize>,
    /// Files that were not looked at: how many of each ending, in small letters ("" for none).
    pub unread: BTreeMap<String, usize>,
    /// What is wrong, the broken files first, then sorted by file; empty for a good set.
    pub findings: Vec<Finding>,
}

/// What one picture was found to be.
struct Examined {
    head: Result<Head, Problem>,
    /// Why it cannot be decoded, though its head can be read.
    fault: Option<Problem>,
    /// What is wrong with its label map.
    map: Option<Problem>,
    /// A class of it that networks do not know.
    class: Option<Problem>,
    /// What is wrong with its instance map.
    instances: Option<Problem>,
}

/// Reads and decodes every file of the set at `path`, and looks for classes of label maps that networks do not know, if
/// it is said what they `know`. `progress` is called once per picture, from any thread.
///
/// # Errors
/// If the set cannot be opened at all; faults of its files are in the report.
pub fn examine(path: impl AsRef<Path>, know: Option<&MapClasses>, progress: impl Fn() + Sync) -> Result<Report> {
    let files = Files::open(path)?;
    let class_pixels: Vec<AtomicU64> = (0..CLASSES).map(|_| AtomicU64::new(0)).collect();
    let examined: Vec<Examined> = (0..files.pictures.len())
        .into_par_iter()
        .map(|i| {
            let examined = look(&files, i, know, &class_pixels);
            progress();
            examined
        })
        .collect();
    let heads: Vec<Result<Head, Problem>> = examined.iter().map(|one| one.head.clone()).collect();
    // Training refuses broken pictures, which say nothing of the size of the others.
    let sound = |one: &&Examined| one.fault.is_none();
    let usual = usual(examined.iter().filter(sound).map(|one| &one.head)).or_else(|| usual(&heads));
    let broken = |finding: &&Finding| finding.problem.severity() == Severity::Broken;
    let mut unusable: HashSet<String> =
        files.findings.iter().filter(broken).map(|finding| finding.file.clone()).collect();
    let part = |part: Part| files.findings.iter().any(|finding| files.broken_part(finding) == Some(part));
    let [broken, without_table] = [Part::ALL.into_iter().any(part), part(Part::Classes)];
    // Nothing can be said of colours and classes where the table that explains them is not read.
    let told =
        |problem: &Problem| !(without_table && matches!(problem, Problem::MapInColour | Problem::MapClass { .. }));
    let (mut turned, mut sides) = (0, vec![]);
    let mut findings = compare(&files.pictures, &heads, usual);
    for (i, (name, one)) in files.pictures.iter().zip(examined).enumerate() {
        if one.head.is_err() || one.fault.is_some() || one.map.is_some() || one.instances.is_some() {
            unusable.insert(name.clone());
        }
        if let (Ok(head), false) = (&one.head, unusable.contains(name)) {
            turned += usize::from(head.is_turned());
            sides.extend(head.size.into_iter().min());
        }
        findings.extend(one.fault.map(|problem| Finding { file: name.clone(), problem }));
        findings
            .extend(one.map.or(one.class).filter(told).map(|problem| Finding { file: files.maps[i].clone(), problem }));
        findings.extend(one.instances.map(|problem| Finding { file: files.instances[i].clone(), problem }));
    }
    sides.sort_unstable();
    let usable = files.pictures.iter().filter(|name| !unusable.contains(*name)).count();
    let left_out = unusable.len();
    findings.extend(files.findings);
    findings.sort_by(|a, b| (a.problem.severity(), &a.file).cmp(&(b.problem.severity(), &b.file)));
    Ok(Report {
        pictures: files.pictures.len(),
        size: usual.map(|header| header.size),
        channels: usual.map(|header| header.channels),
        labels: files.labels,
        maps: !files.maps.is_empty(),
        instances: !files.instances.is_empty(),
        class_table: files.class_table,
        class_pixels: class_pixels.into_iter().map(AtomicU64::into_inner).collect(),
        turned,
        usable,
        left_out,
        broken,
        sides,
        unread: files.unread,
        findings,
    })
}

/// Looks at one picture and its maps, and counts the pixels of the classes.
fn look(files: &Files, picture: usize, know: Option<&MapClasses>, class_pixels: &[AtomicU64]) -> Examined {
    let bytes = files.source.read(&files.pictures[picture], None);
    let (head, fault) = match bytes.and_then(|bytes| decode::examine(&bytes, &files.budget)) {
        Ok((head, fault)) => (Ok(head), fault),
        Err(problem) => (Err(problem), None),
    };
    let Ok(Head { size, .. }) = head else { return Examined { head, fault, map: None, class: None, instances: None } };
    let map = files.maps.get(picture).filter(|map| !map.is_empty()).map(|map| files.read_map(map, size));
    let mut class = None;
    if let Some(Ok(classes)) = &map {
        class = know.and_then(|know| unknown(classes, size[1], know));
        let mut pixels = [0; CLASSES];
        classes.iter().for_each(|&class| pixels[usize::from(class)] += 1);
        class_pixels.iter().zip(pixels).for_each(|(all, own)| {
            all.fetch_add(own, Ordering::Relaxed);
        });
    }
    let instances = files.instances.get(picture).filter(|map| !map.is_empty());
    let instances = instances.and_then(|map| files.read_instances(map, size).err());
    Examined { head, fault, map: map.and_then(Result::err), class, instances }
}

/// The first class of a map, whose rows are `width` pixels wide, that networks do not know.
fn unknown(classes: &[u8], width: usize, know: &MapClasses) -> Option<Problem> {
    let pixel = classes.iter().position(|class| !know.knows(*class))?;
    let class = Some(classes[pixel]).filter(|class| *class != NO_CLASS);
    Some(Problem::MapClass { class, known: know.count, at: [pixel % width, pixel / width] })
}

/// The pictures whose heads show that they do not belong to a set of the `usual` kind, with all that
/// their heads show.
pub(super) fn compare(pictures: &[String], heads: &[Result<Head, Problem>], usual: Option<Header>) -> Vec<Finding> {
    let problems = pictures.iter().zip(heads).flat_map(|(name, head)| {
        let problems = match (head, usual) {
            (Err(problem), _) => vec![problem.clone()],
            (Ok(head), Some(usual)) => head.faults(usual),
            (Ok(head), None) => head.header().err().into_iter().collect(),
        };
        problems.into_iter().map(|problem| Finding { file: name.clone(), problem })
    });
    problems.collect()
}
