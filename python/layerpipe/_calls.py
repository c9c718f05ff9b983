# SPDX-License-Identifier: Apache-2.0
"""The functions of the package."""
from __future__ import annotations

import contextlib
import datetime
import json
from typing import Any, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

from . import _layerpipe
from ._client import Client, Path, client_for_call, path_text, thread_option
from ._errors import UsageError
from ._inputs import Input, Source, open_archive, open_input
from ._layer import layer_reference, parse_repository
from ._reader import Reader
from ._results import CopyResult, LayerResult, PushResult, layer_result, push_result

Pairs = Union[Mapping[str, str], Iterable[str]]
Words = Union[str, Sequence[str]]


def _pairs(name: str, values: Optional[Pairs]) -> List[Tuple[str, str]]:
    """Edits of a mapping, or of "KEY=VALUE" texts."""
    texts = (f"{key}={value}" for key, value in values.items()) \
        if isinstance(values, Mapping) else values or ()
    return [(name, text) for text in texts]


def _words(name: str, words: Optional[Words]) -> List[Tuple[str, str]]:
    if words is None:
        return []
    return [(name, words if isinstance(words, str) else json.dumps(list(words)))]


def _texts(name: str, texts: Iterable[object]) -> List[Tuple[str, str]]:
    return [(name, str(text)) for text in texts if text is not None]


def _time(created: Union[None, str, int, datetime.datetime]) -> Optional[str]:
    if isinstance(created, datetime.datetime):
        return str(int(created.timestamp()))
    return None if created is None else str(created)


def _histories(history: Union[None, str, Sequence[str]], inputs: Sequence[Any]) -> List[Optional[str]]:
    """The history of each input: its own, else the call's."""
    texts: Sequence[Optional[str]] = [history] * len(inputs) \
        if history is None or isinstance(history, str) else history
    if len(texts) != len(inputs):
        raise UsageError(f"there are {len(texts)} texts in history for {len(inputs)} inputs")
    return [getattr(source, "history", None) or text for source, text in zip(inputs, texts)]


def _is_raw(inputs: Sequence[Any], raw: bool, media_type: Optional[str]) -> bool:
    """Whether an input has bytes of an unknown type. They cannot be a layer of an image."""
    return any((source.raw if isinstance(source, Input) and source.raw is not None else raw) and
               not (source.media_type if isinstance(source, Input) else None) and media_type is None
               for source in inputs if not isinstance(source, LayerResult))


