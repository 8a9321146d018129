//! Payload types by the names that people write.

/// `kafka_app::convert::json::Json<shop::Order>` as `Json<Order>`.
pub(super) fn short(type_name: &str) -> String {
    let mut short = String::with_capacity(type_name.len());
    let mut word = 0;
    for c in type_name.chars() {
        short.push(c);
        match c {
            ':' => short.truncate(word),
            c if c.is_alphanumeric() || c == '_' => {}
            _ => word = short.len(),
        }
    }
    short
}

/// Whether a type, by its full name, takes any payload or none in particular: it agrees with every other.
pub(super) fn is_raw(type_name: &str) -> bool {
    // Short names alone would take a user's own `Text` or `Json<Value>` for these.
    const RAW: [(&str, &str); 10] = [
        ("&str", "&str"),
        ("&[u8]", "&[u8]"),
        ("alloc::", "String"),
        ("alloc::", "Vec<u8>"),
        ("bytes::", "Bytes"),
        ("kafka_app::", "Text"),
        ("kafka_app::", "Tombstone"),
        ("kafka_app::convert::json::Json<serde_json::", "Json<Value>"),
        ("kafka_app::convert::json::Json<alloc::boxed::Box<serde_json::", "Json<Box<RawValue>>"),
        ("kafka_app::convert::json::Json<&serde_json::", "Json<&RawValue>"),
    ];
    let written = short(type_name);
    RAW.iter().any(|(from, name)| type_name.starts_with(from) && written == *name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_named_as_it_is_written() {
        assert_eq!(short("kafka_app::convert::json::Json<orders::shop::Order>"), "Json<Order>");
        assert_eq!(short("&[u8]"), "&[u8]");
        assert_eq!(short("alloc::vec::Vec<u8>"), "Vec<u8>");
        assert_eq!(short("a::Either<b::Left, c::d::Right<e::F>>"), "Either<Left, Right<F>>");
        assert_eq!(short("(a::B, &c::D)"), "(B, &D)");
    }

    #[test]
    fn raw_are_the_types_themselves_and_not_what_is_called_like_them() {
        use std::any::type_name;

        use crate::{Json, Text};

        for raw in [
            type_name::<&str>(),
            type_name::<&[u8]>(),
            type_name::<String>(),
            type_name::<Vec<u8>>(),
            type_name::<bytes::Bytes>(),
            type_name::<Text>(),
            type_name::<crate::Tombstone>(),
            type_name::<Json<serde_json::Value>>(),
            // serde_json has it behind a feature of its own.
            "kafka_app::convert::json::Json<alloc::boxed::Box<serde_json::raw::RawValue>>",
            "kafka_app::convert::json::Json<&serde_json::raw::RawValue>",
        ] {
            assert!(is_raw(raw), "{raw}");
        }
        for own in ["shop::Text", "kafka_app::convert::json::Json<shop::Value>", "shop::Bytes"] {
            assert!(!is_raw(own), "{own}");
        }
    }
}
