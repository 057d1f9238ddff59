"""A command run as a sealed launch: process, wrapper, what it left, restored and run again."""
