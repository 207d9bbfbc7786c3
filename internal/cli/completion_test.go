package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

func TestWhatAnotherProgramCompletesIsPassedOn(t *testing.T) {
	for name, c := range map[string]struct {
		said      string
		want      []string
		directive cobra.ShellCompDirective
	}{
		"words with their help": {"pods\tPod in v1\npodtemplates\n:4\n", []string{"pods\tPod in v1", "podtemplates"}, cobra.ShellCompDirectiveNoFileComp},
		"nothing":               {":0\n", []string{}, cobra.ShellCompDirectiveDefault},
		"no answer":             {"panic: at the disco\n", nil, cobra.ShellCompDirectiveNoFileComp},
		"silence":               {"", nil, cobra.ShellCompDirectiveNoFileComp},
	} {
		t.Run(name, func(t *testing.T) {
			got, directive := parseCompletions([]byte(c.said))
			if diff := cmp.Diff(c.want, got); diff != "" || directive != c.directive {
				t.Errorf("directive %d, want %d (-want +got):\n%s", directive, c.directive, diff)
			}
		})
	}
}

func TestCompletionWithoutACluster(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("KUBECONFIG", filepath.Join(dir, "nothing"))
	for _, name := range []string{"one/log", "two"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, file := range []string{"orrery.log", "containerd.log"} {
		if err := os.WriteFile(filepath.Join(dir, "one", "log", file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"--name one logs|":              "containerd orrery :4",
		"--name one logs|c":             "containerd :4",
		"logs --name|":                  "one two :4",
		"logs --name|t":                 "two :4",
		"tree|deploy":                   ":4",
		"explain|pod/":                  ":4",
		"explain traffic|no":            ":4",
		"events --tree|d":               ":4",
		"status -o|":                    "json yaml wide :4",
		"up --runtime|":                 "containerd simulated :4",
		"plan deployment/web --naming|": "kubernetes orrery :4",
	} {
		before, word, _ := strings.Cut(line, "|")
		root := newRoot()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(&bytes.Buffer{})
		args := append([]string{cobra.ShellCompNoDescRequestCmd, "--data-dir", dir}, strings.Fields(before)...)
		root.SetArgs(append(args, word))
		if err := root.Execute(); err != nil {
			t.Errorf("%s: %v", line, err)
			continue
		}
		if got := strings.Join(strings.Fields(out.String()), " "); got != want {
			t.Errorf("%s is completed by %q, want %q", line, got, want)
		}
	}
}
