//! The part of protocol buffers that ONNX files need.

/// A message under construction.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
}

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn tag(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    /// An integer (negative ones in two's complement, as `int64` has them).
    pub(super) fn int(mut self, field: u64, value: i64) -> Self {
        self.tag(field, 0);
        self.varint(value as u64);
        self
    }

    /// A number of 32 bits.
    pub(super) fn float(mut self, field: u64, value: f32) -> Self {
        self.tag(field, 5);
        self.bytes.extend_from_slice(&value.to_le_bytes());
        self
    }

    /// Bytes or text.
    pub(super) fn data(mut self, field: u64, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        self.tag(field, 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// A message in this one.
    pub(super) fn message(self, field: u64, message: &Message) -> Self {
        self.data(field, &message.bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::Message;

    /// The examples of the encoding's specification.
    #[test]
    fn known_bytes() {
        assert_eq!(Message::default().int(1, 150).bytes, [0x08, 0x96, 0x01]);
        assert_eq!(Message::default().data(2, "testing").bytes, b"\x12\x07testing");
        let inner = Message::default().int(1, 150);
        assert_eq!(Message::default().message(3, &inner).bytes, [0x1a, 0x03, 0x08, 0x96, 0x01]);
        assert_eq!(Message::default().int(1, -1).bytes, [8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
        assert_eq!(Message::default().float(2, 1.).bytes, [0x15, 0, 0, 0x80, 0x3f]);
    }
}
