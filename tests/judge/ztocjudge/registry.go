// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/awslabs/soci-snapshotter/soci"
	"github.com/awslabs/soci-snapshotter/ztoc"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/registry/remote"
)

// remoteImage is an image in a registry that has plain http.
type remoteImage struct {
	ctx        context.Context
	repository *remote.Repository
}

func (r *remoteImage) fetch(descriptor ocispec.Descriptor) []byte {
	data, err := content.FetchAll(r.ctx, r.repository, descriptor)
	check(err)
	return data
}

// resolve gives a manifest and its descriptor; of an index the first one, which is the image.
func (r *remoteImage) resolve(reference string) (ocispec.Descriptor, ocispec.Manifest) {
	descriptor, err := r.repository.Resolve(r.ctx, reference)
	check(err)
	data := r.fetch(descriptor)
	if descriptor.MediaType == ocispec.MediaTypeImageIndex {
		index := ocispec.Index{}
		check(json.Unmarshal(data, &index))
		descriptor = index.Manifests[0]
		data = r.fetch(descriptor)
	}
	manifest := ocispec.Manifest{}
	check(json.Unmarshal(data, &manifest))
	return descriptor, manifest
}

// findIndex looks for a SOCI index as the snapshotter does: the annotation of version 2, then what refers
// to the image.
func (r *remoteImage) findIndex(image ocispec.Descriptor, manifest ocispec.Manifest) ([]byte, string) {
	if named := manifest.Annotations[soci.ImageAnnotationSociIndexDigest]; named != "" {
		descriptor, err := r.repository.Resolve(r.ctx, named)
		check(err)
		return r.fetch(descriptor), "v2"
	}
	var found []ocispec.Descriptor
	check(r.repository.Referrers(r.ctx, image, soci.SociIndexArtifactType,
		func(referrers []ocispec.Descriptor) error {
			found = append(found, referrers...)
			return nil
		}))
	if len(found) == 0 {
		check(fmt.Errorf("nothing refers to %s", image.Digest))
	}
	return r.fetch(found[0]), "v1"
}

// readRemote prints "ok", the version of the index, and how many layers of the image have a zTOC.
func readRemote(name, reference string) {
	repository, err := remote.NewRepository(name)
	check(err)
	repository.PlainHTTP = true
	r := &remoteImage{context.Background(), repository}
	descriptor, manifest := r.resolve(reference)
	data, version := r.findIndex(descriptor, manifest)
	index := soci.Index{}
	check(soci.DecodeIndex(bytes.NewReader(data), &index))
	layers := map[string]ocispec.Descriptor{}
	for _, layer := range manifest.Layers {
		layers[layer.Digest.String()] = layer
	}
	for _, blob := range index.Blobs {
		layer, ok := layers[blob.Annotations[soci.IndexAnnotationImageLayerDigest]]
		if !ok || layer.MediaType != blob.Annotations[soci.IndexAnnotationImageLayerMediaType] {
			check(fmt.Errorf("no layer of the image has the zTOC %s", blob.Digest))
		}
		stream, err := repository.Blobs().Fetch(r.ctx, blob)
		check(err)
		bytesOf, err := io.ReadAll(stream)
		check(err)
		if digest.FromBytes(bytesOf) != blob.Digest {
			check(fmt.Errorf("the zTOC %s has another digest", blob.Digest))
		}
		table, err := ztoc.Unmarshal(bytes.NewReader(bytesOf))
		check(err)
		if int64(table.CompressedArchiveSize) != layer.Size {
			check(fmt.Errorf("the zTOC %s is for another layer", blob.Digest))
		}
	}
	fmt.Println("ok", version, len(index.Blobs))
}
