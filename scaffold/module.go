package scaffold

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/orrery-dev/orrery/internal/version"
	"github.com/spf13/afero"
	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

const (
	// orrery is the module that rooms and suites import.
	orrery = "github.com/orrery-dev/orrery"
	// replaced is the version of a module that is replaced by a folder, in the words of go mod.
	replaced = "v0.0.0-00010101000000-000000000000"
	// generator is the tool that writes deep copies and definitions.
	generator = "sigs.k8s.io/controller-tools/cmd/controller-gen"
)

// source is the checkout that the environment names; empty means none.
func source() string { return os.Getenv("ORRERY_SOURCE") }

// requireAny requires some version, for a project that is never built.
func requireAny(fs afero.Fs) error {
	text, err := afero.ReadFile(fs, "go.mod")
	if err != nil {
		return fmt.Errorf("reading go.mod: %w", err)
	}
	return afero.WriteFile(fs, "go.mod", append(text, "\nrequire "+orrery+" "+replaced+"\n"...), 0o644)
}

// requireOrrery lets the project's module require this one: the checkout in the folder from, or the version that this program
// is. A module that does already stays as it is.
func requireOrrery(fs afero.Fs, from string) error {
	text, err := afero.ReadFile(fs, "go.mod")
	if err != nil {
		return fmt.Errorf("reading go.mod: %w", err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(mod.Require, func(r *modfile.Require) bool { return r.Mod.Path == orrery }) {
		return nil
	}
	// As a tool the module stays required while nothing imports it yet, and `go tool orrery` is the program of that version.
	for _, tool := range []string{generator, orrery} {
		if err := mod.AddTool(tool); err != nil {
			return err
		}
	}
	if from == "" {
		err = requireReleased(mod, version.Get().Version)
	} else {
		err = requireSource(fs, mod, from)
	}
	if err != nil {
		return err
	}
	mod.Cleanup()
	if text, err = mod.Format(); err != nil {
		return err
	}
	return afero.WriteFile(fs, "go.mod", text, 0o644)
}

// tidy completes go.mod and go.sum. Where a checkout stands in for the module they hold all that it was built with already, and
// nobody has to be asked.
func tidy() error {
	text, err := os.ReadFile("go.mod")
	if err != nil {
		return fmt.Errorf("reading go.mod: %w", err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if standIn(mod) != "" {
		return nil
	}
	return run("go", "mod", "tidy")
}

// requireReleased requires a version that others can download.
func requireReleased(mod *modfile.File, number string) error {
	if !semver.IsValid(number) || semver.Prerelease(number) != "" {
		return fmt.Errorf("this program is version %s, which is none that a project could require: say where its checkout is, by --orrery-source DIR or ORRERY_SOURCE", number)
	}
	return mod.AddRequire(orrery, number)
}

// requireSource lets a checkout stand in for the module. All that it requires comes along, with its checksums: so the project
// builds with what the checkout was built with, and nothing has to be asked for.
func requireSource(fs afero.Fs, mod *modfile.File, from string) error {
	from, err := filepath.Abs(from)
	if err != nil {
		return err
	}
	theirs, err := checkoutModule(from)
	if err != nil {
		return fmt.Errorf("--orrery-source %s: this is no checkout of Orrery: %w", from, err)
	}
	var all error
	for _, r := range theirs.Require {
		all = errors.Join(all, mod.AddRequire(r.Mod.Path, r.Mod.Version))
	}
	mod.SetRequireSeparateIndirect(indirect(mod.Require))
	all = errors.Join(all, mod.AddRequire(orrery, replaced), mod.AddReplace(orrery, "", from, ""))
	return errors.Join(all, addSums(fs, filepath.Join(from, "go.sum")))
}

// checkoutModule is the go.mod of a checkout.
func checkoutModule(folder string) (*modfile.File, error) {
	path := filepath.Join(folder, "go.mod")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	theirs, err := modfile.Parse(path, text, nil)
	if err != nil {
		return nil, err
	}
	if theirs.Module == nil || theirs.Module.Mod.Path != orrery {
		return nil, errors.New("its go.mod is that of another module")
	}
	return theirs, nil
}

// raiseOrrery lets a module that requires an older version of this one require that of a number, if others can download it. Where a
// checkout stands in for it, what that requires by now comes along.
func raiseOrrery(fs afero.Fs, number string) error {
	text, err := afero.ReadFile(fs, "go.mod")
	if err != nil {
		return fmt.Errorf("reading go.mod: %w", err)
	}
	mod, err := modfile.Parse("go.mod", text, nil)
	if err != nil {
		return err
	}
	if from := standIn(mod); from != "" {
		err = raiseSource(fs, mod, from)
	} else if semver.Prerelease(number) == "" { // an invalid one is less than any other
		err = raise(mod, orrery, number)
	}
	if err != nil {
		return err
	}
	mod.Cleanup()
	if text, err = mod.Format(); err != nil {
		return err
	}
	return afero.WriteFile(fs, "go.mod", text, 0o644)
}

// standIn is the folder that a module has in place of this one; empty means none.
func standIn(mod *modfile.File) string {
	for _, r := range mod.Replace {
		if r.Old.Path == orrery && r.New.Version == "" {
			return r.New.Path
		}
	}
	return ""
}

// raiseSource requires of each module at least the version that a checkout requires.
func raiseSource(fs afero.Fs, mod *modfile.File, from string) error {
	theirs, err := checkoutModule(from)
	if err != nil {
		return fmt.Errorf("go.mod replaces Orrery by the folder %s, which is no checkout of it: %w", from, err)
	}
	for _, r := range theirs.Require {
		if !slices.ContainsFunc(mod.Require, func(known *modfile.Require) bool { return known.Mod.Path == r.Mod.Path }) {
			mod.AddNewRequire(r.Mod.Path, r.Mod.Version, true)
		}
		if err := raise(mod, r.Mod.Path, r.Mod.Version); err != nil {
			return err
		}
	}
	return addSums(fs, filepath.Join(from, "go.sum"))
}

// raise requires a version of a module that is required in an older one.
func raise(mod *modfile.File, path, number string) error {
	for _, r := range mod.Require {
		if r.Mod.Path == path && semver.Compare(r.Mod.Version, number) < 0 {
			return mod.AddRequire(path, number)
		}
	}
	return nil
}

// indirect marks what the project does not import itself: go mod tidy says better, where it is run.
func indirect(all []*modfile.Require) []*modfile.Require {
	direct := []string{"sigs.k8s.io/controller-runtime", "github.com/onsi/ginkgo/v2", "github.com/onsi/gomega", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/client-go", "pgregory.net/rapid"}
	for _, r := range all {
		r.Indirect = !slices.Contains(direct, r.Mod.Path)
	}
	return all
}

// addSums adds the checksums in a file to those of the project.
func addSums(fs afero.Fs, path string) error {
	theirs, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading checksums: %w", err)
	}
	ours, err := afero.ReadFile(fs, "go.sum")
	if err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("reading go.sum: %w", err)
	}
	all := strings.Split(strings.TrimSpace(string(theirs)+string(ours)), "\n")
	slices.Sort(all)
	return afero.WriteFile(fs, "go.sum", []byte(strings.Join(slices.Compact(all), "\n")+"\n"), 0o644)
}
