//! Batches and times as they are compared.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::pack::unpack;
use crate::records::now_ms;

const HEADER_LEN: usize = 61;
/// Far longer than any run.
const RUN_MS: i64 = 45 * 60 * 1_000;

/// The time that all timestamps of this run are counted from.
pub(crate) fn present() -> i64 {
    static PRESENT: OnceLock<i64> = OnceLock::new();
    *PRESENT.get_or_init(now_ms)
}

/// A time by its distance from the present. What lies between that and the end of the run was put in by a broker, since no
/// step has such a time.
pub(crate) fn time(timestamp: i64) -> String {
    match timestamp.checked_sub(present()) {
        Some(after) if (1..RUN_MS).contains(&after) => "now".to_owned(),
        Some(after) if after.abs() < 1 << 40 => format!("present{after:+}"),
        _ => timestamp.to_string(),
    }
}

/// All that can be told of fetched batches, whoever packed them. The last one may be cut off, and is left out then.
pub(crate) fn batches(fetched: &[u8], mut producer: impl FnMut(i64) -> String) -> Vec<String> {
    let mut shown = Vec::new();
    let mut rest = fetched;
    while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
        let len = 12 + usize::try_from(int(header, 8, 4)).expect("a length");
        let Some(batch) = rest.get(..len) else { break };
        shown.push(batch_text(header, batch, &mut producer));
        rest = &rest[len..];
    }
    shown
}

/// Where the last whole batch ends.
pub(crate) fn end(fetched: &[u8]) -> Option<i64> {
    let (mut end, mut rest) = (None, fetched);
    while let Some(header) = rest.first_chunk::<HEADER_LEN>() {
        let len = 12 + usize::try_from(int(header, 8, 4)).expect("a length");
        let Some(behind) = rest.get(len..) else { break };
        end = Some(int(header, 0, 8) + int(header, 23, 4) + 1);
        rest = behind;
    }
    end
}

fn batch_text(header: &[u8; HEADER_LEN], batch: &[u8], mut producer: impl FnMut(i64) -> String) -> String {
    let crc = i64::from(crc32c::crc32c(&batch[21..])) == int(header, 17, 4) & 0xffff_ffff;
    let attributes = int(header, 21, 2);
    format!(
        "{} epoch {} crc {crc} attributes {attributes:#x} span {} {} {} by {} {} {} count {} {:?}",
        int(header, 0, 8),
        int(header, 12, 4),
        int(header, 23, 4),
        time(int(header, 27, 8)),
        time(int(header, 35, 8)),
        producer(int(header, 43, 8)),
        int(header, 51, 2),
        int(header, 53, 4),
        int(header, 57, 4),
        Bytes::from(unpack(attributes, &batch[HEADER_LEN..])),
    )
}

fn int(bytes: &[u8], from: usize, len: usize) -> i64 {
    let first = i64::from(bytes[from].cast_signed());
    bytes[from + 1..from + len].iter().fold(first, |value, byte| value << 8 | i64::from(*byte))
}

#[test]
fn times_are_counted_from_the_present() {
    let present = present();
    assert_eq!(time(present - 5), "present-5");
    assert_eq!(time(present + 5), "now");
    assert_eq!(time(present + RUN_MS), format!("present+{RUN_MS}"));
    assert_eq!(time(-1), "-1");
    assert_eq!(time(i64::MIN), i64::MIN.to_string());
    assert_eq!(crate::records::without_times("offset 12 at 1764363600000."), "offset 12 at #.");
}
