"""Places from words: what a caller says becomes ranked candidates, each with its grid."""
