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

const struct option_advice foreign_options[] = {
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
    { "f", "compress", INPUT },
    { "file", "compress", INPUT },
    { "new_layer", "compress", INPUT },
    { "new-layer", "compress", INPUT },
    { "dry-run", "compress", "write null: as the destination" },
    { "o", "compress", DESTINATION },
    { "output", "compress", DESTINATION },
    { "o", "json", "write --json" },
    { "output", "json", "write --json" },
    { "oci-layout", "compress", DESTINATION },
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
#define READING "layerpipe writes images; to read one, use skopeo copy or crane pull"
#define UNPACKING "layerpipe cat IMAGE | tar -x -C DIR unpacks an image"
#define COPYING "layerpipe copy SOURCE DESTINATION copies an image"
#define LISTING "layerpipe does not list tags or repositories; use skopeo list-tags or crane ls"
#define TAGGING "layerpipe copy IMAGE NEW sets another tag of an image"
#define DELETING "layerpipe deletes nothing in a registry; use skopeo delete or crane delete"
#define ADDING "push --base IMAGE adds layers and changes the config of an image"
#define SHOWING "inspect --json shows manifest, config and digest"

static const struct {
    const char *name, *advice;
} foreign_commands[] = {
    { "pull", PULLING },     { "fetch", PULLING },     { "download", PULLING },
    { "export", UNPACKING }, { "save", READING },      { "load", READING },
    { "import", READING },   { "extract", UNPACKING }, { "cp", COPYING },
    { "sync", COPYING },     { "ls", LISTING },        { "list", LISTING },
    { "tags", LISTING },     { "list-tags", LISTING }, { "catalog", LISTING },
    { "tag", TAGGING },      { "retag", TAGGING },     { "delete", DELETING },
    { "rm", DELETING },      { "rmi", DELETING },      { "append", ADDING },
    { "mutate", ADDING },    { "build", ADDING },      { "commit", ADDING },
    { "digest", SHOWING },   { "manifest", SHOWING },  { "config", SHOWING },
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
