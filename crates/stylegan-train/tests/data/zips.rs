//! ZIP files that are broken or mean harm.

use crate::pictures::*;
use stylegan_train::data::{Dataset, Problem, doctor};
use zip::CompressionMethod::{Deflated, Stored};

/// Where the entry of `name` begins in the central directory, and its local header.
fn entry(zip: &[u8], name: &str) -> (usize, usize) {
    let central = (0..zip.len() - 46)
        .find(|&at| zip[at..].starts_with(b"PK\x01\x02") && zip[at + 46..].starts_with(name.as_bytes()))
        .unwrap();
    let local = u32::from_le_bytes(zip[central + 42..central + 46].try_into().unwrap()) as usize;
    (central, local)
}

/// Overwrites a field of an entry in both of its headers, at these offsets.
fn patch(zip: &mut [u8], name: &str, [central_field, local_field]: [usize; 2], bytes: &[u8]) {
    let (central, local) = entry(zip, name);
    zip[central + central_field..][..bytes.len()].copy_from_slice(bytes);
    zip[local + local_field..][..bytes.len()].copy_from_slice(bytes);
}

const FLAGS: [usize; 2] = [8, 6];
const METHOD: [usize; 2] = [10, 8];
const SIZE: [usize; 2] = [24, 22];
const NAME: [usize; 2] = [46, 30];

/// The one sentence for a ZIP that cannot be opened, or whose picture 1 cannot be loaded.
fn sentence(place: &Place, zip: &[u8]) -> String {
    let path = place.file("set.zip", zip);
    let error = match Dataset::open(&path) {
        Err(error) => error,
        Ok(set) => set.load(&plain(&[1])).unwrap_err(),
    };
    let listed = doctor::examine(&path, None, || {}).map(|report| report.findings);
    assert!(listed.map_or(true, |findings| findings.len() == 1), "the doctor agrees");
    assert!(error.is_wrong_input());
    let sentence = error.to_string();
    assert_eq!(sentence.lines().count(), 1, "{sentence}");
    sentence
}

#[track_caller]
fn expect(sentence: &str, words: &[&str]) {
    for word in words {
        assert!(sentence.contains(word), "expected {word:?} in: {sentence}");
    }
}

#[test]
fn truncated() {
    let place = Place::new();
    let whole = zip(&good(), Stored);
    for keep in [4, whole.len() / 2, whole.len() - 10] {
        expect(&sentence(&place, &whole[..keep]), &["set.zip: truncated or damaged ZIP file", "again"]);
    }
}

#[test]
fn encrypted() {
    let place = Place::new();
    let mut zip = zip(&good(), Stored);
    patch(&mut zip, "01/img1.png", FLAGS, &[1]);
    expect(&sentence(&place, &zip), &["set.zip/01/img1.png: encrypted with a password", "unpack it"]);
}

#[test]
fn other_methods() {
    let place = Place::new();
    let mut zip = zip(&good(), Stored);
    patch(&mut zip, "01/img1.png", METHOD, &[12]);
    expect(&sentence(&place, &zip), &["01/img1.png: compressed by", "stored and deflated", "zip -0"]);
}

#[test]
fn names_that_lead_out() {
    let place = Place::new();
    // As long as the name that they replace.
    for evil in [b"../img1.png", b"/1/img1.png", b"..\\img1.png", b"\\1\\img1.png", b"C:/img1.png", b"C:\\img1.png"] {
        let mut zip = zip(&good(), Stored);
        patch(&mut zip, "01/img1.png", NAME, evil);
        expect(&sentence(&place, &zip), &["1.png: its name", "leads out of the set", "rename"]);
    }
}

/// Archives packed on Windows, by programs that write `./`, and on systems where `:` is a letter.
#[test]
fn names_are_read_as_they_are_meant() {
    let place = Place::new();
    for (stored, name) in
        [(b"01\\img1.png", "01/img1.png"), (b"01/./g1.png", "01/g1.png"), (b"01:02i1.png", "01:02i1.png")]
    {
        let mut zip = zip(&good(), Stored);
        patch(&mut zip, "01/img1.png", NAME, stored);
        let set = Dataset::open(place.file("set.zip", &zip)).unwrap();
        assert_eq!(set.names()[1], name);
        assert!(set.load(&plain(&[1])).is_ok());
    }
}

