package rbac_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/envtest/rbac"
)

var env = &envtest.Environment{}

func TestMain(m *testing.M) { os.Exit(envtest.Main(m, env)) }

func typed(t *testing.T, config *rest.Config) kubernetes.Interface {
	t.Helper()
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func begin(t *testing.T, options rbac.Options) *rbac.Proof {
	t.Helper()
	proof, err := rbac.New(t.Context(), env.Config, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := proof.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return proof
}

func report(t *testing.T, proof *rbac.Proof) rbac.Report {
	t.Helper()
	report, err := proof.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func page(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{"index": "hello"}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func isForbidden(t *testing.T, err error) {
	t.Helper()
	if !apierrors.IsForbidden(err) {
		t.Errorf("the error is %v, want one that says that it is forbidden", err)
	}
}

func TestAProofTellsWhatIsMissingAndWhatIsTooMuch(t *testing.T) {
	proof := begin(t, rbac.Options{Roles: []string{"testdata/pages_role.yaml"}})
	ctx, manager := t.Context(), typed(t, proof.Config()).CoreV1()
	namespace := env.Namespace(t)

	_, err := manager.ConfigMaps(namespace).Create(ctx, page("a"), metav1.CreateOptions{})
	must(t, err)
	if _, err := manager.ConfigMaps(namespace).Get(ctx, "none", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("the error is %v, want that it is not found: that it was looked for is a use", err)
	}
	for _, name := range []string{"a", "a", "b"} {
		_, err := manager.ConfigMaps(namespace).Update(ctx, page(name), metav1.UpdateOptions{})
		isForbidden(t, err)
	}
	_, err = manager.Secrets("").List(ctx, metav1.ListOptions{})
	isForbidden(t, err)

	got := report(t, proof)
	wrong := strings.ReplaceAll(got.Refusals()+got.Leftovers(), namespace, "NAMESPACE")
	want, err := os.ReadFile("testdata/proof.golden")
	must(t, err)
	if wrong != string(want) {
		t.Errorf("the report is\n%s\nwant\n%s", wrong, want)
	}
}

func TestWhatAdmissionRefusesIsAUse(t *testing.T) {
	proof := begin(t, rbac.Options{Roles: []string{"testdata/pages_role.yaml"}})
	ctx, namespace := t.Context(), env.Namespace(t)
	must(t, typed(t, env.Config).CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})) // nobody ends it here
	_, err := typed(t, proof.Config()).CoreV1().ConfigMaps(namespace).Create(ctx, page("late"), metav1.CreateOptions{})
	isForbidden(t, err)
	got := report(t, proof)
	if len(got.Refused) > 0 || len(got.NotAdmitted) != 1 || !strings.Contains(got.NotAdmitted[0].Message, "being terminated") {
		t.Errorf("refused: %v, not admitted: %v; want one that is not admitted, because its namespace ends", got.Refused, got.NotAdmitted)
	}
	for _, g := range got.Unused {
		if g.Verb == "create" && g.Resource == "configmaps" {
			t.Error("it is said that the right to create ConfigMaps was not used")
		}
	}
}

func TestWhoActsForSomebodyElseNeedsNoRightOfTheirs(t *testing.T) {
	proof := begin(t, rbac.Options{Roles: []string{"testdata/pages_role.yaml"}})
	config := proof.Config()
	config.Impersonate.UserName = "somebody-else"
	_, err := typed(t, config).CoreV1().Secrets("").List(t.Context(), metav1.ListOptions{})
	isForbidden(t, err)
	if got := report(t, proof); len(got.Refused) > 0 {
		t.Errorf("refused are %v, want none", got.Refused)
	}
}

func TestRolesCountWhereTheyAreBoundAndAreTakenAwayAgain(t *testing.T) {
	ctx, admin := t.Context(), typed(t, env.Config)
	proof := begin(t, rbac.Options{Roles: []string{"testdata/kubebuilder"}, Namespace: "elsewhere"})
	config := proof.Config()
	manager := typed(t, config)
	_, err := manager.CoreV1().ConfigMaps("kube-system").Get(ctx, "extension-apiserver-authentication", metav1.GetOptions{})
	must(t, client.IgnoreNotFound(err)) // the server makes it soon
	for namespace, want := range map[string]bool{"elsewhere": true, "default": false} {
		_, err := manager.CoordinationV1().Leases(namespace).Get(ctx, "manager", metav1.GetOptions{})
		if !apierrors.IsNotFound(err) && !apierrors.IsForbidden(err) || apierrors.IsNotFound(err) != want {
			t.Errorf("in namespace %s the answer is %v; that it may be read: %t", namespace, err, want)
		}
	}
	must(t, proof.Close(ctx))
	left := 0
	roles, err := admin.RbacV1().ClusterRoles().List(ctx, metav1.ListOptions{})
	must(t, err)
	for i := range roles.Items {
		left += strings.Count(roles.Items[i].Name, config.Impersonate.UserName)
	}
	bindings, err := admin.RbacV1().RoleBindings("").List(ctx, metav1.ListOptions{})
	must(t, err)
	for i := range bindings.Items {
		left += strings.Count(bindings.Items[i].Name, config.Impersonate.UserName)
	}
	if left > 0 {
		t.Errorf("%d roles and bindings are left", left)
	}
}

func TestAnAPIServerThatAllowsEverythingProvesNothing(t *testing.T) {
	open := &envtest.Environment{}
	open.ControlPlane.GetAPIServer().Configure().Set("authorization-mode", "AlwaysAllow")
	config, err := open.Start()
	must(t, err)
	defer func() {
		if err := open.Stop(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := rbac.New(t.Context(), config, rbac.Options{Roles: []string{"testdata/pages_role.yaml"}}); err == nil || !strings.Contains(err.Error(), "--authorization-mode=RBAC") {
		t.Errorf("the error is %v, want one that says how requests are to be judged", err)
	}
}

// listening is a test that ends when it is told to, and hears what is said of it.
type listening struct {
	testing.TB
	cleanups     []func()
	failed       bool
	logged, said string
}

func (l *listening) Helper()                 {}
func (l *listening) Cleanup(f func())        { l.cleanups = append(l.cleanups, f) }
func (l *listening) Failed() bool            { return l.failed }
func (l *listening) Log(args ...any)         { l.logged += fmt.Sprintln(args...) }
func (l *listening) Logf(f string, a ...any) { l.logged += fmt.Sprintf(f, a...) }
func (l *listening) Errorf(f string, a ...any) {
	l.failed = true
	l.said += fmt.Sprintf(f, a...)
}

func (l *listening) end() {
	for _, f := range l.cleanups {
		f()
	}
}

func TestATestFailsByItsProof(t *testing.T) {
	everything := []rbac.Reason{{Why: "this test does nothing"}}
	for name, c := range map[string]struct {
		unused []rbac.Reason
		asks   bool // for what it may not do
		before bool // whether the test has failed
		flag   string
		wants  []string // in what fails it
		logs   string
	}{
		"by what it was refused":                              {everything, true, false, "", []string{"create pods in namespace default (once)", `groups="",resources=pods,verbs=create`}, ""},
		"by what it did not use":                              {nil, false, false, "", []string{"get, list, watch, create, delete configmaps: rule 1 of ClusterRole pages-role"}, ""},
		"not, with a reason, which is told":                   {everything, false, false, "", nil, "get configmaps was not used: this test does nothing"},
		"by a reason for nothing":                             {append(everything, rbac.Reason{Verb: "get", On: "pods", Why: "of the past"}), false, false, "", []string{"get pods: of the past"}, ""},
		"not by what was not used, where it failed before":    {nil, false, true, "", nil, "delete configmaps: rule 1"},
		"not by what was not used, where a part was left out": {nil, false, false, "a-test/a-part", nil, "delete configmaps: rule 1"},
		"by what was refused, also where it failed before":    {nil, true, true, "", []string{"create pods"}, "delete configmaps: rule 1"},
	} {
		t.Run(name, func(t *testing.T) {
			run := flag.Lookup("test.run").Value
			was := run.String()
			must(t, run.Set(c.flag))
			defer func() { must(t, run.Set(was)) }()
			l := &listening{TB: t, failed: c.before}
			config := rbac.Prove(l, env.Config, rbac.Options{Roles: []string{"testdata/pages_role.yaml"}, Unused: c.unused})
			if c.asks {
				pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
				_, err := typed(t, config).CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
				isForbidden(t, err)
			}
			l.end()
			if (l.said != "") != (len(c.wants) > 0) {
				t.Errorf("it failed by %q", l.said)
			}
			for _, want := range c.wants {
				if !strings.Contains(l.said, want) {
					t.Errorf("it failed by\n%s\nwithout %q", l.said, want)
				}
			}
			if !strings.Contains(l.logged, c.logs) {
				t.Errorf("it logged\n%s\nwithout %q", l.logged, c.logs)
			}
		})
	}
}
