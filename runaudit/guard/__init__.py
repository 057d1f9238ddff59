"""May this run start? The rules of admission, the facts they are asked about, and the answer."""
