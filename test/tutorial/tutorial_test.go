// Package tutorial does what docs/framework.md says, as somebody would who has nothing but the program: it makes a project, adds a
// kind and webhooks, runs the project's own tests, and takes the webhooks away.
package tutorial

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const page = "../../docs/framework.md"

// block is a fenced one, with the way to the file before it where it is one of Go.
var block = regexp.MustCompile("(?s)(?:`([\\w/]+\\.go)`[^`]*)?```(sh|go)\n(.*?)```")

// script does what the page's numbered sections say, one block after the other: commands are run, and files of Go are written.
func script(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	numbered, _, found := strings.Cut(string(text), "\n## Run it")
	if !found {
		t.Fatalf("%s has no section called Run it", page)
	}
	all := "set -e\n"
	for _, found := range block.FindAllStringSubmatch(numbered, -1) {
		switch file, language, content := found[1], found[2], found[3]; {
		case language == "sh":
			all += content
		case file == "":
			t.Errorf("%s does not say which file this is:\n%s", page, content)
		default:
			all += fmt.Sprintf("cat > %s << 'END OF FILE'\n%sEND OF FILE\n", file, content)
		}
	}
	return all
}

func TestTheTutorialsCommandsWorkInOrder(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "bin", "orrery")); err != nil {
		t.Fatal("there is no bin/orrery to try: run `make orrery` first")
	}
	dir := t.TempDir()
	script := script(t)
	for _, want := range []string{"orrery init", "create api", "plan.go <<", "create webhook", "make test", "delete webhook"} {
		if !strings.Contains(script, want) {
			t.Errorf("%s does not say %q any more", page, want)
		}
	}
	cmd := exec.Command("bash", "-c", script)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"PATH="+filepath.Join(root, "bin")+":"+os.Getenv("PATH"),
		"ORRERY_SOURCE="+root,
		"GOPROXY=off", // nothing is downloaded
		"GOFLAGS="+os.Getenv("GOFLAGS")+" -vet=off", // make vet has done it
		"GOWORK="+workspace(t, dir, root),
	)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Fatalf("%v; the commands\n%s\nsaid\n%s", err, script, said.String())
	}
	if passed := strings.Count(said.String(), "ok  \texample.org/website/internal/"); passed < 3 { // the room twice, the webhooks once
		t.Errorf("the project's tests passed in %d packages, want 3:\n%s", passed, said.String())
	}
	for path, there := range map[string]bool{"website/internal/webhook": false, "website/config/crd/bases/web.example.org_websites.yaml": true} {
		if _, err := os.Stat(filepath.Join(dir, path)); (err == nil) != there {
			t.Errorf("in the end %s: there is %t, want %t", path, err == nil, there)
		}
	}
}

// workspace is a go.work with the project and the checkout as its modules. So the packages of the checkout are compiled as the
// checkout's own build compiles them, and not once more under the paths of a dependency; go.mod says the same without it.
func workspace(t *testing.T, dir, root string) string {
	t.Helper()
	path := filepath.Join(dir, "go.work")
	text := fmt.Sprintf("go 1.26.0\n\ngodebug default=go1.26\n\nuse (\n\t./website\n\t%s\n)\n", root)
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}
