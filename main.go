// Command orrery is a Kubernetes control plane in one binary: see `orrery --help`.
package main

import (
	"os"

	"github.com/orrery-dev/orrery/internal/cli"
)

func main() { os.Exit(cli.Main()) }
