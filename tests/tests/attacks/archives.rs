//! Files of torch: archives and the older sequential form.

use crate::{Attack, attack, zip};
use stylegan_tests::pickle::{Pickle, TORCH_MAGIC};

pub(crate) fn attacks() -> Vec<Attack> {
    let one = |pickle: Vec<u8>| zip(&[("a/data.pkl", &pickle), ("a/data/0", &[0; 16])], false);
    let sized = |offset: i32, shape: &[i64], strides: &[i64]| one(tensor("FloatStorage", offset, shape, strides));
    let good = one(tensor("FloatStorage", 0, &[4], &[1]));
    let order = zip(
        &[("a/data.pkl", &tensor("FloatStorage", 0, &[4], &[1])), ("a/data/0", &[0; 16]), ("a/byteorder", b"mixed")],
        false,
    );
    let mut many_claimed = good.clone();
    let end = many_claimed.len() - 22;
    many_claimed[end + 8..end + 12].copy_from_slice(&[0xff; 4]);
    let mut far_entry = good.clone();
    let central = good.windows(4).position(|four| four == b"PK\x01\x02").unwrap();
    far_entry[central + 42..central + 46].copy_from_slice(&[0xff, 0xff, 0xff, 0x7f]);
    let mut long_entry = good.clone();
    long_entry[central + 20..central + 28].copy_from_slice(&[0xf0, 0xff, 0xff, 0x7f, 0xf0, 0xff, 0xff, 0x7f]);
    let mut damaged = good.clone();
    let pickled = damaged.windows(12).position(|part| part == b"FloatStorage").unwrap();
    damaged[pickled] ^= 1;
    let bomb = zip(&[("a/data.pkl", &vec![b'('; 50 << 20])], true);
    let nan = f32::NAN.to_le_bytes();
    vec![
        attack(
            "torch-executes.pt",
            one(Pickle::new().call("os", "system", |p| p.text("echo owned")).stop()),
            &["`os.system`"],
        ),
        attack("torch-no-pickle.pt", zip(&[("a/data/0", &[0; 16])], false), &["without `data.pkl`"]),
        attack("torch-compressed-bomb.pt", bomb, &["compressed"]),
        attack("torch-leads-out.pt", zip(&[("a/../../etc/passwd", b"x")], false), &["leads out"]),
        attack("torch-absolute.pt", zip(&[("/etc/passwd", b"x")], false), &["leads out"]),
        attack("torch-backslashes.pt", zip(&[("a/..\\..\\x", b"x")], false), &["leads out"]),
        attack("torch-order-unknown.pt", order, &["byte order `mixed`"]),
        attack(
            "torch-storage-missing.pt",
            zip(&[("a/data.pkl", &tensor("FloatStorage", 0, &[4], &[1]))], false),
            &["storage `0` is missing"],
        ),
        attack("torch-offset-beyond.pt", sized(3, &[4], &[1]), &["reaches beyond"]),
        attack("torch-offset-negative.pt", sized(-1, &[4], &[1]), &["malformed sizes"]),
        attack("torch-stride-beyond.pt", sized(0, &[2, 2], &[1 << 40, 1]), &["reaches beyond"]),
        attack("torch-stride-overflow.pt", sized(0, &[3, 1], &[i64::MAX, 1]), &["reaches beyond"]),
        attack("torch-stride-zero.pt", sized(0, &[1 << 40], &[0]), &["needs more"]),
        attack("torch-shape-overflow.pt", sized(0, &[1 << 40, 1 << 40], &[1, 1]), &["needs more"]),
        attack("torch-shape-negative.pt", sized(0, &[-4], &[1]), &["malformed sizes"]),
        attack("torch-shape-empty-and-vast.pt", sized(0, &[0, 1 << 40, 1 << 40], &[1, 1 << 40, 1]), &["needs more"]),
        attack("torch-rank-100.pt", sized(0, &[1; 100], &[1; 100]), &["dimensions"]),
        attack("torch-strides-missing.pt", sized(0, &[2, 2], &[1]), &["strides"]),
        attack("torch-quantised.pt", one(tensor("QInt8Storage", 0, &[4], &[1])), &["QInt8Storage"]),
        attack(
            "torch-sparse.pt",
            one(Pickle::new().call("torch._utils", "_rebuild_sparse_tensor", |p| p).stop()),
            &["_rebuild_sparse_tensor"],
        ),
        attack(
            "torch-nan.pt",
            zip(&[("a/data.pkl", &tensor("FloatStorage", 0, &[1], &[1])), ("a/data/0", &nan)], false),
            &["not finite"],
        ),
        attack("torch-entries-100001.pt", entries(100_001), &["more than 100000 entries"]),
        attack("torch-escapes.pt", zip(&[("a/../\x1b[31m\n", b"x")], false), &["leads out", "\\\\u{1b}[31m\\\\n"]),
        attack("torch-name-escapes.pt", escaping(), &["\\\\u{1b}]0;owned\\\\u{7}", "not finite"]),
        attack("torch-storage-repeated.pt", repeated(), &["more memory"]),
        attack("torch-tensors-21000.pt", many(), &["20000 tensors"]),
        attack("torch-parameter-of-parameter.pt", one(parameters()), &["without a tensor"]),
        attack("torch-cut.pt", &good[..good.len() / 2], &["truncated or damaged"]),
        attack("torch-many-claimed.pt", many_claimed, &["damaged"]),
        attack("torch-far-entry.pt", far_entry, &["damaged"]),
        attack("torch-long-entry.pt", long_entry, &["damaged"]),
        attack("torch-damaged.pt", damaged, &["`a/data.pkl` is not what was written"]),
        attack("torch-overlaps.pt", overlapping(), &["overlap"]),
        attack("torch-only-signature.pt", b"PK\x03\x04", &["damaged"]),
        attack("legacy-cut.pt", TORCH_MAGIC, &["truncated"]),
        attack("legacy-storage-beyond.pt", legacy(1 << 40), &["reaches beyond"]),
        attack("legacy-storage-negative.pt", legacy(u64::MAX), &["reaches beyond"]),
        attack(
            "legacy-executes.pt",
            [TORCH_MAGIC, b"\x80\x02M\xe9\x03.", &Pickle::new().call("os", "system", |p| p).stop()].concat(),
            &["`os.system`"],
        ),
    ]
}

