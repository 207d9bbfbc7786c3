package scenarios

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"

	"github.com/orrery-dev/orrery/apiserver/testserver"
)

// startPlain starts an API server that knows our kinds as custom resources only. It returns how an administrator reaches it.
func startPlain(t *testing.T) *rest.Config {
	t.Helper()
	config := testserver.StartPlain(t, thisBinary).Config
	definitions := envtest.CRDInstallOptions{Paths: []string{"../../config/crd/bases"}, ErrorIfPathMissing: true, MaxTime: time.Minute}
	if _, err := envtest.InstallCRDs(config, definitions); err != nil {
		t.Fatal(err)
	}
	return config
}

// thisBinary is the test's own, which TestMain makes behave as upstream's programs.
func thisBinary(args ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], args...)
	command.Env = append(os.Environ(), programVariable+"=1")
	return command
}
