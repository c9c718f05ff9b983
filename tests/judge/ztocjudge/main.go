// SPDX-License-Identifier: Apache-2.0

// ztocjudge reads a zTOC with soci-snapshotter's library, extracts every file of the layer by it, and
// compares its table with the one that the library's own builder makes of the layer.
//
//	ztocjudge BLOB ZTOC
//	ztocjudge build BLOB
//
// The second makes a zTOC with that builder and prints the size of the layer and the zTOC: for bench/.
// The first prints "ok", the number of files that were extracted, and the number of spans. It needs cgo and
// zlib's static library.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"

	"github.com/awslabs/soci-snapshotter/ztoc"
	"github.com/awslabs/soci-snapshotter/ztoc/compression"
	"github.com/opencontainers/go-digest"
)

func check(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

func read(path string) []byte {
	data, err := os.ReadFile(path)
	check(err)
	return data
}

// compare ends the program when the tables differ.
func compare(ours *ztoc.Ztoc, blob string) {
	built, err := ztoc.NewBuilder("judge").BuildZtoc(blob, 1<<22)
	check(err)
	if len(ours.FileMetadata) != len(built.FileMetadata) {
		check(fmt.Errorf("%d entries, not %d", len(ours.FileMetadata), len(built.FileMetadata)))
	}
	for i, entry := range built.FileMetadata {
		mine := ours.FileMetadata[i]
		if mine.ModTime.Equal(entry.ModTime) {
			mine.ModTime = entry.ModTime // in another time zone
		}
		if !mine.Equal(entry) {
			check(fmt.Errorf("entry %d: %+v, not %+v", i, mine, entry))
		}
	}
	if ours.CompressedArchiveSize != built.CompressedArchiveSize ||
		ours.UncompressedArchiveSize != built.UncompressedArchiveSize {
		check(fmt.Errorf("sizes %d and %d, not %d and %d", ours.CompressedArchiveSize,
			ours.UncompressedArchiveSize, built.CompressedArchiveSize,
			built.UncompressedArchiveSize))
	}
}

// checkSpans compares the digest of each span with its bytes.
func checkSpans(table *ztoc.Ztoc, blob []byte) {
	spans, err := table.Zinfo()
	check(err)
	defer spans.Close()
	if spans.MaxSpanID() != table.MaxSpanID || len(table.SpanDigests) != int(table.MaxSpanID)+1 {
		check(fmt.Errorf("%d digests of %d spans", len(table.SpanDigests), spans.MaxSpanID()+1))
	}
	for i := compression.SpanID(0); i <= table.MaxSpanID; i++ {
		from := spans.StartCompressedOffset(i)
		to := spans.EndCompressedOffset(i, table.CompressedArchiveSize)
		if digest.FromBytes(blob[from:to]) != table.SpanDigests[i] {
			check(fmt.Errorf("the digest of span %d differs", i))
		}
	}
}

func build(blob string) {
	built, err := ztoc.NewBuilder("judge").BuildZtoc(blob, 1<<22)
	check(err)
	stream, descriptor, err := ztoc.Marshal(built)
	check(err)
	_, err = io.Copy(io.Discard, stream)
	check(err)
	fmt.Printf("{\"size\": %d}\n", int64(built.CompressedArchiveSize)+descriptor.Size)
}

func main() {
	if os.Args[1] == "build" {
		build(os.Args[2])
		return
	}
	blob := read(os.Args[1])
	table := read(os.Args[2])
	parsed, err := ztoc.Unmarshal(bytes.NewReader(table))
	check(err)
	compare(parsed, os.Args[1])
	checkSpans(parsed, blob)
	plain, err := gzip.NewReader(bytes.NewReader(blob))
	check(err)
	entries := tar.NewReader(plain)
	section := io.NewSectionReader(bytes.NewReader(blob), 0, int64(len(blob)))
	files := 0
	for {
		header, err := entries.Next()
		if err == io.EOF {
			break
		}
		check(err)
		if header.Typeflag != tar.TypeReg || header.Size == 0 {
			continue
		}
		wanted, err := io.ReadAll(entries)
		check(err)
		copied := *parsed // the library takes the checkpoints out of it
		got, err := copied.ExtractFile(section, header.Name)
		check(err)
		if !bytes.Equal(got, wanted) {
			check(fmt.Errorf("%s: other contents", header.Name))
		}
		files++
	}
	fmt.Println("ok", files, int(parsed.MaxSpanID)+1)
}
