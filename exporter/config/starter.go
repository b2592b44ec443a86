package config

import _ "embed"

// Starter is the text of a new configuration file: every key with its default,
// explained, for the simulated account and one directory.
//
//go:embed starter.yaml
var Starter []byte
