/* SPDX-License-Identifier: Apache-2.0 */
#include "options.h"

#include <layerpipe.h>
#include <string.h>
#include <unistd.h>

#include "path_open.h"

#define KIB UINT64_C(1024)
#define MIB (KIB * KIB)

#define AT(member) .offset = offsetof(struct settings, member)
#define FLAG(member) .kind = OPTION_FLAG, AT(member)
#define TEXT(member, shown) .kind = OPTION_TEXT, AT(member), .value = (shown)
#define CHOICE(member, shown, first)                                                               \
    .kind = OPTION_CHOICE, AT(member), .value = (shown), .tag = (first)
#define NUMBER(member, low, high)                                                                  \
    .kind = OPTION_NUMBER, AT(member), .value = "N", .min = (low), .max = (high)
#define BYTES(member, shown, low)                                                                  \
    .kind = OPTION_BYTES, AT(member), .value = (shown), .min = (low), .max = INT64_MAX
#define ITEM(member, shown, its_tag)                                                               \
    .kind = OPTION_ITEM, AT(member), .value = (shown), .tag = (its_tag)
#define MODE(member, shown, alone) .kind = OPTION_MODE, AT(member), .value = (shown), .min = (alone)
#define EDIT(which, shown) ITEM(edits, shown, LPIPE_EDIT_##which)
#define FILES .complete = OPTION_COMPLETE_FILE
#define REFERENCES .complete = OPTION_COMPLETE_REFERENCE
#define DIRECTORIES .complete = OPTION_COMPLETE_DIRECTORY
#define TAR_WORDS "gzip gzip:6 gzip:9 zstd zstd:9 zstd:19"
#define TAR_CODECS .words = TAR_WORDS " none"
#define LAYER_CODECS                                                                               \
    .words = TAR_WORDS " zstd-chunked zstd-chunked:9 estargz estargz:6 estargz:9 none"

const struct option_group group_general = {
    "General",
    (const struct option[]){
        { "help", 'h', FLAG(help), .help = "show this help" },
        { "quiet", 'q', FLAG(quiet), .help = "no progress and no notices on stderr" },
        { "verbose", 'v', .kind = OPTION_RAISE, AT(verbosity),
          .help = "log requests; -vv: with headers, secrets masked" },
        { "progress", 0, CHOICE(progress, "auto|tty|plain|none", 0),
          .help = "progress on stderr: tty redraws, plain is for logs" },
        { 0 } },
};

const struct option_group group_json = {
    "Result",
    (const struct option[]){ { "json", 0, FLAG(json), .help = "print one JSON object" }, { 0 } },
};

const struct option_group group_result = {
    "Result",
    (const struct option[]){
        { "json", 0, FLAG(json), .help = "print a JSON object, not the reference" },
        { "digest-file", 0, TEXT(digest_file, "FILE"), FILES,
          .help = "write the digest to FILE after success" },
        { 0 } },
};

const struct option_group group_layer = {
    "Layers",
    (const struct option[]){
        { "compress", 0, TEXT(compress, "gzip|zstd|zstd-chunked|estargz[:LEVEL]|none"),
          LAYER_CODECS, .help = "codec (default gzip:1; gzip -2..12, zstd 1..19)" },
        { "prefetch", 0, TEXT(prefetch, "FILE"), FILES,
          .help = "estargz: the paths in FILE are fetched first" },
        { "threads", 0, NUMBER(threads, 0, 256),
          .help = "compression threads (default: processors; 0: none)" },
        { "memory", 0, BYTES(memory_bytes_max, "SIZE", 1),
          .help = "limit for the buffers of each layer" },
        { "media-type", 0, TEXT(media_type, "TYPE"),
          .help = "media type of the layer; must fit its bytes" },
        { "format", 0, CHOICE(format, "oci|docker", LPIPE_FORMAT_OCI),
          .help = "media types (default: as the base, else oci)" },
        { "raw", 0, FLAG(raw), .help = "accept any bytes: no tar check, no detection" },
        { "allow-truncated", 0, FLAG(allow_truncated),
          .help = "accept a tar without end-of-archive mark" },
        { "allow-empty", 0, FLAG(allow_empty), .help = "accept an empty input" },
        { "allow-odd-entries", 0, FLAG(allow_odd_entries),
          .help = "push entries that no container runtime can unpack" },
        { 0 } },
};

