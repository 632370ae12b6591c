"""The same frames over kernel sockets, kernel drivers and memif."""
