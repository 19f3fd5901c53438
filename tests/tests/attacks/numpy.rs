//! NumPy's files in place of networks, and such that are none.

use crate::{Attack, attack, zip};

pub(crate) fn attacks() -> Vec<Attack> {
    let plain = |descr: &str, shape: &str| array(&header(descr, shape), &[0; 16]);
    let good = plain("'<f4'", "(4,)");
    let mut all = vec![
        attack("npy-objects.npy", plain("'|O'", "(1,)"), &["`|O`", "not numbers"]),
        attack("npy-records.npy", plain("[('a', '<f4')]", "(1,)"), &["records"]),
        attack("npy-shape-overflow.npy", plain("'<f4'", "(4294967296, 4294967296)"), &["needs more"]),
        attack("npy-shape-negative.npy", plain("'<f4'", "(-1,)"), &["header is damaged"]),
        attack("npy-shape-beyond.npy", plain("'<f4'", "(5,)"), &["needs more"]),
        attack("npy-rank-40.npy", plain("'<f4'", &format!("({})", "1, ".repeat(40))), &["dimensions"]),
        attack("npy-without-shape.npy", array("{'descr': '<f4', 'fortran_order': False, }", &[0; 16]), &["damaged"]),
        attack("npy-header-gigantic.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{'descr'", &["header is damaged"]),
        attack("npy-version-9.npy", b"\x93NUMPY\x09\x00\x01\x00{", &["header is damaged"]),
        attack("npy-cut.npy", &good[..9], &["header is damaged"]),
        attack("npy-beyond-i64.npy", array(&header("'<u8'", "(2,)"), &[0xff; 16]), &["from 2⁶³ on"]),
        attack("npy-nan.npy", array(&header("'<f4'", "(4,)"), &[0xff; 16]), &["not finite"]),
        attack("npz-cut.npz", &zip(&[("w.npy", &good)], false)[..60], &["truncated or damaged"]),
        attack("npz-no-array.npz", zip(&[("w.npy", b"not one")], true), &["`w`", "header is damaged"]),
        attack("npz-name-escapes.npz", zip(&[("\x1b[2J\n.npy", b"not one")], true), &["\\\\u{1b}[2J\\\\n"]),
    ];
    let zeros = array(&header("'<f4'", "(26214400,)"), &vec![0; 100 << 20]);
    all.push(attack("npz-bomb.npz", zip(&[("w.npy", &zeros)], true), &["unpack to more"]));
    all
}

fn header(descr: &str, shape: &str) -> String {
    format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n")
}

fn array(header: &str, data: &[u8]) -> Vec<u8> {
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}
