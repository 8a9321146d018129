//! What a backslash makes of what follows it, where it stands for one character.

use super::NotAPattern;
use super::cursor::Cursor;

const TRAILING_BACKSLASH: NotAPattern = NotAPattern("trailing backslash at end of expression");
pub(super) const INVALID_ESCAPE: NotAPattern = NotAPattern("invalid escape sequence");

/// Reads an escape, whose backslash is next, to the number of its character, which may be half of a surrogate pair.
pub(super) fn read(at: &mut Cursor<'_>) -> Result<u32, NotAPattern> {
    at.take("\\");
    let Some(mark) = at.next() else { return Err(TRAILING_BACKSLASH) };
    let number = match mark {
        'a' => 7,
        'f' => 12,
        'n' => 10,
        'r' => 13,
        't' => 9,
        'v' => 11,
        'x' => hexadecimal(at).ok_or(INVALID_ESCAPE)?,
        // One digit that is not 0 would refer to a group, and there are no such references.
        '0' => octal(0, at),
        '1'..='7' if at.peek().is_some_and(|next| next.is_digit(8)) => octal(mark as u32 - '0' as u32, at),
        _ if mark.is_ascii_alphanumeric() => return Err(INVALID_ESCAPE),
        _ => mark as u32,
    };
    Ok(number)
}

/// Up to two more digits.
fn octal(first: u32, at: &mut Cursor<'_>) -> u32 {
    let mut number = first;
    for _ in 0..2 {
        let Some(digit) = at.peek().and_then(|next| next.to_digit(8)) else { break };
        number = number * 8 + digit;
        at.next();
    }
    number
}

/// Two digits, or as many as there are between braces.
fn hexadecimal(at: &mut Cursor<'_>) -> Option<u32> {
    if !at.take("{") {
        let digits = [at.next()?.to_digit(16)?, at.next()?.to_digit(16)?];
        return Some(digits[0] * 16 + digits[1]);
    }
    let digits = at.take_until("}").filter(|digits| !digits.is_empty())?;
    digits.chars().try_fold(0, |number, digit| {
        let number = number * 16 + digit.to_digit(16)?;
        (number <= char::MAX as u32).then_some(number)
    })
}
