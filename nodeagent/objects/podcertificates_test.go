package objects

import (
	"testing"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/orrery-dev/orrery/apis"
	ocorev1 "github.com/orrery-dev/orrery/apis/core/v1"
)

func TestAPodCertificateRequestSaysForWhomItIs(t *testing.T) {
	scheme := runtime.NewScheme()
	if err := apis.AddToScheme(scheme, apis.Kubernetes); err != nil {
		t.Fatal(err)
	}
	c := fake.NewClientBuilder().WithScheme(scheme).WithObjects(
		&corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "default", UID: "account"}},
		&ocorev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "one", UID: "node"}},
	).Build()
	p := NewPodCertificates(c)
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: "web", UID: "pod"}, Spec: corev1.PodSpec{NodeName: "one"}}
	source := &corev1.PodCertificateProjection{SignerName: "example.org/s", MaxExpirationSeconds: ptr.To[int32](3600), UserAnnotations: map[string]string{"a/b": "c"}}
	if _, err := p.Request(t.Context(), pod, source, []byte("stub")); err != nil {
		t.Fatal(err)
	}
	var requests certificatesv1.PodCertificateRequestList
	if err := c.List(t.Context(), &requests, client.InNamespace("n")); err != nil {
		t.Fatal(err)
	}
	if len(requests.Items) != 1 {
		t.Fatalf("there are %d requests, want one", len(requests.Items))
	}
	got := requests.Items[0]
	s := got.Spec
	if s.SignerName != "example.org/s" || s.PodName != "web" || s.PodUID != "pod" || s.ServiceAccountName != "default" || s.ServiceAccountUID != "account" ||
		s.NodeName != "one" || s.NodeUID != "node" || *s.MaxExpirationSeconds != 3600 || string(s.StubPKCS10Request) != "stub" || s.UnverifiedUserAnnotations["a/b"] != "c" {
		t.Errorf("the request is %+v", s)
	}
	if owner := metav1.GetControllerOfNoCopy(&got); owner != nil || len(got.OwnerReferences) != 1 || got.OwnerReferences[0].UID != "pod" {
		t.Errorf("it belongs to %+v, want the pod", got.OwnerReferences)
	}
}
