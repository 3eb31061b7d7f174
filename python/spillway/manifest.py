"""dataset.json to objects, with every number checked: what a dataset consists of, by FORMAT.md.

Rule: what the manifest does not name does not exist, and a manifest that passed `parse_manifest` can be trusted: each
column lies within its shard's bytes, and the rows of shards, dataset and last commit agree. What an unfinished append
has added is checked, and left out.
"""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Tuple

from . import checked
from .checked import Damaged
from .content import PLACE_BYTES, Commit, EncodedColumn, Field, Files, IndexColumns, Manifest, Shard
from .encoding import ChannelCode, CodeError, Encoding
from .errors import SpillwayError

#: The newest version of a dataset, and of the files beside it, that is read.
FORMAT_VERSION = 2
SIDE_VERSION = 1
MANIFEST_NAME = "dataset.json"
#: 100,000 shards fit well.
MAX_MANIFEST_BYTES = 2**26

_DTYPES = (
    "bool",
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float16",
    "float32",
    "float64",
)
_CLASS_DTYPES = ("uint8", "uint16", "int32")
_MEMBERS = {
    "tensor": ("kind", "dtype", "shape", "channelAxis", "encoding"),
    "class": ("kind", "dtype", "classes"),
    "image": ("kind", "dtype", "shape", "maxBytes"),
}
_MAX_IMAGE_SIDE = 32_768
_MAX_IMAGE_BYTES = 2**28
_MAX_CHANNELS = 65_536


def parse_manifest(content: bytes, path: str) -> Manifest:
    """Bytes of dataset.json to a manifest.

    Raises
    ------
    SpillwayError
        `version` if a newer Spillway wrote it, `corrupt` if it is damaged
    """
    value = checked.parse_json(content, path)
    check_version(value, path, FORMAT_VERSION)
    try:
        return _manifest(checked.record(value, "content"))
    except Damaged as why:
        raise checked.damaged(path, str(why)) from None


def check_version(value: Any, path: str, newest: int = SIDE_VERSION) -> None:
    """Refuses what a newer Spillway wrote, before anything else in it is looked at."""
    version = value.get("version") if isinstance(value, dict) else None
    if isinstance(version, int) and version > newest:
        raise SpillwayError(
            f"{path} has format version {version}, this Spillway reads up to {newest}",
            "version",
            "Update Spillway: pip install --upgrade spillway.",
            {"path": path},
        )


def _manifest(value: Dict[str, Any]) -> Manifest:
    checked.choice(value.get("format"), "format", ("spillway",))
    checked.count(value.get("version"), "version", 1, FORMAT_VERSION)
    fields = {
        checked.text(name, "name of a field", 256): _field(field, f'field "{name}"')
        for name, field in checked.record(value.get("fields"), "fields").items()
    }
    if value["version"] < 2 and any(field.kind == "image" for field in fields.values()):
        raise Damaged(f"it has encoded images and version {value['version']}, which has none")
    files = _files(value.get("files"), fields)
    rows = checked.count(value.get("rows"), "rows")
    shards = [
        _shard(shard, f"shards.{index}", fields, files)
        for index, shard in enumerate(checked.array(value.get("shards"), "shards"))
    ]
    held = sum(shard.rows for shard in shards)
    if held != rows:
        raise Damaged(f"shards hold {held} rows, the dataset {rows}")
    commits = _commits(value.get("commits"), fields)
    last = commits[-1].rows if commits else 0
    if last != rows:
        raise Damaged(f"the last commit has {last} rows, the dataset {rows}")
    placed = _placed(value.get("placed"), rows)
    if "packing" not in value:
        return Manifest(fields, rows, tuple(shards), commits, True, None, files, placed)
    packing = checked.record(value["packing"], "packing")
    planned = packing.get("rows")
    if planned is not None:
        planned = checked.count(planned, "packing.rows")
    if "before" not in packing:
        return Manifest(fields, rows, tuple(shards), commits, False, planned, files, placed)
    before = checked.count(packing["before"], "packing.before")
    if len(commits) < 2 or commits[-2].rows != before:
        raise Damaged(f"samples are being added behind {before} rows, which no commit has")
    whole = Manifest(
        fields, rows, _first(shards, before), commits[:-1], True, planned, files, placed, appended_rows=rows - before
    )
    return whole.at_commit(len(whole.commits))


def _first(shards: List[Shard], rows: int) -> Tuple[Shard, ...]:
    """The first shards, which hold `rows` rows together."""
    kept: List[Shard] = []
    for shard in shards:
        if rows <= 0:
            break
        kept.append(shard)
        rows -= shard.rows
    return tuple(kept)


def _files(value: Any, fields: Dict[str, Field]) -> Optional[Files]:
    if value is None:
        return None
    files = checked.record(value, "files")
    field = checked.text(files.get("field"), "files.field", 256)
    if field not in fields or fields[field].kind != "tensor":
        raise Damaged(f'field "{field}", which is said to be in files, is no tensor of the dataset')
    return Files(field, checked.text(files.get("root"), "files.root", 4096))


