//! With the feature `discover`, declarations are found at link time.
#![forbid(unsafe_code)]

mod hidden {
    #[kafka_app::kafka_listener(topic = "orders", id = "found")]
    async fn never_named() {}

    pub(super) fn declares_inside() {
        #[kafka_app::kafka_listener(topic = "orders")]
        async fn found_inside() {}
    }

    #[kafka_app::kafka_listener(topic = "orders")]
    #[cfg(any(windows, unix, target_family = "wasm"))]
    async fn conditional() {}

    #[kafka_app::kafka_listener(topic = "orders")]
    #[cfg(not(test))]
    async fn left_out() {}
}

#[test]
fn every_declaration_is_found_wherever_it_is() {
    hidden::declares_inside();
    let found = kafka_app::__private::inventory::iter::<kafka_app::__private::Discovered>;
    let mut ids: Vec<_> = found.into_iter().map(|found| (found.listener)().id().to_owned()).collect();
    ids.sort();
    assert_eq!(ids, ["conditional", "found", "found_inside"]);
}
