// SPDX-License-Identifier: Apache-2.0

// ztocjudge reads a zTOC with soci-snapshotter's library, opens it as the snapshotter does, extracts every
// file of the layer by it, and compares its table with the one that the library's own builder makes of
// the layer. Of a large file three parts are extracted.
//
//	ztocjudge BLOB ZTOC
//	ztocjudge table BLOB ZTOC
//	ztocjudge build BLOB
//	ztocjudge registry REPOSITORY REFERENCE
//
// The first prints "ok", the number of files that were extracted, and the number of spans. The second
// only compares the tables, and prints the number of entries instead. The third makes a zTOC with that
// builder and prints the size of the layer and the zTOC: for bench/. The fourth finds the SOCI index of
// an image in a registry. It needs cgo and zlib's static library.
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"syscall"

	"github.com/awslabs/soci-snapshotter/metadata"
	"github.com/awslabs/soci-snapshotter/ztoc"
	"github.com/awslabs/soci-snapshotter/ztoc/compression"
	"github.com/opencontainers/go-digest"
	bolt "go.etcd.io/bbolt"
)

const (
	largeBytes = 64 << 20
	smallBytes = 64 << 10
	partBytes  = 1 << 20
)

func check(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
}

// mapped gives the bytes of a file that may be larger than the memory.
func mapped(path string) []byte {
	file, err := os.Open(path)
	check(err)
	info, err := file.Stat()
	check(err)
	data, err := syscall.Mmap(int(file.Fd()), 0, int(info.Size()), syscall.PROT_READ, syscall.MAP_SHARED)
	check(err)
	return data
}

// written gives a table as it is read back: what the format cannot have is lost.
func written(table *ztoc.Ztoc) *ztoc.Ztoc {
	stream, _, err := ztoc.Marshal(table)
	check(err)
	read, err := ztoc.Unmarshal(stream)
	check(err)
	return read
}

// compare ends the program when the tables differ.
func compare(ours *ztoc.Ztoc, blob string) {
	built, err := ztoc.NewBuilder("judge").BuildZtoc(blob, 1<<22)
	check(err)
	built = written(built)
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

// layer is what the snapshotter has of a layer: the files with their places in the tar, and the spans.
type layer struct {
	files metadata.Reader
	spans compression.Zinfo
	size  compression.Offset
	blob  []byte
	span  compression.SpanID // the last one of which a small file was taken, and its contents
	plain []byte
}

func openLayer(table *ztoc.Ztoc, blob []byte) *layer {
	directory, err := os.MkdirTemp("", "ztocjudge")
	check(err)
	defer os.RemoveAll(directory)
	db, err := bolt.Open(path.Join(directory, "db"), 0600, &bolt.Options{NoSync: true})
	check(err)
	section := io.NewSectionReader(bytes.NewReader(blob), 0, int64(len(blob)))
	files, err := metadata.NewReader(db, section, table.TOC)
	check(err)
	spans, err := table.Zinfo()
	check(err)
	return &layer{files: files, spans: spans, size: table.CompressedArchiveSize, blob: blob}
}

// find gives the file that the snapshotter shows at a path; nil: another kind of file, or none.
func (l *layer) find(name string) metadata.File {
	id := l.files.RootID()
	for _, part := range strings.Split(strings.Trim(path.Clean("/"+name), "/"), "/") {
		child, _, err := l.files.GetChild(id, part)
		if err != nil {
			return nil
		}
		id = child
	}
	file, err := l.files.OpenFile(id)
	if err != nil {
		return nil
	}
	return file
}

// decompress gives a part of the tar, which begins in one span and ends in another or the same.
func (l *layer) decompress(first, last compression.SpanID, start, size compression.Offset) []byte {
	from := l.spans.StartCompressedOffset(first)
	to := l.spans.EndCompressedOffset(last, l.size)
	data, err := l.spans.ExtractDataFromBuffer(l.blob[from:to], size, start, first)
	check(err)
	return data
}

// extract gives a part of a file. A span with many small files is decompressed once.
func (l *layer) extract(file metadata.File, offset, size int64, end compression.Offset) []byte {
	start := file.GetUncompressedOffset() + compression.Offset(offset)
	first := l.spans.UncompressedOffsetToSpanID(start)
	last := l.spans.UncompressedOffsetToSpanID(start + compression.Offset(size))
	if size > smallBytes || first != last {
		return l.decompress(first, last, start, compression.Offset(size))
	}
	from := l.spans.StartUncompressedOffset(first)
	if l.plain == nil || l.span != first {
		l.span = first
		l.plain = l.decompress(first, first, from, l.spans.EndUncompressedOffset(first, end)-from)
	}
	return l.plain[start-from : start-from+compression.Offset(size)]
}

// verify compares parts of a file with the tar's.
func (l *layer) verify(file metadata.File, header *tar.Header, contents io.Reader,
	end compression.Offset) {
	if int64(file.GetUncompressedFileSize()) != header.Size {
		check(fmt.Errorf("%s: %d bytes, not %d", header.Name, file.GetUncompressedFileSize(), header.Size))
	}
	part := make([]byte, min(header.Size, partBytes))
	for offset := int64(0); offset < header.Size; {
		size := min(header.Size-offset, partBytes)
		_, err := io.ReadFull(contents, part[:size])
		check(err)
		wanted := header.Size <= largeBytes || offset == 0 || offset+size == header.Size ||
			offset == header.Size/2/partBytes*partBytes
		if wanted && !bytes.Equal(l.extract(file, offset, size, end), part[:size]) {
			check(fmt.Errorf("%s: other contents at %d", header.Name, offset))
		}
		offset += size
	}
}

// verifyFiles compares all that the snapshotter shows with the tar, of which the last entry with a path
// counts. It returns how many files there are with contents.
func (l *layer) verifyFiles(table *ztoc.Ztoc) int {
	plain, err := gzip.NewReader(bytes.NewReader(l.blob))
	check(err)
	entries := tar.NewReader(plain)
	files := 0
	last := map[string]string{} // the type of the entry that counts
	for _, entry := range table.FileMetadata {
		last[path.Clean("/"+entry.Name)] = entry.Type
	}
	for i := 0; ; i++ {
		header, err := entries.Next()
		if err == io.EOF {
			return files
		}
		check(err)
		if header.Typeflag != tar.TypeReg || header.Size == 0 {
			continue
		}
		file := l.find(header.Name)
		if file == nil && last[path.Clean("/"+header.Name)] != "reg" {
			continue
		}
		if file == nil {
			check(fmt.Errorf("%s is not there", header.Name))
		}
		shown, own := file.GetUncompressedOffset(), table.FileMetadata[i].UncompressedOffset
		if shown < own {
			check(fmt.Errorf("%s: an earlier entry is shown", header.Name))
		}
		if shown == own {
			l.verify(file, header, entries, table.UncompressedArchiveSize)
		}
		files++
	}
}

func main() {
	if os.Args[1] == "build" {
		build(os.Args[2])
		return
	}
	if os.Args[1] == "registry" {
		readRemote(os.Args[2], os.Args[3])
		return
	}
	paths := os.Args[len(os.Args)-2:]
	blob := mapped(paths[0])
	parsed, err := ztoc.Unmarshal(bytes.NewReader(mapped(paths[1])))
	check(err)
	compare(parsed, paths[0])
	checkSpans(parsed, blob)
	count := len(parsed.FileMetadata)
	if os.Args[1] != "table" {
		count = openLayer(parsed, blob).verifyFiles(parsed)
	}
	fmt.Println("ok", count, int(parsed.MaxSpanID)+1)
}