def push(image: str, inputs: Union[Source, Sequence[Source]] = (), *,
         client: Optional[Client] = None, base: Optional[str] = None,
         platform: Optional[str] = None, format: Optional[str] = None,
         created: Union[None, str, int, datetime.datetime] = None,
         artifact_type: Optional[str] = None, config: Union[None, str, bytes, Mapping[str, Any]] = None,
         env: Optional[Pairs] = None, entrypoint: Optional[Words] = None, cmd: Optional[Words] = None,
         user: Optional[str] = None, workdir: Optional[str] = None, labels: Optional[Pairs] = None,
         ports: Iterable[Union[str, int]] = (), volumes: Iterable[str] = (),
         stop_signal: Optional[str] = None, author: Optional[str] = None,
         annotations: Optional[Pairs] = None, history: Union[None, str, Sequence[str]] = None,
         tags: Iterable[str] = (), untagged: bool = False, subject: Optional[str] = None,
         mount_from: Optional[str] = None, soci: Optional[str] = None,
         soci_min_size: Optional[int] = None, compress: Optional[str] = None,
         media_type: Optional[str] = None, threads: Optional[int] = None,
         memory: Optional[int] = None, raw: bool = False, allow_truncated: bool = False,
         allow_empty: bool = False, allow_odd_entries: bool = False, look_first: bool = False,
         spool: Optional[Path] = None) -> PushResult:
    """Builds an image from a base, inputs and config edits, and pushes it. Layers and config are sent
    first, then the manifest, then the tags.

    image: "registry/repository:tag", "oci:DIR[:TAG]", an archive, or "null:".
    inputs: each becomes a layer, in this order: see Input. A LayerResult is a layer that is in the
        repository already.
    base: the image to build on. platform: "os/arch[/variant]". format: "oci" or "docker".
    created: RFC 3339, seconds since 1970, or a datetime.
    config: a whole image config, as JSON or a dict; the edits below change it.
    env, labels, annotations: a mapping, or "KEY=VALUE" texts. entrypoint, cmd: words or a list.
    history: text of the history entry of each layer; without inputs, entries of their own.
    tags: more tags. untagged: set no tag. subject: the manifest that this one refers to.
    mount_from: a repository of the registry that has blobs. soci: "v1" or "v2".
    All others: see Input.
    """
    if isinstance(inputs, (list, tuple)):
        sources = list(inputs)
    else:
        sources = [inputs]
    if artifact_type is None and _is_raw(sources, raw, media_type):
        raise UsageError("raw bytes cannot be a layer of an image; make an artifact with "
                         "artifact_type, or name their type with media_type")
    edits = [*_pairs("env", env), *_words("entrypoint", entrypoint), *_words("cmd", cmd),
             *_texts("user", [user]), *_texts("workdir", [workdir]), *_pairs("label", labels),
             *_texts("port", ports), *_texts("volume", volumes),
             *_texts("stop_signal", [stop_signal]), *_texts("author", [author]),
             *_pairs("annotation", annotations)]
    if not sources and history is not None:
        edits += _texts("history", [history] if isinstance(history, str) else history)
        history = None
    layer = {"compress": compress, "media_type": media_type, "threads": thread_option(threads),
             "memory": memory, "raw": raw, "allow_truncated": allow_truncated,
             "allow_empty": allow_empty, "allow_odd_entries": allow_odd_entries,
             "look_first": look_first, "spool": path_text(spool), "docker": format == "docker"}
    image_options = {"format": format, "platform": platform, "created": _time(created),
                     "artifact_type": artifact_type}
    push_options = {"tags": tags, "subject": subject, "mount_from": mount_from, "soci": soci,
                    "soci_min_size": soci_min_size}
    flags = _layerpipe.REF_NO_DEFAULT_TAG if untagged or subject is not None else 0
    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(client_for_call(client))
        layers = [(open_input(source, layer, stack), text)
                  for source, text in zip(sources, _histories(history, sources))]
        result = _layerpipe.push(handle, image, flags, base, _config(config), image_options, edits,
                                 layers, push_options)
    return push_result(result)


def _config(config: Union[None, str, bytes, Mapping[str, Any]]) -> Optional[str]:
    if isinstance(config, bytes):
        return config.decode()
    return config if config is None or isinstance(config, str) else json.dumps(config)


def write_layer(repository: str, source: Source, *, client: Optional[Client] = None,
                compress: Optional[str] = None, media_type: Optional[str] = None,
                threads: Optional[int] = None, memory: Optional[int] = None, raw: bool = False,
                allow_truncated: bool = False, allow_empty: bool = False, docker: bool = False,
                spool: Optional[Path] = None) -> LayerResult:
    """Reads an input to its end and writes it as a layer into a repository, "oci:DIR" or "null:". For
    source and the options see Input. Layer is for bytes that the program writes itself."""
    options = {"compress": compress, "media_type": media_type, "threads": thread_option(threads),
               "memory": memory, "raw": raw, "allow_truncated": allow_truncated,
               "allow_empty": allow_empty, "docker": docker, "spool": path_text(spool)}
    parsed, flags = parse_repository(repository)
    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(client_for_call(client))
        given = open_input(source, options, stack)
        members = _layerpipe.write_layer(handle, repository, flags, given)
    return layer_result(members, layer_reference(parsed, members["digest"]))


