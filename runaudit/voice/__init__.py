"""What is said to a person or a program: the streams it leaves by, and the gate that every text of it passes."""
