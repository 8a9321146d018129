// kfake, the Kafka for tests of franz-go, as a process that the benchmarks of the broker measure beside ours.
//
//	kfake                    prints its address and serves until standard input ends
//	kfake first-ack TOPIC    sends the frame on standard input to one that it starts for it, and prints how many
//	                         nanoseconds that took from nothing to the answer, and the answer in hexadecimal
package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

func main() {
	run := serve
	if len(os.Args) == 3 && os.Args[1] == "first-ack" {
		run = func() error { return firstAck(os.Args[2]) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		return err
	}
	defer cluster.Close()
	fmt.Println(cluster.ListenAddrs()[0])
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

func firstAck(topic string) error {
	frame, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	began := time.Now()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, topic))
	if err != nil {
		return err
	}
	defer cluster.Close()
	answer, err := ask(cluster.ListenAddrs()[0], frame)
	if err != nil {
		return err
	}
	fmt.Println(time.Since(began).Nanoseconds(), hex.EncodeToString(answer))
	return nil
}

// ask sends a frame and returns its answer without the length.
func ask(address string, frame []byte) ([]byte, error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	if _, err := connection.Write(frame); err != nil {
		return nil, err
	}
	var length [4]byte
	if _, err := io.ReadFull(connection, length[:]); err != nil {
		return nil, err
	}
	answer := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err = io.ReadFull(connection, answer)
	return answer, err
}
