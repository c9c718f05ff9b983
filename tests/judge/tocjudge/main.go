// SPDX-License-Identifier: Apache-2.0

// tocjudge reads layers with a table of contents as the programs do that pull them lazily.
//
//	tocjudge estargz BLOB TOC-DIGEST
//	tocjudge estargz-landmark BLOB
//	tocjudge build-estargz LEVEL <TAR
//	tocjudge build-zstd-chunked LEVEL <TAR
//	tocjudge zstd-chunked BLOB ANNOTATIONS-JSON DIRECTORY
//
// The first opens the blob with stargz-snapshotter's library, verifies the table, reads every file
// and verifies every chunk. The second stages the layer with podman's storage library, which takes
// each file from its chunks, makes the tar again from tar-split, and compares. It needs root, and the
// directory takes the storage. estargz-landmark prints the files in front of the landmark, as the
// snapshotter finds them, and the landmark. The build commands make a layer with the libraries of the
// programs that make such layers, with its digest and diff ID, and print its size: for bench/. The others print "ok", a number (of files; the size of the tar) and the digest of the tar.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strconv"

	"github.com/containerd/stargz-snapshotter/estargz"
	"github.com/opencontainers/go-digest"
	"go.podman.io/storage"
	drivers "go.podman.io/storage/drivers"
	"go.podman.io/storage/pkg/chunked"
	"go.podman.io/storage/pkg/chunked/compressor"
	"go.podman.io/storage/pkg/reexec"
)

// blob gives ranges of a file, as a registry does.
type blob struct{ file *os.File }

func (b blob) GetBlobAt(chunks []chunked.ImageSourceChunk) (chan io.ReadCloser, chan error, error) {
	streams := make(chan io.ReadCloser)
	errors := make(chan error, 1)
	go func() {
		defer close(streams)
		defer close(errors)
		for _, chunk := range chunks {
			streams <- io.NopCloser(io.NewSectionReader(b.file, int64(chunk.Offset), int64(chunk.Length)))
		}
	}()
	return streams, errors, nil
}

var shutdown = func() {}

func check(err error) {
	if err != nil {
		fmt.Println("refused:", err)
		shutdown()
		os.Exit(1)
	}
}

func open(path string) (*os.File, int64) {
	file, err := os.Open(path)
	check(err)
	info, err := file.Stat()
	check(err)
	return file, info.Size()
}

func stageZstdChunked(path string, annotations map[string]string, directory string) {
	file, size := open(path)
	store, err := storage.GetStore(storage.StoreOptions{
		RunRoot:         directory + "/run",
		GraphRoot:       directory + "/root",
		GraphDriverName: "overlay",
		PullOptions:     map[string]string{"enable_partial_images": "true"},
	})
	check(err)
	shutdown = func() { _, _ = store.Shutdown(true) } // unmounts its directory
	defer shutdown()
	sum, err := digest.FromReader(file)
	check(err)
	differ, err := chunked.NewDiffer(context.Background(), store, sum, size, annotations, blob{file})
	check(err)
	output, err := store.PrepareStagedLayer(&drivers.ApplyDiffWithDifferOpts{}, differ)
	check(err)
	fmt.Println("ok", output.Size, output.UncompressedDigest)
}

type reader struct {
	*estargz.Reader
	verifier estargz.TOCEntryVerifier
	files    int
}

func (r *reader) verifyChunks(entry *estargz.TOCEntry, file *io.SectionReader) {
	for offset := int64(0); offset < entry.Size; {
		chunk, ok := r.ChunkEntryForOffset(entry.Name, offset)
		if !ok {
			check(fmt.Errorf("%s: no chunk at %d", entry.Name, offset))
		}
		verifier, err := r.verifier.Verifier(chunk)
		check(err)
		_, err = io.Copy(verifier, io.NewSectionReader(file, chunk.ChunkOffset, chunk.ChunkSize))
		check(err)
		if !verifier.Verified() {
			check(fmt.Errorf("%s: the chunk at %d has another digest", entry.Name, offset))
		}
		offset += chunk.ChunkSize
	}
}

