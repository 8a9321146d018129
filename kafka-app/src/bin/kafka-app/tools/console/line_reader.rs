//! Lines of standard input, and what records they are: `LineMessageReader` of Apache's console producer.

use std::collections::BTreeMap;

use bytes::{Bytes, BytesMut};
use kafka_app::{Headers, ProducerRecord};

/// Bytes into lines, which end as Java's do: with `\n`, `\r` or both. What is in them stays as it is.
#[derive(Default)]
pub(super) struct Lines {
    /// What came and is not a line yet.
    rest: BytesMut,
    /// How much of it was looked at.
    n_looked_at: usize,
    /// The last line ended with `\r`: a `\n` behind it is of it.
    skips_newline: bool,
}

impl Lines {
    /// Where more bytes are to be appended.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.rest
    }

    /// The lines that are complete now; they share the memory they were read into.
    pub(super) fn complete(&mut self) -> Vec<Bytes> {
        if self.skips_newline && !self.rest.is_empty() {
            if self.rest[0] == b'\n' {
                let _newline = self.rest.split_to(1);
            }
            self.skips_newline = false;
        }
        let Some(end) = self.rest[self.n_looked_at..].iter().rposition(|byte| is_end(*byte)) else {
            self.n_looked_at = self.rest.len();
            return Vec::new();
        };
        let block = self.rest.split_to(self.n_looked_at + end + 1).freeze();
        self.n_looked_at = self.rest.len();
        let (mut lines, mut start) = (Vec::new(), 0);
        while start < block.len() {
            let length = block[start..].iter().position(|byte| is_end(*byte)).unwrap_or(block.len() - start);
            lines.push(block.slice(start..start + length));
            start += length + 1;
            if block[start - 1] == b'\r' {
                match block.get(start) {
                    Some(b'\n') => start += 1,
                    Some(_) => {}
                    None => self.skips_newline = true,
                }
            }
        }
        lines
    }

    /// The line that has no end.
    pub(super) fn last(&mut self) -> Option<Bytes> {
        self.n_looked_at = 0;
        (!self.rest.is_empty()).then(|| self.rest.split().freeze())
    }
}

fn is_end(byte: u8) -> bool {
    byte == b'\n' || byte == b'\r'
}

/// Lines into records, as the properties of the reader say.
#[derive(Debug)]
pub(super) struct LineParser {
    key_separator: Option<Vec<u8>>,
    headers: Option<HeaderSeparators>,
    ignores_errors: bool,
    null_marker: Option<Vec<u8>>,
    n_lines: u64,
}

#[derive(Debug)]
struct HeaderSeparators {
    delimiter: Vec<u8>,
    separator: Vec<u8>,
    key_separator: Vec<u8>,
}

impl LineParser {
    /// # Errors
    /// Two separators are the same, in the words of Apache's tool.
    pub(super) fn configured(properties: &BTreeMap<String, String>) -> Result<Self, String> {
        let flag = |name: &str| properties.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let text = |name: &str, default: &str| properties.get(name).map_or(default, String::as_str).to_owned();
        let (key, delimiter) = (text("key.separator", "\t"), text("headers.delimiter", "\t"));
        let (headers, header_key) = (text("headers.separator", ","), text("headers.key.separator", ":"));
        let marker = properties.get("null.marker");
        let pairs = [
            ("headers.delimiter", Some(&delimiter), "headers.separator", &headers),
            ("headers.delimiter", Some(&delimiter), "headers.key.separator", &header_key),
            ("headers.separator", Some(&headers), "headers.key.separator", &header_key),
            ("null.marker", marker, "key.separator", &key),
            ("null.marker", marker, "headers.separator", &headers),
            ("null.marker", marker, "headers.delimiter", &delimiter),
            ("null.marker", marker, "headers.key.separator", &header_key),
        ];
        if let Some((one, _, other, _)) = pairs.iter().find(|(_, one, _, other)| *one == Some(*other)) {
            return Err(format!("{one} and {other} may not be equal"));
        }
        Ok(Self {
            key_separator: flag("parse.key").then(|| key.into_bytes()),
            headers: flag("parse.headers").then(|| HeaderSeparators {
                delimiter: delimiter.into_bytes(),
                separator: headers.into_bytes(),
                key_separator: header_key.into_bytes(),
            }),
            ignores_errors: flag("ignore.error"),
            null_marker: marker.map(|marker| marker.clone().into_bytes()),
            n_lines: 0,
        })
    }

