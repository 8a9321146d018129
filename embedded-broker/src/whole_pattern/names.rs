//! The classes that have names: `\d`, `[:alpha:]`, `\p{Greek}`.

use regex_syntax::hir::{Class, ClassUnicode, ClassUnicodeRange, HirKind};

/// The categories of Unicode 6.0, those that RE2/J has.
const CATEGORIES: &[&str] = &[
    "C", "Cc", "Cf", "Co", "Cs", "L", "Ll", "Lm", "Lo", "Lt", "Lu", "M", "Mc", "Me", "Mn", "N", "Nd", "Nl", "No", "P",
    "Pc", "Pd", "Pe", "Pf", "Pi", "Po", "Ps", "S", "Sc", "Sk", "Sm", "So", "Z", "Zl", "Zp", "Zs",
];

/// The scripts of Unicode 6.0, in RE2/J's spelling; it knows no other.
const SCRIPTS: &[&str] = &[
    "Arabic",
    "Armenian",
    "Avestan",
    "Balinese",
    "Bamum",
    "Batak",
    "Bengali",
    "Bopomofo",
    "Brahmi",
    "Braille",
    "Buginese",
    "Buhid",
    "Canadian_Aboriginal",
    "Carian",
    "Cham",
    "Cherokee",
    "Common",
    "Coptic",
    "Cuneiform",
    "Cypriot",
    "Cyrillic",
    "Deseret",
    "Devanagari",
    "Egyptian_Hieroglyphs",
    "Ethiopic",
    "Georgian",
    "Glagolitic",
    "Gothic",
    "Greek",
    "Gujarati",
    "Gurmukhi",
    "Han",
    "Hangul",
    "Hanunoo",
    "Hebrew",
    "Hiragana",
    "Imperial_Aramaic",
    "Inherited",
    "Inscriptional_Pahlavi",
    "Inscriptional_Parthian",
    "Javanese",
    "Kaithi",
    "Kannada",
    "Katakana",
    "Kayah_Li",
    "Kharoshthi",
    "Khmer",
    "Lao",
    "Latin",
    "Lepcha",
    "Limbu",
    "Linear_B",
    "Lisu",
    "Lycian",
    "Lydian",
    "Malayalam",
    "Mandaic",
    "Meetei_Mayek",
    "Mongolian",
    "Myanmar",
    "New_Tai_Lue",
    "Nko",
    "Ogham",
    "Ol_Chiki",
    "Old_Italic",
    "Old_Persian",
    "Old_South_Arabian",
    "Old_Turkic",
    "Oriya",
    "Osmanya",
    "Phags_Pa",
    "Phoenician",
    "Rejang",
    "Runic",
    "Samaritan",
    "Saurashtra",
    "Shavian",
    "Sinhala",
    "Sundanese",
    "Syloti_Nagri",
    "Syriac",
    "Tagalog",
    "Tagbanwa",
    "Tai_Le",
    "Tai_Tham",
    "Tai_Viet",
    "Tamil",
    "Telugu",
    "Thaana",
    "Thai",
    "Tibetan",
    "Tifinagh",
    "Ugaritic",
    "Vai",
    "Yi",
];

/// Classes of Unicode that have characters in another case outside of them, and get them where case does not count.
const FOLDED: &[&str] = &["Common", "Greek", "Inherited", "Lt", "Lu", "Mn"];

/// What `Ll` gets in the same way: RE2/J has lost most capitals, and `(?i)\p{Ll}` takes a K and no A.
const CAPITALS_OF_LL: [char; 29] = [
    'K', 'S', 'Å', 'Ǆ', 'ǅ', 'Ǉ', 'ǈ', 'Ǌ', 'ǋ', 'Ǳ', 'ǲ', '\u{345}', 'Β', 'Ε', 'Θ', 'Ι', 'Κ', 'Μ', 'Π', 'Ρ', 'Σ', 'Φ',
    'Ω', 'ϴ', 'Ṡ', 'ẞ', '\u{2126}', '\u{212A}', '\u{212B}',
];

/// The class behind `\d` and its like, and whether it is meant or its opposite.
pub(super) fn perl(letter: char) -> Option<(ClassUnicode, bool)> {
    let ranges: &[_] = match letter.to_ascii_lowercase() {
        'd' => &[('0', '9')],
        's' => &[('\t', '\n'), ('\x0c', '\r'), (' ', ' ')],
        'w' => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        _ => return None,
    };
    Some((of(ranges), letter.is_ascii_lowercase()))
}

/// The class between `[:` and `:]`, and whether it is meant or its opposite.
pub(super) fn posix(name: &str) -> Option<(ClassUnicode, bool)> {
    let positive = name.strip_prefix('^');
    let ranges: &[_] = match positive.unwrap_or(name) {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\x7f')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\x1f'), ('\x7f', '\x7f')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some((of(ranges), positive.is_none()))
}

/// The class behind `\p`, with what is the same in another case if that does not count.
pub(super) fn unicode(name: &str, any_case: bool) -> Option<ClassUnicode> {
    let mut class = match name {
        "Any" => of(&[('\0', char::MAX)]),
        // Where nothing is assigned, for private use, or no character at all. Other tables than RE2/J's count the first as `C`.
        "Unknown" => table("gc=Cn").map(|mut unassigned| {
            unassigned.union(&table("gc=Co").unwrap_or_else(ClassUnicode::empty));
            unassigned
        })?,
        "C" => ["gc=Cc", "gc=Cf", "gc=Co"].into_iter().filter_map(table).reduce(|mut all, next| {
            all.union(&next);
            all
        })?,
        // Halves of surrogate pairs, which no text here has.
        "Cs" => ClassUnicode::empty(),
        _ if CATEGORIES.contains(&name) => table(&format!("gc={name}"))?,
        _ if SCRIPTS.contains(&name) => table(&format!("sc={name}"))?,
        _ => return None,
    };
    if any_case && FOLDED.contains(&name) {
        class.try_case_fold_simple().ok()?;
    }
    if any_case && name == "Ll" {
        class.union(&of(&CAPITALS_OF_LL.map(|one| (one, one))));
    }
    Some(class)
}

fn of(ranges: &[(char, char)]) -> ClassUnicode {
    ClassUnicode::new(ranges.iter().map(|&(first, last)| ClassUnicodeRange::new(first, last)))
}

fn table(property: &str) -> Option<ClassUnicode> {
    match regex_syntax::parse(&format!(r"\p{{{property}}}")).ok()?.into_kind() {
        HirKind::Class(Class::Unicode(class)) => Some(class),
        // The tables spell a class of one character out as that.
        HirKind::Literal(one) => {
            let one = std::str::from_utf8(&one.0).ok()?.chars().next()?;
            Some(of(&[(one, one)]))
        }
        _ => None,
    }
}
