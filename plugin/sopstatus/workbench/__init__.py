"""``sopstatus workbench``: a page on this machine that shows one document in three formats.

The server is stateless: each request has the document and the edited tables, and its answer is
complete.
"""
