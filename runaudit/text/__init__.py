"""How answers are worded and escaped, once for terminal, Markdown and page."""
