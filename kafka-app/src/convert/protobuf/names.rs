//! The messages of a `.proto` file by their place in it, which is how records name them.
//!
//! Only messages are looked for, so that this reads every file a registry may have, of either syntax. The entries of maps are
//! messages to a compiler and none here, as in Confluent's serializers.

/// The messages of a file, in the order they are declared.
#[derive(Debug)]
pub(super) struct Messages(Vec<Message>);

#[derive(Debug)]
struct Message {
    /// The way to it: its number among the messages of the file, then among those of its parent.
    indexes: Vec<i32>,
    full_name: String,
}

/// The full name of the message at that place.
pub(crate) fn message_at(proto: &str, indexes: &[i32]) -> Option<String> {
    Messages::of(proto).name(indexes).map(str::to_owned)
}

/// The place of the message of that name.
pub(super) fn indexes_of(proto: &str, full_name: &str) -> Option<Vec<i32>> {
    let found = Messages::of(proto).0.into_iter().find(|message| message.full_name == full_name);
    found.map(|message| message.indexes)
}

impl Messages {
    pub(super) fn of(proto: &str) -> Self {
        let mut reader = Reader { package: String::new(), open: Vec::new(), n_top: 0, messages: Vec::new() };
        let mut statement: Vec<&str> = Vec::new();
        for token in Tokens(proto) {
            match token {
                "{" => {
                    reader.enter(&statement);
                    statement.clear();
                }
                "}" => {
                    reader.open.pop();
                    statement.clear();
                }
                ";" => {
                    reader.end(&statement);
                    statement.clear();
                }
                token => statement.push(token),
            }
        }
        Self(reader.messages)
    }

    pub(super) fn name(&self, indexes: &[i32]) -> Option<&str> {
        let found = self.0.iter().find(|message| message.indexes == indexes);
        found.map(|message| message.full_name.as_str())
    }
}

struct Reader {
    package: String,
    /// The blocks that are open: messages by their index in `messages` with how many they hold, and others.
    open: Vec<Option<(usize, i32)>>,
    n_top: i32,
    messages: Vec<Message>,
}

impl Reader {
    /// A statement that ends without a block.
    fn end(&mut self, statement: &[&str]) {
        if let (["package", name], true) = (statement, self.open.is_empty()) {
            (*name).clone_into(&mut self.package);
        }
    }

    fn enter(&mut self, statement: &[&str]) {
        let group = statement.iter().rposition(|word| *word == "group").unwrap_or(statement.len());
        let name = match (statement, &statement[group..]) {
            (["message", name], _) => Some(*name),
            // proto2: a field and a message in one.
            (_, ["group", name, "=", ..]) => Some(*name),
            _ => None,
        };
        // What is inside of an enum or a service is no message, and what is inside of a oneof or an extend belongs to what
        // these are in.
        let Some(name) = name else {
            self.open.push(None);
            return;
        };
        let parent = self.open.iter_mut().rev().find_map(Option::as_mut);
        let (mut indexes, parent_name, number) = match parent {
            Some((parent, n_inside)) => {
                *n_inside += 1;
                let parent = &self.messages[*parent];
                (parent.indexes.clone(), parent.full_name.as_str(), *n_inside - 1)
            }
            None => {
                self.n_top += 1;
                (Vec::new(), self.package.as_str(), self.n_top - 1)
            }
        };
        indexes.push(number);
        let full_name = if parent_name.is_empty() { name.to_owned() } else { format!("{parent_name}.{name}") };
        self.open.push(Some((self.messages.len(), 0)));
        self.messages.push(Message { indexes, full_name });
    }
}

/// The words and signs of a file, without comments; texts are one token.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        loop {
            self.0 = self.0.trim_start();
            if let Some(comment) = self.0.strip_prefix("//") {
                self.0 = comment.split_once('\n').map_or("", |(_, rest)| rest);
            } else if let Some(comment) = self.0.strip_prefix("/*") {
                self.0 = comment.split_once("*/").map_or("", |(_, rest)| rest);
            } else {
                break;
            }
        }
        let first = self.0.chars().next()?;
        let len = match first {
            '"' | '\'' => text_len(self.0, first),
            c if is_word(c) => self.0.find(|c| !is_word(c)).unwrap_or(self.0.len()),
            sign => sign.len_utf8(),
        };
        let (token, rest) = self.0.split_at(len);
        self.0 = rest;
        Some(token)
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

/// Length of a text with its quotes.
fn text_len(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PROTO: &str = r#"
        syntax = "proto3"; // message No {
        package shop.v1;
        /* message Nor { */
        import "google/protobuf/timestamp.proto";
        option java_package = "message \"Neither\" {";
        enum Kind { KIND_A = 0; }
        message Order {
            map<string, Line> lines = 1;
            message Line { message Deep {} enum E { A = 0; } }
            oneof what { string message = 2; }
            enum State { OPEN = 0; }
            message Total {}
        }
        service Shop { rpc Buy (Order) returns (Receipt) { option idempotency_level = IDEMPOTENT; } }
        message Receipt { reserved 2 to 4; }
    "#;

    #[test]
    fn messages_are_numbered_in_their_file_and_in_their_parents() {
        let name = |indexes: &[i32]| message_at(PROTO, indexes).unwrap_or_default();
        assert_eq!(name(&[0]), "shop.v1.Order");
        assert_eq!(name(&[0, 0]), "shop.v1.Order.Line");
        assert_eq!(name(&[0, 0, 0]), "shop.v1.Order.Line.Deep");
        assert_eq!(name(&[0, 1]), "shop.v1.Order.Total");
        assert_eq!(name(&[1]), "shop.v1.Receipt");
        assert_eq!((name(&[2]), name(&[])), (String::new(), String::new()));
    }

    #[test]
    fn a_message_is_found_by_its_full_name() {
        assert_eq!(indexes_of(PROTO, "shop.v1.Order.Total"), Some(vec![0, 1]));
        assert_eq!(indexes_of(PROTO, "shop.v1.Receipt"), Some(vec![1]));
        assert_eq!(indexes_of(PROTO, "Receipt"), None);
        assert_eq!(indexes_of("message M {}", "M"), Some(vec![0]));
    }

    #[test]
    fn groups_of_the_old_syntax_are_messages() {
        let proto =
            "message M { optional group G = 1 { message In {} } message After {} extend X { optional int32 i = 9; } }";
        assert_eq!(message_at(proto, &[0, 0]).as_deref(), Some("M.G"));
        assert_eq!(message_at(proto, &[0, 0, 0]).as_deref(), Some("M.G.In"));
        assert_eq!(message_at(proto, &[0, 1]).as_deref(), Some("M.After"));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(proto in "[ -~{}\"'/*;=.\n]{0,200}|(message|group| \\w|\\{|\\}|;|=|\"|ü){0,60}") {
            Messages::of(&proto);
        }
    }
}
