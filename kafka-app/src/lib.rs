//! kafka-app
