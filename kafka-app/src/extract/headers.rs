//! All [`Headers`] of the record as an argument.

use bytes::Bytes;

use super::FromRecord;
use crate::{
    handler::{RecordContext, Rejection},
    record::{Headers, RawRecord},
};

impl<'r> FromRecord<'r> for Headers {
    fn from_record(cx: &RecordContext<'r>) -> Result<Self, Rejection> {
        Ok(cx.record.to_headers())
    }
}

impl RawRecord {
    /// Copies the headers out of the client's buffer, in their order.
    #[must_use]
    pub fn to_headers(&self) -> Headers {
        let mut headers = Headers::new();
        self.for_each_header(|name, value| headers.push(name, value.map(Bytes::copy_from_slice)));
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_support::TestRecord;

    #[test]
    fn headers_keep_their_order_and_repeat() {
        let record = TestRecord::new("p").header("a", "1").header("b", "2").header("a", "3");
        let headers: Headers = record.extract().unwrap();
        let all: Vec<_> = headers.iter().collect();
        assert_eq!(all, [("a", Some(&b"1"[..])), ("b", Some(&b"2"[..])), ("a", Some(&b"3"[..]))]);
    }
}
