"""A page is one file, whatever it is called."""

from sprd.report.document import document


def test_title_is_text_and_nothing_loads_but_what_is_allowed() -> None:
    """A name with a tag in it stays a name, in the window and in the heading."""
    page = document("<b>&", "p {}", "img-src data:", "<p>x</p>")
    assert page.count("&lt;b&gt;&amp;") == 2 and "<b>" not in page
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:\"" in page
    assert "<style>p {}</style>" in page and "<p>x</p>\n</body>" in page
