package envtest_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/apiserver/identity"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/internal/await"
)

func start(t *testing.T, te *envtest.Environment) *rest.Config {
	t.Helper()
	began := time.Now()
	config, err := te.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("started in %s", time.Since(began))
	t.Cleanup(func() { stop(t, te) })
	return config
}

// stop fails the test when Stop has not returned after a minute and a half.
func stop(t *testing.T, te *envtest.Environment) {
	t.Helper()
	done := make(chan error, 1)
	go func() { done <- te.Stop() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("stopping the environment: %v", err)
		}
	case <-time.After(90 * time.Second):
		t.Error("Stop has not returned after 90 s")
	}
}

func typed(t *testing.T, config *rest.Config) *kubernetes.Clientset {
	t.Helper()
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func planets() *apiextensionsv1.CustomResourceDefinition {
	return &apiextensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "planets.example.org"},
		Spec: apiextensionsv1.CustomResourceDefinitionSpec{
			Group: "example.org",
			Scope: apiextensionsv1.NamespaceScoped,
			Names: apiextensionsv1.CustomResourceDefinitionNames{Plural: "planets", Singular: "planet", Kind: "Planet", ListKind: "PlanetList"},
			Versions: []apiextensionsv1.CustomResourceDefinitionVersion{{
				Name: "v1", Served: true, Storage: true,
				Schema: &apiextensionsv1.CustomResourceValidation{OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object"}},
			}},
		},
	}
}

func TestAnEnvironmentIsWhatControllerRuntimePromises(t *testing.T) {
	failurePolicy, sideEffects := admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone
	path := "/refuse"
	te := &envtest.Environment{
		CRDs: []*apiextensionsv1.CustomResourceDefinition{planets()},
		WebhookInstallOptions: envtest.WebhookInstallOptions{ValidatingWebhooks: []*admissionregistrationv1.ValidatingWebhookConfiguration{{
			ObjectMeta: metav1.ObjectMeta{Name: "refuse"},
			Webhooks: []admissionregistrationv1.ValidatingWebhook{{
				Name:                    "refuse.example.org",
				AdmissionReviewVersions: []string{"v1"},
				FailurePolicy:           &failurePolicy,
				SideEffects:             &sideEffects,
				ClientConfig:            admissionregistrationv1.WebhookClientConfig{Service: &admissionregistrationv1.ServiceReference{Namespace: "default", Name: "refuse", Path: &path}},
				Rules: []admissionregistrationv1.RuleWithOperations{{
					Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
					Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"secrets"}},
				}},
			}},
		}}},
	}
	te.ControlPlane.GetAPIServer().Configure().Append("event-ttl", "7m")
	config := start(t, te)

	t.Run("the definitions are installed", func(t *testing.T) {
		resources, err := typed(t, config).Discovery().ServerResourcesForGroupVersion("example.org/v1")
		if err != nil || len(resources.APIResources) == 0 || resources.APIResources[0].Name != "planets" {
			t.Errorf("discovery shows %v, %v; want planets", resources, err)
		}
	})
	t.Run("the webhooks are installed and point to this process", func(t *testing.T) {
		if te.WebhookInstallOptions.LocalServingPort == 0 || te.WebhookInstallOptions.LocalServingCertDir == "" {
			t.Error("WebhookInstallOptions do not say where to serve")
		}
		// An API server takes up such a configuration a moment after it was stored.
		await.Until(t, "a webhook that nobody serves to refuse a Secret", func() (string, bool) {
			secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{GenerateName: "s-"}}
			_, err := typed(t, config).CoreV1().Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{})
			return fmt.Sprint(err), err != nil && strings.Contains(err.Error(), "refuse.example.org")
		})
	})
	t.Run("a pod can be created without a ServiceAccount", func(t *testing.T) {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "i"}}}}
		if _, err := typed(t, config).CoreV1().Pods(te.Namespace(t)).Create(t.Context(), pod, metav1.CreateOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("KubeConfig says the same as Config", func(t *testing.T) {
		read, err := clientcmd.RESTConfigFromKubeConfig(te.KubeConfig)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := typed(t, read).CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); err != nil {
			t.Error(err)
		}
	})
	t.Run("a user that was added has no rights of its own", func(t *testing.T) {
		user, err := te.AddUser(envtest.User{Name: "tycho"}, nil)
		if err != nil {
			t.Fatal(err)
		}
		set := typed(t, user.Config())
		if _, err := set.CoreV1().Nodes().List(t.Context(), metav1.ListOptions{}); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `"tycho"`) {
			t.Errorf("got %v, want a refusal that names the user", err)
		}
	})
	t.Run("ControlPlane says where the API server is", func(t *testing.T) {
		if url := te.ControlPlane.GetAPIServer().SecureServing.URL("https", "").String(); url != te.Server().URL() {
			t.Errorf("it says %s, want %s", url, te.Server().URL())
		}
	})
}

