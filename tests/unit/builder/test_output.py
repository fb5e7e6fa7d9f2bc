"""The lines that a pusher reads (builder.md section 5)."""

from deis_control.builder import output


def test_each_line_begins_in_the_first_column() -> None:
    assert output.encode("-----> Launching... ") == b"\x1b[1G-----> Launching... \n"


def test_the_closing_lines_are_the_contracts() -> None:
    assert output.launched("hello", 2, ["http://hello.example.com"]) == (
        "       done, hello:v2 deployed to Deis",
        "",
        "       http://hello.example.com",
        "",
        "       To learn more, use `deis help` or visit http://deis.io",
        "",
    )


def test_a_refusal_warns_first_and_explains_below() -> None:
    assert output.refusal("web.1 exited with code 1\nboom") == (
        " !     web.1 exited with code 1",
        "       boom",
    )


def test_a_refusal_without_words_still_says_something() -> None:
    assert output.refusal("") == (" !     The push was declined.",)


def test_a_url_names_only_a_port_that_browsers_do_not_know() -> None:
    assert output.app_url("hello", "example.com", 80) == "http://hello.example.com"
    assert output.app_url("hello", "localhost", 8080) == "http://hello.localhost:8080"


def test_text_that_is_no_unicode_is_still_sent() -> None:
    assert output.encode("a\ud800b") == b"\x1b[1Ga?b\n"