def _placed(value: Any, rows: int) -> Tuple[Tuple[int, int], ...]:
    if value is None:
        return ()
    blocks = []
    for index, entry in enumerate(checked.array(value, "placed")):
        block = checked.record(entry, f"placed.{index}")
        block_rows = checked.count(block.get("rows"), f"placed.{index}.rows", 1)
        blocks.append((block_rows, checked.count(block.get("seed"), f"placed.{index}.seed")))
    total = sum(block_rows for block_rows, _ in blocks)
    if total > rows:
        raise Damaged(f"{total} rows are placed, the dataset has {rows}")
    return tuple(blocks)


def _field(value: Any, name: str) -> Field:
    field = checked.record(value, name)
    kind = checked.choice(field.get("kind"), f"kind of {name}", tuple(_MEMBERS))
    # A member that we do not know could change what the stored numbers mean (a scale, say): better no number at all.
    _only(field, name, _MEMBERS[kind])
    if kind == "class":
        dtype = checked.choice(field.get("dtype"), f"dtype of {name}", _CLASS_DTYPES)
        names = checked.array(field.get("classes"), f"classes of {name}")
        return Field(kind, dtype, (), tuple(checked.text(entry, f"a class of {name}") for entry in names))
    if kind == "image":
        return _image(field, name)
    dtype = checked.choice(field.get("dtype"), f"dtype of {name}", _DTYPES)
    shape = tuple(
        checked.count(extent, f"shape of {name}", 1, 2**31 - 1)
        for extent in checked.array(field.get("shape"), f"shape of {name}", 16)
    )
    axis = field.get("channelAxis")
    if axis is not None:
        axis = checked.count(axis, f"channelAxis of {name}", 0, 15)
    tensor = Field(kind, dtype, shape, (), axis, _encoding(field.get("encoding"), f"the encoding of {name}", shape))
    if tensor.stride > 2**30:
        raise Damaged(f"a record of {name} has {tensor.stride} bytes, more than {2**30}")
    return tensor


def _image(field: Dict[str, Any], name: str) -> Field:
    dtype = checked.choice(field.get("dtype"), f"dtype of {name}", ("uint8",))
    shape = tuple(
        checked.count(extent, f"shape of {name}", 1, _MAX_IMAGE_SIDE)
        for extent in checked.array(field.get("shape"), f"shape of {name}", 3)
    )
    if len(shape) != 3 or shape[2] not in (1, 3):
        raise Damaged(f"shape of {name} is {list(shape)}, not height, width and 1 or 3 channels")
    most = checked.count(field.get("maxBytes"), f"maxBytes of {name}", 1, _MAX_IMAGE_BYTES)
    return Field("image", dtype, shape, max_bytes=most)


def _encoding(value: Any, name: str, shape: Tuple[int, ...]) -> Optional[Encoding]:
    if value is None:
        return None
    encoding = checked.record(value, name)
    _only(encoding, name, ("original", "claim", "axis", "channels", "reason", "errors"))
    axis = encoding.get("axis")
    if axis is not None and checked.count(axis, f"axis of {name}", 0, 15) >= len(shape):
        raise Damaged(f"{name} has axis {axis} of {len(shape)}")
    channels = checked.array(encoding.get("channels"), f"channels of {name}", _MAX_CHANNELS)
    count = 1 if axis is None else shape[axis]
    if len(channels) > 1 and len(channels) != count:
        raise Damaged(f"{name} has {len(channels)} channels, its axis {count}")
    errors = encoding.get("errors")
    if errors is not None:
        errors = checked.array(errors, f"errors of {name}", _MAX_CHANNELS)
        if len(errors) not in (len(channels), count):
            raise Damaged(f"{name} tells the errors of {len(errors)} channels")
    reason = encoding.get("reason")
    return Encoding(
        checked.choice(encoding.get("original"), f"original of {name}", _DTYPES),
        checked.choice(encoding.get("claim"), f"claim of {name}", ("lossless", "exact", "lossy")),
        tuple(_channel(channel, f"channel {place} of {name}") for place, channel in enumerate(channels)),
        axis,
        None if reason is None else checked.text(reason, f"reason of {name}"),
        None if errors is None else tuple(_error(error, f"errors of {name}") for error in errors),
    )


def _channel(value: Any, name: str) -> ChannelCode:
    channel = checked.record(value, name)
    kind = checked.choice(channel.get("kind"), f"kind of {name}", ("scaled", "divided"))
    _only(channel, name, ("kind", "zero", "scale", "offset") if kind == "scaled" else ("kind", "zero", "divisor"))
    numbers = {member: checked.number(channel[member], f"{member} of {name}") for member in channel if member != "kind"}
    if kind == "divided" and "divisor" not in numbers:
        raise Damaged(f"{name} has no divisor")
    if abs(numbers.get("zero", 0)) > checked.MAX_COUNT or numbers.get("zero", 0) % 1 != 0:
        raise Damaged(f"zero of {name} is {numbers['zero']}, not a whole number")
    for member in ("scale", "divisor"):
        if numbers.get(member, 1) == 0:
            raise Damaged(f"{member} of {name} is 0")
    return ChannelCode(kind, **numbers)


