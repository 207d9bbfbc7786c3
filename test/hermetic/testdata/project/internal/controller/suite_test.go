package controller

import (
	"path/filepath"
	"testing"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/orrery-dev/orrery/envtest/rbac"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

var (
	testEnv   *envtest.Environment
	cfg       *rest.Config
	k8sClient client.Client
)

func TestControllers(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "Controller Suite")
}

var _ = BeforeSuite(func() {
	testEnv = &envtest.Environment{CRDDirectoryPaths: []string{filepath.Join("..", "..", "config", "crd", "bases")}, ErrorIfCRDPathMissing: true}
	var err error
	cfg, err = testEnv.Start()
	Expect(err).NotTo(HaveOccurred())
	k8sClient, err = client.New(cfg, client.Options{})
	Expect(err).NotTo(HaveOccurred())
})

var _ = AfterSuite(func() {
	Expect(testEnv.Stop()).To(Succeed())
})

var _ = Describe("an API server of somebody else's suite", func() {
	It("serves what is built in, and what was installed", func(ctx SpecContext) {
		Expect(k8sClient.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: "c"}})).To(Succeed())
		planets := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "example.org/v1", Kind: "PlanetList"}}
		Expect(k8sClient.List(ctx, planets)).To(Succeed())
	})
	It("knows users that are added, and runs kubectl for them", func() {
		user, err := testEnv.AddUser(envtest.User{Name: "tycho", Groups: []string{"system:masters"}}, nil)
		Expect(err).NotTo(HaveOccurred())
		kubectl, err := user.Kubectl()
		Expect(err).NotTo(HaveOccurred())
		out, _, err := kubectl.Run("get", "configmap", "c", "--output", "name")
		Expect(err).NotTo(HaveOccurred())
		said := make([]byte, 64)
		n, _ := out.Read(said)
		Expect(string(said[:n])).To(Equal("configmap/c\n"))
	})
	It("lets a manager do what its roles allow, all of which it does", func(ctx SpecContext) {
		manager, err := client.New(rbac.Prove(GinkgoTB(), cfg, rbac.Options{Roles: []string{filepath.Join("..", "..", "config", "rbac")}}), client.Options{})
		Expect(err).NotTo(HaveOccurred())
		planets := &metav1.PartialObjectMetadataList{TypeMeta: metav1.TypeMeta{APIVersion: "example.org/v1", Kind: "PlanetList"}}
		Expect(manager.List(ctx, planets)).To(Succeed())
	})
})
