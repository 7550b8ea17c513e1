"""What several codecs use and that knows no format: statements, values of a row, text that is spliced."""
