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

/// Whether a type takes any payload, or none in particular: it agrees with every other.
pub(super) fn is_raw(short: &str) -> bool {
    const RAW: [&str; 9] =
        ["&str", "String", "Text", "&[u8]", "Vec<u8>", "Bytes", "Json<Value>", "Json<RawValue>", "Json<&RawValue>"];
    RAW.contains(&short)
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
}