func (r *reader) verify(entry *estargz.TOCEntry) {
	if entry.Type == "reg" && entry.Size > 0 {
		r.files++
		file, err := r.OpenFile(entry.Name)
		check(err)
		sum := digest.Canonical.Digester()
		_, err = io.Copy(sum.Hash(), file)
		check(err)
		if sum.Digest().String() != entry.Digest {
			check(fmt.Errorf("%s: another digest", entry.Name))
		}
		r.verifyChunks(entry, file)
	}
	entry.ForeachChild(func(_ string, child *estargz.TOCEntry) bool {
		r.verify(child)
		return true
	})
}

func readEstargz(path string, toc string) {
	file, size := open(path)
	section := io.NewSectionReader(file, 0, size)
	opened, err := estargz.Open(section)
	check(err)
	verifier, err := opened.VerifyTOC(digest.Digest(toc))
	check(err)
	r := &reader{opened, verifier, 0}
	root, ok := r.Lookup("")
	if !ok {
		check(fmt.Errorf("the table has no root"))
	}
	r.verify(root)
	tar, err := estargz.Unpack(section, new(estargz.GzipDecompressor))
	check(err)
	sum, err := digest.FromReader(tar)
	check(err)
	fmt.Println("ok", r.files, sum)
}

// printPrefetched prints what the snapshotter fetches before a container starts: all that is in front
// of the landmark (fs/layer/layer.go).
func printPrefetched(path string) {
	file, size := open(path)
	opened, err := estargz.Open(io.NewSectionReader(file, 0, size))
	check(err)
	landmark, ok := opened.Lookup(estargz.PrefetchLandmark)
	if !ok {
		_, ok = opened.Lookup(estargz.NoPrefetchLandmark)
		fmt.Println(estargz.NoPrefetchLandmark, ok)
		return
	}
	var before []*estargz.TOCEntry
	var visit func(entry *estargz.TOCEntry)
	visit = func(entry *estargz.TOCEntry) {
		if entry.Type == "reg" && entry.Size > 0 && entry.Offset < landmark.Offset {
			before = append(before, entry)
		}
		entry.ForeachChild(func(_ string, child *estargz.TOCEntry) bool {
			if child.Type != "hardlink" {
				visit(child)
			}
			return true
		})
	}
	root, _ := opened.Lookup("")
	visit(root)
	sort.Slice(before, func(i, j int) bool { return before[i].Offset < before[j].Offset })
	seen := map[string]bool{}
	for _, entry := range before {
		if !seen[entry.Name] { // a hard link leads to the entry of its target
			fmt.Println(entry.Name)
		}
		seen[entry.Name] = true
	}
	fmt.Println(landmark.Name)
}

type counter struct{ bytes int64 }

func (c *counter) Write(data []byte) (int, error) {
	c.bytes += int64(len(data))
	return len(data), nil
}

// buildEstargz does what ctr-remote and BuildKit do with a tar in a file.
func buildEstargz(level int) int64 {
	info, err := os.Stdin.Stat()
	check(err)
	section := io.NewSectionReader(os.Stdin, 0, info.Size())
	built, err := estargz.Build(section, estargz.WithCompressionLevel(level))
	check(err)
	count := &counter{}
	_, err = io.Copy(io.MultiWriter(count, sha256.New()), built)
	check(err)
	check(built.Close())
	_ = built.DiffID()
	return count.bytes
}

// buildZstdChunked does what podman push does with a layer.
func buildZstdChunked(level int) int64 {
	count := &counter{}
	writer, err := compressor.ZstdCompressor(io.MultiWriter(count, sha256.New()), map[string]string{}, &level)
	check(err)
	_, err = io.Copy(writer, io.TeeReader(os.Stdin, sha256.New()))
	check(err)
	check(writer.Close())
	return count.bytes
}

func main() {
	if reexec.Init() {
		return
	}
	if os.Args[1] == "estargz" {
		readEstargz(os.Args[2], os.Args[3])
		return
	}
	if builders := map[string]func(int) int64{
		"build-estargz":      buildEstargz,
		"build-zstd-chunked": buildZstdChunked,
	}; builders[os.Args[1]] != nil {
		level, err := strconv.Atoi(os.Args[2])
		check(err)
		fmt.Printf("{\"size\": %d}\n", builders[os.Args[1]](level))
		return
	}
	if os.Args[1] == "estargz-landmark" {
		printPrefetched(os.Args[2])
		return
	}
	annotations := map[string]string{}
	check(json.Unmarshal([]byte(os.Args[3]), &annotations))
	stageZstdChunked(os.Args[2], annotations, os.Args[4])
}
