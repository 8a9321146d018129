//! `OffsetsMessageFormatter`: what groups have committed, as the records of `__consumer_offsets` have it.

use bytes::Buf;
use serde::Serialize;

/// The JSON of a record, which may be none: the topic holds other things, too.
///
/// # Errors
/// The record says what it is, and is not.
pub(super) fn json(key: &[u8], value: Option<&[u8]>) -> Result<Option<String>, String> {
    let mut reader = Reader(key);
    let kind = reader.i16()?;
    if !matches!(kind, 0 | 1) {
        return Ok(None);
    }
    let data = Key { group: reader.text()?, topic: reader.text()?, partition: reader.i32()? };
    let value = value.map(Value::read).transpose()?;
    let line = Line { key: TypedKey { kind, data }, value };
    serde_json::to_string(&line).map(Some).map_err(|error| error.to_string())
}

#[derive(Serialize)]
struct Line {
    key: TypedKey,
    value: Option<Value>,
}

#[derive(Serialize)]
struct TypedKey {
    #[serde(rename = "type")]
    kind: i16,
    data: Key,
}

#[derive(Serialize)]
struct Key {
    group: String,
    topic: String,
    partition: i32,
}

#[derive(Serialize)]
struct Value {
    version: i16,
    data: Position,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Position {
    offset: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    leader_epoch: Option<i32>,
    metadata: String,
    commit_timestamp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_timestamp: Option<i64>,
}

impl Value {
    /// Versions 0 to 3, and 4, which is written compactly.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader(bytes);
        let version = reader.i16()?;
        if !(0..=4).contains(&version) {
            return Err(format!("the version {version} of an offset is not known"));
        }
        let data = Position {
            offset: reader.i64()?,
            leader_epoch: if version >= 3 { Some(reader.i32()?) } else { None },
            metadata: if version >= 4 { reader.compact_text()? } else { reader.text()? },
            commit_timestamp: reader.i64()?,
            expire_timestamp: if version == 1 { Some(reader.i64()?) } else { None },
        };
        Ok(Self { version, data })
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn i16(&mut self) -> Result<i16, String> {
        self.0.try_get_i16().map_err(|_| short())
    }

    fn i32(&mut self) -> Result<i32, String> {
        self.0.try_get_i32().map_err(|_| short())
    }

    fn i64(&mut self) -> Result<i64, String> {
        self.0.try_get_i64().map_err(|_| short())
    }

    fn text(&mut self) -> Result<String, String> {
        let length = usize::try_from(self.i16()?).map_err(|_| short())?;
        self.take(length)
    }

    fn compact_text(&mut self) -> Result<String, String> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let byte = self.0.try_get_u8().map_err(|_| short())?;
            length |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 28 {
                return Err(short());
            }
        }
        self.take(length.checked_sub(1).ok_or_else(short)?)
    }

    fn take(&mut self, length: usize) -> Result<String, String> {
        let (text, rest) = self.0.split_at_checked(length).ok_or_else(short)?;
        self.0 = rest;
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}

fn short() -> String {
    "the record is too short".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Vec<u8> {
        [&[0, 1, 0, 3][..], b"cg1", &[0, 4], b"demo", &[0, 0, 0, 0]].concat()
    }

    #[test]
    fn an_offset_is_a_line_as_apaches() {
        let value =
            [&[0, 4][..], &4_i64.to_be_bytes(), &(-1_i32).to_be_bytes(), &[1], &7_i64.to_be_bytes(), &[0]].concat();
        let expected = r#"{"key":{"type":1,"data":{"group":"cg1","topic":"demo","partition":0}},"value":{"version":4,"data":{"offset":4,"leaderEpoch":-1,"metadata":"","commitTimestamp":7}}}"#;
        assert_eq!(json(&key(), Some(&value)).unwrap().unwrap(), expected);
        let gone = json(&key(), None).unwrap().unwrap();
        assert!(gone.ends_with(r#""value":null}"#), "{gone}");
    }

    #[test]
    fn what_is_no_offset_is_left_out_and_what_is_cut_short_is_refused() {
        assert_eq!(json(&[0, 2, 0, 1, b'g'], None), Ok(None));
        assert!(json(&key()[..9], None).is_err());
        assert!(json(&key(), Some(&[0, 4, 0])).is_err());
        assert!(json(&[], None).is_err());
    }
}
