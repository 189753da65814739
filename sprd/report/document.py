"""The inside of a page in, a whole HTML document out: one file that needs no network."""

from html import escape


def document(title: str, style: str, policy: str, body: str) -> str:
    """Returns a page.

    Args:
        title: Plain text, of the window and of the first heading.
        style: CSS.
        policy: What the page may load beside its own style, as in a Content-Security-Policy.
        body: HTML below the first heading.
    """
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; {policy}">
<title>{escape(title)}</title>
<style>{style}</style>
</head>
<body>
<h1>{escape(title)}</h1>
{body}
</body>
</html>
"""
