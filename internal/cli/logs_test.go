package cli

import (
	"io"
	"os"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/instance"
)

func TestEachPartsLogIsFoundWhereItKeepsIt(t *testing.T) {
	inst, err := instance.Open(t.TempDir(), "orrery")
	if err == nil {
		err = inst.Prepare()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openLog(inst, "orrery"); err == nil || !strings.Contains(err.Error(), "not running") {
		t.Errorf("without a log: %v, want that it does not run", err)
	}
	if err := os.Mkdir(inst.Path("containerd"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, words := range map[string]string{inst.Log(): "of orrery", inst.Path("containerd", "containerd.log"): "of containerd"} {
		if err := os.WriteFile(path, []byte(words), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, part := range []string{"orrery", "containerd"} {
		file, err := openLog(inst, part)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(file); err != nil || string(text) != "of "+part {
			t.Errorf("the log of %s is %q (%v)", part, text, err)
		}
		_ = file.Close() // read only
	}
	if _, err := openLog(inst, "../orrery"); err == nil || !strings.Contains(err.Error(), "containerd, orrery") {
		t.Errorf("the log of a part that has none: %v, want those that have one", err)
	}
}
