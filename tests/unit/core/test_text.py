from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glasswatch.core.text import plain


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("film.mp4", "film.mp4"),
        ("Amélie – 映画 नमस्ते می\u200cخواهم 👩\u200d🚀.mp4", None),
        ("a\u00a0b\u3000c", None),
        ("\x1b[31mred", r"\x1b[31mred"),
        ("a\nb\tc\0", r"a\x0ab\x09c\x00"),
        ("\x9b31m", r"\x9b31m"),
        ("gpj.\u202eexe", r"gpj.\u202eexe"),
        ("\u2066a\u2069\u200f", r"\u2066a\u2069\u200f"),
        ("a\u2028b\u2029", r"a\u2028b\u2029"),
        ("\udce9\ufffe\uffff", r"\udce9\ufffe\uffff"),
    ],
)
def test_what_steers_its_reader_becomes_an_escape(text: str, shown: str | None) -> None:
    assert plain(text) == (text if shown is None else shown)


@given(st.text(st.characters()))
def test_any_text_becomes_one_line_that_xml_can_hold(text: str) -> None:
    shown = plain(text)
    assert ET.fromstring(ET.tostring(_element(shown), encoding="utf-8")).text == (shown or None)
    assert len(shown.splitlines()) <= 1
    assert plain(shown) == shown


def _element(text: str) -> ET.Element:
    element = ET.Element("a")
    element.text = text
    return element