const struct option_group group_directory = {
    "Directories as layers",
    (const struct option[]){
        { "owner", 0, TEXT(owner, "UID:GID"), .help = "owner of all entries" },
        { "prefix", 0, TEXT(prefix, "PATH"), .help = "put the directory under PATH in the layer" },
        { "chmod", 0, TEXT(chmod, "MODE"),
          .help = "change permissions as chmod does: 755, go-w,u+rwX" },
        { "exclude", 0, ITEM(excludes, "PATTERN", ITEM_OTHER),
          .help = "leave out paths that match (repeatable)" },
        { 0 } },
};

const struct option_group group_platform = {
    "Image",
    (const struct option[]){
        { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
          .help = "show the image of an index for this platform" },
        { "tables", 0, FLAG(tables), .help = "read tables of contents, count entries and chunks" },
        { 0 } },
};

const struct option_group group_image = {
    "Image",
    (const struct option[]){
        { "base", 0, TEXT(base, "REF|oci:DIR:TAG"), REFERENCES,
          .help = "base image; new layers are added on top of it" },
        { "tag", 0, ITEM(tags, "TAG", ITEM_OTHER), .help = "set this tag, too (repeatable)" },
        { "env", 0, EDIT(ENV, "K=V"), .help = "set an environment variable (repeatable)" },
        { "cmd", 0, EDIT(CMD, "JSON|WORDS"), .help = "set the default command" },
        { "entrypoint", 0, EDIT(ENTRYPOINT, "JSON|WORDS"),
          .help = "set the entry point; removes the base's command" },
        { "user", 0, EDIT(USER, "USER[:GROUP]"), .help = "set the user" },
        { "workdir", 0, EDIT(WORKDIR, "DIR"), .help = "set the working directory" },
        { "label", 0, EDIT(LABEL, "K=V"), .help = "set a label (repeatable)" },
        { "annotation", 0, EDIT(ANNOTATION, "K=V"),
          .help = "set a manifest annotation (repeatable)" },
        { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
          .help = "platform of the base, or of an image without base" },
        { "created", 0, TEXT(created, "RFC3339|EPOCH"),
          .help = "image time (default SOURCE_DATE_EPOCH, else now)" },
        { "look-first", 0, MODE(look_first, "auto|always|never", LOOK_FIRST_ALWAYS),
          .help = "hash files first, send only missing blobs" },
        { "env-file", 0, ITEM(env_files, "FILE", ITEM_OTHER), FILES,
          .help = "set the variables in FILE (repeatable)" },
        { "config", 0, TEXT(config, "FILE"), FILES,
          .help = "start from the image config in FILE (JSON)" },
        { "port", 0, EDIT(PORT, "PORT[/PROTOCOL]"), .help = "declare a port (repeatable)" },
        { "volume", 0, EDIT(VOLUME, "DIR"), .help = "declare a volume (repeatable)" },
        { "stop-signal", 0, EDIT(STOP_SIGNAL, "SIGNAL"),
          .help = "set the signal that stops the container" },
        { "author", 0, EDIT(AUTHOR, "TEXT"), .help = "set the author" },
        { "history", 0, ITEM(histories, "TEXT", ITEM_OTHER),
          .help = "history text: one for all layers, or one for each" },
        { "untagged", 0, FLAG(untagged), .help = "set no tag; push by digest only" },
        { "artifact-type", 0, TEXT(artifact_type, "TYPE"),
          .help = "build an artifact of this type, not an image" },
        { "subject", 0, TEXT(subject, "REF"), .help = "manifest that the new one refers to" },
        { "mount-from", 0, TEXT(mount_from, "REPOSITORY"),
          .help = "try to mount blobs from this repository" },
        { "soci", 0, MODE(soci, "none|v1|v2", LPIPE_SOCI_V2),
          .help = "make a SOCI index for lazy pulls (default v2)" },
        { "soci-min-size", 0, BYTES(soci_bytes_min, "SIZE", 1),
          .help = "smaller layers get no zTOC (default 10M)" },
        { "layer-descriptor", 0, ITEM(args, "FILE", ITEM_DESCRIPTOR), FILES,
          .help = "add an uploaded layer (output of layer --json)" },
        { 0 } },
};

