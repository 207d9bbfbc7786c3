package assets_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orrery-dev/orrery/internal/cli/assets"
)

func TestEveryProgramIsALinkToOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "bin", "k8s")
	for range 2 { // and again, as another version of the program does
		at, err := assets.Install(dir, "/opt/orrery")
		if err != nil || at != dir {
			t.Fatalf("installed in %s, %v; want %s", at, err, dir)
		}
	}
	for _, name := range assets.Programs() {
		if target, err := os.Readlink(filepath.Join(dir, name)); err != nil || target != "/opt/orrery" {
			t.Errorf("%s leads to %s, %v", name, target, err)
		}
	}
}

func TestWhatSomebodyElseHasPutThereStays(t *testing.T) {
	dir := t.TempDir()
	theirs := filepath.Join(dir, "kubectl")
	if err := os.WriteFile(theirs, []byte("downloaded"), 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := assets.Install(dir, "/opt/orrery"); err == nil || !strings.Contains(err.Error(), "choose another directory") {
		t.Errorf("got %v, want an error that says what to do", err)
	}
	if kept, err := os.ReadFile(theirs); err != nil || string(kept) != "downloaded" {
		t.Errorf("kubectl is %q, %v", kept, err)
	}
}

func TestSetupIsAnsweredAsItAnswers(t *testing.T) {
	dir, err := assets.Install(t.TempDir(), "/opt/orrery")
	if err != nil {
		t.Fatal(err)
	}
	for asked, want := range map[string]string{
		"use 1.37 --bin-dir bin -p path": dir,
		"use -p=path 1.34.x!":            dir,
		"use -i -ppath":                  dir,
		"use -p env":                     "export KUBEBUILDER_ASSETS='" + dir + "'\n",
		"use":                            "Path: " + dir + "\n",
	} {
		got, err := exec.Command(filepath.Join(dir, "setup-envtest"), strings.Fields(asked)...).Output()
		if err != nil || string(got) != want {
			t.Errorf("to %q it says %q, %v; want %q", asked, got, err, want)
		}
	}
}

func TestASuiteFindsThePrograms(t *testing.T) {
	got := assets.Environment([]string{"HOME=/root", "KUBEBUILDER_ASSETS=/elsewhere", "KUBEBUILDER_CONTROLPLANE_START_TIMEOUT=5s"}, "/a")
	slices.Sort(got)
	want := []string{
		"ENVTEST=/a/setup-envtest", "HOME=/root", "KUBEBUILDER_ASSETS=/a", "KUBEBUILDER_CONTROLPLANE_START_TIMEOUT=5s",
		"TEST_ASSET_ETCD=/a/etcd", "TEST_ASSET_KUBECTL=/a/kubectl", "TEST_ASSET_KUBE_APISERVER=/a/kube-apiserver",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the environment is\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
