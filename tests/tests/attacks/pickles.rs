//! Pickles as such: names that must not be called, structures that must not grow, damage.

use crate::{Attack, attack};
use stylegan_tests::pickle::Pickle;

pub(crate) fn attacks() -> Vec<Attack> {
    let p = Pickle::new;
    let mut all = vec![
        attack("executes-os-system.pkl", p().call("os", "system", |p| p.text("echo owned")).stop(), &["`os.system`"]),
        attack("executes-eval.pkl", b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93\x8c\x011\x85R.", &["`builtins.eval`"]),
        attack("executes-inst.pkl", b"(S'echo owned'\niposix\nsystem\n.", &["`posix.system`"]),
        attack("executes-obj.pkl", b"(csubprocess\nPopen\nS'echo'\no.", &["`subprocess.Popen`"]),
        attack("executes-newobj.pkl", b"\x80\x02cos\n_wrap_close\n)\x81.", &["`os._wrap_close`"]),
        attack("executes-newobj-ex.pkl", b"\x80\x04cshutil\nrmtree\n)}\x92.", &["`shutil.rmtree`"]),
        attack(
            "executes-runstring.pkl",
            p().call("numpy.testing._private.utils", "runstring", |p| p.text("import os").dict(|p| p)).stop(),
            &["runstring"],
        ),
        attack(
            "executes-torch-load.pkl",
            p().call("torch", "load", |p| p.text("/etc/passwd")).stop(),
            &["`torch.load`"],
        ),
        attack("executes-getattr.pkl", p().global("builtins", "getattr").stop(), &["`builtins.getattr`"]),
        attack("executes-import-module.pkl", p().global("importlib", "import_module").stop(), &["import_module"]),
        attack("executes-extension.pkl", b"\x80\x02\x82\x01.", &["opcode 0x82"]),
        attack(
            "executes-method-of-result.pkl",
            p().call("collections", "OrderedDict", |p| p).raw(b")R.").stop(),
            &["not a known global"],
        ),
        attack("unicode-name.pkl", "cоs\nsystem\n.".as_bytes(), &["not on the list"]),
        attack("name-not-text.pkl", b"\x80\x04K\x01K\x02\x93.", &["not text"]),
        attack("name-not-utf8.pkl", b"c\xff\xfe\nx\n.", &["UTF-8"]),
        attack("persistent-id.pkl", b"Pos.system\n.", &["no tensors"]),
        attack("state-on-a-number.pkl", b"\x80\x02K\x01}b.", &["no object"]),
        attack("empty.pkl", b"", &["truncated"]),
        attack("only-stop.pkl", b"\x80\x02.", &["too few values"]),
        attack("unknown-opcode.pkl", b"\x80\x02\xff.", &["0xff"]),
        attack("protocol-9.pkl", b"\x80\x09N.", &["protocol 9"]),
        attack("truncated-string.pkl", b"\x80\x02X\xff\xff\xff\x7fabc", &["left"]),
        attack("truncated-bytes.pkl", b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\xffabc", &["left"]),
        attack("truncated-frame.pkl", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f", &["truncated"]),
        attack("negative-length.pkl", b"\x80\x02\x8b\xff\xff\xff\xff.", &["left"]),
        attack("line-without-end.pkl", [&b"c"[..], &[b'a'; 500]].concat(), &["line without an end"]),
        attack("huge-decimal.pkl", [&b"I"[..], &[b'9'; 400], b"\n."].concat(), &["decimal integer"]),
        attack("no-mark.pkl", b"\x80\x02Nt.", &["no open mark"]),
        attack("odd-dictionary.pkl", b"(K\x01d.", &["without a value"]),
        attack("append-to-a-number.pkl", b"\x80\x02K\x01K\x02a.", &["no list"]),
        attack("entries-on-a-list.pkl", b"\x80\x02](K\x01K\x02u.", &["no dictionary"]),
        attack("arguments-no-tuple.pkl", b"ccollections\nOrderedDict\nK\x01R.", &["not a tuple"]),
        attack("memo-unset.pkl", b"\x80\x02h\x07.", &["memo entry 7"]),
        attack("memo-index-gigantic.pkl", b"\x80\x02]r\xff\xff\xff\xffj\xff\xff\xff\xffa.", &["no tensors"]),
        attack("contains-itself.pkl", b"\x80\x02}q\x00(X\x05\x00\x00\x00G_emah\x00u.", &["nested more than"]),
        attack("web-page.pkl", b"<!DOCTYPE html><html><body>Too many requests</body></html>", &["web page"]),
        attack("gzip.pkl", b"\x1f\x8b\x08\x00\x00\x00\x00\x00", &["gzip"]),
        attack("laughs-dictionaries.pkl", laughs(Pickle::dict), &["more memory"]),
    ];
    all.push(attack("nested-tuples-million.pkl", nested(1_000_000), &["no tensors"]));
    all.push(attack("marks-two-millions.pkl", [vec![b'('; 2_000_000], b".".to_vec()].concat(), &["open marks"]));
    all.push(attack("lists-two-millions.pkl", [vec![b']'; 2_000_000], b".".to_vec()].concat(), &["more than"]));
    all.push(attack("dup-bomb.pkl", [b"N".to_vec(), vec![b'2'; 13_000_000], b".".to_vec()].concat(), &["stack"]));
    all.push(attack("memo-bomb.pkl", memo_bomb(), &["more than"]));
    all.push(attack("strings-repeated.pkl", strings(), &["more memory"]));
    all.push(attack("lists-of-lists.pkl", lists_of_lists(), &["no tensors"]));
    all.push(attack("name-of-a-megabyte.pkl", name_of_a_megabyte(), &["no tensors"]));
    all.push(attack("names-repeated.pkl", names(), &["more memory"]));
    all.push(attack("mappings-repeated.pkl", mappings(), &["items in all"]));
    all.push(attack("global-of-8-mb.pkl", globals(8 << 20), &["whose name has 8388618 bytes"]));
    all.push(attack("global-of-8-mb-in-a-line.pkl", global_in_a_line(), &["whose name has 8388608 bytes"]));
    all.push(attack("globals-of-1-kb.pkl", globals(1000), &["more than 1500000 values"]));
    all.push(attack("global-escapes.pkl", b"c\x1b]0;owned\x07\nx\n.", &["`\\\\u{1b}]0;owned"]));
    all.push(attack("keys-no-text.pkl", keys_no_text(), &["refers to its own parts"]));
    all.push(attack("keys-long-bytes.pkl", keys_long_bytes(), &["more memory"]));
    all.push(attack("lists-by-dup.pkl", lists_by_dup(), &["items in all"]));
    all
}

/// Each of 40 levels holds the one below twice: a million million entries to walk.
fn laughs(level: fn(Pickle, fn(Pickle) -> Pickle) -> Pickle) -> Vec<u8> {
    let mut p = level(Pickle::new(), |p| p).raw(b"q\x00");
    for i in 0..31u8 {
        let (below, own) = ([b'h', i], [b'q', i + 1]);
        p = p.raw(b"0").dict(|p| p.text("a").raw(below).text("b").raw(below)).raw(own);
    }
    p.stop()
}

fn nested(depth: usize) -> Vec<u8> {
    [vec![b'('; depth], vec![b't'; depth], b".".to_vec()].concat()
}

/// A new number and a new memo entry, a million and a half times.
fn memo_bomb() -> Vec<u8> {
    let mut bytes = vec![0x80, 4];
    for _ in 0..1_600_000 {
        bytes.extend_from_slice(b"]\x94");
    }
    bytes.push(b'.');
    bytes
}

/// A settings list that repeats one long string, in a network's arguments.
fn strings() -> Vec<u8> {
    let meta = |p: Pickle| {
        p.dict(|p| {
            let p = p.text("class_name").text("Generator").text("state");
            p.dict(|p| {
                p.text("_init_kwargs").dict(|p| {
                    p.text("a").list(|p| {
                        let p = p.text(&"x".repeat(1000)).raw(b"q\x07");
                        (0..100_000).fold(p, |p, _| p.raw(b"h\x07"))
                    })
                })
            })
        })
    };
    let network = |p: Pickle| p.call("torch_utils.persistence", "_reconstruct_persistent_obj", meta);
    Pickle::new().dict(|p| network(p.text("G_ema"))).stop()
}

/// `list(list(list(…)))`, which a reader that asks each for its items follows into a full stack.
fn lists_of_lists() -> Vec<u8> {
    let levels = 700_000;
    let start = b"cbuiltins\nlist\nq\x00".to_vec();
    [start, b"h\x00".repeat(levels - 1), b")R".to_vec(), b"\x85R".repeat(levels - 1), b".".to_vec()].concat()
}

/// A dictionary in which one name of a megabyte stands a hundred thousand times.
fn name_of_a_megabyte() -> Vec<u8> {
    let entries = |p: Pickle| (0..100_000).fold(p.raw(b"N"), |p, _| p.raw(b"h\x07N"));
    Pickle::new().dict(|p| entries(p.text(&"x".repeat(1 << 20)).raw(b"q\x07"))).stop()
}

/// Dictionaries in dictionaries under a long name, in which a hundred thousand names stand: a
/// hundred thousand paths of 30 kB.
fn names() -> Vec<u8> {
    let entries = |p: Pickle| p.dict(|p| (0..100_000).fold(p, |p, _| p.raw(b"h\x07N")));
    let p = entries(Pickle::new().text(&"x".repeat(1000)).raw(b"q\x070")).raw(b"q\x08");
    let wrap = |p: Pickle| p.raw(b"0").dict(|p| p.raw(b"h\x07h\x08")).raw(b"q\x08");
    (0..30).fold(p, |p, _| wrap(p)).stop()
}

/// One list of a thousand entries, of which ten thousand mappings are made.
fn mappings() -> Vec<u8> {
    let list = |p: Pickle| p.list(|p| (0..1000).fold(p, |p, i| p.tuple(|p| p.int(i).raw(b"N"))));
    let p = list(Pickle::new().global("collections", "OrderedDict").raw(b"q\x00")).raw(b"\x85q\x01");
    (0..10_000).fold(p.raw(b"R"), |p, _| p.raw(b"0h\x00h\x01R")).stop()
}

/// One long module name, which a million and a half globals are of.
fn globals(length: usize) -> Vec<u8> {
    let p = Pickle::new().text(&format!("__torch__.{}", "a".repeat(length))).raw(b"q\x000").text("a").raw(b"q\x010");
    (0..1_510_000).fold(p, |p, _| p.raw(b"h\x00h\x01\x930")).raw(b"N").stop()
}

fn global_in_a_line() -> Vec<u8> {
    [b"c__torch__\n".to_vec(), vec![b'a'; 8 << 20], b"\n.".to_vec()].concat()
}

/// A dictionary of a million entries without names, a million times.
fn keys_no_text() -> Vec<u8> {
    let p = Pickle::new().raw(b"Nq\x000").text("x").raw(b"q\x010");
    let many = |p: Pickle, pair: [u8; 4]| p.raw(b"}(").raw(pair.repeat(999_000)).raw(b"u");
    many(many(p, *b"h\x00h\x00").raw(b"q\x020"), *b"h\x01h\x02").stop()
}

/// A million entries under one long name of Python 2, which has to be decoded each time it is read.
fn keys_long_bytes() -> Vec<u8> {
    let p = Pickle::new().raw(b"T\xe8\x03\x00\x00").raw([0xe9; 1000]).raw(b"q\x000");
    p.raw(b"}(").raw(b"h\x00N".repeat(900_000)).raw(b"u").stop()
}

/// Lists of one value, of a byte for each of its places.
fn lists_by_dup() -> Vec<u8> {
    let list = |p: Pickle| p.raw(b"](N").raw([b'2'; 2_000_000]).raw(b"e");
    (0..6).fold(Pickle::new(), |p, _| list(p)).stop()
}
