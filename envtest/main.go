package envtest

import (
	"fmt"
	"os"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
)

// Main starts te, runs the tests of a package with it, stops it, and returns the exit code. It is for TestMain:
//
//	var env = &envtest.Environment{}
//
//	func TestMain(m *testing.M) { os.Exit(envtest.Main(m, env)) }
func Main(m *testing.M, te *Environment) int {
	if _, err := te.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := te.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	return code
}

// Namespace creates a namespace for one test and returns its name. It is left there: it goes with the environment.
func (te *Environment) Namespace(t testing.TB) string {
	t.Helper()
	client, err := typedcorev1.NewForConfig(te.Config)
	if err != nil {
		t.Fatalf("creating a client for namespaces: %v", err)
	}
	created, err := client.Namespaces().Create(t.Context(),
		&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("creating a namespace: %v", err)
	}
	return created.Name
}
