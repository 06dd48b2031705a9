"""Graphs from other programs' files and to them, one format a file; `export` lists the ways out."""
