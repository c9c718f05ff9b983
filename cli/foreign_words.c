/* SPDX-License-Identifier: Apache-2.0 */
#include "foreign_words.h"

#include <string.h>

#define CERTIFICATES "write --tls-verify=false to accept any certificate, --plain-http to use http"
#define INPUT "write the input as an argument after the destination"
#define DESTINATION "the destination is the first argument, for example oci:DIR:TAG"
#define PASSWORD "write --username USER with --password-stdin or --password-fd N"
#define TWO_CREDENTIALS "write --authfile FILE, or use layerpipe login, for each registry"
#define PLATFORM "write --platform OS/ARCH[/VARIANT]"
#define COMPRESS "write --compress gzip:LEVEL, zstd:LEVEL, zstd-chunked, estargz or none"

#define TO_STDOUT "the tar goes to stdout: write >FILE, or | tar -x -C DIR"
#define TO_SECOND "the destination is the second argument, for example oci:DIR:TAG"
#define AS_JSON "write --json: it has the manifest, the config and the digests"
#define KEEPS "layerpipe copy keeps all bytes and digests"

const struct option_advice foreign_options[] = {
    { "o", "blob", TO_STDOUT, "cat" },
    { "output", "blob", TO_STDOUT, "cat" },
    { "f", "blob", TO_STDOUT, "cat" },
    { "file", "blob", TO_STDOUT, "cat" },
    { "C", "blob", TO_STDOUT, "cat" },
    { "json", "blob", "layerpipe inspect --json shows manifest, config and digest", "cat" },
    { "compression", "compress", "write --compress gzip:LEVEL, zstd:LEVEL or none", "cat" },
    { "z", "compress", "write --compress gzip:LEVEL, zstd:LEVEL or none", "cat" },
    { "o", "all", TO_SECOND, "copy" },
    { "output", "all", TO_SECOND, "copy" },
    { "f", "format", "write --format oci or docker", "copy" },
    { "r", "referrers", "write --referrers", "copy" },
    { "recursive", "referrers", "write --referrers", "copy" },
    { "preserve-digests", "all", KEEPS, "copy" },
    { "remove-signatures", "referrers", "signatures are copied with --referrers only", "copy" },
    { "dest-compress", "compress", COMPRESS, "copy" },
    { "dest-compress-format", "compress", COMPRESS, "copy" },
    { "base", "all", "layerpipe push --base IMAGE adds layers or changes the config", "copy" },
    { "env", "all", "layerpipe push --base IMAGE --env K=V changes the config", "copy" },
    { "label", "all", "layerpipe push --base IMAGE --label K=V changes the config", "copy" },
    { "layer", "all", "layerpipe cat --layer N writes one layer", "copy" },
    { "label", "append", "write --annotation K=V", "index" },
    { "m", "append", "write each image as an argument after the index", "index" },
    { "manifest", "append", "write each image as an argument after the index", "index" },
    { "ref", "append", "write each image as an argument after the index", "index" },
    { "raw", "json", AS_JSON, "inspect" },
    { "config", "json", AS_JSON, "inspect" },
    { "format", "json", AS_JSON, "inspect" },
    { "f", "json", AS_JSON, "inspect" },
    { "pretty", "json", AS_JSON, "inspect" },
    { "all", "json", AS_JSON, "inspect" },
    { "insecure", "tls-verify", CERTIFICATES },
    { "insecure-registry", "tls-verify", CERTIFICATES },
    { "allow-insecure", "tls-verify", CERTIFICATES },
    { "skip-tls-verify", "tls-verify", CERTIFICATES },
    { "src-tls-verify", "tls-verify", CERTIFICATES },
    { "dest-tls-verify", "tls-verify", CERTIFICATES },
    { "k", "tls-verify", CERTIFICATES },
    { "http", "plain-http", "write --plain-http" },
    { "ca-file", "cacert", "write --cacert FILE" },
    { "cert-dir", "cacert", "write --cacert FILE, and --cert FILE for a client certificate" },
    { "cert-file", "cert", "write --cert FILE" },
    { "key-file", "key", "write --key FILE" },
    { "registry-config", "authfile", "write --authfile FILE" },
    { "u", "password-fd", PASSWORD },
    { "p", "password-fd", PASSWORD },
    { "password", "password-fd", PASSWORD },
    { "creds", "password-fd", PASSWORD },
    { "src-creds", "password-fd", TWO_CREDENTIALS },
    { "dest-creds", "password-fd", TWO_CREDENTIALS },
    { "a", "all", "write --all" },
    { "multi-arch", "all", "write --all, or --platform OS/ARCH[/VARIANT] for one image" },
    { "all-tags", "all", "layerpipe copies one image at a time" },
    { "additional-tag", "tag", "write --tag TAG" },
    { "no-creds", "anonymous", "write --anonymous" },
    { "e", "env", "write --env K=V" },
    { "l", "label", "write --label K=V" },
    { "w", "workdir", "write --workdir DIR" },
    { "b", "base", "write --base IMAGE" },
    { "from", "base", "write --base IMAGE" },
    { "t", "tag", "write the image as the first argument; --tag TAG sets one more tag" },
    { "f", "raw", INPUT },
    { "file", "raw", INPUT },
    { "new_layer", "raw", INPUT },
    { "new-layer", "raw", INPUT },
    { "dry-run", "upload", "write null: as the destination" },
    { "o", "upload", DESTINATION },
    { "output", "upload", DESTINATION },
    { "o", "json", "write --json" },
    { "output", "json", "write --json" },
    { "oci-layout", "upload", DESTINATION },
    { "z", "compress", COMPRESS },
    { "compression", "compress", COMPRESS },
    { "compression-format", "compress", COMPRESS },
    { "compression-level", "compress", COMPRESS },
    { "iidfile", "digest-file", "write --digest-file FILE" },
    { "metadata-file", "json", "write --json and redirect stdout" },
    { "arch", "platform", PLATFORM },
    { "os", "platform", PLATFORM },
    { "override-arch", "platform", PLATFORM },
    { "override-os", "platform", PLATFORM },
    { "concurrency", "jobs", "write --jobs N" },
    { "parallel", "jobs", "write --jobs N" },
    { "d", "verbose", "write -v, or -vv to log headers" },
    { "debug", "verbose", "write -v, or -vv to log headers" },
    { "silent", "quiet", "write --quiet" },
    { "s", "quiet", "write --quiet" },
    { "V", "help", "write layerpipe version" },
    { "version", "help", "write layerpipe version" },
    { 0 },
};

