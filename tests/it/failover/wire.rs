//! [`Wire`]: a connection of the test's own to one node, on which requests may follow each other before they are answered.

use std::{io, time::Duration};

use bytes::{Bytes, BytesMut};
use kafka_protocol::{
    messages::{
        DescribeProducersRequest, MetadataRequest, MetadataResponse, RequestHeader, ResponseHeader, TopicName,
        describe_producers_request::TopicRequest, metadata_request::MetadataRequestTopic,
    },
    protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// How long a node may take to answer; whoever gets none makes another connection.
const ANSWER: Duration = Duration::from_secs(10);

/// The newest version that goes by names.
const METADATA: i16 = 12;

/// Answers come in the order of the requests.
pub(super) struct Wire {
    stream: TcpStream,
    read: BytesMut,
    n_sent: i32,
}

impl Wire {
    /// Connects to `host:port`.
    pub(super) async fn open(address: &str) -> io::Result<Self> {
        let stream = timeout(ANSWER, TcpStream::connect(address)).await.map_err(|_| late())??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, read: BytesMut::new(), n_sent: 0 })
    }

    /// Connects to the node that leads a partition, as one of the servers knows it; to nobody if that one is gone.
    pub(super) async fn to_leader(servers: &str, topic: &str, partition: i32) -> Option<Self> {
        for node in servers.split(',') {
            let Ok(mut node) = Self::open(node).await else { continue };
            let Ok(metadata) = node.metadata(topic).await else { continue };
            if let Some(leader) = leader_of(&metadata, partition)
                && let Ok(leader) = Self::open(&leader).await
            {
                return Some(leader);
            }
        }
        None
    }

    /// Sends a request, and waits for its answer alone.
    pub(super) async fn call<Q: Request>(&mut self, version: i16, request: &Q) -> io::Result<Q::Response> {
        self.send(version, request).await?;
        self.receive::<Q>(version).await
    }

    pub(super) async fn send<Q: Request>(&mut self, version: i16, request: &Q) -> io::Result<()> {
        self.n_sent += 1;
        let header = RequestHeader::default()
            .with_request_api_key(Q::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.n_sent)
            .with_client_id(Some(StrBytes::from_static_str("failover")));
        let mut frame = BytesMut::from(&[0; 4][..]);
        header.encode(&mut frame, Q::header_version(version)).map_err(io::Error::other)?;
        request.encode(&mut frame, version).map_err(io::Error::other)?;
        let length = i32::try_from(frame.len() - 4).map_err(io::Error::other)?;
        frame[..4].copy_from_slice(&length.to_be_bytes());
        timeout(ANSWER, self.stream.write_all(&frame)).await.map_err(|_| late())?
    }

    /// The answer to the oldest request that has none yet. Nothing of it is lost if this is given up and called again.
    pub(super) async fn receive<Q: Request>(&mut self, version: i16) -> io::Result<Q::Response> {
        let mut frame = timeout(ANSWER, self.frame()).await.map_err(|_| late())??;
        ResponseHeader::decode(&mut frame, Q::Response::header_version(version)).map_err(io::Error::other)?;
        Q::Response::decode(&mut frame, version).map_err(io::Error::other)
    }

    async fn frame(&mut self) -> io::Result<Bytes> {
        loop {
            if let Some(head) = self.read.first_chunk::<4>() {
                let length = usize::try_from(i32::from_be_bytes(*head)).map_err(io::Error::other)?;
                if self.read.len() >= 4 + length {
                    return Ok(self.read.split_to(4 + length).split_off(4).freeze());
                }
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    /// The newest epochs of idempotent producers that the node knows in a partition.
    pub(super) async fn producer_epochs(&mut self, topic: &str, partition: i32) -> io::Result<Vec<i32>> {
        let asked = TopicRequest::default().with_name(name(topic)).with_partition_indexes(vec![partition]);
        let mut answer = self.call(0, &DescribeProducersRequest::default().with_topics(vec![asked])).await?;
        let told = answer.topics.pop().and_then(|mut topic| topic.partitions.pop());
        let told = told.filter(|told| told.error_code == 0).ok_or(io::ErrorKind::InvalidData)?;
        Ok(told.active_producers.iter().map(|producer| producer.producer_epoch).collect())
    }

    /// What the node knows of a topic.
    async fn metadata(&mut self, topic: &str) -> io::Result<MetadataResponse> {
        let asked = MetadataRequestTopic::default().with_name(Some(name(topic)));
        self.call(METADATA, &MetadataRequest::default().with_topics(Some(vec![asked]))).await
    }
}

pub(super) fn name(topic: &str) -> TopicName {
    TopicName(StrBytes::from_string(topic.to_owned()))
}

/// The address of the node that leads a partition, as one node knows it.
fn leader_of(metadata: &MetadataResponse, partition: i32) -> Option<String> {
    let mut partitions = metadata.topics.iter().flat_map(|topic| &topic.partitions);
    let leader = partitions.find(|found| found.partition_index == partition)?.leader_id;
    let node = metadata.brokers.iter().find(|node| node.node_id == leader)?;
    Some(format!("{}:{}", node.host.as_str(), node.port))
}

fn late() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "no answer in time")
}
