//! Ids as Kafka writes them.

use uuid::Uuid;

/// The 16 bytes in URL-safe base 64, without padding.
pub(crate) fn kafka_id(id: Uuid) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let bits = id.as_u128();
    (0..22_u32)
        .map(|i| {
            // 22 characters hold 132 bits: the last one carries two bits and four zeros.
            let shifted = if i < 21 { bits >> (122 - 6 * i) } else { bits << 4 };
            char::from(ALPHABET[usize::try_from(shifted & 63).unwrap_or(0)])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_22_characters_that_urls_take() {
        assert_eq!(kafka_id(Uuid::nil()), "A".repeat(22));
        assert_eq!(kafka_id(Uuid::max()), format!("{}w", "_".repeat(21)));
    }
}
