"""Stores beyond one machine: what is sent (`push`), what is fetched (`pull`), and how it lies between (`layout`)."""