/// `ü` in the letters of old Windows (code page 437), in thousands of names: reading all of them takes no
/// longer than it takes with other letters.
#[test]
fn names_that_are_not_utf8_are_found_at_once() {
    let place = Place::new();
    let files: Files = (0..3000).map(|i| (format!("{i:05}u.png"), png(rgb(8, 6, i)))).collect();
    let mut bytes = zip(&files, Stored);
    let plain_set = Dataset::open(place.file("plain.zip", &bytes)).unwrap();
    let start = std::time::Instant::now();
    plain_set.hash().unwrap();
    let usual = start.elapsed();
    for at in 0..bytes.len() - 10 {
        if &bytes[at + 5..at + 10] == b"u.png" {
            bytes[at + 5] = 0x81;
        }
    }
    let set = Dataset::open(place.file("set.zip", &bytes)).unwrap();
    assert_eq!((set.len(), set.names()[7].as_str()), (3000, "00007\u{fc}.png"));
    assert_eq!(set.pixels(7).unwrap(), plain_set.pixels(7).unwrap());
    let start = std::time::Instant::now();
    set.hash().unwrap();
    // A search through all names would take some hundred times as long.
    assert!(start.elapsed() < usual * 20 + std::time::Duration::from_millis(500), "{:?}, {usual:?}", start.elapsed());
}

#[test]
fn the_same_name_twice() {
    let place = Place::new();
    let mut zip = zip(&good(), Stored);
    patch(&mut zip, "02/img2.png", NAME, b"01/img1.png");
    expect(&sentence(&place, &zip), &["set.zip/01/img1.png: this name occurs twice", "remove or rename"]);
    // Whatever way it is written, both are left out, and named once. What is not read may be as it likes.
    for names in [["01/img1.png", "01/img1.png"], ["01/img1.png", "01\\img1.png"], ["./././1.png", ".//.//1.png"]] {
        let files = with(with(good(), "a/notes.txt", "x"), "b/notes.txt", "x");
        let mut bytes = crate::pictures::zip(&files, Stored);
        patch(&mut bytes, "02/img2.png", NAME, names[1].as_bytes());
        patch(&mut bytes, "01/img1.png", NAME, names[0].as_bytes());
        patch(&mut bytes, "b/notes.txt", NAME, b"a/notes.txt");
        let report = doctor::examine(place.file("twice.zip", &bytes), None, || {}).unwrap();
        let found: Vec<_> = report.findings.iter().map(|found| (found.file.as_str(), &found.problem)).collect();
        let name = names[0].trim_start_matches("./");
        assert_eq!((found, report.usable), (vec![(name, &Problem::Duplicate)], 2));
    }
    // Labels of which there are two are none.
    let files = with(with(good(), "dataset.json", labels(&["0"; 4])), "dataset.txt2", labels(&["1"; 4]));
    let mut bytes = crate::pictures::zip(&files, Stored);
    patch(&mut bytes, "dataset.txt2", NAME, b"dataset.json");
    let report = doctor::examine(place.file("labels.zip", &bytes), None, || {}).unwrap();
    assert_eq!((report.findings[0].file.as_str(), report.labels.dim()), ("dataset.json", 0));
}

