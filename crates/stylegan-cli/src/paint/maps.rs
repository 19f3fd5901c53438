//! The maps that are painted: one file or a folder of them, with their instance maps.

use super::painter::Painter;
use crate::exit::wrong;
use crate::network::check_exists_or;
use crate::numbers::count;
use crate::status::say;
use candle_core::{DType, Device, Tensor};
use std::collections::HashSet;
use std::path::{Component, Path, PathBuf};
use stylegan_train::data::{
    CLASS_FILE, ClassTable, InstanceMap, LabelMap, MAP_FOLDER, MAX_FILE_BYTES, NO_CLASS, Problem,
};

/// A map, checked and of the network's size.
pub(super) struct Map {
    /// The file's name without its ending.
    pub(super) stem: String,
    /// The file.
    pub(super) file: PathBuf,
    /// Its folder below the one that was given.
    pub(super) folder: PathBuf,
    /// Classes as they are shown; pixels without one are [`NO_CLASS`].
    pub(super) labels: LabelMap,
    /// Classes as the network reads them.
    pub(super) classes: Vec<u32>,
    /// Edges between instances `[1, 1, h, w]`, if the network reads them.
    edges: Option<Tensor>,
}

/// Maps in the order of their names.
pub(super) struct Maps {
    pub(super) all: Vec<Map>,
    /// What their values and colours mean, if a file says so.
    pub(super) table: Option<ClassTable>,
}

impl Maps {
    /// Reads the maps `path` is or holds, with the instance maps of the same names, and checks that the network can
    /// paint them.
    pub(super) fn open(path: &Path, instances: Option<&Path>, painter: &Painter) -> anyhow::Result<Self> {
        is_there(path, "--map", "a map (PNG) or a folder of maps")?;
        instances.map(|path| is_there(path, "--instances", "an instance map (PNG) or a folder of them")).transpose()?;
        let files = if path.is_dir() { listed(path)? } else { vec![path.to_path_buf()] };
        let table = table_beside(path)?;
        let no_class = painter.no_class(table.as_ref().map(|table| table.classes().len()));
        match (painter.spec().edges, instances) {
            (true, None) => wrong!(
                "{}: {}; give the instance maps with --instances FILE|FOLDER (--instances {} takes the borders between classes)",
                painter.file().display(),
                painter.expects(no_class),
                path.display()
            ),
            (false, Some(_)) => {
                wrong!("--instances: {}, no edges between instances; leave it out", painter.expects(no_class))
            }
            (true, Some(given)) if given.is_file() && path.is_dir() => wrong!(
                "--instances {}: one file for a folder of maps; give a folder of instance maps with the maps' names",
                given.display()
            ),
            _ => {}
        }
        let read = |file: PathBuf| {
            let labels = labels(&file, table.as_ref(), painter, no_class)?;
            let folder = file.parent().and_then(|folder| folder.strip_prefix(path).ok()).unwrap_or(Path::new(""));
            let folder = folder.to_path_buf();
            let edges = instances.map(|given| edges(given, &folder, &file, labels.size, painter)).transpose()?;
            let labels = labels.resized(painter.size());
            let classes = labels.classes.iter().filter_map(|&class| painter.class(class, no_class)).collect();
            Ok(Map { stem: stem(&file), file, folder, labels, classes, edges })
        };
        Ok(Self { all: files.into_iter().map(read).collect::<anyhow::Result<_>>()?, table })
    }

    /// A map of each class alone, but that of pixels without one; nothing has an edge.
    pub(super) fn uniform(painter: &Painter) -> anyhow::Result<Self> {
        let ([h, w], classes) = (painter.size(), painter.spec().classes);
        let names = painter.model().classes();
        let no_class = painter.no_class(None);
        let of = |class: usize| {
            let number = u8::try_from(class).ok().filter(|number| *number != NO_CLASS);
            let Some(number) = number else {
                wrong!("--uniform: maps name at most {NO_CLASS} classes, found {classes}")
            };
            let name = names.get(class).map(|name| format!("-{name}").replace(|c: char| !c.is_alphanumeric(), "-"));
            let stem = format!("{class:02}{}", name.unwrap_or_default());
            let labels = LabelMap { size: [h, w], classes: vec![number; h * w] };
            let edges =
                painter.spec().edges.then(|| Tensor::zeros((1, 1, h, w), DType::U8, &Device::Cpu)).transpose()?;
            Ok(Map {
                file: PathBuf::from(&stem),
                folder: PathBuf::new(),
                stem,
                labels,
                classes: vec![class as u32; h * w],
                edges,
            })
        };
        let all = (0..classes).filter(|class| Some(*class) != no_class).map(of).collect::<anyhow::Result<_>>()?;
        Ok(Self { all, table: None })
    }

    /// These maps as classes `[n, 1, h, w]` u32 and edges `[n, 1, h, w]` u8, which a painter takes.
    pub(super) fn batch(&self, numbers: &[usize]) -> anyhow::Result<(Tensor, Option<Tensor>)> {
        let maps: Vec<&Map> = numbers.iter().map(|&number| &self.all[number]).collect();
        let [h, w] = maps.first().map_or([0, 0], |map| map.labels.size);
        let classes: Vec<u32> = maps.iter().flat_map(|map| map.classes.iter().copied()).collect();
        let edges: Vec<&Tensor> = maps.iter().filter_map(|map| map.edges.as_ref()).collect();
        let edges = (!edges.is_empty()).then(|| Tensor::cat(&edges, 0)).transpose()?;
        Ok((Tensor::from_vec(classes, (maps.len(), 1, h, w), &Device::Cpu)?, edges))
    }
}

