"""What runaudit asks of the machine, in one guarded way each: git, and a file replaced as a whole."""
