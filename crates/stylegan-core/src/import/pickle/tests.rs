#![allow(clippy::unwrap_used)]
use super::*;

fn fails(source: &[u8]) -> String {
    read(source).unwrap_err().to_string()
}

#[test]
fn reads_protocol_0_and_2_values() {
    // pickle.dumps({'a': [1, True, None, -7, 'x\ny'], 'b': (2.5,)}, protocol=0) written by CPython 2.
    let text = b"(dp0\nS'a'\np1\n(lp2\nI1\naI01\naNaI-7\naS'x\\ny'\np3\nasS'b'\np4\n(F2.5\ntp5\ns.";
    let (pickle, used) = read(text).unwrap();
    assert_eq!(used, text.len());
    let list = pickle.get(pickle.root(), "a").unwrap();
    let items = pickle.sequence(list).unwrap();
    assert_eq!(pickle.int(items[0]), Some(1));
    assert_eq!(pickle.value(items[1]), &Value::Bool(true));
    assert_eq!(pickle.int(items[3]), Some(-7));
    assert_eq!(pickle.text(items[4]).unwrap(), "x\ny");
    let tuple = pickle.get(pickle.root(), "b").unwrap();
    assert_eq!(pickle.value(pickle.sequence(tuple).unwrap()[0]), &Value::Float(2.5));
}

#[test]
fn containers_filled_after_memoising_are_shared() {
    // l = []; d = {'x': l, 'y': l}; l.append(5) as protocol 2 writes it.
    let bytes = b"\x80\x02}q\x00(X\x01\x00\x00\x00x]q\x01K\x05aX\x01\x00\x00\x00yh\x01u.";
    let (pickle, _) = read(bytes).unwrap();
    let (x, y) = (pickle.get(pickle.root(), "x").unwrap(), pickle.get(pickle.root(), "y").unwrap());
    assert_eq!(x, y);
    assert_eq!(pickle.sequence(y).unwrap().len(), 1);
}

#[test]
fn a_call_is_recorded_and_never_made() {
    let (pickle, _) = read(b"ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00kK\x07u.").unwrap();
    assert!(pickle.call_of(pickle.root(), Global::Mapping).is_some());
    let value = pickle.get(pickle.root(), "k").unwrap();
    assert_eq!(pickle.int(value), Some(7));
}

#[test]
fn mappings_as_python_2_writes_them() {
    // OrderedDict([['a', 7], ['b', 8]]), protocol 2.
    let bytes = b"\x80\x02ccollections\nOrderedDict\n](](U\x01aK\x07e](U\x01bK\x08ee\x85R.";
    let (pickle, _) = read(bytes).unwrap();
    let value = |key| pickle.int(pickle.get(pickle.root(), key).unwrap());
    assert_eq!((value("a"), value("b")), (Some(7), Some(8)));
}

#[test]
fn unknown_globals_are_named() {
    let message = fails(b"cos\nsystem\n(S'echo'\ntR.");
    assert!(message.contains("`os.system`") && message.contains("nothing was executed"), "{message}");
    let message = fails(b"\x80\x04\x8c\x08builtins\x8c\x04eval\x93.");
    assert!(message.contains("`builtins.eval`"), "{message}");
}

#[test]
fn damaged_streams_are_errors() {
    assert!(fails(b"").contains("truncated"));
    assert!(fails(b"\x80\x04X\xff\xff\xff\x7fabc").contains("left"));
    assert!(fails(b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff").contains("truncated"));
    assert!(fails(b"u.").contains("no open mark"));
    assert!(fails(b"h\x05.").contains("memo entry 5"));
    assert!(fails(b".").contains("too few values"));
    assert!(fails(b"K\x01K\x02R.").contains("not a known global"));
    assert!(fails(b"\x80\x09.").contains("protocol 9"));
    assert!(fails(b"\xff").contains("0xff"));
    assert!(fails(b"(K\x01d.").contains("without a value"));
    assert!(fails(b"K\x01(R.").contains("too few values"));
}

#[test]
fn too_many_values_are_refused() {
    let mut bytes = vec![b']'; MAX_VALUES + 1];
    bytes.push(b'.');
    assert!(fails(&bytes).contains("more than"));
}

#[test]
fn self_containing_structures_do_not_recurse() {
    // l = []; l.append(l), a hundred thousand marks deep would overflow a recursive reader.
    let (pickle, _) = read(b"]q\x00h\x00a.").unwrap();
    assert_eq!(pickle.sequence(pickle.root()).unwrap(), &[pickle.root()]);
    let mut deep = vec![b'('; 100_000];
    deep.extend(std::iter::repeat_n(b't', 100_000));
    deep.push(b'.');
    assert!(read(&deep).is_ok());
}

#[test]
fn long_integers() {
    let (pickle, _) = read(b"\x8a\x01\xff.").unwrap();
    assert_eq!(pickle.int(pickle.root()), Some(-1));
    let (pickle, _) = read(b"\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.").unwrap();
    assert!(matches!(pickle.value(pickle.root()), Value::BigInt(range) if range.len() == 10));
}