/// Refuses what does not exist: `option` takes `what`.
fn is_there(path: &Path, option: &str, what: &str) -> anyhow::Result<()> {
    check_exists_or(path, || format!("{option} {}: it is not there; give {what}", path.display()))
}

/// The PNG files of a folder and of those in it, in the order of their names; says how many others there are.
fn listed(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut files, mut others, mut seen) = (Vec::new(), 0u64, HashSet::new());
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let of_set = folder.join(MAP_FOLDER);
        if of_set.is_dir() {
            wrong!("{} is a data set; its maps lie in {}: give that folder", folder.display(), of_set.display());
        }
        let read = |error| anyhow::Error::new(error).context(format!("cannot read {}", folder.display()));
        // Links may lead round in a circle.
        if !seen.insert(folder.canonicalize().map_err(read)?) {
            continue;
        }
        for entry in std::fs::read_dir(&folder).map_err(read)? {
            let path = entry.map_err(read)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png")) {
                files.push(path);
            } else if name != CLASS_FILE {
                others += 1;
            }
        }
    }
    if files.is_empty() {
        wrong!("{}: this folder holds no maps; they are PNG files of class numbers or colours", folder.display());
    }
    if others > 0 {
        say(&format!("note: {}: {} not looked at; maps are PNG files", folder.display(), count(others, "other file")));
    }
    files.sort_unstable();
    Ok(files)
}

/// The class table of a set whose maps these are, wherever among them `path` is: that of the folder in which `labels/` lies, or
/// the first on the way down. Of other maps the table beside them, or in the folder above.
fn table_beside(path: &Path) -> anyhow::Result<Option<ClassTable>> {
    let whole = std::path::absolute(path)?;
    // A folder that is left by `..` is known by what is there alone.
    let climbs = whole.components().any(|part| part == Component::ParentDir);
    let whole = if climbs { whole.canonicalize()? } else { whole };
    let folder = if whole.is_dir() { &whole } else { whole.parent().unwrap_or(&whole) };
    let of_set = folder.ancestors().position(|folder| folder.file_name().is_some_and(|name| name == MAP_FOLDER));
    let mut places: Vec<PathBuf> =
        folder.ancestors().take(of_set.map_or(2, |up| up + 2)).map(Path::to_path_buf).collect();
    if of_set.is_some() {
        places.reverse();
    }
    let files = places.into_iter().map(|folder| folder.join(CLASS_FILE));
    let Some(file) = files.into_iter().find(|file| file.symlink_metadata().is_ok()) else { return Ok(None) };
    Ok(Some(ClassTable::open(&file).map_err(|problem| refused(&file, &problem))?))
}

/// The classes of a map as it is stored, all of which the network knows.
fn labels(
    file: &Path,
    table: Option<&ClassTable>,
    painter: &Painter,
    no_class: Option<usize>,
) -> anyhow::Result<LabelMap> {
    let name = file.display();
    let labels = LabelMap::decode(&bytes(file)?, table).map_err(|problem| refused(file, &problem))?;
    if let Err(problem) = painter.check_shape(labels.size) {
        wrong!("{name} {problem}");
    }
    match labels.first(|class| painter.class(class, no_class).is_none()) {
        None => Ok(labels),
        Some((NO_CLASS, [x, y])) => wrong!(
            "{name} has pixels without a class, the first in column {x} of row {y}; {}, and none for those: paint over them",
            painter.expects(no_class)
        ),
        Some((class, [x, y])) => {
            let called = table.and_then(|table| table.classes().get(usize::from(class)));
            let called = called.map(|class| format!(" ({})", class.name)).unwrap_or_default();
            wrong!("{name} has class {class}{called} in column {x} of row {y}; {}", painter.expects(no_class))
        }
    }
}

/// The edges `[1, 1, h, w]` of the instances of a map of `size`; instance maps may lie in folders as their maps do.
fn edges(given: &Path, folder: &Path, map: &Path, size: [usize; 2], painter: &Painter) -> anyhow::Result<Tensor> {
    let places = [given.join(folder), given.to_path_buf()];
    let file = match places.iter().find(|place| place.is_dir()) {
        Some(place) => place.join(map.file_name().unwrap_or_default()),
        None => given.to_path_buf(),
    };
    if !file.exists() {
        wrong!("{} has no instance map: {} does not exist", map.display(), file.display());
    }
    let instances = InstanceMap::decode(&bytes(&file)?).map_err(|problem| refused(&file, &problem))?;
    if instances.size != size {
        return Err(refused(&file, &Problem::MapSize { found: instances.size, expected: size }));
    }
    Ok(instances.resized(painter.size()).edges()?)
}

/// The bytes of a file that is no larger than files of sets may be.
pub(super) fn bytes(file: &Path) -> anyhow::Result<Vec<u8>> {
    let about = file.metadata()?;
    if about.is_dir() {
        wrong!("{} is a folder, where a file is read", file.display());
    }
    // Opening a pipe would wait for whoever fills it.
    if !about.is_file() {
        wrong!("{} is a device or a pipe, where a file is read", file.display());
    }
    if about.len() > MAX_FILE_BYTES {
        return Err(refused(file, &Problem::TooManyBytes { bytes: about.len(), limit: MAX_FILE_BYTES }));
    }
    std::fs::read(file).map_err(|error| anyhow::Error::new(error).context(format!("cannot read {}", file.display())))
}

/// A problem of a file, as wrong input.
pub(super) fn refused(file: &Path, problem: &Problem) -> anyhow::Error {
    crate::exit::WrongInput(format!("{}: {problem}; {}", file.display(), problem.remedy())).into()
}

/// A file's name without its ending.
pub(super) fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}
