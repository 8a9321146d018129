//! What each node has for itself, as each broker of a Kafka has it.

/// One for each node; which nodes there are is known from the start.
#[derive(Debug)]
pub(crate) struct PerNode<T>(Vec<(i32, T)>);

impl<T> PerNode<T> {
    pub(crate) fn new(nodes: impl IntoIterator<Item = i32>, make: impl Fn(i32) -> T) -> Self {
        Self(nodes.into_iter().map(|id| (id, make(id))).collect())
    }

    /// That of a node, if there is such a node.
    pub(crate) fn of(&self, node: i32) -> Option<&T> {
        self.0.iter().find(|(id, _)| *id == node).map(|(_, own)| own)
    }

    /// Each with its node.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, &T)> {
        self.0.iter().map(|(id, own)| (*id, own))
    }
}
