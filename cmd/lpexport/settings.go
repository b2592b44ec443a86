package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"lpexport/exporter/config"
)

const (
	localConfig  = "config.yaml"
	systemConfig = "/etc/lpexport/config.yaml"
)

// severalConfigs is the annotation of a command that takes several --config.
const severalConfigs = "several-configs"

// chooseConfig puts the one --config into use. Of several it leaves the choice to
// the command, if that takes them.
func (p *program) chooseConfig(cmd *cobra.Command) error {
	switch n := len(p.flags.configs); {
	case n == 1:
		p.flags.config = p.flags.configs[0]
	case n > 1 && cmd.Annotations[severalConfigs] == "":
		return usage(fmt.Sprintf("%s takes one --config, not %d; only lpexport status takes several", cmd.CommandPath(), n), cmd.CommandPath()+" --help")
	}
	return nil
}

// configFile is the file that --config names, or the first that exists.
func (p *program) configFile() (string, error) {
	if p.flags.config != "" {
		return p.flags.config, nil
	}
	for _, file := range []string{localConfig, systemConfig} {
		if _, err := os.Stat(file); !errors.Is(err, fs.ErrNotExist) {
			return file, nil
		}
	}
	return "", usage(fmt.Sprintf("no configuration: neither ./%s nor %s exists", localConfig, systemConfig), "lpexport config init")
}

// loadConfig reads the configuration and logs what is unwise in it.
func (p *program) loadConfig() (*config.Config, error) {
	file, err := p.configFile()
	if err != nil {
		return nil, err
	}
	loaded, err := config.Load(file)
	var faults config.Faults
	switch {
	case errors.As(err, &faults):
		return nil, err
	case errors.Is(err, fs.ErrNotExist):
		return nil, &outcome{code: exitUsage, err: err, hint: "lpexport config init " + file}
	case err != nil:
		return nil, &outcome{code: exitUsage, err: err}
	}
	if !p.flags.levelSet {
		p.setLevel(loaded.LogLevel)
	}
	for _, warning := range loaded.Warnings {
		p.log.Warn("configuration", "at", fmt.Sprintf("%s:%d", warning.File, warning.Line), "key", warning.Key, "detail", warning.Detail)
	}
	return loaded, nil
}
