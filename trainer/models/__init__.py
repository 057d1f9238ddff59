"""The networks. Blocks take plain numbers and know no config, data or training: each can be tested alone."""
