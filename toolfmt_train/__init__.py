"""Generating, fine-tuning, evaluating and serving tool-calling models, on top of `toolfmt`.

Nothing is here yet.  This package will import toolfmt; toolfmt never imports it (import-linter holds it).
"""
