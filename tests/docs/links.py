#!/usr/bin/python3
"""Every link of the book and of the documents beside it leads somewhere. In: build/html/docs, as mdbook made it, docs/, and
the Markdown files of the repository's first level. Out: a line for each link that does not, exit 1. A file outside docs/
that a page links to must be the repository's; it is laid beside the book, where the link looks for it. Never opens the net.
"""

import re
import shutil
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

TOP = Path(__file__).resolve().parents[2]
HTML = TOP / "build/html"
BOOK = HTML / "docs"
wrong = []


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.ids, self.links = set(), []
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.ids.update(attrs[name] for name in ("id", "name") if attrs.get(name))
        # mdbook's own files are mdbook's own care.
        if tag in ("a", "img", "object", "source"):
            self.links += [attrs[name] for name in ("href", "src", "data", "srcset") if attrs.get(name)]


def beside(path, link, target):
    """The repository's file, laid where the book looks for it."""
    source = TOP / target.relative_to(HTML)
    if not source.exists() and source.with_suffix(".md").exists():
        # mdbook takes every Markdown file for a page of its book.
        source, target = source.with_suffix(".md"), target.with_suffix(".md")
        path.write_text(path.read_text().replace(f'href="{link}"', f'href="{link.replace(".html", ".md")}"'))
    if not source.is_file():
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)
    return True


pages = {path: Page(path) for path in sorted(BOOK.rglob("*.html"))}
for path, page in pages.items():
    for link in page.links:
        parts = urlsplit(link)
        # 404.html may be shown at any address, so its links begin at a root that a folder of files does not have.
        if parts.scheme or parts.netloc or path.name == "404.html":
            continue
        target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
        if not target.exists() and not (target.is_relative_to(HTML) and beside(path, link, target)):
            wrong.append(f"{path.name}: {link}: there is no such file")
        elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
            wrong.append(f"{path.name}: {link}: the page has no such heading")

named = set(re.findall(r"\]\(([^)]+\.md)\)", (TOP / "docs/SUMMARY.md").read_text()))
for path in sorted((TOP / "docs").glob("*.md")):
    if path.name not in named | {"SUMMARY.md"}:
        wrong.append(f"docs/SUMMARY.md: {path.name} is not in it")
for path in sorted(TOP.glob("*.md")):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        parts = urlsplit(link)
        if not parts.scheme and not (TOP / unquote(parts.path)).exists():
            wrong.append(f"{path.name}: {link}: there is no such file")

count = sum(len(page.links) for page in pages.values())
if len(pages) < 15 or count < 300:
    wrong.append(f"{len(pages)} pages with {count} links: that is no book")
print(*wrong, sep="\n", end="\n" if wrong else "", file=sys.stderr)
sys.exit(bool(wrong))