const struct option_group group_copy = {
    "Copy",
    (const struct option[]){
        { "all", 0, FLAG(all), .help = "copy an index with all that it names" },
        { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
          .help = "copy the image of an index for this platform" },
        { "referrers", 0, FLAG(referrers), .help = "copy also signatures and SBOMs of the image" },
        { "tag", 0, ITEM(tags, "TAG", ITEM_OTHER), .help = "set this tag, too (repeatable)" },
        { "untagged", 0, FLAG(untagged), .help = "set no tag; copy by digest only" },
        { 0 } },
};

const struct option_group group_index = {
    "Index",
    (const struct option[]){
        { "platform", 0, ITEM(args, "OS/ARCH[/VARIANT]", ITEM_PLATFORM),
          .help = "platform of the next REFERENCE (repeatable)" },
        { "append", 0, FLAG(append), .help = "keep the entries that the index of IMAGE has" },
        { "skip-missing", 0, FLAG(skip_missing),
          .help = "leave out each REFERENCE that does not exist" },
        { "annotation", 0, EDIT(ANNOTATION, "K=V"),
          .help = "set an annotation of the index (repeatable)" },
        { "format", 0, CHOICE(format, "oci|docker", LPIPE_FORMAT_OCI),
          .help = "kind of index (default: docker if all images are)" },
        { "tag", 0, ITEM(tags, "TAG", ITEM_OTHER), .help = "set this tag, too (repeatable)" },
        { "untagged", 0, FLAG(untagged), .help = "set no tag; push by digest only" },
        { 0 } },
};

const struct option_group group_archive = {
    "Copy with other layers",
    (const struct option[]){
        { "compress", 0, TEXT(compress, "gzip|zstd|zstd-chunked|estargz[:LEVEL]|none"),
          LAYER_CODECS, .help = "compress layers; an archive's tars: default gzip:1" },
        { "soci", 0, MODE(soci, "none|v1|v2", LPIPE_SOCI_V2),
          .help = "make a SOCI index for lazy pulls (default v2)" },
        { "soci-min-size", 0, BYTES(soci_bytes_min, "SIZE", 1),
          .help = "smaller layers get no zTOC (default 10M)" },
        { "threads", 0, NUMBER(threads, 0, 256),
          .help = "compression threads (default: processors; 0: none)" },
        { "format", 0, CHOICE(format, "oci|docker", LPIPE_FORMAT_OCI),
          .help = "of a manifest that must be made (default oci)" },
        { "mount-from", 0, TEXT(mount_from, "REPOSITORY"),
          .help = "try to mount blobs from this repository" },
        { 0 } },
};

const struct option_group group_cat = {
    "Content",
    (const struct option[]){
        { "layer", 0, TEXT(layer, "N|DIGEST"),
          .help = "one layer: number (1 is the lowest) or digest" },
        { "blob", 0, FLAG(blob), .help = "stored bytes of the layer or of REFERENCE's digest" },
        { "compress", 0, TEXT(compress, "gzip[:LEVEL]|zstd[:LEVEL]|none"), TAR_CODECS,
          .help = "compress the output (default none)" },
        { "threads", 0, NUMBER(threads, 0, 256),
          .help = "compression threads (default: processors; 0: none)" },
        { "jobs", 0, NUMBER(jobs, 1, 64),
          .help = "ranges of a layer fetched at a time (default 4)" },
        { "platform", 0, TEXT(platform, "OS/ARCH[/VARIANT]"),
          .help = "take the image of an index for this platform" },
        { 0 } },
};

const struct option_group group_upload = {
    "Upload",
    (const struct option[]){
        { "upload", 0, CHOICE(upload, "auto|streamed|chunked|monolithic", LPIPE_UPLOAD_AUTO),
          .help = "upload method (default auto)" },
        { "chunk-size", 0, BYTES(chunk_bytes, "SIZE", MIB),
          .help = "size of an upload chunk (default 16M, minimum 1M)" },
        { "spool", 0, TEXT(spool_dir, "DIR"), DIRECTORIES,
          .help = "keep compressed bytes in DIR to send them again" },
        { "jobs", 0, NUMBER(jobs, 1, 64),
          .help = "blobs at the same time (default 4, or streams + 1)" },
        { "limit-rate", 0, BYTES(rate_bytes_max, "RATE", 1),
          .help = "send at most RATE bytes a second" },
        { 0 } },
};