func TestSeveralEnvironmentsStartAtOnce(t *testing.T) {
	environments := make([]envtest.Environment, 3)
	var all sync.WaitGroup
	for i := range environments {
		all.Go(func() {
			if _, err := environments[i].Start(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for i := range environments {
		stop(t, &environments[i])
	}
}

func TestComponentsRunUnderTheirOwnIdentityUntilStop(t *testing.T) {
	who := make(chan string, 1)
	te := &envtest.Environment{Components: []envtest.Component{{
		Name:     "stargazer",
		Identity: identity.Node("observatory"),
		Run: func(ctx context.Context, config *rest.Config) error {
			_, err := kubernetesOrPanic(config).CoreV1().Services("default").Create(ctx, &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: "s"}}, metav1.CreateOptions{})
			who <- err.Error()
			<-ctx.Done()
			return ctx.Err()
		},
	}}}
	start(t, te)
	if got := <-who; !strings.Contains(got, `"system:node:observatory"`) {
		t.Errorf("the server said %q, want a refusal that names the node", got)
	}
}

func TestStopReportsAndDoesNotWaitForAComponentThatHangs(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	te := &envtest.Environment{
		ControlPlaneStopTimeout: 50 * time.Millisecond,
		Components: []envtest.Component{
			{Name: "sleeper", Run: func(context.Context, *rest.Config) error { <-release; return nil }},
			{Name: "quitter", Run: func(context.Context, *rest.Config) error { return errors.New("out of fuel") }},
		},
	}
	if _, err := te.Start(); err != nil {
		t.Fatal(err)
	}
	err := te.Stop()
	for _, want := range []string{"stopping sleeper: still running", "running quitter: out of fuel"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
}

func TestAFailedStartLeavesNothingRunning(t *testing.T) {
	te := &envtest.Environment{CRDDirectoryPaths: []string{"testdata/missing"}, ErrorIfCRDPathMissing: true}
	if _, err := te.Start(); err == nil || !strings.Contains(err.Error(), "testdata/missing") {
		t.Errorf("got %v, want an error that names the path", err)
	}
	if te.Server() != nil {
		t.Error("the server is still there")
	}
	stop(t, te)
}

func TestStopOfAnEnvironmentThatWasNeverStarted(t *testing.T) {
	stop(t, &envtest.Environment{})
}

func TestAnEnvironmentCanBeStartedAgain(t *testing.T) {
	te := &envtest.Environment{CRDs: []*apiextensionsv1.CustomResourceDefinition{planets()}}
	for range 2 {
		config, err := te.Start()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.New(config, client.Options{}); err != nil {
			t.Error(err)
		}
		stop(t, te)
		if conn, err := net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(config.Host, "https://"), "/")); err == nil {
			t.Error("somebody still listens after Stop")
			_ = conn.Close()
		}
	}
}

func TestAnExistingClusterIsUsedAndLeftRunning(t *testing.T) {
	cluster := &envtest.Environment{}
	config := start(t, cluster)
	existing := true
	te := &envtest.Environment{UseExistingCluster: &existing, Config: config, CRDs: []*apiextensionsv1.CustomResourceDefinition{planets()}}
	if _, err := te.Start(); err != nil {
		t.Fatal(err)
	}
	stop(t, te)
	if _, err := typed(t, config).Discovery().ServerResourcesForGroupVersion("example.org/v1"); err != nil {
		t.Errorf("the definition is gone, or the cluster is: %v", err)
	}
}

func TestAPlainAPIServerTakesOurDefinitions(t *testing.T) {
	te := &envtest.Environment{CRDDirectoryPaths: []string{"../config/crd/bases"}, ErrorIfCRDPathMissing: true}
	te.CRDInstallOptions.MaxTime = time.Minute
	config := start(t, te)
	for _, kind := range apis.Kinds() {
		gvr := kind.GroupVersionResource(apis.Orrery)
		if _, err := typed(t, config).Discovery().ServerResourcesForGroupVersion(gvr.GroupVersion().String()); err != nil {
			t.Errorf("discovery of %s: %v", gvr, err)
		}
	}
}

func kubernetesOrPanic(config *rest.Config) *kubernetes.Clientset {
	return kubernetes.NewForConfigOrDie(config)
}