def copy(source: Source, destination: str, *, client: Optional[Client] = None, all: bool = False,
         referrers: bool = False, platform: Optional[str] = None, tags: Iterable[str] = (),
         compress: Optional[str] = None, threads: Optional[int] = None,
         format: Optional[str] = None, mount_from: Optional[str] = None,
         image: Optional[str] = None, soci: Optional[str] = None,
         soci_min_size: Optional[int] = None) -> CopyResult:
    """Copies an image, an index or an artifact. Manifests and blobs keep their bytes, unless compress or
    soci ask for other layers.

    source: a reference as a str; or an image archive (docker save) as a pathlib.Path, a file object, a
        descriptor or an iterable of buffers, which is read once.
    all: copy an index with all its images; else the one for platform.
    referrers: copy signatures, SBOMs and attestations along.
    compress: of layers that are not compressed in this way yet; of an archive, of those that are not
        compressed at all. soci: "v1" or "v2".
    mount_from: a repository of the registry that has blobs. image: tag of the image in an archive.
    """
    options: Dict[str, Any] = {
        "all": all, "referrers": referrers, "platform": platform, "tags": tags, "compress": compress,
        "threads": thread_option(threads), "format": format, "mount_from": mount_from,
        "image": image, "soci": soci, "soci_min_size": soci_min_size}
    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(client_for_call(client))
        given = source if isinstance(source, str) else open_archive(source, stack)
        result = _layerpipe.copy(handle, given, destination, options)
    return CopyResult(**result)


def cat(reference: str, *, client: Optional[Client] = None, platform: Optional[str] = None,
        layer: Union[None, int, str] = None, blob: bool = False, compress: Optional[str] = None,
        threads: Optional[int] = None) -> Reader:
    """Opens an image's file system as a tar, for example for tarfile.open(fileobj=..., mode="r|").

    layer: only one layer: its number from 1, or the digest of its blob.
    blob: the stored bytes of the layer, or of the digest in the reference.
    compress: compress the tar that is read.
    """
    options = {"platform": platform, "layer": None if layer is None else str(layer), "blob": blob,
               "compress": compress, "threads": thread_option(threads)}
    with client_for_call(client) as handle:
        return Reader(handle, reference, options)


def inspect(reference: str, *, client: Optional[Client] = None,
            platform: Optional[str] = None, tables: bool = False) -> Dict[str, Any]:
    """Fetches and verifies a manifest or an index and the config of an image: a dict with reference,
    mediaType, digest, size, manifest and config. platform chooses the image of an index.
    tables: read the tables of contents of layers that can be pulled lazily, too."""
    with client_for_call(client) as handle:
        document: Dict[str, Any] = json.loads(_layerpipe.inspect(handle, reference, platform, tables))
        return document


def index(image: str, references: Iterable[Union[str, Tuple[str, Optional[str]]]], *,
          client: Optional[Client] = None, append: bool = False, skip_missing: bool = False,
          format: Optional[str] = None, annotations: Optional[Pairs] = None,
          tags: Iterable[str] = ()) -> CopyResult:
    """Makes an index of images for several platforms and pushes it.

    references: images, or pairs of an image and a platform.
    append: change the index that image names. skip_missing: leave out images that do not exist.
    """
    entries = [(entry, None) if isinstance(entry, str) else tuple(entry) for entry in references]
    options = {"append": append, "skip_missing": skip_missing, "format": format, "tags": tags,
               "annotations": [text for _, text in _pairs("annotation", annotations)]}
    with client_for_call(client) as handle:
        return CopyResult(**_layerpipe.index(handle, image, entries, options))


def login(registry: str, username: str, password: str, *, client: Optional[Client] = None) -> None:
    """Checks credentials with a registry and stores them: see Client.login()."""
    with contextlib.ExitStack() as stack:
        (client or stack.enter_context(Client())).login(registry, username, password)


def logout(registry: str, *, client: Optional[Client] = None) -> None:
    """Removes the stored credentials of a registry."""
    with contextlib.ExitStack() as stack:
        (client or stack.enter_context(Client())).logout(registry)