def _error(value: Any, name: str) -> CodeError:
    error = checked.record(value, name)
    _only(error, name, ("max", "rms", "sqnrDb", "clipped"))
    largest, rms = (checked.number(error.get(member), f"{member} of {name}") for member in ("max", "rms"))
    if min(largest, rms) < 0:
        raise Damaged(f"{name} are below 0")
    if "sqnrDb" not in error:
        raise Damaged(f"{name} tell no sqnrDb")
    decibels = error["sqnrDb"]
    decibels = None if decibels is None else checked.number(decibels, f"sqnrDb of {name}")
    return CodeError(largest, rms, decibels, checked.count(error.get("clipped"), f"clipped of {name}"))


def _only(value: Dict[str, Any], name: str, known: Tuple[str, ...]) -> None:
    for member in value:
        if member not in known:
            raise Damaged(f'{name} has the unknown member "{member}"')


def _shard(value: Any, name: str, fields: Dict[str, Field], files: Optional[Files]) -> Shard:
    shard = checked.record(value, name)
    path = checked.inner_path(shard.get("path"), f"{name}.path")
    rows = checked.count(shard.get("rows"), f"{name}.rows", 1)
    byte_length = checked.count(shard.get("bytes"), f"{name}.bytes")
    columns = checked.record(shard.get("columns"), f"{name}.columns")
    starts = {}
    encoded = {}
    for field_name, field in fields.items():
        if files is not None and field_name == files.field:
            continue
        if field.kind == "image":
            encoded[field_name] = _encoded_column(shard.get("encoded"), field_name, field, path, rows, byte_length)
            continue
        column = checked.record(columns.get(field_name), f'column "{field_name}" of {path}')
        start = checked.count(column.get("start"), f'start of column "{field_name}" of {path}')
        stride = column.get("stride")
        if stride != field.stride:
            raise Damaged(f'column "{field_name}" of {path} has a stride of {stride}, its records {field.stride} bytes')
        if start + field.stride * rows > byte_length:
            raise Damaged(f'column "{field_name}" of {path} does not lie within its {byte_length} bytes')
        starts[field_name] = start
    sums = checked.record(shard.get("sums"), f"{name}.sums")
    return Shard(
        path,
        rows,
        byte_length,
        starts,
        checked.inner_path(sums.get("path"), f"{name}.sums.path"),
        checked.count(sums.get("bytes"), f"{name}.sums.bytes"),
        checked.hash_text(sums.get("hash"), f"{name}.sums.hash"),
        None if files is None else _index_columns(shard.get("files"), path, rows, byte_length),
        encoded,
    )


def _encoded_column(value: Any, name: str, field: Field, path: str, rows: int, byte_length: int) -> EncodedColumn:
    what = f'column "{name}" of {path}'
    columns = checked.record(value, f"encoded of {path}")
    column = checked.record(columns.get(name), what)
    start, offsets = (checked.count(column.get(member), f"{member} of {what}") for member in ("start", "offsets"))
    column_bytes = checked.count(column.get("bytes"), f"bytes of {what}", rows, 2**31 - 1)
    longest = checked.count(column.get("longest"), f"longest of {what}", 1, field.stride)
    if max(start + column_bytes, offsets + (rows + 1) * 4) > byte_length:
        raise Damaged(f"{what} does not lie within its {byte_length} bytes")
    return EncodedColumn(start, column_bytes, offsets, longest)


def _index_columns(value: Any, path: str, rows: int, byte_length: int) -> IndexColumns:
    files = checked.record(value, f"files of {path}")
    names = ("places", "offsets", "paths", "pathBytes")
    columns = IndexColumns(*(checked.count(files.get(name), f"{name} of {path}") for name in names))
    ends = (
        columns.places + rows * PLACE_BYTES,
        columns.offsets + (rows + 1) * 4,
        columns.paths + columns.path_byte_length,
    )
    if max(ends) > byte_length:
        raise Damaged(f"the files of {path} do not lie within its {byte_length} bytes")
    return columns


def _commits(value: Any, fields: Dict[str, Field]) -> Tuple[Commit, ...]:
    commits: List[Commit] = []
    for index, entry in enumerate(checked.array(value, "commits")):
        name = f"commits.{index}"
        commit = checked.record(entry, name)
        rows = checked.count(commit.get("rows"), f"{name}.rows", commits[-1].rows if commits else 0)
        counts = commit.get("classes")
        if counts is not None:
            counts = {
                field: checked.count(count, f'classes of "{field}" of {name}', 0, len(fields[field].classes))
                for field, count in checked.record(counts, f"classes of {name}").items()
                if field in fields
            }
        commits.append(Commit(rows, checked.hash_text(commit.get("fingerprint"), f"{name}.fingerprint"), counts))
    return tuple(commits)
