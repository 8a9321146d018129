//! Clients that come by TLS, over real sockets.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{
    DescribeClusterRequest, DescribeClusterResponse, RequestHeader, SaslAuthenticateRequest, SaslAuthenticateResponse,
    SaslHandshakeRequest, SaslHandshakeResponse,
};
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use super::certificates::{Certificate, CertificateAuthority};
use super::pem;
use crate::{EmbeddedBroker, Listener};

type Tls = StreamOwned<ClientConnection, TcpStream>;

/// A client that trusts an authority and may have a certificate of its own. The handshake comes with the first request.
fn connect(address: &str, ca: &CertificateAuthority, own: Option<&Certificate>) -> Tls {
    let mut roots = RootCertStore::empty();
    roots.add(pem::certificates(ca.certificate_pem()).unwrap().remove(0)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let config = match own {
        None => builder.with_no_client_auth(),
        Some(own) => {
            let chain = pem::certificates(own.certificate_pem()).unwrap();
            builder.with_client_auth_cert(chain, pem::private_key(own.key_pem(), None).unwrap()).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, TcpStream::connect(address).unwrap())
}

fn call<Q: Request>(stream: &mut Tls, version: i16, request: &Q) -> io::Result<Q::Response> {
    let header = RequestHeader::default().with_request_api_key(Q::KEY).with_request_api_version(version);
    let mut frame = BytesMut::from(&[0; 4][..]);
    header.encode(&mut frame, Q::header_version(version)).unwrap();
    request.encode(&mut frame, version).unwrap();
    let len = i32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&len.to_be_bytes());
    stream.write_all(&frame)?;
    let mut len = [0; 4];
    stream.read_exact(&mut len)?;
    let mut answer = vec![0; usize::try_from(i32::from_be_bytes(len)).unwrap()];
    stream.read_exact(&mut answer)?;
    let header = if Q::Response::header_version(version) >= 1 { 5 } else { 4 };
    Ok(Q::Response::decode(&mut Bytes::from(answer).slice(header..), version).unwrap())
}

/// Whether the client is the super user of the broker.
fn is_super_user(stream: &mut Tls) -> io::Result<bool> {
    let request =
        DescribeClusterRequest::default().with_endpoint_type(1).with_include_cluster_authorized_operations(true);
    let response: DescribeClusterResponse = call(stream, 1, &request)?;
    Ok(response.cluster_authorized_operations != 0)
}

fn broker(listener: Listener, super_user: &str) -> EmbeddedBroker {
    EmbeddedBroker::builder().listener(listener).user("alice", "secret").super_user(super_user).start().unwrap()
}

#[test]
fn a_client_that_trusts_the_authority_is_served_as_nobody_in_particular() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::ssl(&ca.server()), "ANONYMOUS");
    assert!(is_super_user(&mut connect(broker.bootstrap_servers(), &ca, None)).unwrap());
    let stranger = CertificateAuthority::new();
    assert!(is_super_user(&mut connect(broker.bootstrap_servers(), &stranger, None)).is_err());
}

#[test]
fn a_client_in_plain_text_is_turned_away_and_others_are_served() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::ssl(&ca.server()), "ANONYMOUS");
    let mut plain = TcpStream::connect(broker.bootstrap_servers()).unwrap();
    plain.write_all(b"\0\0\0\x0a\0\x12\0\0\0\0\0\x01\xff\xff").unwrap();
    // An alert may come, and then the end.
    assert!(plain.read_to_end(&mut Vec::new()).unwrap_or(0) < 100);
    assert!(is_super_user(&mut connect(broker.bootstrap_servers(), &ca, None)).unwrap());
}

