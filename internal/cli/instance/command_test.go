package instance

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestACommandCanBePastedInAnyFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "it's a place")
	for _, c := range []struct {
		name, dir, instance string
		want                []string
	}{
		{"what a person needs not say is left out", DefaultDataDir(), DefaultName, []string{"status"}},
		{"another name is said", DefaultDataDir(), "second", []string{"--name", "second", "status"}},
		{"another directory is said, as a shell takes it", dir, "second", []string{"--data-dir", dir, "--name", "second", "status"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inst, err := Open(c.dir, c.instance)
			if err != nil {
				t.Fatal(err)
			}
			out, err := exec.Command("sh", "-c", `printf '%s\n' `+inst.Command("status")).Output()
			if err != nil {
				t.Fatal(err)
			}
			words := strings.Split(strings.TrimSpace(string(out)), "\n")
			if !filepath.IsAbs(words[0]) {
				t.Errorf("the program is %q, which another folder does not have", words[0])
			}
			if got := strings.Join(words[1:], "|"); got != strings.Join(c.want, "|") {
				t.Errorf("the arguments are %q, want %q", words[1:], c.want)
			}
		})
	}
}
