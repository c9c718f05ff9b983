// SPDX-License-Identifier: Apache-2.0

// Command gostream does the same work as go-containerregistry's stream layer, with the same packages of
// Go's standard library: SHA-256 of the input, gzip, SHA-256 and size of the output.
package main

import (
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"strconv"
)

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func main() {
	level := 1
	if len(os.Args) > 1 {
		level, _ = strconv.Atoi(os.Args[1])
	}
	diffID, digest, size := sha256.New(), sha256.New(), &counter{}
	out := bufio.NewWriterSize(io.MultiWriter(digest, size), 2<<16)
	zip, err := gzip.NewWriterLevel(out, level)
	if err == nil {
		_, err = io.Copy(io.MultiWriter(diffID, zip), os.Stdin)
	}
	if err == nil {
		err = zip.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("%d sha256:%x sha256:%x\n", size.n, digest.Sum(nil), diffID.Sum(nil))
}
