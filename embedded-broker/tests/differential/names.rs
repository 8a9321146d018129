//! What two brokers call differently: ids they make, names that have to be unique.

/// Replaces what one broker calls things by what they are in the sequence.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// The longest first, so that no name is replaced inside another.
    known: Vec<(String, String)>,
}

impl Names {
    /// From now on `name` is `meaning`; what it was called first stays.
    pub(crate) fn learn(&mut self, name: &str, meaning: impl Into<String>) {
        if name.is_empty() || self.known.iter().any(|(known, _)| known == name) {
            return;
        }
        self.known.push((name.to_owned(), meaning.into()));
        self.known.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    }

    /// What a name stands for.
    pub(crate) fn meaning(&self, name: &str) -> String {
        self.known.iter().find(|(known, _)| known == name).map_or_else(|| hide_ids(name), |(_, known)| known.clone())
    }

    /// A text with all names replaced, and all ids that nobody was told of.
    pub(crate) fn replace(&self, text: &str) -> String {
        hide_ids(&self.known.iter().fold(text.to_owned(), |text, (name, meaning)| text.replace(name, meaning)))
    }
}

/// Replaces random UUIDs.
fn hide_ids(text: &str) -> String {
    const LEN: usize = 36;
    let mut shown = String::new();
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        match rest.get(..LEN) {
            Some(id) if is_random_id(id) => {
                shown.push_str("an id of its own");
                rest = &rest[LEN..];
            }
            _ => {
                shown.push(next);
                rest = &rest[next.len_utf8()..];
            }
        }
    }
    shown
}

fn is_random_id(text: &str) -> bool {
    text.as_bytes()[8] == b'-' && uuid::Uuid::try_parse(text).is_ok_and(|id| !id.is_nil())
}

#[test]
fn names_are_replaced_and_ids_that_nobody_knows_are_hidden() {
    let mut names = Names::default();
    names.learn("g-1", "the group");
    names.learn("c-67e55044-10b1-426f-9247-bb680e5fe0c8", "client 1");
    let text = "g-1 c-67e55044-10b1-426f-9247-bb680e5fe0c8 c-77e55044-10b1-426f-9247-bb680e5fe0c8 \
                00000000-0000-0000-0000-000000000000 ä";
    assert_eq!(names.replace(text), "the group client 1 c-an id of its own 00000000-0000-0000-0000-000000000000 ä");
}
