// Command sh is /bin/sh of the image that stands for busybox. It becomes busybox's ash, whose messages a test expects; but where the
// environment has names that are no identifiers, such as data-1, it becomes bash: Debian's ash drops those, and upstream's keeps them.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"syscall"
)

// identifier is a name that every shell keeps.
var identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func main() {
	program := shell(os.Environ())
	if err := syscall.Exec(program, append([]string{"/bin/sh"}, os.Args[1:]...), os.Environ()); err != nil {
		fmt.Fprintf(os.Stderr, "sh: becoming %s: %v\n", program, err)
		os.Exit(127)
	}
}

// shell chooses by the environment.
func shell(environment []string) string {
	for _, variable := range environment {
		if name, _, _ := strings.Cut(variable, "="); !identifier.MatchString(name) {
			return "/bin/bash"
		}
	}
	return "/bin/ash"
}