fn long(p: Pickle, value: i64) -> Pickle {
    p.raw(b"\x8a\x08").raw(value.to_le_bytes())
}

fn storage(p: Pickle, class: &str) -> Pickle {
    p.tuple(|p| p.text("storage").global("torch", class).text("0").text("cpu").int(4)).raw(b"Q")
}

fn rebuilt(p: Pickle, class: &str, offset: i32, shape: &[i64], strides: &[i64]) -> Pickle {
    p.call("torch._utils", "_rebuild_tensor_v2", |p| {
        let longs = |p: Pickle, values: &[i64]| p.tuple(|p| values.iter().fold(p, |p, &value| long(p, value)));
        longs(longs(storage(p, class).int(offset), shape), strides).raw(b"\x89").dict(|p| p)
    })
}

/// A state dictionary of one tensor.
fn tensor(class: &str, offset: i32, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    Pickle::new().dict(|p| rebuilt(p.text("w"), class, offset, shape, strides)).stop()
}

/// One storage of a megabyte in ten thousand tensors.
fn repeated() -> Vec<u8> {
    let side = 1 << 18;
    let pickle = Pickle::new().dict(|p| {
        let p = rebuilt(p.text("0"), "FloatStorage", 0, &[side], &[1]).raw(b"q\x09");
        (1..10_000).fold(p, |p, i| p.text(&i.to_string()).raw(b"h\x09"))
    });
    zip(&[("a/data.pkl", &pickle.stop()), ("a/data/0", &vec![0; 1 << 20])], false)
}

/// Too many small tensors.
fn many() -> Vec<u8> {
    let pickle = Pickle::new().dict(|p| {
        let p = rebuilt(p.text("0"), "FloatStorage", 0, &[4], &[1]).raw(b"q\x09");
        (1..21_000).fold(p, |p, i| p.text(&i.to_string()).raw(b"h\x09"))
    });
    zip(&[("a/data.pkl", &pickle.stop()), ("a/data/0", &[0; 16])], false)
}

/// A parameter whose data is a parameter.
fn parameters() -> Vec<u8> {
    let inner = |p: Pickle| {
        p.call("torch._utils", "_rebuild_parameter", |p| {
            rebuilt(p, "FloatStorage", 0, &[4], &[1]).raw(b"\x89").dict(|p| p)
        })
    };
    let outer = |p: Pickle| p.call("torch._utils", "_rebuild_parameter", |p| inner(p).raw(b"\x89").dict(|p| p));
    Pickle::new().dict(|p| outer(p.text("w"))).stop()
}

/// The sequential form: a state dictionary whose storage claims to have `count` numbers.
fn legacy(count: u64) -> Vec<u8> {
    let head = [TORCH_MAGIC, b"\x80\x02M\xe9\x03.", &Pickle::new().dict(|p| p).stop()].concat();
    let keys = Pickle::new().list(|p| p.text("0")).stop();
    [head, tensor("FloatStorage", 0, &[4], &[1]), keys, count.to_le_bytes().to_vec(), vec![0; 16]].concat()
}

/// A directory of entries, none of which is there.
fn entries(count: u32) -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    for i in 0..count {
        bytes.extend_from_slice(b"PK\x01\x02");
        bytes.extend_from_slice(&[0; 24]);
        bytes.extend_from_slice(&[6, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&[0; 12]);
        bytes.extend_from_slice(format!("{i:06}").as_bytes());
    }
    let size = bytes.len() as u32 - 4;
    let end = [&b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff"[..], &size.to_le_bytes(), &4u32.to_le_bytes(), &[0, 0]];
    [bytes, end.concat()].concat()
}

/// Two entries of the index that point to the same storage.
fn overlapping() -> Vec<u8> {
    let once = zip(&[("a/data.pkl", &tensor("FloatStorage", 0, &[4], &[1])), ("a/data/0", &[0; 2000])], false);
    let end = once.len() - 22;
    let record = &once[end - 46 - 8..end];
    let mut twice = [&once[..end], record, &once[end..]].concat();
    let end = end + record.len();
    twice[end - 1] = b'1';
    twice[end + 8] = 3;
    twice[end + 10] = 3;
    let size = u32::from_le_bytes(twice[end + 12..end + 16].try_into().unwrap()) + record.len() as u32;
    twice[end + 12..end + 16].copy_from_slice(&size.to_le_bytes());
    twice
}

/// A tensor of NaN under a name that sets a terminal's title.
fn escaping() -> Vec<u8> {
    let tensor = |p: Pickle| rebuilt(p.text("\x1b]0;owned\x07\n"), "FloatStorage", 0, &[4], &[1]);
    zip(&[("a/data.pkl", &Pickle::new().dict(tensor).stop()), ("a/data/0", &[0xff; 16])], false)
}
