"""What the processes of a run were seen to do: which files, modules, variables, seeds and children they used.

`runaudit.observe()`, the first thing a program calls, begins to look; `runaudit run` does without it.
"""
