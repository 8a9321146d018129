//! [`Escaped`]: bytes as an option names them, with `\n`, `\t`, `\0` and `\xFF` for what is hard to type.

use std::str::FromStr;

/// Bytes that stand between others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Escaped(pub(super) Vec<u8>);

impl FromStr for Escaped {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '\\' {
                bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            bytes.push(match rest.next() {
                Some('n') => b'\n',
                Some('r') => b'\r',
                Some('t') => b'\t',
                Some('0') => 0,
                Some('\\') => b'\\',
                Some('x') => {
                    let digits: String = rest.by_ref().take(2).collect();
                    let byte = u8::from_str_radix(&digits, 16).ok().filter(|_| is_byte(&digits));
                    byte.ok_or_else(|| format!("\\x{digits} is no byte: it is \\x and two hexadecimal digits"))?
                }
                other => {
                    let what = other.map_or_else(String::new, String::from);
                    return Err(format!("\\{what} is none of \\n, \\r, \\t, \\0, \\\\ and \\x00 to \\xFF"));
                }
            });
        }
        Ok(Self(bytes))
    }
}

/// A sign would be taken for a digit.
fn is_byte(digits: &str) -> bool {
    digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hard_to_type_is_escaped() {
        for (text, bytes) in
            [(":", &b":"[..]), ("", b""), (r"\t", b"\t"), (r"a\n\0\\", b"a\n\0\\"), (r"\xff\x00-", b"\xff\0-")]
        {
            assert_eq!(text.parse(), Ok(Escaped(bytes.to_vec())), "{text}");
        }
        assert_eq!("é".parse(), Ok(Escaped("é".as_bytes().to_vec())));
        for crooked in ["\\", r"\q", r"\x", r"\x1", r"\xgg", r"\x+1"] {
            assert!(crooked.parse::<Escaped>().is_err(), "{crooked}");
        }
    }
}
