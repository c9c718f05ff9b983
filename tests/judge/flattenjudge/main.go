// SPDX-License-Identifier: Apache-2.0

// flattenjudge unpacks the layers of images as container runtimes do it, and prints what a container
// sees: with the unpackers of containerd, of Docker (moby/go-archive) and of podman
// (containers/storage), which apply each layer to what is there; and with the kernel's overlay file
// system, for which Docker and podman unpack each layer into a directory of its own. It must run as
// root, in a mount namespace of its own (unshare -m). Its argument is a directory for what is unpacked;
// nothing is left there.
//
// Numbers on stdin have four bytes in little-endian order. Each image is the number of its layers, and
// for each layer its size and its tar. For each image one line of JSON goes to stdout: for each way of
// unpacking an error, or the files by their paths.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"sort"
	"strings"

	containerd "github.com/containerd/containerd/v2/pkg/archive"
	clog "github.com/containerd/log"
	moby "github.com/moby/go-archive"
	"github.com/sirupsen/logrus"
	podman "go.podman.io/storage/pkg/archive"
	"golang.org/x/sys/unix"
)

// result is what one way of unpacking made of an image.
type result struct {
	Error string
	Files map[string]string
}

// unpacker unpacks the layers below dir and returns the directory that a container would see.
type unpacker func(dir string, layers [][]byte) (root string, err error)

var unpackers = map[string]unpacker{
	"containerd": oneByOne(func(dir string, data []byte) error {
		_, err := containerd.Apply(context.Background(), dir, bytes.NewReader(data))
		return err
	}),
	"docker": oneByOne(func(dir string, data []byte) error {
		_, err := moby.ApplyUncompressedLayer(dir, bytes.NewReader(data), nil)
		return err
	}),
	"podman": oneByOne(func(dir string, data []byte) error {
		_, err := podman.ApplyUncompressedLayer(dir, bytes.NewReader(data), nil)
		return err
	}),
	"overlay": overlay,
}

// oneByOne applies all layers to the same directory.
func oneByOne(apply func(dir string, data []byte) error) unpacker {
	return func(dir string, layers [][]byte) (string, error) {
		for _, data := range layers {
			if err := apply(dir, data); err != nil {
				return "", err
			}
		}
		return dir, nil
	}
}

// overlay unpacks each layer into its own directory and mounts them over each other.
func overlay(dir string, layers [][]byte) (string, error) {
	options := &moby.TarOptions{WhiteoutFormat: moby.OverlayWhiteoutFormat}
	lower := []string{}
	for i := -1; i < len(layers); i++ { // an empty layer below all, as the kernel wants two
		layer := filepath.Join(dir, fmt.Sprint(i+1))
		if err := os.Mkdir(layer, 0o755); err != nil {
			return "", err
		}
		if i >= 0 {
			if err := moby.UntarUncompressed(bytes.NewReader(layers[i]), layer, options); err != nil {
				return "", err
			}
		}
		lower = append([]string{layer}, lower...)
	}
	root := filepath.Join(dir, "root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return "", err
	}
	return root, unix.Mount("overlay", root, "overlay", 0, "lowerdir="+strings.Join(lower, ":"))
}

// attributes are the extended attributes of the path, in the order of their names.
func attributes(path string) string {
	buffer := make([]byte, 1<<16)
	size, err := unix.Llistxattr(path, buffer)
	if err != nil {
		return ""
	}
	names := strings.Split(strings.TrimRight(string(buffer[:size]), "\x00"), "\x00")
	sort.Strings(names)
	text := ""
	for _, name := range names {
		if name == "" || strings.HasPrefix(name, "trusted.overlay.") {
			continue
		}
		size, err := unix.Lgetxattr(path, name, buffer)
		if err != nil {
			log.Fatal(err)
		}
		text += fmt.Sprintf(" %s=%q", name, buffer[:size])
	}
	return text
}

// content is what a path has: the digest of a file, the target of a link, the numbers of a device.
func content(path string, stat *unix.Stat_t) (string, error) {
	switch stat.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		data, err := os.ReadFile(path)
		return fmt.Sprintf("%d bytes, %x", len(data), sha256.Sum256(data)), err
	case unix.S_IFLNK:
		target, err := os.Readlink(path)
		return fmt.Sprintf("to %q", target), err
	case unix.S_IFCHR, unix.S_IFBLK:
		return fmt.Sprintf("device %d:%d", unix.Major(stat.Rdev), unix.Minor(stat.Rdev)), nil
	}
	return "", nil
}

// list describes all files below root. The time of a directory is left out: it changes when
// something is put into it.
func list(root string) (map[string]string, error) {
	files := map[string]string{}
	first := map[uint64]string{} // the first path of each inode
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		var stat unix.Stat_t
		if err := unix.Lstat(path, &stat); err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		what, err := content(path, &stat)
		text := fmt.Sprintf("%o %d:%d %s%s", stat.Mode, stat.Uid, stat.Gid, what, attributes(path))
		if !entry.IsDir() {
			if _, found := first[stat.Ino]; !found {
				first[stat.Ino] = name
			}
			text += fmt.Sprintf(" time %d.%09d, same as %q", stat.Mtim.Sec, stat.Mtim.Nsec, first[stat.Ino])
		}
		files[fmt.Sprintf("%q", name)] = text
		return err
	})
	return files, err
}

func judge(scratch string, unpack unpacker, layers [][]byte) result {
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	os.Chmod(dir, 0o755)
	root, err := unpack(dir, layers)
	if err == nil {
		defer unix.Unmount(root, unix.MNT_DETACH)
		var files map[string]string
		if files, err = list(root); err == nil {
			return result{Files: files}
		}
	}
	return result{Error: strings.ReplaceAll(err.Error(), dir, "DIR")}
}

func readNumber(in io.Reader) (number uint32, err error) {
	err = binary.Read(in, binary.LittleEndian, &number)
	return number, err
}

func readLayers(in io.Reader, count uint32) ([][]byte, error) {
	layers := [][]byte{}
	for ; count > 0; count-- {
		size, err := readNumber(in)
		if err != nil {
			return nil, err
		}
		data := make([]byte, size)
		if _, err := io.ReadFull(in, data); err != nil {
			return nil, err
		}
		layers = append(layers, data)
	}
	return layers, nil
}

func main() {
	clog.L.Logger.SetOutput(io.Discard)
	logrus.SetOutput(io.Discard)
	unix.Umask(0o022)
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	out := json.NewEncoder(os.Stdout)
	for {
		count, err := readNumber(in)
		if err == io.EOF {
			return
		}
		var layers [][]byte
		if err == nil {
			layers, err = readLayers(in, count)
		}
		if err != nil {
			log.Fatal(err)
		}
		results := map[string]result{}
		for name, unpack := range unpackers {
			results[name] = judge(os.Args[1], unpack, layers)
		}
		if err := out.Encode(results); err != nil {
			log.Fatal(err)
		}
	}
}