    /// The record of the next line, which shares its memory; to no topic yet.
    ///
    /// # Errors
    /// A separator is missing, in the words of Apache's tool.
    pub(super) fn record(&mut self, line: &Bytes) -> Result<ProducerRecord, String> {
        self.n_lines += 1;
        let mut start = 0;
        let mut record = ProducerRecord { topic: None, ..ProducerRecord::default() };
        if let Some(separators) = &self.headers
            && let Some(end) = self.part(line, start, &separators.delimiter, "headers delimiter")?
        {
            let headers = line.slice(start..end);
            start = end + separators.delimiter.len();
            if !self.is_null(&headers) {
                record.headers = self.split_headers(&headers, separators)?;
            }
        }
        if let Some(separator) = &self.key_separator
            && let Some(end) = self.part(line, start, separator, "key separator")?
        {
            record.key = self.unless_null(line.slice(start..end));
            start = end + separator.len();
        }
        record.payload = self.unless_null(line.slice(start..));
        Ok(record)
    }

    /// Where a part of the line ends.
    fn part(&self, line: &[u8], start: usize, separator: &[u8], name: &str) -> Result<Option<usize>, String> {
        match find(&line[start..], separator) {
            Some(at) => Ok(Some(start + at)),
            None if self.ignores_errors => Ok(None),
            None => {
                let line = String::from_utf8_lossy(line);
                Err(format!("No {name} found on line number {}: '{line}'", self.n_lines))
            }
        }
    }

    fn split_headers(&self, headers: &Bytes, separators: &HeaderSeparators) -> Result<Headers, String> {
        let mut all = Headers::new();
        for pair in split(headers, &separators.separator) {
            let Some(at) = find(&pair, &separators.key_separator) else {
                let name = String::from_utf8_lossy(&pair).into_owned();
                if self.ignores_errors {
                    all.push(name, None);
                    continue;
                }
                return Err(format!("No header key separator found in pair '{name}' on line number {}", self.n_lines));
            };
            let name = pair.slice(..at);
            if self.is_null(&name) {
                let marker = String::from_utf8_lossy(&name);
                return Err(format!(
                    "Header keys should not be equal to the null marker '{marker}' as they can't be null"
                ));
            }
            let value = self.unless_null(pair.slice(at + separators.key_separator.len()..));
            all.push(String::from_utf8_lossy(&name), value);
        }
        Ok(all)
    }

    fn is_null(&self, part: &[u8]) -> bool {
        self.null_marker.as_deref() == Some(part)
    }

    fn unless_null(&self, part: Bytes) -> Option<Bytes> {
        (!self.is_null(&part)).then_some(part)
    }
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match part {
        [] => Some(0),
        [byte] => text.iter().position(|other| other == byte),
        _ => text.windows(part.len()).position(|window| window == part),
    }
}

