//! [`Deserializer`]: bytes of a record as text, by the classes that Java's clients have for it.

/// A class of `org.apache.kafka.common.serialization`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deserializer {
    Bytes,
    String,
    Short,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Uuid,
    Void,
}

impl Deserializer {
    /// By the name of its class, with or without its package.
    pub(super) fn named(class: &str) -> Option<Self> {
        let name = class.rsplit('.').next().unwrap_or_default();
        let named = match name.strip_suffix("Deserializer")? {
            "ByteArray" | "ByteBuffer" | "Bytes" => Self::Bytes,
            "String" => Self::String,
            "Short" => Self::Short,
            "Integer" => Self::Integer,
            "Long" => Self::Long,
            "Float" => Self::Float,
            "Double" => Self::Double,
            "Boolean" => Self::Boolean,
            "UUID" => Self::Uuid,
            "Void" => Self::Void,
            _ => return None,
        };
        Some(named)
    }

    /// Appends what Java prints of it.
    ///
    /// # Errors
    /// The bytes are none of its kind; in Java's words.
    pub(super) fn print(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        let text = match self {
            Self::Bytes => {
                out.extend_from_slice(bytes);
                return Ok(());
            }
            Self::String => {
                out.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes());
                return Ok(());
            }
            Self::Short => i16::from_be_bytes(self.exactly(bytes)?).to_string(),
            Self::Integer => i32::from_be_bytes(self.exactly(bytes)?).to_string(),
            Self::Long => i64::from_be_bytes(self.exactly(bytes)?).to_string(),
            Self::Float => java_float(&format!("{:e}", f32::from_be_bytes(self.exactly(bytes)?))),
            Self::Double => java_float(&format!("{:e}", f64::from_be_bytes(self.exactly(bytes)?))),
            Self::Boolean => match self.exactly::<1>(bytes)? {
                [0] => "false".to_owned(),
                [1] => "true".to_owned(),
                [other] => return Err(format!("Unexpected byte received by BooleanDeserializer: {other}")),
            },
            Self::Uuid => uuid(bytes)?,
            Self::Void => return Err("Data should be null for a VoidDeserializer.".to_owned()),
        };
        out.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn exactly<const N: usize>(self, bytes: &[u8]) -> Result<[u8; N], String> {
        bytes.try_into().map_err(|_| format!("Size of data received by {self:?}Deserializer is not {N}"))
    }
}

/// As `toString` has it: a text that is the name of a UUID.
fn uuid(bytes: &[u8]) -> Result<String, String> {
    let wrong = || "Error parsing data into UUID".to_owned();
    let text = std::str::from_utf8(bytes).map_err(|_| wrong())?;
    let parts: Vec<_> = text.split('-').collect();
    let [a, b, c, d, e] = parts[..] else { return Err(wrong()) };
    let group = |text: &str, digits: usize| {
        let number = u64::from_str_radix(text, 16).map_err(|_| wrong())?;
        let mask = if digits >= 16 { u64::MAX } else { (1 << (4 * digits)) - 1 };
        Ok::<_, String>(format!("{:0digits$x}", number & mask))
    };
    Ok([group(a, 8)?, group(b, 4)?, group(c, 4)?, group(d, 4)?, group(e, 12)?].join("-"))
}

/// A number as Java prints it, of its shortest digits in Rust's notation with an exponent (`1.5e3`).
fn java_float(scientific: &str) -> String {
    let named = match scientific {
        "NaN" => Some("NaN"),
        "inf" => Some("Infinity"),
        "-inf" => Some("-Infinity"),
        _ => None,
    };
    if let Some(named) = named {
        return named.to_owned();
    }
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if first == "0" {
        return format!("{sign}0.0");
    }
    let or_zero = |digits: &str| if digits.is_empty() { "0".to_owned() } else { digits.to_owned() };
    match exponent {
        0..=6 => {
            let places = usize::try_from(exponent).unwrap_or(0);
            let digits = format!("{rest:0<places$}");
            let (whole, fraction) = digits.split_at(places);
            format!("{sign}{first}{whole}.{}", or_zero(fraction))
        }
        -3..=-1 => {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
            format!("{sign}0.{zeros}{first}{rest}")
        }
        _ => format!("{sign}{first}.{}E{exponent}", or_zero(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(class: &str, bytes: &[u8]) -> Result<String, String> {
        let mut out = Vec::new();
        Deserializer::named(class).unwrap().print(bytes, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn numbers_are_printed_as_java_prints_them() {
        let package = "org.apache.kafka.common.serialization.";
        assert_eq!(printed(&format!("{package}LongDeserializer"), &42_i64.to_be_bytes()).unwrap(), "42");
        assert_eq!(printed("IntegerDeserializer", &(-7_i32).to_be_bytes()).unwrap(), "-7");
        assert_eq!(printed("ShortDeserializer", &[1, 0]).unwrap(), "256");
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (100.0, "100.0"),
            (1_234_567.0, "1234567.0"),
            (1.5e7, "1.5E7"),
            (1e10, "1.0E10"),
            (0.001, "0.001"),
            (0.012_5, "0.0125"),
            (1e-4, "1.0E-4"),
            (-2.25, "-2.25"),
            (f64::INFINITY, "Infinity"),
        ] {
            assert_eq!(printed("DoubleDeserializer", &f64::to_be_bytes(number)).unwrap(), expected);
        }
        assert_eq!(printed("FloatDeserializer", &0.1_f32.to_be_bytes()).unwrap(), "0.1");
        assert_eq!(printed("BooleanDeserializer", &[1]).unwrap(), "true");
    }

    #[test]
    fn bytes_of_another_length_are_refused_in_javas_words() {
        let refused = printed("org.apache.kafka.common.serialization.LongDeserializer", b"one").unwrap_err();
        assert_eq!(refused, "Size of data received by LongDeserializer is not 8");
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_by_the_one_for_texts_and_kept_by_the_one_for_bytes() {
        assert_eq!(printed("StringDeserializer", b"a\xff").unwrap(), "a\u{fffd}");
        let mut out = Vec::new();
        Deserializer::Bytes.print(b"a\xff", &mut out).unwrap();
        assert_eq!(out, b"a\xff");
    }

    #[test]
    fn a_uuid_is_read_of_its_text() {
        let text = "00000000-0000-0001-0000-0000000000AB";
        assert_eq!(printed("UUIDDeserializer", text.as_bytes()).unwrap(), text.to_lowercase());
        assert!(printed("UUIDDeserializer", b"x").is_err());
        assert_eq!(Deserializer::named("nosuch.Class"), None);
    }
}
