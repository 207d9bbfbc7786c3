package csi

import (
	"testing"

	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
)

func TestManagerGivesOutCSINodes(t *testing.T) {
	factory := informers.NewSharedInformerFactory(fake.NewClientset(&storagev1.CSINode{ObjectMeta: metav1.ObjectMeta{Name: "a"}}), 0)
	nodes := NewManager(factory).CSINodes()
	factory.Start(t.Context().Done())
	factory.WaitForCacheSync(t.Context().Done())

	if node, err := nodes.Get("a"); err != nil || node.Name != "a" {
		t.Errorf("getting a: %v, %v", node, err)
	}
	if _, err := nodes.Get("b"); !apierrors.IsNotFound(err) {
		t.Errorf("getting a node without a CSINode: %v, want not found", err)
	}
	if all, err := nodes.List(); err != nil || len(all) != 1 {
		t.Errorf("listing: %v, %v, want one", all, err)
	}
}
