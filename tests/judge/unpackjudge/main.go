// SPDX-License-Identifier: Apache-2.0

// unpackjudge unpacks tar archives as container runtimes do it: with the unpackers of containerd, of
// Docker (moby/go-archive) and of podman (containers/storage). It must run as root, because they give
// files their owners. Its argument is a directory for what is unpacked; nothing is left there.
//
// Each archive on stdin follows its size, four bytes in little-endian order. A line for each goes to
// stdout: three verdicts with a tab between them, each "ok" or the error.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
	"strings"

	containerd "github.com/containerd/containerd/v2/pkg/archive"
	clog "github.com/containerd/log"
	moby "github.com/moby/go-archive"
	"github.com/sirupsen/logrus"
	podman "go.podman.io/storage/pkg/archive"
)

var unpackers = []func(dir string, data []byte) error{
	func(dir string, data []byte) error {
		_, err := containerd.Apply(context.Background(), dir, bytes.NewReader(data))
		return err
	},
	func(dir string, data []byte) error {
		_, err := moby.ApplyUncompressedLayer(dir, bytes.NewReader(data), nil)
		return err
	},
	func(dir string, data []byte) error {
		_, err := podman.ApplyUncompressedLayer(dir, bytes.NewReader(data), nil)
		return err
	},
}

func unpack(scratch string, unpacker func(string, []byte) error, data []byte) string {
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := unpacker(dir, data); err != nil {
		text := strings.ReplaceAll(err.Error(), dir, "DIR")
		return strings.NewReplacer("\n", " ", "\t", " ").Replace(text)
	}
	return "ok"
}

func main() {
	clog.L.Logger.SetOutput(io.Discard)
	logrus.SetOutput(io.Discard)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for {
		var size uint32
		err := binary.Read(in, binary.LittleEndian, &size)
		if err == io.EOF {
			return
		}
		if err != nil {
			log.Fatal(err)
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			log.Fatal(err)
		}
		verdicts := []string{}
		for _, unpacker := range unpackers {
			verdicts = append(verdicts, unpack(os.Args[1], unpacker, data))
		}
		fmt.Fprintln(out, strings.Join(verdicts, "\t"))
	}
}
