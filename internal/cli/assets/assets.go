package assets

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// setup is the program by which Makefiles ask where the others are.
const setup = "setup-envtest"

// answer is that program. Its first word says what it is asked for; of what may follow it looks at how to answer.
const answer = `#!/bin/sh
# In the place of setup-envtest: the programs are here, and nothing is downloaded.
dir=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd) || exit
print=overview
while [ $# -gt 0 ]; do
	case $1 in
	-p | --print) print=$2; shift ;;
	-p=* | --print=*) print=${1#*=} ;;
	-p*) print=${1#-p} ;;
	esac
	shift
done
case $print in
path) printf %s "$dir" ;;
env) printf "export KUBEBUILDER_ASSETS='%s'\n" "$dir" ;;
*) printf 'Path: %s\n' "$dir" ;;
esac
`

// Programs are the names of the programs.
func Programs() []string { return []string{"etcd", "kube-apiserver", "kubectl"} }

// Install puts links to a program into a directory, in the place of what has their names there and is a link as well, and returns its
// path.
func Install(dir, program string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the path of %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("making a directory for the programs: %w", err)
	}
	for _, name := range Programs() {
		if err := link(program, filepath.Join(dir, name)); err != nil {
			return "", err
		}
	}
	return dir, writeSetup(filepath.Join(dir, setup))
}

// link makes a link. What lies there and is none stays: somebody may have downloaded it.
func link(program, at string) error {
	switch found, err := os.Lstat(at); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("looking for %s: %w", at, err)
	case found.Mode()&fs.ModeSymlink == 0:
		return fmt.Errorf("linking %s to %s: there is a file of that name already, choose another directory or remove it", at, program)
	default:
		if err := os.Remove(at); err != nil {
			return fmt.Errorf("replacing the link %s: %w", at, err)
		}
	}
	if err := os.Symlink(program, at); err != nil {
		return fmt.Errorf("linking %s to %s: %w", at, program, err)
	}
	return nil
}

// writeSetup writes the program that answers. Make takes it for newer than the directory that it would be downloaded into.
func writeSetup(at string) error {
	if err := os.WriteFile(at, []byte(answer), 0o755); err != nil { //nolint:gosec // a program
		return fmt.Errorf("writing %s: %w", at, err)
	}
	later := time.Now().AddDate(1, 0, 0)
	if err := os.Chtimes(at, later, later); err != nil {
		return fmt.Errorf("writing %s: %w", at, err)
	}
	return nil
}

// Environment is an environment, in which suites find the programs in a directory.
func Environment(environ []string, dir string) []string {
	set := map[string]string{"KUBEBUILDER_ASSETS": dir, "ENVTEST": filepath.Join(dir, setup)}
	for _, name := range Programs() {
		set["TEST_ASSET_"+strings.ToUpper(strings.ReplaceAll(name, "-", "_"))] = filepath.Join(dir, name)
	}
	const patience = "KUBEBUILDER_CONTROLPLANE_START_TIMEOUT"
	if !slices.ContainsFunc(environ, func(variable string) bool { return strings.HasPrefix(variable, patience+"=") }) {
		set[patience] = "60s" // controller-runtime's 20 are few on a machine that is compiling, too
	}
	environ = slices.DeleteFunc(slices.Clone(environ), func(variable string) bool {
		name, _, _ := strings.Cut(variable, "=")
		_, ours := set[name]
		return ours
	})
	for name, value := range set {
		environ = append(environ, name+"="+value)
	}
	return environ
}