#define PULLING "layerpipe copy IMAGE oci:DIR:TAG fetches an image into a layout"
#define SAVING "layerpipe copy IMAGE docker-archive:FILE writes an image archive"
#define LOADING "layerpipe copy - IMAGE takes an image archive from stdin"
#define UNPACKING "layerpipe cat IMAGE | tar -x -C DIR unpacks an image"
#define FLATTENING                                                                                 \
    "layerpipe cat IMAGE | layerpipe push NEW makes one layer of all; its config is not taken "    \
    "along"
#define COPYING "layerpipe copy SOURCE DESTINATION copies an image"
#define CONVERTING "layerpipe copy --compress CODEC SOURCE DESTINATION makes other layers"
#define CHECKING "layerpipe copy IMAGE null: reads and verifies all blobs"
#define LISTING "layerpipe does not list tags or repositories; use skopeo list-tags or crane ls"
#define TAGGING "layerpipe copy IMAGE NEW sets another tag of an image"
#define DELETING "layerpipe deletes nothing in a registry; use skopeo delete or crane delete"
#define ADDING "push --base IMAGE adds layers and changes the config of an image"
#define ATTACHING "push --artifact-type TYPE --subject IMAGE REPOSITORY FILE attaches a file"
#define SIGNING "sign the digest that push prints, for example with cosign sign"
#define SHOWING "inspect --json shows manifest, config and digest"
#define INDEXING "inspect --json shows a manifest, index makes one of several platforms"
#define READING_BLOB "layerpipe cat --blob REPOSITORY@DIGEST writes a blob to stdout"

static const struct {
    const char *name, *advice;
} foreign_commands[] = {
    { "pull", PULLING },       { "fetch", PULLING },      { "download", PULLING },
    { "export", UNPACKING },   { "save", SAVING },        { "load", LOADING },
    { "import", LOADING },     { "extract", UNPACKING },  { "unpack", UNPACKING },
    { "flatten", FLATTENING }, { "squash", FLATTENING },  { "cp", COPYING },
    { "sync", COPYING },       { "convert", CONVERTING }, { "recompress", CONVERTING },
    { "validate", CHECKING },  { "verify", CHECKING },    { "ls", LISTING },
    { "list", LISTING },       { "tags", LISTING },       { "list-tags", LISTING },
    { "catalog", LISTING },    { "images", LISTING },     { "search", LISTING },
    { "tag", TAGGING },        { "retag", TAGGING },      { "delete", DELETING },
    { "rm", DELETING },        { "rmi", DELETING },       { "append", ADDING },
    { "mutate", ADDING },      { "build", ADDING },       { "commit", ADDING },
    { "rebase", ADDING },      { "attach", ATTACHING },   { "sign", SIGNING },
    { "digest", SHOWING },     { "config", SHOWING },     { "manifest", INDEXING },
    { "blob", READING_BLOB },
};

const char *foreign_command_advice(const char *name)
{
    for (size_t i = 0; i < sizeof foreign_commands / sizeof foreign_commands[0]; i++) {
        if (strcmp(foreign_commands[i].name, name) == 0) {
            return foreign_commands[i].advice;
        }
    }
    return NULL;
}
