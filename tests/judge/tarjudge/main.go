// SPDX-License-Identifier: Apache-2.0

// tarjudge says how Go's archive/tar reads tar archives. Each archive on stdin follows its size, four
// bytes in little-endian order. A line for each goes to stdout: "ok" and the types of its entries in
// hexadecimal digits, or "error" and the error.
package main

import (
	"archive/tar"
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"os"
)

// Bodies are read as unpackers do it, for a map of a sparse file may be wrong in its last piece. One
// that is larger would take too long.
const bodyBytesMax = 16 << 20

func judge(data []byte) string {
	reader := tar.NewReader(bytes.NewReader(data))
	types := ""
	for {
		header, err := reader.Next()
		if err == io.EOF {
			return "ok" + types
		}
		if err != nil {
			return "error " + err.Error()
		}
		types += fmt.Sprintf(" %02x", header.Typeflag)
		if header.Size > bodyBytesMax {
			continue
		}
		if _, err := io.Copy(io.Discard, reader); err != nil {
			return "error " + err.Error()
		}
	}
}

func main() {
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
		fmt.Fprintln(out, judge(data))
	}
}
