"""``sopstatus workbench``: a page on loopback that shows one document in three spellings.

The server keeps nothing: each request holds the document and the tables as edited, and its answer
is the whole outcome.
"""
