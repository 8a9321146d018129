//! Ids of topics, clusters and directories as Kafka writes them: 16 bytes in base64 for addresses, without padding.

use base64::{
    DecodeError, Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::URL_SAFE_NO_PAD},
};

/// As Java reads it: with padding or without, and whatever the unused bits are.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Writes an id.
pub(crate) fn format(id: [u8; 16]) -> String {
    URL_SAFE_NO_PAD.encode(id)
}

/// Reads an id.
///
/// # Errors
/// In Java's words, if it is none.
pub(crate) fn parse(text: &str) -> Result<[u8; 16], String> {
    if text.chars().count() > 24 {
        let prefix: String = text.chars().take(24).collect();
        return Err(format!("Input string with prefix `{prefix}` is too long to be decoded as a base64 UUID"));
    }
    let bytes = LENIENT.decode(text).map_err(|error| match error {
        DecodeError::InvalidByte(_, byte) => format!("Illegal base64 character {byte:x}"),
        _ => "Last unit does not have enough valid bits".to_owned(),
    })?;
    <[u8; 16]>::try_from(bytes.as_slice()).map_err(|_| {
        let count = bytes.len();
        format!(
            "Input string `{text}` decoded as {count} bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_was_written() {
        let id = "Q31zSVEnSz6fnof4sbiR1A";
        assert_eq!(format(parse(id).unwrap()), id);
        assert_eq!(format([0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn what_is_no_id_is_told_in_javas_words() {
        assert_eq!(
            parse("xyz").unwrap_err(),
            "Input string `xyz` decoded as 2 bytes, which is not equal to the expected 16 bytes of a base64-encoded UUID"
        );
        assert_eq!(parse("a!").unwrap_err(), "Illegal base64 character 21");
        assert!(parse("0123456789012345678901234").unwrap_err().contains("is too long"));
    }
}
