package main

import (
	"fmt"
	"os"

	"github.com/orrery-dev/orrery/controllers"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "roles: want two arguments, the folders config and docs")
		os.Exit(2)
	}
	if err := generate(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "roles:", err)
		os.Exit(1)
	}
}

// generate writes all that the command writes. The packages are those of the module in the current directory.
func generate(config, docs string) error {
	entries := controllers.All(controllers.Options{})
	from, err := loadSources(entries, components)
	if err != nil {
		return err
	}
	rooms, err := readRooms(from, entries)
	if err != nil {
		return err
	}
	if err := writeControllers(config, rooms); err != nil {
		return err
	}
	if err := writeComponents(config, from); err != nil {
		return err
	}
	if err := writeManager(config, rooms, from); err != nil {
		return err
	}
	return writeTable(config, docs)
}
