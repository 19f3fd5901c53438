//! TensorBoard's event files: protocol-buffer records in TFRecord frames, written by hand (two
//! message types are no reason for a dependency).

use std::io::{Result, Write};

/// The name of a run's event file. TensorBoard finds files by `tfevents` in their name.
pub(super) const FILE_NAME: &str = "events.out.tfevents.0.stylegan-rs";

/// Frames `data` as a TFRecord: length, checksum of the length, data, checksum of the data.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    let mut frame = Vec::with_capacity(data.len() + 16);
    frame.extend_from_slice(&length);
    frame.extend_from_slice(&masked_crc32c(&length).to_le_bytes());
    frame.extend_from_slice(data);
    frame.extend_from_slice(&masked_crc32c(data).to_le_bytes());
    frame
}

/// The record that every event file starts with. `wall_time` is in seconds since 1970.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_header(out: &mut impl Write, wall_time: f64) -> Result<()> {
    let mut event = Message::default();
    event.double(1, wall_time).bytes(3, b"brain.Event:2");
    out.write_all(&record(&event.0))
}

/// Scalars at a step (here: at a number of pictures seen).
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_scalars<'a>(
    out: &mut impl Write,
    wall_time: f64,
    step: u64,
    scalars: impl IntoIterator<Item = (&'a str, f64)>,
) -> Result<()> {
    let mut summary = Message::default();
    for (tag, value) in scalars {
        let mut entry = Message::default();
        entry.bytes(1, tag.as_bytes()).float(2, value as f32);
        summary.bytes(1, &entry.0);
    }
    write_event(out, wall_time, step, &summary)
}

/// A picture at a step, as the bytes of a PNG file of `width` x `height` RGB pixels.
///
/// # Errors
/// When `out` cannot be written.
pub(super) fn write_picture(
    out: &mut impl Write,
    wall_time: f64,
    step: u64,
    tag: &str,
    [height, width]: [u32; 2],
    png: &[u8],
) -> Result<()> {
    let mut image = Message::default();
    image.varint(1, height.into()).varint(2, width.into()).varint(3, 3).bytes(4, png);
    let mut entry = Message::default();
    entry.bytes(1, tag.as_bytes()).bytes(4, &image.0);
    let mut summary = Message::default();
    summary.bytes(1, &entry.0);
    write_event(out, wall_time, step, &summary)
}

fn write_event(out: &mut impl Write, wall_time: f64, step: u64, summary: &Message) -> Result<()> {
    let mut event = Message::default();
    event.double(1, wall_time).varint(2, step).bytes(5, &summary.0);
    out.write_all(&record(&event.0))
}

/// The length of the leading part of an event file whose records are whole, by their checksums, and
/// all `wanted`, a function of an event's step and its bytes.
pub(super) fn kept_while(file: &[u8], wanted: impl Fn(u64, &[u8]) -> bool) -> usize {
    let mut kept = 0;
    while let Some(data) = first_record(&file[kept..]).filter(|data| wanted(step_of(data), data)) {
        kept += data.len() + 16;
    }
    kept
}

/// The data of the record that `bytes` begin with, if it is whole.
fn first_record(bytes: &[u8]) -> Option<&[u8]> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (check, rest) = rest.split_first_chunk::<4>()?;
    if u32::from_le_bytes(*check) != masked_crc32c(length) {
        return None;
    }
    let (data, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    (u32::from_le_bytes(*rest.first_chunk::<4>()?) == masked_crc32c(data)).then_some(data)
}

/// The step of one of our events: wall time (9 bytes) comes first, then, if not 0, field 2.
fn step_of(event: &[u8]) -> u64 {
    if event.get(9) != Some(&(2 << 3)) {
        return 0;
    }
    let mut step = 0;
    for (i, byte) in event[10..].iter().take(10).enumerate() {
        step |= u64::from(byte & 0x7f) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    step
}

/// A protocol-buffer message in the making.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn raw_varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn varint(&mut self, field: u64, value: u64) -> &mut Self {
        self.raw_varint(field << 3);
        self.raw_varint(value);
        self
    }

    fn double(&mut self, field: u64, value: f64) -> &mut Self {
        self.raw_varint(field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }

    fn bytes(&mut self, field: u64, value: &[u8]) -> &mut Self {
        self.raw_varint(field << 3 | 2);
        self.raw_varint(value.len() as u64);
        self.0.extend_from_slice(value);
        self
    }

    fn float(&mut self, field: u64, value: f32) -> &mut Self {
        self.raw_varint(field << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
        self
    }
}

/// CRC-32C (Castagnoli), rotated and offset as TFRecord asks.
fn masked_crc32c(data: &[u8]) -> u32 {
    crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn crc32c(data: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let mut crc = i as u32;
            let mut bit = 0;
            while bit < 8 {
                crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
                bit += 1;
            }
            table[i] = crc;
            i += 1;
        }
        table
    };
    !data.iter().fold(!0, |crc, byte| (crc >> 8) ^ TABLE[(crc as u8 ^ byte) as usize])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn checksums() {
        // RFC 3720, appendix B.4.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn header_as_tensorflow_writes_it() {
        // Every TensorBoard log starts with these 12 bytes: the length 24 and its masked checksum.
        let mut file = vec![];
        write_header(&mut file, 0.).unwrap();
        assert_eq!(&file[..12], b"\x18\0\0\0\0\0\0\0\xa3\x7fK\"");
        assert_eq!(&file[12..36], b"\x09\0\0\0\0\0\0\0\0\x1a\x0dbrain.Event:2");
    }

    #[test]
    fn scalar_bytes() {
        let mut file = vec![];
        write_scalars(&mut file, 1., 300, [("a", 2.)]).unwrap();
        let expected = b"\x09\0\0\0\0\0\0\xf0\x3f\x10\xac\x02\x2a\x0a\x0a\x08\x0a\x01a\x15\0\0\0\x40";
        assert_eq!(&file[12..file.len() - 4], expected);
    }

    #[test]
    fn later_and_torn_records_are_dropped() {
        let kept_until = |file: &[u8], last: u64| kept_while(file, |step, _| step <= last);
        let mut file = vec![];
        write_header(&mut file, 5.).unwrap();
        write_scalars(&mut file, 5., 1000, [("a", 1.)]).unwrap();
        let first = file.len();
        write_picture(&mut file, 5., 2000, "grid", [2, 3], b"png").unwrap();
        let second = file.len();
        assert_eq!(kept_until(&file, 1999), first);
        assert_eq!(kept_until(&file, 2000), second);
        assert_eq!(kept_until(&file[..second - 1], 2000), first);
        assert_eq!(kept_until(&[255; 40], 0), 0);
        // A tail of zeros, as power cuts leave them, and a flipped bit.
        let zeros = [&file[..], &[0; 64]].concat();
        assert_eq!(kept_until(&zeros, 2000), second);
        for at in [first + 2, first + 9, first + 20, second - 1] {
            let mut flipped = file.clone();
            flipped[at] ^= 4;
            assert_eq!(kept_until(&flipped, 2000), first, "byte {at}");
        }
    }
}
