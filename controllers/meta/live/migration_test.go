// Package live lets the loop that migrates storage versions run against an API server, which keeps objects in the versions that it was
// told.
package live

import (
	"context"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/orrery-dev/orrery/apis"
	"github.com/orrery-dev/orrery/controllers/internal/kinds"
	"github.com/orrery-dev/orrery/controllers/meta/storageversionmigrator"
	"github.com/orrery-dev/orrery/envtest"
	"github.com/orrery-dev/orrery/framework/loop"
	"github.com/orrery-dev/orrery/internal/wiring"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsclient "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

func TestMigrations(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Migrating storage versions")
}

// wait is how long the loop has at most, on a machine that does much else.
const wait = time.Minute

var (
	env         = &envtest.Environment{CRDs: []*apiextensionsv1.CustomResourceDefinition{gizmos}}
	admin       *kubernetes.Clientset
	objects     dynamic.Interface
	definitions *apiextensionsclient.Clientset
)

// gizmos are stored as v1.
var gizmos = &apiextensionsv1.CustomResourceDefinition{
	ObjectMeta: metav1.ObjectMeta{Name: "gizmos.example.com"},
	Spec: apiextensionsv1.CustomResourceDefinitionSpec{
		Group: "example.com", Scope: apiextensionsv1.NamespaceScoped,
		Names:    apiextensionsv1.CustomResourceDefinitionNames{Kind: "Gizmo", ListKind: "GizmoList", Plural: "gizmos", Singular: "gizmo"},
		Versions: []apiextensionsv1.CustomResourceDefinitionVersion{version("v1", true), version("v2", false)},
	},
}

func version(name string, storage bool) apiextensionsv1.CustomResourceDefinitionVersion {
	yes := true
	return apiextensionsv1.CustomResourceDefinitionVersion{
		Name: name, Served: true, Storage: storage, Schema: &apiextensionsv1.CustomResourceValidation{
			OpenAPIV3Schema: &apiextensionsv1.JSONSchemaProps{Type: "object", XPreserveUnknownFields: &yes},
		},
	}
}

var _ = BeforeSuite(func() {
	config, err := env.Start()
	Expect(err).NotTo(HaveOccurred())
	admin, objects, definitions = kubernetes.NewForConfigOrDie(config), dynamic.NewForConfigOrDie(config), apiextensionsclient.NewForConfigOrDie(config)
	mgr, err := wiring.NewManager(wiring.Cluster{Config: config, Naming: apis.Kubernetes}, nil)
	Expect(err).NotTo(HaveOccurred())
	source := kinds.Source{Discovery: discovery.NewDiscoveryClientForConfigOrDie(config)}
	Expect(loop.AddAll(mgr, loop.Options{}, storageversionmigrator.Loop(source))).To(Succeed())
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan error, 1)
	go func() { stopped <- mgr.Run(ctx) }()
	DeferCleanup(func() {
		cancel()
		Expect(<-stopped).To(Succeed())
		Expect(env.Stop()).To(Succeed())
	})
})

// migrate asks for the migration of a resource.
func migrate(ctx context.Context, group, resource string) (name string) {
	GinkgoHelper()
	made, err := admin.StoragemigrationV1().StorageVersionMigrations().Create(ctx, &storagemigrationv1.StorageVersionMigration{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "test-"},
		Spec:       storagemigrationv1.StorageVersionMigrationSpec{Resource: metav1.GroupResource{Group: group, Resource: resource}},
	}, metav1.CreateOptions{})
	Expect(err).NotTo(HaveOccurred())
	return made.Name
}

// conditions are what a migration says of itself in the end.
func conditions(ctx context.Context, name string) func() []string {
	return func() []string {
		GinkgoHelper()
		m, err := admin.StoragemigrationV1().StorageVersionMigrations().Get(ctx, name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		var said []string
		for _, condition := range m.Status.Conditions {
			said = append(said, condition.Type+"="+string(condition.Status)+" "+condition.Reason)
		}
		return said
	}
}

func eventually[T any](ctx context.Context, state func() T) AsyncAssertion {
	return Eventually(state).WithContext(ctx).WithTimeout(wait).WithPolling(20 * time.Millisecond)
}

var succeeded = ConsistOf("Running=False MigrationCompleted", "Succeeded=True StorageVersionMigrationSucceeded")

var _ = Describe("A migration", func() {
	It("has custom resources written in the version that they are stored in now, and the old one forgotten", func(ctx SpecContext) {
		v1 := schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "gizmos"}
		gizmo := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"size": "big"}}}
		gizmo.SetAPIVersion("example.com/v1")
		gizmo.SetKind("Gizmo")
		gizmo.SetName("g")
		before, err := objects.Resource(v1).Namespace("default").Create(ctx, gizmo, metav1.CreateOptions{})
		Expect(err).NotTo(HaveOccurred())

		storedAs := hash()
		change(ctx, version("v1", false), version("v2", true))
		eventually(ctx, hash).ShouldNot(Equal(storedAs))
		eventually(ctx, conditions(ctx, migrate(ctx, "example.com", "gizmos"))).Should(succeeded)

		after, err := objects.Resource(v1).Namespace("default").Get(ctx, "g", metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(after.GetResourceVersion()).NotTo(Equal(before.GetResourceVersion()), "it has been written anew")
		Expect(after.Object["spec"]).To(Equal(before.Object["spec"]))
		Expect(after.GetGeneration()).To(Equal(before.GetGeneration()))
		definition, err := definitions.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, gizmos.Name, metav1.GetOptions{})
		Expect(err).NotTo(HaveOccurred())
		Expect(definition.Status.StoredVersions).To(ConsistOf("v2"))
		Expect(definition.Status.Conditions).To(ContainElement(SatisfyAll(
			HaveField("Type", apiextensionsv1.StorageMigrating), HaveField("Status", apiextensionsv1.ConditionFalse), HaveField("Reason", "MigrationSucceeded"),
		)))
		change(ctx, version("v2", true))
	})

	It("of built-in objects succeeds, one after the other", func(ctx SpecContext) {
		first, second := migrate(ctx, "", "configmaps"), migrate(ctx, "", "configmaps")
		eventually(ctx, conditions(ctx, first)).Should(succeeded)
		eventually(ctx, conditions(ctx, second)).Should(succeeded)
	})

	It("fails where the server cannot write", func(ctx SpecContext) {
		eventually(ctx, conditions(ctx, migrate(ctx, "", "componentstatuses"))).Should(ConsistOf(
			"Running=False MigrationCompleted", "Failed=True StorageVersionMigrationFailed"))
	})
})

// change gives the definition other versions.
func change(ctx context.Context, versions ...apiextensionsv1.CustomResourceDefinitionVersion) {
	GinkgoHelper()
	Eventually(func() error {
		definition, err := definitions.ApiextensionsV1().CustomResourceDefinitions().Get(ctx, gizmos.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		definition.Spec.Versions = versions
		_, err = definitions.ApiextensionsV1().CustomResourceDefinitions().Update(ctx, definition, metav1.UpdateOptions{})
		return err
	}).WithContext(ctx).WithTimeout(wait).Should(Succeed())
}

// hash is by what discovery tells the version in which gizmos are stored.
func hash() string {
	GinkgoHelper()
	list, err := admin.Discovery().ServerResourcesForGroupVersion("example.com/v1")
	Expect(err).NotTo(HaveOccurred())
	for _, resource := range list.APIResources {
		if resource.Name == "gizmos" {
			return resource.StorageVersionHash
		}
	}
	return ""
}
