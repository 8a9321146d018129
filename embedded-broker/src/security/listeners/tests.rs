//! Listeners as the configs say them.

use super::*;

fn configs(pairs: &[(&str, &str)]) -> Configs {
    pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Each listener as `NAME PROTOCOL host:port advertised-host:port`.
fn listeners(pairs: &[(&str, &str)]) -> Result<Vec<String>, String> {
    let specs = resolve(&configs(pairs)).map_err(|mistakes| mistakes.join("; "))?;
    let shown = specs.iter().map(|spec| {
        let told = spec.advertised.as_ref().map_or("-".to_owned(), |told| format!("{}:{}", told.host, told.port));
        format!("{} {} {}:{} {told}", spec.name, spec.protocol, spec.host, spec.port)
    });
    Ok(shown.collect())
}

#[test]
fn without_configs_there_is_one_listener_on_loopback() {
    assert_eq!(listeners(&[]).unwrap(), ["PLAINTEXT PLAINTEXT 127.0.0.1:0 127.0.0.1:0"]);
}

#[test]
fn a_name_of_a_protocol_stands_for_it_and_names_are_upper_case() {
    let seen = listeners(&[("listeners", "plaintext://:9092 , SASL_SSL://[::1]:0")]).unwrap();
    assert_eq!(seen, ["PLAINTEXT PLAINTEXT :9092 :9092", "SASL_SSL SASL_SSL ::1:0 ::1:0"]);
}

#[test]
fn other_names_need_the_map_and_the_map_replaces_the_default() {
    let map = ("listener.security.protocol.map", "internal:sasl_plaintext,OUT:SSL");
    let seen = listeners(&[("listeners", "INTERNAL://localhost:1,out://:2"), map]).unwrap();
    assert_eq!(seen, ["INTERNAL SASL_PLAINTEXT localhost:1 localhost:1", "OUT SSL :2 :2"]);
    let refused = listeners(&[("listeners", "PLAINTEXT://:1"), map]).unwrap_err();
    assert!(refused.ends_with("No security protocol defined for listener PLAINTEXT"), "{refused}");
    let refused = listeners(&[("listener.security.protocol.map", "A:TLS")]).unwrap_err();
    assert_eq!(refused, "Invalid security protocol `TLS` defined in listener.security.protocol.map");
}

#[test]
fn clients_are_told_of_advertised_listeners_only() {
    let seen = listeners(&[
        ("listeners", "PLAINTEXT://:9092,SSL://:9093"),
        ("advertised.listeners", "PLAINTEXT://kafka.example:19092"),
    ]);
    assert_eq!(seen.unwrap(), ["PLAINTEXT PLAINTEXT :9092 kafka.example:19092", "SSL SSL :9093 -"]);
    let refused = listeners(&[("listeners", "SSL://:1"), ("advertised.listeners", "PLAINTEXT://a:1")]).unwrap_err();
    assert!(refused.starts_with("advertised.listeners listener names must be equal to or a subset"), "{refused}");
    let refused = listeners(&[("listeners", "PLAINTEXT://0.0.0.0:1")]).unwrap_err();
    assert!(refused.contains("nonroutable meta-address 0.0.0.0"), "{refused}");
}

#[test]
fn listeners_of_controllers_are_left_out() {
    let seen = listeners(&[
        ("listeners", "PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093"),
        ("controller.listener.names", "CONTROLLER"),
        ("inter.broker.listener.name", "PLAINTEXT"),
    ]);
    assert_eq!(seen.unwrap(), ["PLAINTEXT PLAINTEXT 127.0.0.1:9092 127.0.0.1:9092"]);
    let only = [("listeners", "CONTROLLER://:1"), ("controller.listener.names", "CONTROLLER")];
    assert!(listeners(&only).unwrap_err().starts_with("listeners must name a listener"));
}

#[test]
fn names_and_ports_are_not_used_twice_but_port_0_and_both_families_are() {
    assert!(listeners(&[("listeners", "SSL://a:1,SSL://b:2")]).unwrap_err().contains("a different name"));
    assert!(listeners(&[("listeners", "SSL://a:1,PLAINTEXT://b:1")]).unwrap_err().contains("a different port"));
    assert!(listeners(&[("listeners", "SSL://a:0,PLAINTEXT://a:0")]).is_ok());
    assert!(listeners(&[("listeners", "SSL://127.0.0.1:1,PLAINTEXT://[::1]:1")]).is_ok());
}

#[test]
fn what_is_no_endpoint_is_named() {
    for bad in ["localhost:9092", "PLAINTEXT://host", "PLAINTEXT://a b:1", "PLAINTEXT://a:70000", "://a:1"] {
        let refused = listeners(&[("listeners", bad)]).unwrap_err();
        assert!(refused.ends_with(&format!("Unable to parse {bad} to a broker endpoint")), "{refused}");
    }
    let refused = listeners(&[("inter.broker.listener.name", "SSL")]).unwrap_err();
    assert!(refused.ends_with("listeners are PLAINTEXT"), "{refused}");
}
