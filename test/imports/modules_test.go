package imports

import (
	"io/fs"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
)

// A module inside of this one sees it through its own go.mod and go.sum: what is imported here may be missing there.
func TestEveryModuleHasWhatItImports(t *testing.T) {
	modules := modulesBelow(t, "../..")
	if !slices.Contains(modules, filepath.Join("../..", "test", "csisanity")) {
		t.Fatalf("found no modules but %v", modules)
	}
	for _, dir := range modules {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			command := exec.Command("go", "list", "-mod=readonly", "-deps", "-test", "./...")
			command.Dir = dir
			if out, err := command.CombinedOutput(); err != nil {
				t.Errorf("%v (make tidy repairs it)\n%.1000s", err, out)
			}
		})
	}
}

// modulesBelow are the folders of the modules inside of the one in dir.
func modulesBelow(t *testing.T, dir string) (modules []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != dir && (name[0] == '.' || name == "bin" || name == "testdata"):
			return filepath.SkipDir
		case name == "go.mod" && filepath.Dir(path) != filepath.Clean(dir):
			modules = append(modules, filepath.Dir(path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return modules
}
