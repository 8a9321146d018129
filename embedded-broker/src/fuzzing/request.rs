//! Requests of two clients, one after the other, to one small cluster.

use std::cell::Cell;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use super::input::Input;
use super::world::World;
use crate::api::{self, APIS, Api, Reply, RequestContext};
use crate::clock::{Driver, Waiter};
use crate::security::session::Session;

/// As many requests are served at most: what they make together stays.
const MOST: usize = 24;
/// The key that stands for time that passes.
const PASS_TIME: u8 = 0xff;
/// The bit of a version byte that says which client sends it.
const OTHER_CLIENT: u8 = 0x80;

struct Client {
    name: &'static str,
    session: Session,
    waiter: Arc<Waiter>,
}

impl Client {
    fn new(world: &World, name: &'static str) -> Self {
        let listener = Arc::clone(&world.listeners()[0].spec.name);
        let session = Session::anonymous(listener, Ipv4Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into());
        Self { name, session, waiter: world.cluster.register_waiter().1 }
    }
}

/// Requests: for each a byte of its key, one of its version above the lowest, the length of its body in two bytes, and the
/// body. A key that is not served stands for one that is.
///
/// # Panics
///
/// If anything panics, or an answer cannot be encoded.
pub fn request(bytes: &[u8]) {
    let world = World::new();
    let clients = ["one", "other"].map(|name| Client::new(&world, name));
    let mut input = Input::new(bytes);
    for _ in 0..MOST {
        let (Some(key), Some(version)) = (input.u8(), input.u8()) else { return };
        let Some(body) = input.piece() else { return };
        if key == PASS_TIME {
            pass(&world, Duration::from_secs(u64::from(version)));
            continue;
        }
        let api = api::api(i16::from(key)).unwrap_or_else(|| &APIS[usize::from(key) % APIS.len()]);
        serve(&world, &clients[usize::from(version & OTHER_CLIENT != 0)], api, version & !OTHER_CLIENT, body);
    }
}

fn serve(world: &World, client: &Client, api: &Api, version: u8, body: &[u8]) {
    let cluster = &world.cluster;
    let cx = RequestContext {
        cluster,
        node_id: 1,
        session: &client.session,
        version: api.min_version + i16::from(version) % (api.max_version - api.min_version + 1),
        client_id: Some(client.name),
        peer: SocketAddr::from((Ipv4Addr::LOCALHOST, 1)),
        waiter: &client.waiter,
        mutation_throttle: Cell::default(),
        struck: None,
    };
    let mut reply = Reply::default();
    reply.begin_response(api.key, cx.version, 1);
    // What is malformed is refused.
    drop((api.run)(&cx, body, &mut reply));
    cluster.transactions.write_markers(cluster);
}

fn pass(world: &World, time: Duration) {
    let cluster = &world.cluster;
    let until = cluster.clock.now() + time;
    while cluster.clock.now() < until {
        cluster.pass_time(Some(until));
    }
}
