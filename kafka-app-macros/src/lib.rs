//! kafka-app-macros