/// As Java splits: empty parts at the end are left out, and what holds no separator is one part.
fn split(text: &Bytes, separator: &[u8]) -> Vec<Bytes> {
    let mut parts = Vec::new();
    let mut start = 0;
    while let Some(at) = find(&text[start..], separator).filter(|_| !separator.is_empty()) {
        parts.push(text.slice(start..start + at));
        start += at + separator.len();
    }
    if parts.is_empty() {
        return vec![text.clone()];
    }
    parts.push(text.slice(start..));
    while parts.last().is_some_and(Bytes::is_empty) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines_of(chunks: &[&[u8]]) -> Vec<Vec<u8>> {
        let mut lines = Lines::default();
        let mut all = Vec::new();
        for chunk in chunks {
            lines.buffer().extend_from_slice(chunk);
            all.extend(lines.complete());
        }
        all.extend(lines.last());
        all.into_iter().map(|line| line.to_vec()).collect()
    }

    #[test]
    fn lines_end_with_a_newline_a_return_or_both() {
        assert_eq!(
            lines_of(&[b"one\ntwo\r\nthree\rfour\n\nfive"]),
            [&b"one"[..], b"two", b"three", b"four", b"", b"five"]
        );
        assert_eq!(lines_of(&[b"one\r", b"\ntwo\r", b"\r", b"three"]), [&b"one"[..], b"two", b"", b"three"]);
        assert_eq!(lines_of(&[b"\n"]), [b""]);
        assert_eq!(lines_of(&[b""]), [b""; 0]);
    }

    #[test]
    fn bytes_that_are_no_text_are_kept() {
        assert_eq!(lines_of(&[b"\xff\0\xc3", b"\x28\n\x80"]), [&b"\xff\0\xc3\x28"[..], b"\x80"]);
    }

    proptest! {
        #[test]
        fn how_bytes_arrive_makes_no_difference(
            bytes in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b'a')], 0..40),
            cut in 0_usize..40,
        ) {
            let (first, second) = bytes.split_at(cut.min(bytes.len()));
            let single: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(lines_of(&[first, second]), lines_of(&[&bytes]));
            prop_assert_eq!(lines_of(&single), lines_of(&[&bytes]));
        }
    }

    fn parser(properties: &[(&str, &str)]) -> Result<LineParser, String> {
        let properties = properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        LineParser::configured(&properties.collect())
    }

    type Parts<'p> = (Vec<(&'p str, Option<&'p str>)>, Option<&'p str>, Option<&'p str>);

    #[track_caller]
    fn check(properties: &[(&str, &str)], line: &str, expected: &Parts<'_>) {
        let record = parser(properties).unwrap().record(&Bytes::copy_from_slice(line.as_bytes())).unwrap();
        fn text(bytes: &[u8]) -> &str {
            std::str::from_utf8(bytes).unwrap()
        }
        let headers = record.headers.iter().map(|(name, value)| (name, value.map(text))).collect::<Vec<_>>();
        let key = record.key.as_deref().map(text);
        assert_eq!(&(headers, key, record.payload.as_deref().map(text)), expected);
    }

    #[test]
    fn a_line_is_a_value_or_a_key_and_a_value() {
        check(&[], "one", &(vec![], None, Some("one")));
        check(&[], "", &(vec![], None, Some("")));
        let keyed = [("parse.key", " TRUE "), ("key.separator", ":")];
        check(&keyed, "k5:a:b", &(vec![], Some("k5"), Some("a:b")));
        check(&keyed, "k3:", &(vec![], Some("k3"), Some("")));
        check(&keyed, ":v4", &(vec![], Some(""), Some("v4")));
        check(&[("parse.key", "true")], "k8\tv8", &(vec![], Some("k8"), Some("v8")));
    }

    #[test]
    fn headers_come_first() {
        let headed = [("parse.headers", "true"), ("parse.key", "true"), ("key.separator", ":")];
        check(&headed, "h1:a,h2:b\tk10:v10", &(vec![("h1", Some("a")), ("h2", Some("b"))], Some("k10"), Some("v10")));
        let other = [
            ("parse.headers", "true"),
            ("headers.delimiter", "|"),
            ("headers.separator", ";"),
            ("headers.key.separator", "="),
        ];
        check(&other, "h=1;g=2;|v11", &(vec![("h", Some("1")), ("g", Some("2"))], None, Some("v11")));
    }

    #[test]
    fn a_marker_stands_for_null() {
        let marked =
            [("parse.key", "true"), ("key.separator", ":"), ("null.marker", "NULL"), ("parse.headers", "true")];
        check(&marked, "h:NULL\tk12:NULL", &(vec![("h", None)], Some("k12"), None));
        check(&marked, "NULL\tNULL:v13", &(vec![], None, Some("v13")));
        let refused = parser(&marked).unwrap().record(&Bytes::from("NULL:x\tk:v")).unwrap_err();
        assert_eq!(refused, "Header keys should not be equal to the null marker 'NULL' as they can't be null");
    }

    #[test]
    fn a_line_without_a_separator_is_refused_or_taken_whole() {
        let keyed = [("parse.key", "true"), ("key.separator", ":")];
        let mut strict = parser(&keyed).unwrap();
        assert!(strict.record(&Bytes::from("a:b")).is_ok());
        assert_eq!(
            strict.record(&Bytes::from("nokey")).unwrap_err(),
            "No key separator found on line number 2: 'nokey'"
        );
        let headed = [("parse.headers", "true")];
        let refused = |line: &str| parser(&headed).unwrap().record(&Bytes::from(line.to_owned())).unwrap_err();
        assert_eq!(refused("noheaders"), "No headers delimiter found on line number 1: 'noheaders'");
        assert_eq!(refused("bad header\tv"), "No header key separator found in pair 'bad header' on line number 1");
        check(&[("parse.key", "true"), ("ignore.error", "true")], "nokey", &(vec![], None, Some("nokey")));
        check(
            &[("parse.headers", "true"), ("ignore.error", "true")],
            "bad\tv",
            &(vec![("bad", None)], None, Some("v")),
        );
    }

    #[test]
    fn separators_that_are_the_same_are_refused() {
        let refused = parser(&[("headers.separator", ":")]).unwrap_err();
        assert_eq!(refused, "headers.separator and headers.key.separator may not be equal");
        let refused = parser(&[("null.marker", "\t")]).unwrap_err();
        assert_eq!(refused, "null.marker and key.separator may not be equal");
    }
}
