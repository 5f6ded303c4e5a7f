"""Generating, fine-tuning, evaluating and serving tool-calling models, on top of `toolfmt`.

So far there is `gym`: code search with two typed tools, run and scored.  This package imports toolfmt; toolfmt never imports it
(import-linter holds it).
"""
