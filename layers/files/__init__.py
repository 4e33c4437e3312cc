"""Files in and out: one format a module, each a frame in or a frame out.

:mod:`layers.files.formats` chooses the module by the file's suffix; :mod:`layers.files.source` is what every
reader returns.
"""
