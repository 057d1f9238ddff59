"""Other people's loops and trackers. Each module is the home of the library it is named after."""