const struct option_group group_access = {
    "Registry access",
    (const struct option[]){
        { "authfile", 0, TEXT(authfile, "FILE"), FILES, .help = "read credentials from FILE only" },
        { "username", 0, TEXT(username, "USER"), .help = "user name for the registry" },
        { "password-stdin", 0, FLAG(password_stdin), .help = "read the password from stdin" },
        { "password-fd", 0, NUMBER(password_fd, 0, INT32_MAX),
          .help = "read the password from descriptor N" },
        { "anonymous", 0, FLAG(anonymous), .help = "use no credentials" },
        { "cacert", 0, TEXT(cacert, "FILE"), FILES,
          .help = "trust the CA certificates in FILE, too (PEM)" },
        { "cert", 0, TEXT(cert, "FILE"), FILES, .help = "client certificate (PEM)" },
        { "key", 0, TEXT(key, "FILE"), FILES, .help = "its key (default: in the file of --cert)" },
        { "tls-verify", 0, .kind = OPTION_ONOFF, AT(tls_verify),
          .help = "false: accept any certificate" },
        { "plain-http", 0, FLAG(plain_http), .help = "use http, not https" },
        { "trust-realm", 0, ITEM(trust_realms, "[REGISTRY=]HOST", ITEM_OTHER),
          .help = "token server that may get credentials (repeatable)" },
        { "retry", 0, NUMBER(retry_count, 0, 1000),
          .help = "retries of a failed request (default 5)" },
        { 0 } },
};

const struct option_group group_authfile = {
    "Registry access",
    (const struct option[]){
        { "authfile", 0, TEXT(authfile, "FILE"), FILES, .help = "read credentials from FILE only" },
        { 0 } },
};

void settings_init(struct settings *settings)
{
    *settings = (struct settings){
        .threads = -1,
        .retry_count = -1,
        .password_fd = -1,
        .tls_verify = -1,
    };
}

void settings_dispose(struct settings *settings)
{
    item_list_dispose(&settings->args);
    item_list_dispose(&settings->edits);
    item_list_dispose(&settings->env_files);
    item_list_dispose(&settings->excludes);
    item_list_dispose(&settings->histories);
    item_list_dispose(&settings->tags);
    item_list_dispose(&settings->trust_realms);
}

/* dash: the option reads stdin where its file is "-", too. */
static bool is_stdin(const char *path, bool dash)
{
    return path != NULL &&
           (path_descriptor_number(path) == STDIN_FILENO || (dash && strcmp(path, "-") == 0));
}

static bool has_stdin(const struct item_list *files, int tag)
{
    for (size_t i = 0; i < files->count; i++) {
        if (files->items[i].tag == tag && is_stdin(files->items[i].text, true)) {
            return true;
        }
    }
    return false;
}

const char *settings_stdin_option(const struct settings *settings)
{
    const struct {
        const char *name, *path;
        bool dash;
    } files[] = {
        { "--authfile", settings->authfile, false }, { "--cacert", settings->cacert, false },
        { "--cert", settings->cert, false },         { "--key", settings->key, false },
        { "--prefetch", settings->prefetch, true },  { "--config", settings->config, true },
    };
    if (settings->password_stdin) {
        return "--password-stdin";
    }
    if (settings->password_fd == STDIN_FILENO) {
        return "--password-fd";
    }
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (is_stdin(files[i].path, files[i].dash)) {
            return files[i].name;
        }
    }
    return has_stdin(&settings->env_files, ITEM_OTHER)   ? "--env-file"
           : has_stdin(&settings->args, ITEM_DESCRIPTOR) ? "--layer-descriptor"
                                                         : NULL;
}

const char *settings_argument(const struct settings *settings, size_t nth)
{
    for (size_t i = 0; i < settings->args.count; i++) {
        if (settings->args.items[i].tag == ITEM_ARGUMENT && nth-- == 0) {
            return settings->args.items[i].text;
        }
    }
    return NULL;
}
