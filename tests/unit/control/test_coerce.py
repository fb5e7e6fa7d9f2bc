"""Text forms of JSON values as Deis v1 gave them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deis_control.rules.coerce import text_form, whole_number


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("as it is", "as it is"),
        (True, "True"),
        (False, "False"),
        (None, "None"),
        (1, "1"),
        (1.5, "1.5"),
        (2.0, "2.0"),
        (-3.0, "-3.0"),
        (0.1 + 0.2, "0.3"),
        (1e30, "1e+30"),
        (float("inf"), "inf"),
        (["x"], "[u'x']"),
        (["é", 1, None], "[u'\\xe9', 1, None]"),
        ({"a": "b"}, "{u'a': u'b'}"),
        (["it's"], '[u"it\'s"]'),
    ],
)
def test_text_forms(value: object, text: str) -> None:
    assert text_form(value) == text


@pytest.mark.parametrize(
    ("value", "number"), [(5, 5), ("7", 7), (" 7 ", 7), (True, 1), (1.9, 1), (-1.9, -1)]
)
def test_whole_numbers(value: object, number: int) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize(
    "value", ["x", "", "1.5", "1_0", "9" * 5000, None, [], {}, float("inf"), float("nan")]
)
def test_what_is_no_whole_number(value: object) -> None:
    with pytest.raises(ValueError):
        whole_number(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_every_json_value_has_a_text_form(value: object) -> None:
    assert isinstance(text_form(value), str)


@given(JSON)
def test_whole_numbers_fail_in_one_way_only(value: object) -> None:
    try:
        number = whole_number(value)
    except ValueError:
        return
    assert isinstance(number, int)
