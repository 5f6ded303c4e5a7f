"""Generating, fine-tuning, evaluating and serving tool-calling models, on top of `toolfmt`.

`gym` runs and scores code search, `generate` makes verified tasks from it, `train` fine-tunes, `evaluate` measures, `serve` checks that calls
arrive; `road` is all of it in a row.  This package imports toolfmt; toolfmt never imports it (import-linter holds it).
"""
