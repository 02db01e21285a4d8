from __future__ import annotations

from pathlib import Path

import pytest

from glasswatch.config.channels import MOST_FILE_BYTES, Channel, load_channels
from glasswatch.core.errors import ConfigError

SECRET = "s3cr3t"


def load(folder: Path, text: str, **environment: str) -> dict[str, Channel]:
    path = folder / "channels.yaml"
    path.write_text(text)
    return load_channels(path, environment)


def test_channels_are_read(tmp_path: Path) -> None:
    text = "channels:\n  a: {location: /media/a.ts}\n  b.2: {location: 'udp://h:1', detectors: [black], live: false}\n"
    assert load(tmp_path, text) == {
        "a": Channel("a", "/media/a.ts"),
        "b.2": Channel("b.2", "udp://h:1", ("black",), live=False),
    }


def test_environment_variables_are_put_in(tmp_path: Path) -> None:
    text = "channels: {a: {location: 'https://h/${PATH_A}/x?t=${TOKEN}&u=$TOKEN'}}"
    assert load(tmp_path, text, PATH_A="p", TOKEN=SECRET)["a"].location == f"https://h/p/x?t={SECRET}&u=$TOKEN"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("channels: {a: {location: x, detectors: [nonesuch]}}", "no detector is called 'nonesuch'"),
        ("channels: {'a b': {location: x}}", "pattern"),
        (f"channels: {{{'a' * 101}: {{location: x}}}}", "pattern"),
        ("channels: {1: {location: x}}", "valid string"),
        ("channels: {a: {location: 'file:///etc/passwd'}}", "name a file, or a URL of http"),
        ("channels: {a: {location: 'concat:a|b'}}", "name a file, or a URL of http"),
        ("channels: {a: {location: 'nosuchproto://h/a'}}", "name a file, or a URL of http"),
        ("channels: {a: {location: ''}}", "at least 1 character"),
        ("channels: {a: {location: '${NOT_SET}'}}", "NOT_SET is not set"),
        ("channels: {a: {location: '${EMPTY}'}}", "location is empty"),
        ("channels: {a: {loc: x}}", "channels.a.location: Field required"),
        ("channels: {a: {location: x}, a: {location: y}}", "line 1: the key 'a' stands twice"),
        ("channel: {}", "channels: Field required"),
        ("", "the file: "),
        ("[1]", "the file: "),
        ("channels: {a: {location: [x]}}", "channels.a.location: "),
        ("channels: {a: {location: x, live: maybe}}", "channels.a.live: "),
        ("channels:\n  a: {location: x\n", "line 3: "),
        ("channels: \x07", "not allow"),
    ],
)
def test_what_is_wrong_is_one_line_with_the_files_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, EMPTY="")
    assert str(caught.value).startswith(str(tmp_path / "channels.yaml"))
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "channels: {a: {location: ['rtmp://u:%s@h']}}",
        "channels: {a: {location: 'rtmp://u:%s@h', more: 1}}",
        "channels: {a: {location: 'rtmp://u:%s@h', detectors: [none]}}",
        "channels: {a: {location: 'rtmp://u:%s@h' ]}}",
        'channels: {a: {location: "rtmp://u:%s@h\\q"}}',
        "channels: {a: 'rtmp://u:%s@h'}",
    ],
)
def test_no_complaint_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text % SECRET)
    assert SECRET not in str(caught.value)


def test_no_text_of_a_channel_shows_a_secret() -> None:
    channel = Channel("a", f"rtmp://u:{SECRET}@h/x?key={SECRET}")
    assert SECRET not in repr(channel)
    assert channel.shown == "rtmp://***@h/x?key=***"


def test_size_is_limited(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at most"):
        load(tmp_path, "#" * (MOST_FILE_BYTES + 1))


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read channels from .*none\.yaml: No such file"):
        load_channels(tmp_path / "none.yaml")