#[test]
fn a_certificate_says_who_a_client_is() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::ssl(&ca.server()).client_certificates(&ca), "CN=alice,O=Tests,C=AQ");
    let address = broker.bootstrap_servers();
    assert!(is_super_user(&mut connect(address, &ca, Some(&ca.client("alice")))).unwrap());
    assert!(!is_super_user(&mut connect(address, &ca, Some(&ca.client("bob")))).unwrap());
    assert!(is_super_user(&mut connect(address, &ca, None)).is_err(), "no certificate");
    let stranger = CertificateAuthority::new().client("alice");
    assert!(is_super_user(&mut connect(address, &ca, Some(&stranger))).is_err(), "signed by somebody else");
}

#[test]
fn a_certificate_may_be_requested_only_and_its_name_mapped() {
    let ca = CertificateAuthority::new();
    let listener = Listener::ssl(&ca.server()).client_certificates(&ca).config("ssl.client.auth", "requested");
    let broker = EmbeddedBroker::builder()
        .listener(listener)
        .config("ssl.principal.mapping.rules", "RULE:^CN=([a-z]*),.*$/$1/U")
        .super_user("ALICE")
        .start()
        .unwrap();
    let address = broker.bootstrap_servers();
    assert!(is_super_user(&mut connect(address, &ca, Some(&ca.client("alice")))).unwrap());
    assert!(!is_super_user(&mut connect(address, &ca, None)).unwrap());
    let nameless = ca.client("no rule names 1");
    assert!(is_super_user(&mut connect(address, &ca, Some(&nameless))).is_err());
}

#[test]
fn a_login_behind_tls_says_who_a_client_is() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::sasl_ssl(&ca.server()), "alice");
    let mut client = connect(broker.bootstrap_servers(), &ca, None);
    let shaken: SaslHandshakeResponse =
        call(&mut client, 1, &SaslHandshakeRequest::default().with_mechanism("PLAIN".into())).unwrap();
    assert_eq!(shaken.error_code, 0);
    let token = SaslAuthenticateRequest::default().with_auth_bytes("\0alice\0secret".into());
    let accepted: SaslAuthenticateResponse = call(&mut client, 2, &token).unwrap();
    assert_eq!(accepted.error_code, 0);
    assert!(is_super_user(&mut client).unwrap());
}

#[test]
fn a_broker_stops_while_clients_are_connected() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::ssl(&ca.server()), "ANONYMOUS");
    let mut client = connect(broker.bootstrap_servers(), &ca, None);
    assert!(is_super_user(&mut client).unwrap());
    let _in_the_middle_of_its_handshake = TcpStream::connect(broker.bootstrap_servers()).unwrap();
    broker.stop();
    assert!(is_super_user(&mut client).is_err());
}

#[test]
fn handshakes_fail_as_long_as_a_test_says_so() {
    let ca = CertificateAuthority::new();
    let broker = broker(Listener::ssl(&ca.server()), "ANONYMOUS");
    let failing = broker.network().fail_tls_handshake();
    let refused = is_super_user(&mut connect(broker.bootstrap_servers(), &ca, None)).unwrap_err();
    assert!(refused.to_string().contains("HandshakeFailure"), "{refused}");
    assert_eq!(failing.times_happened(), 1);
    drop(failing);
    assert!(is_super_user(&mut connect(broker.bootstrap_servers(), &ca, None)).unwrap());
}

#[test]
fn a_broker_is_ready_behind_tls_whatever_it_asks_of_clients() {
    let ca = CertificateAuthority::new();
    let certain = |versions: &str| {
        Listener::ssl(&ca.server())
            .name(versions.replace('.', ""))
            .client_certificates(&ca)
            .config("ssl.enabled.protocols", versions)
    };
    let broker = EmbeddedBroker::builder()
        .listener(Listener::ssl(&ca.server()))
        .listener(Listener::sasl_ssl(&ca.server()).name("LOGIN"))
        .listener(certain("TLSv1.2"))
        .listener(certain("TLSv1.3"))
        .user("alice", "secret")
        .start()
        .unwrap();
    broker.ready().unwrap();
    let _failing = broker.network().fail_tls_handshake();
    let refused = broker.ready().unwrap_err().to_string();
    assert!(refused.contains("HandshakeFailure"), "{refused}");
}