/// Names that are stored differently and read alike.
#[test]
fn the_same_name_twice_in_other_letters() {
    let place = Place::new();
    let mut backslash = zip(&good(), Stored);
    patch(&mut backslash, "02/img2.png", NAME, b"01\\img1.png");
    expect(&sentence(&place, &backslash), &["01/img1.png: this name occurs twice"]);
    // `ü` in UTF-8 and in code page 437.
    let files = vec![("\u{fc}.png".to_string(), png(rgb(8, 6, 0))), ("x.png".to_string(), png(rgb(8, 6, 1)))];
    let mut bytes = zip(&files, Stored);
    patch(&mut bytes, "x.png", NAME, b"\x81.png");
    let error = Dataset::open(place.file("letters.zip", &bytes)).unwrap_err().to_string();
    expect(&error, &["letters.zip/\u{fc}.png: this name occurs twice"]);
    let mut bytes = zip(&files, Stored);
    patch(&mut bytes, "x.png", NAME, b"x.pn\0");
    let error = Dataset::open(place.file("zero.zip", &bytes)).unwrap_err().to_string();
    expect(&error, &["holds a zero byte"]);
}

/// Two entries of one stream.
#[test]
fn entries_that_share_bytes() {
    let place = Place::new();
    let mut zip = zip(&good(), Deflated);
    let (_, local) = entry(&zip, "01/img1.png");
    let (central, _) = entry(&zip, "02/img2.png");
    zip[central + 42..central + 46].copy_from_slice(&(local as u32).to_le_bytes());
    expect(&sentence(&place, &zip), &["set.zip: its entries 01/img1.png and 02/img2.png share bytes", "pack it again"]);
}

#[test]
fn archives_that_unpack_to_too_much_in_all() {
    let place = Place::new();
    let whole = zip(&(0..200).map(|i| (format!("{i:03}.png"), vec![0; 3 << 20])).collect(), Deflated);
    let error = Dataset::open(place.file("set.zip", &whole)).unwrap_err();
    assert!(error.is_wrong_input());
    expect(&error.to_string(), &["unpacks to 629145600 bytes in all, more than the", "of its size"]);
}

#[test]
fn files_that_unpack_to_too_much() {
    let place = Place::new();
    let mut zip = zip(&good(), Deflated);
    let limit = 256u32 << 20;
    patch(&mut zip, "01/img1.png", SIZE, &(limit + 1).to_le_bytes());
    let expected = format!("01/img1.png: unpacks to {} bytes, more than the {limit}", limit + 1);
    expect(&sentence(&place, &zip), &[&expected]);
}

/// A picture that is stored without compression shrinks in an archive, and is the same picture there as in a folder.
#[test]
fn pictures_that_shrink_in_the_archive_are_read() {
    let place = Place::new();
    let mut flat = Vec::new();
    let mut encoder = png::Encoder::new(&mut flat, 800, 800);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::NoCompression);
    encoder.write_header().unwrap().write_image_data(&[7; 3 * 800 * 800]).unwrap();
    let files = vec![("flat.png".to_string(), flat)];
    let path = place.zip("set.zip", &files, Deflated);
    assert!(path.metadata().unwrap().len() < 10_000);
    let (packed, folder) = (Dataset::open(path).unwrap(), Dataset::open(place.folder("set", &files)).unwrap());
    assert_eq!(packed.hash().unwrap(), folder.hash().unwrap());
    assert_eq!(packed.pixels(0).unwrap(), folder.pixels(0).unwrap());
}

#[test]
fn files_that_are_longer_or_shorter_than_they_say() {
    let place = Place::new();
    for method in [Stored, Deflated] {
        let whole = zip(&good(), method);
        let (central, _) = entry(&whole, "01/img1.png");
        let size = u32::from_le_bytes(whole[central + 24..central + 28].try_into().unwrap());
        for claim in [size - 1, size + 1] {
            let mut zip = whole.clone();
            patch(&mut zip, "01/img1.png", SIZE, &claim.to_le_bytes());
            expect(&sentence(&place, &zip), &["01/img1.png: truncated or damaged", "copy it again"]);
        }
    }
}

#[test]
fn changed_bytes_are_noticed_by_their_checksum() {
    let place = Place::new();
    let mut zip = zip(&good(), Stored);
    let (_, local) = entry(&zip, "01/img1.png");
    // Inside the compressed pixels of a stored PNG.
    zip[local + 30 + 11 + 45] ^= 1;
    expect(&sentence(&place, &zip), &["01/img1.png: truncated or damaged"]);
}
