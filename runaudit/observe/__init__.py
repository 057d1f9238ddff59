"""What the processes of a run were seen to do: which files, modules, variables, seeds and children they used."""
