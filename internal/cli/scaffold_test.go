package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// say runs a command line in the working directory and returns what it printed.
func say(t *testing.T, line string) string {
	t.Helper()
	root := newRoot()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetArgs(strings.Fields(line))
	if err := root.Execute(); err != nil {
		t.Fatalf("orrery %s: %v", line, err)
	}
	return out.String()
}

func TestScaffoldingShowsWhatItWouldWriteAndWritesIt(t *testing.T) {
	checkout, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ORRERY_SOURCE", checkout)
	dir := t.TempDir()
	t.Chdir(dir)
	const initialise = "init --domain example.org --repo example.org/site --project-name site --fetch-deps=false"
	const create = "create api --group web --version v1 --kind Website --make=false"

	if diff := say(t, initialise+" --dry-run"); !strings.Contains(diff, "--- /dev/null\n+++ b/PROJECT\n@@ -0,0 +") {
		t.Errorf("a dry run says\n%s\nwant a diff in which PROJECT is created", diff)
	}
	if entries, err := os.ReadDir("."); err != nil || len(entries) > 0 {
		t.Errorf("after a dry run the folder holds %v (%v), want nothing", entries, err)
	}
	if text := say(t, initialise); !strings.Contains(text, "create  PROJECT\n") || !strings.Contains(text, "next: orrery create api") {
		t.Errorf("init says\n%s\nwant what it created, and what comes next", text)
	}

	for _, line := range []string{create + " --dry-run -o json", create + " -o json"} {
		var told scaffolded
		if err := json.Unmarshal([]byte(say(t, line)), &told); err != nil {
			t.Fatal(err)
		}
		actions := map[string]string{}
		for _, file := range told.Files {
			actions[file.Path] = string(file.Action)
		}
		if told.Written == strings.Contains(line, "--dry-run") || actions["cmd/main.go"] != "change" || actions["internal/controller/website/plan.go"] != "create" {
			t.Errorf("%s: written is %t, and of files it says %v", line, told.Written, actions)
		}
		if _, err := os.Stat("api/v1/website_types.go"); (err == nil) != told.Written {
			t.Errorf("%s: it says that written is %t, and of the type there is to say: %v", line, told.Written, err)
		}
	}

	if text := say(t, "delete api --group web --version v1 --kind Website --make=false"); !strings.Contains(text, "delete  api/v1/website_types.go\n") || !strings.Contains(text, "kubectl delete crd websites.web.example.org") {
		t.Errorf("delete says\n%s\nwant what it deleted, and what it leaves in clusters", text)
	}
}
